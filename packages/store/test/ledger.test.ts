// Balances: what is paid in, given, held and used adds up at every moment, whoever comes between.
import { randomUUID } from 'node:crypto'
import { compilePrices } from '@switchyard/ledger'
import type { Money, UsageEvent } from '@switchyard/runtime'
import { type TestDatabase, testDatabase } from '@switchyard/store/testing'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { allow, caller, document, operator, publish, put } from './given.ts'
import { usageEvent } from './usage-event.ts'

let db: TestDatabase
let eyes: Client
beforeAll(async () => {
  db = await testDatabase({ prices: compilePrices })
  eyes = new Client({ connectionString: db.url, options: '-c search_path=switchyard' })
  await eyes.connect()
  await publish(db, 'sale', [
    { model: 'tiny', unit: 'tok.in.*', price: '0.01', per: 1 },
    { model: 'tiny', unit: 'tok.out.*', price: '0.02', per: 1 },
  ])
})
afterAll(async () => {
  await eyes.end()
  await db.close()
})

/** 10 tokens in and 5 out. */
const cost = '0.2'

let made = 0
async function workspace(billing: object): Promise<string> {
  const name = `w${++made}`
  await put(db.store, document('Workspace', null, name, { currency: 'USD', billing }))
  return name
}

const pay = (name: string, amount: string, more: Partial<Money> = {}) =>
  db.ledger.record(operator, {
    workspace: name,
    project: '',
    cause: 'top_up',
    amount,
    priority: 100,
    expiresAt: null,
    reason: null,
    key: randomUUID(),
    fingerprint: 'f',
    ...more,
  })

const balance = async (name: string) => (await db.ledger.balances(operator, name))[0]
const amounts = async (name: string) => {
  const { balance: left, pending, sliced, available, overrun } = (await balance(name)) ?? {}
  return { left, pending, sliced, available, overrun }
}

const ask = async (text: string, values: unknown[]) =>
  (await eyes.query<Record<string, string>>(text, values)).rows[0] ?? {}
const lease = (
  name: string,
  more: { need?: string; free?: string; back?: string; journal: string; epoch?: number },
) =>
  ask('select * from lease_slice($1, $2, $3, $4, $5, 0, $6, $7, 0.2, 30)', [
    name,
    '',
    more.journal,
    more.epoch ?? 1,
    more.need ?? '0',
    more.free ?? '0',
    more.back ?? '0',
  ])

async function sound(): Promise<void> {
  const { rows } = await eyes.query(`
    select a.id from accounts a where posted <> (select coalesce(sum(amount), 0) from ledger_entries where account = a.id)
      or (role = 'balance' and posted + pending + sliced > limit_amount + overrun)
      or sliced <> (select coalesce(sum(amount - used), 0) from slices where account = a.id)
      or pending <> (select coalesce(sum(reserved), 0) from holds where account = a.id and state in ('pending', 'orphaned'))
      or (role = 'balance' and greatest(0, -posted) <> (select coalesce(sum(remaining), 0) from credits where account = a.id))
    union all select txn from ledger_entries group by txn, currency having sum(amount) <> 0`)
  expect(rows).toEqual([])
}

