// Budgets over a real store: what is told, once, whoever looks.
import { randomUUID } from 'node:crypto'
import { budget, priceBook, workspace } from '@switchyard/kinds'
import { compilePrices } from '@switchyard/ledger'
import type { Identity, UsageEvent } from '@switchyard/runtime'
import { openStore } from '@switchyard/store'
import { type TestDatabase, testDatabase } from '@switchyard/store/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { document } from '../../../packages/store/test/given.ts'
import { type BudgetObservation, lookAtBudgets } from '../src/budgets.ts'

const operator: Identity = { role: 'caller', principal: 'system:operator', scopes: ['*'] }
let db: TestDatabase
const budgets = {
  all: { amount: '10' },
  shop: { amount: '10', project: 'shop', forecast: false },
  other: { amount: '1', model: 'other', period: 'day' },
}

beforeAll(async () => {
  db = await testDatabase({ prices: compilePrices })
  await db.store.write(operator, async tx => {
    await tx.insert(document('Workspace', null, 'red', workspace.spec.parse({})), [])
    const spec = priceBook.spec.parse({
      side: 'sale',
      currency: 'USD',
      from: '2026-01-01T00:00:00Z',
      rates: [{ model: '*', unit: 'tok.in.*', price: '1', per: 1 }],
    })
    await db.prices.publish(tx, { name: 'sale', version: 1, publishedBy: 'system:operator', spec })
    for (const [name, given] of Object.entries(budgets))
      await tx.insert(document('Budget', 'red', name, budget.spec.parse(given)), [])
  })
})
afterAll(() => db.close())

async function use(count: number, project: string): Promise<void> {
  const request = `${randomUUID().slice(0, 14)}7${randomUUID().slice(15)}`
  const time = new Date().toISOString()
  const event: UsageEvent = {
    specversion: '1.0',
    type: 'switchyard.usage.v1',
    source: '/gateway',
    id: `${request}:1:call`,
    subject: `red/${project}`,
    time,
    data: {
      workspace: 'red',
      project,
      key: 'abc',
      keyName: 'k',
      model: 'chat',
      endpoint: 'e',
      upstream: 'u',
      request,
      operation: 'chat',
      billable: 'caller',
      streamed: false,
      end: 'done',
      status: 200,
      endedAt: time,
      usageSource: 'engine',
      quantities: { 'tok.in.uncached': String(count) },
      flags: [],
    },
  }
  expect(await db.usage.ingest([event])).toEqual(['accepted'])
}

/** As a process that has just begun. */
async function look(): Promise<readonly BudgetObservation[]> {
  const observed: BudgetObservation[] = []
  await using opened = openStore({ url: db.url })
  const { store, usage } = opened
  await lookAtBudgets({ store, usage, now: Date.now, observe: each => observed.push(each) })
  return observed
}

const told = (observed: readonly BudgetObservation[]) =>
  observed.map(each =>
    each.type === 'budget_told' && each.reason === 'BudgetThreshold'
      ? `${each.budget} ${each.message.split(' ')[0]}`
      : each.type,
  )

test('MB6.40: the 80 % alert is sent once over three restarts', async () => {
  await use(8, 'shop')
  await use(1, 'lab')
  const first = told(await look())
  expect(first).toEqual(expect.arrayContaining(['all 50', 'all 80', 'shop 50', 'shop 80']))
  for (let restart = 0; restart < 3; restart++) expect(await look()).toEqual([])
  await use(2, 'shop')
  expect(told(await look()).toSorted((one, other) => (one < other ? -1 : 1))).toEqual(['all 100', 'shop 100'])
  const { items } = await db.store.read(operator, tx => tx.list({ kind: 'Budget' }))
  expect(items.map(({ metadata, status }) => [metadata.name, status])).toEqual([
    ['all', expect.objectContaining({ spent: '11', currency: 'USD', phase: 'Exceeded' })],
    ['other', expect.objectContaining({ spent: '0', phase: 'Within' })],
    ['shop', expect.objectContaining({ spent: '10', phase: 'Exceeded' })],
  ])
  const events = await db.store.events(operator, { workspace: 'red', limit: 100 })
  expect(
    events
      .filter(({ message }) => message.startsWith('80 %'))
      .map(({ object, count }) => [object.name, count]),
  ).toEqual(
    expect.arrayContaining([
      ['all', 1],
      ['shop', 1],
    ]),
  )
  expect(events.filter(({ message }) => message.startsWith('80 %'))).toHaveLength(2)
})
