// Balances over HTTP: who may see and bring money, and that it counts once.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { expectStatus, type Harness, type Person, start } from './harness.ts'

let h: Harness
let cashier: Person
let biller: Person
beforeAll(async () => {
  h = await start()
  for (const name of ['red', 'blue'])
    expectStatus(
      await h.call('POST', '/api/v1/workspaces', {
        body: { metadata: { name }, spec: { billing: { mode: 'prepaid' } } },
      }),
      201,
    )
  const role = { metadata: { name: 'cashier' }, spec: { permissions: ['billing:credit', 'account:read'] } }
  expectStatus(await h.call('POST', '/api/v1/roles', { body: role }), 201)
  cashier = await h.person('cash', { red: ['cashier'] })
  biller = await h.person('bill', { red: ['billing'] })
})
afterAll(() => h[Symbol.asyncDispose]())

const bring = (body: object, key: string | undefined, token = cashier.token, workspace = 'red') =>
  h.call('POST', `/api/v1/workspaces/${workspace}/balances/transactions`, {
    token,
    body,
    ...(key !== undefined && { headers: { 'idempotency-key': key } }),
  })
const list = (token: string, workspace = 'red') =>
  h.call('GET', `/api/v1/workspaces/${workspace}/balances`, { token })

test('money is brought once under its Idempotency-Key, which is required', async () => {
  const order = { type: 'top_up', amount: '10.25' }
  const without = await bring(order, undefined)
  expect([without.status, without.body.error.details[0]?.path]).toEqual([400, 'Idempotency-Key'])
  expectStatus(await bring(order, 'payment-1'), 201)
  const again = expectStatus(await bring(order, 'payment-1'), 200)
  expect(again.headers.get('idempotency-replayed')).toBe('true')
  const other = await bring({ ...order, amount: '11' }, 'payment-1')
  expect([other.status, other.body.error.reason]).toEqual([409, 'idempotency_reuse'])
  const answer = expectStatus(await list(biller.token), 200).body as unknown as { items: object[] }
  expect(answer.items).toMatchObject([{ kind: 'prepaid', balance: '10.25', currency: 'USD' }])
  const entries = await h.call('GET', '/api/v1/workspaces/red/balances/entries', { token: biller.token })
  expect((entries.body as unknown as { items: object[] }).items).toMatchObject([
    { cause: 'top_up', amount: '10.25', actor: 'user:cash', reference: 'key:payment-1' },
  ])
})

test('money is brought by those who may, and balances of another workspace are nowhere', async () => {
  const order = { type: 'grant', amount: '1' }
  expect((await bring(order, 'g1', biller.token)).status).toBe(403)
  expect((await bring(order, 'g1', cashier.token, 'blue')).status).toBe(404)
  expect((await list(cashier.token, 'blue')).status).toBe(404)
})

test('what is no amount is refused, and the field named', async () => {
  const bad: readonly (readonly [object, string])[] = [
    [{ type: 'top_up', amount: 5 }, 'amount'],
    [{ type: 'top_up', amount: '1e3' }, 'amount'],
    [{ type: 'top_up', amount: '0.0000000000001' }, 'amount'],
    [{ type: 'top_up', amount: '0.00' }, 'amount'],
    [{ type: 'top_up', amount: '-5' }, 'amount'],
    [{ type: 'withdrawal', amount: '5', expiresAt: '2030-01-01T00:00:00Z' }, 'expiresAt'],
  ]
  for (const [order, path] of bad) {
    const reply = await bring(order, 'bad')
    expect([reply.status, reply.body.error.details[0]?.path], JSON.stringify(order)).toEqual([400, path])
  }
  const more = await bring({ type: 'withdrawal', amount: '1000' }, 'w1')
  expect([more.status, more.body.error.reason]).toEqual([429, 'insufficient_quota'])
})

test('credit belongs to who pays later, and open doors have an amount', async () => {
  const patch = (billing: object) =>
    h.call('PATCH', '/api/v1/workspaces/blue', { body: { spec: { billing } } })
  for (const [billing, path] of [
    [{ mode: 'postpaid' }, 'spec.billing.credit'],
    [{ mode: 'prepaid', credit: '5' }, 'spec.billing.credit'],
    [{ onStoreLoss: 'open' }, 'spec.billing.openAmount'],
  ] as const) {
    const reply = await patch(billing)
    expect([reply.status, reply.body.error.details[0]?.path]).toEqual([400, path])
  }
  expectStatus(await patch({ mode: 'postpaid', credit: '5', onStoreLoss: 'open', openAmount: '1' }), 200)
})