describe('money that people bring', () => {
  test('is a balance that can be spent, in the currency of the workspace', async () => {
    const name = await workspace({ mode: 'prepaid' })
    expect(await db.ledger.balances(operator, name)).toEqual([])
    await pay(name, '12.50')
    expect(await balance(name)).toEqual({
      workspace: name,
      project: null,
      currency: 'USD',
      kind: 'prepaid',
      limit: '0',
      balance: '12.5',
      pending: '0',
      sliced: '0',
      available: '12.5',
      overrun: '0',
      credits: [{ cause: 'top_up', amount: '12.5', remaining: '12.5', priority: 100, expiresAt: null }],
    })
    expect(await db.ledger.entries(operator, { workspace: name, limit: 10 })).toMatchObject([
      { cause: 'top_up', amount: '12.5', against: 'payments', actor: 'system:operator', currency: 'USD' },
    ])
    const { rows } = await eyes.query(
      "select entry #>> '{after,amount}' as amount from audit_pending where entry ->> 'action' = 'account.top_up' and entry ->> 'workspace' = $1",
      [name],
    )
    expect(rows).toEqual([{ amount: '12.5' }])
    await sound()
  })

  test('counts once under its key, and another request under the key is refused', async () => {
    const name = await workspace({ mode: 'prepaid' })
    const key = randomUUID()
    const first = await pay(name, '5', { key })
    expect(first.again).toBe(false)
    expect(await pay(name, '5', { key })).toEqual({ transaction: first.transaction, again: true })
    await expect(pay(name, '6', { key, fingerprint: 'other' })).rejects.toMatchObject({
      reason: 'idempotency_reuse',
    })
    const racing = randomUUID()
    const all = await Promise.all(Array.from({ length: 8 }, () => pay(name, '1', { key: racing })))
    expect(all.filter(({ again }) => !again).length).toBe(1)
    expect((await balance(name))?.balance).toBe('6')
    await sound()
  })

  test('needs an account: a workspace that is not billed has none', async () => {
    const none = await workspace({ mode: 'none' })
    await expect(pay(none, '5')).rejects.toMatchObject({ code: 'conflict', reason: 'no_account' })
    const name = await workspace({ mode: 'prepaid', projects: { lab: { mode: 'prepaid' } } })
    await pay(name, '5', { project: 'lab' })
    await expect(pay(name, '5', { project: 'other' })).rejects.toMatchObject({ reason: 'no_account' })
    expect((await db.ledger.balances(operator, name)).map(({ project }) => project)).toEqual(['lab'])
  })

  test('is brought by whoever holds billing:credit there, and seen by whoever holds account:read', async () => {
    const name = await workspace({ mode: 'prepaid' })
    const other = await workspace({ mode: 'prepaid' })
    await pay(name, '1')
    await pay(other, '1')
    await allow(db.store, `reader-${name}`, name, ['account:read'])
    await allow(db.store, `cashier-${name}`, name, ['billing:credit'])
    const reader = caller(`reader-${name}`)
    const mine = {
      workspace: name,
      project: '',
      cause: 'grant',
      amount: '9',
      priority: 1,
      expiresAt: null,
      reason: null,
    }
    const record = (as: typeof reader, more: Partial<Money> = {}) =>
      db.ledger.record(as, { ...mine, key: randomUUID(), fingerprint: '', ...more } as Money)
    expect((await db.ledger.balances(reader, name)).length).toBe(1)
    expect(await db.ledger.balances(reader, other)).toEqual([])
    expect(await db.ledger.entries(reader, { workspace: other, limit: 9 })).toEqual([])
    await expect(record(reader)).rejects.toMatchObject({ code: 'denied' })
    const cashier = caller(`cashier-${name}`)
    await record(cashier)
    expect(await db.ledger.balances(cashier, name)).toEqual([])
    await expect(record(cashier, { workspace: other })).rejects.toMatchObject({ code: 'denied' })
    expect((await balance(name))?.balance).toBe('10')
  })

  test('burns by priority, then by the earliest expiry, then by age; a withdrawal takes nothing that was given', async () => {
    const name = await workspace({ mode: 'prepaid' })
    const soon = new Date(Date.now() + 3_600_000).toISOString()
    const later = new Date(Date.now() + 7_200_000).toISOString()
    await pay(name, '1')
    await pay(name, '1', { cause: 'grant', priority: 50 })
    await pay(name, '1', { cause: 'grant', priority: 10, expiresAt: later })
    await pay(name, '1', { cause: 'grant', priority: 10, expiresAt: soon })
    const left = async () =>
      (await balance(name))?.credits.map(({ remaining, priority, expiresAt }) => [
        priority,
        expiresAt,
        remaining,
      ])
    await db.usage.ingest(Array.from({ length: 7 }, () => usageEvent(name)))
    expect(await left()).toEqual([
      [10, later, '0.6'],
      [50, null, '1'],
      [100, null, '1'],
    ])
    await expect(pay(name, '1.5', { cause: 'withdrawal' })).rejects.toMatchObject({
      reason: 'insufficient_quota',
    })
    await pay(name, '0.4', { cause: 'withdrawal' })
    expect((await left())?.at(-1)).toEqual([100, null, '0.6'])
    await pay(name, '-2', { cause: 'correction' })
    expect(await left()).toEqual([[100, null, '0.2']])
    await expect(pay(name, '-1', { cause: 'correction' })).rejects.toMatchObject({
      reason: 'insufficient_quota',
    })
    await sound()
  })

  test('goes when its time is over, but for what is held of it', async () => {
    const name = await workspace({ mode: 'prepaid' })
    await pay(name, '10', { cause: 'grant', expiresAt: new Date(Date.now() + 300).toISOString() })
    await pay(name, '20')
    const journal = randomUUID()
    await lease(name, { journal, need: '25' })
    await expect
      .poll(async () => {
        await db.prune()
        return (await balance(name))?.balance
      })
      .toBe('25')
    await lease(name, { journal, free: '25', back: '25' })
    await expect
      .poll(async () => {
        await db.prune()
        return (await balance(name))?.balance
      })
      .toBe('20')
    expect(
      (await db.ledger.entries(operator, { workspace: name, limit: 2 })).map(({ against }) => against),
    ).toEqual(['expired', 'expired'])
    await sound()
  })
})

describe('what is used', () => {
  test('is posted once, whatever is sent twice', async () => {
    const name = await workspace({ mode: 'postpaid', credit: '100' })
    await lease(name, { journal: randomUUID() })
    const event = usageEvent(name)
    await db.usage.ingest([event, event])
    await db.usage.ingest([event])
    expect(await amounts(name)).toEqual({
      left: `-${cost}`,
      pending: '0',
      sliced: '0',
      available: '99.8',
      overrun: cost,
    })
    expect(
      (await db.ledger.entries(operator, { workspace: name, limit: 9 })).map(
        ({ amount, against, reference }) => [amount, against, reference],
      ),
    ).toEqual([[`-${cost}`, 'revenue', `usage:${event.id}`]])
    await sound()
  })

  test('comes out of the slice or the hold that held it, and what is beyond counts as overrun', async () => {
    const name = await workspace({ mode: 'prepaid' })
    await pay(name, '100')
    const journal = randomUUID()
    const { slice, account, amount } = await lease(name, { journal, need: '0.3' })
    expect(amount).toBe('1.000000000000')
    const held = (hold: string, data: Partial<UsageEvent['data']> = {}) => usageEvent(name, { hold, ...data })
    await db.usage.ingest([held(slice ?? ''), held(slice ?? '')])
    expect(await amounts(name)).toEqual({
      left: '99.6',
      pending: '0',
      sliced: '0.6',
      available: '99',
      overrun: '0',
    })
    const single = usageEvent(name, { hold: 'row' })
    const { request } = single.data
    expect(
      await ask('select * from hold_money($1, $2, $3, 1, 0.15, 60)', [request, account, journal]),
    ).toMatchObject({ said: 'held' })
    expect((await amounts(name)).pending).toBe('0.15')
    await db.usage.ingest([single])
    expect(await amounts(name)).toEqual({
      left: '99.4',
      pending: '0',
      sliced: '0.6',
      available: '98.8',
      overrun: '0.05',
    })
    const large = held(slice ?? '', { quantities: { 'tok.in.uncached': '80' } })
    await db.usage.ingest([large])
    expect(await amounts(name)).toEqual({
      left: '98.6',
      pending: '0',
      sliced: '0',
      available: '98.6',
      overrun: '0.25',
    })
    await sound()
  })

  test('of one workspace never comes out of what another one holds', async () => {
    const [rich, poor] = [await workspace({ mode: 'prepaid' }), await workspace({ mode: 'prepaid' })]
    await pay(rich, '100')
    await pay(poor, '100')
    const { slice } = await lease(rich, { journal: randomUUID(), need: '1' })
    expect(await db.usage.ingest([usageEvent(poor, { hold: slice ?? '' })])).toEqual(['accepted'])
    expect((await amounts(rich)).left).toBe('100')
    expect((await amounts(poor)).left).toBe('99.8')
    await sound()
  })

  test('without a price stays held', async () => {
    const name = await workspace({ mode: 'prepaid' })
    await pay(name, '100')
    const { slice } = await lease(name, { journal: randomUUID(), need: '1' })
    await db.usage.ingest([usageEvent(name, { hold: slice ?? '', model: 'unknown' })])
    expect(await amounts(name)).toEqual({
      left: '100',
      pending: '0',
      sliced: '1',
      available: '99',
      overrun: '0',
    })
  })
})

describe('MB3.25: a vanished gateway', () => {
  test('goes on counting until its journal is recovered; then it settles to the digit', async () => {
    const name = await workspace({ mode: 'prepaid' })
    await pay(name, '100')
    const journal = randomUUID()
    const { slice, account } = await lease(name, { journal, need: '1', epoch: 3 })
    await ask('select * from hold_money($1, $2, $3, 3, 0.5, 0)', [randomUUID(), account, journal])
    expect((await db.ledger.standing()).lapsed).toBeLessThan(3599)
    await eyes.query("update slices set expires_at = now() - interval '1 hour' where id = $1", [slice])
    await db.prune()
    expect((await db.ledger.standing()).lapsed).toBeGreaterThan(3599)
    expect(await amounts(name)).toMatchObject({ sliced: '1', pending: '0.5', available: '98.5' })
    await db.usage.ingest([usageEvent(name, { hold: slice ?? '' })])
    await db.usage.recovered({ journal, epoch: 4 })
    await db.usage.recovered({ journal, epoch: 4 })
    expect((await db.ledger.standing()).lapsed).toBeLessThan(3599)
    expect(await amounts(name)).toEqual({
      left: '99.8',
      pending: '0',
      sliced: '0',
      available: '99.8',
      overrun: '0',
    })
    expect((await lease(name, { journal, need: '1', epoch: 3 })).said).toBe('fenced')
    expect((await lease(name, { journal, need: '1', epoch: 4 })).said).toBe('slice')
    await sound()
  })

  test('that left no trace for a day is written off', async () => {
    const name = await workspace({ mode: 'prepaid' })
    await pay(name, '100')
    const { slice } = await lease(name, { journal: randomUUID(), need: '1' })
    await eyes.query("update slices set expires_at = now() - interval '25 hours' where id = $1", [slice])
    await db.prune({ traceHours: 26 })
    expect((await amounts(name)).sliced).toBe('1')
    await db.prune()
    expect(await amounts(name)).toEqual({
      left: '100',
      pending: '0',
      sliced: '0',
      available: '100',
      overrun: '0',
    })
    const { rows } = await eyes.query(
      'select cause, reference from ledger_transactions where workspace = $1 order by id desc limit 1',
      [name],
    )
    expect(rows).toEqual([{ cause: 'write_off', reference: `slice:${slice}` }])
    await sound()
  })
})

test('what was posted is never changed, not by the owner of the tables either', async () => {
  for (const table of ['ledger_entries', 'ledger_transactions'])
    for (const change of [`update ${table} set workspace = 'x'`, `delete from ${table}`, `truncate ${table}`])
      await expect(eyes.query(change)).rejects.toMatchObject({ code: 'SY403' })
  const { id } = await ask('select id from accounts limit 1', [])
  await expect(
    eyes.query("insert into ledger_entries values (9e9, 1, $1, 'w', 1, 'USD')", [id]),
  ).rejects.toMatchObject({ code: '23514' })
})

test('a limit that is lowered, and credit that becomes prepayment, refuse what comes next and break nothing', async () => {
  const name = await workspace({ mode: 'postpaid', credit: '1' })
  await lease(name, { journal: randomUUID() })
  await db.usage.ingest([usageEvent(name), usageEvent(name)])
  const change = async (billing: object) => {
    await db.store.write(operator, async tx => {
      const found = await tx.lock({ kind: 'Workspace', workspace: null, name }, 'update')
      if (!found) throw new Error('it is gone')
      await tx.update({ ...found, spec: { currency: 'USD', billing } }, null)
    })
    return lease(name, { journal: randomUUID(), need: '0.1' })
  }
  expect(await change({ mode: 'postpaid', credit: '0.1' })).toMatchObject({
    said: 'row',
    remaining: '-0.300000000000',
  })
  expect(await change({ mode: 'prepaid' })).toMatchObject({ said: 'row', remaining: '-0.400000000000' })
  expect(await change({ mode: 'none' })).toMatchObject({ said: 'none' })
  await change({ mode: 'prepaid' })
  await pay(name, '1')
  expect(await balance(name)).toMatchObject({ balance: '0.6', credits: [{ amount: '1', remaining: '0.6' }] })
  await sound()
})
