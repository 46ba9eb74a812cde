// What events cost by tier, by region and by who answered: to callers and to us, in one transaction, by one rating.
import { compilePrices } from '@switchyard/ledger'
import type { UsageEvent } from '@switchyard/runtime'
import { type TestDatabase, testDatabase } from '@switchyard/store/testing'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { assertionsOf } from '../src/assertions.ts'
import { document, operator, publish, put } from './given.ts'
import { usageEvent } from './usage-event.ts'

let db: TestDatabase
let eyes: Client

beforeAll(async () => {
  db = await testDatabase({ prices: compilePrices })
  eyes = new Client({ connectionString: db.url, options: '-c search_path=switchyard -c timezone=UTC' })
  await eyes.connect()
  const sold = { model: 'tiny', unit: 'tok.out.*', per: 1 } as const
  await publish(db, 'sale', [
    { ...sold, price: '2' },
    { ...sold, price: '3', tier: 'priority' },
    { ...sold, price: '5', tier: 'standard', region: 'eu-west-1' },
    { ...sold, price: '7', tier: 'priority', region: 'eu-west-1' },
    { ...sold, price: '1', tier: 'cache' },
    { ...sold, model: 'dust', price: '0.000000001', per: 1_000_000_000 },
    { ...sold, model: 'free', price: '0' },
  ])
  const asked = { model: 'gpt-5-2026*', unit: 'tok.out.*', per: 1 } as const
  await publish(
    db,
    'cost',
    [
      { ...asked, price: '0.5', provider: 'platform/east' },
      { ...asked, price: '0.75', provider: 'platform/east', tier: 'priority' },
      { ...asked, price: '0.25', provider: 'w/west' },
      { model: 'own', unit: 'tok.out.*', per: 1, price: '0.1', endpoint: 'w/own' },
    ],
    { side: 'cost' },
  )
  await put(db.store, document('Workspace', null, 'w', { currency: 'USD', timezone: 'UTC' }))
})
afterAll(async () => {
  await eyes.end()
  await db.close()
})

const quantities = { 'tok.out.text': '10' }
const east = { provider: 'platform/east', upstreamModel: 'gpt-5-2026-01-01', endpoint: '' }

/** What it is sold for, and what it costs. */
async function rated(data: Partial<UsageEvent['data']>): Promise<readonly [string | null, string | null]> {
  const event = usageEvent('w', { quantities, ...data })
  expect(await db.usage.ingest([event])).toEqual(['accepted'])
  const { rows } = await eyes.query<{ amount: string | null; cost: string | null }>(
    'select trim_scale(amount)::text as amount, trim_scale(cost)::text as cost from usage_events where id = $1',
    [event.id],
  )
  return [rows[0]?.amount ?? null, rows[0]?.cost ?? null]
}

test.each<[string, Partial<UsageEvent['data']>, string | null, string | null]>([
  ['a standard one of a provider', east, '20', '5'],
  ['one before others', { ...east, tier: 'priority' }, '30', '7.5'],
  ['one in a region', { ...east, region: 'eu-west-1' }, '50', '5'],
  ['one in a region that has no price of its own', { ...east, region: 'us-1' }, '20', '5'],
  ['both: what says more is taken', { ...east, tier: 'priority', region: 'eu-west-1' }, '70', '7.5'],
  ['a batch, which has no price of its own', { ...east, tier: 'batch' }, '20', '5'],
  ['a kept answer, which nobody charges us for', { ...east, tier: 'cache' }, '10', null],
  ['another provider of the same model', { ...east, provider: 'w/west' }, '20', '2.5'],
  ['a model of a provider that has no price', { ...east, upstreamModel: 'gpt-4' }, '20', null],
  ['a provider that nobody knows', { ...east, provider: 'platform/gone' }, '20', null],
  ['an endpoint here', { endpoint: 'own', upstreamModel: 'own' }, '20', '1'],
  ['an endpoint here, as events of before told it', { endpoint: 'own' }, '20', '1'],
  ['what a provider charges and no caller pays', { ...east, billable: 'cost' }, null, '5'],
])('%s', async (_, data, amount, cost) => {
  expect(await rated(data)).toEqual([amount, cost])
})

test('a tier that there is none of, and texts that are none, are refused', async () => {
  for (const data of [{ tier: 'gold' }, { region: 7 }, { provider: 'a\0b' }, { upstreamModel: null }])
    expect(await db.usage.ingest([usageEvent('w', data as never)])).toEqual(['quarantined'])
})

test('what has no cost is unknown, and waits in no quarantine though its caller pays', async () => {
  const pays = { billing: { mode: 'postpaid', credit: '1000' }, currency: 'USD', timezone: 'UTC' }
  await put(db.store, document('Workspace', null, 'payer', pays))
  const event = usageEvent('payer', { quantities, ...east, provider: 'platform/gone' })
  expect(await db.usage.ingest([event])).toEqual(['accepted'])
})

test('MB6: sums by upstream tell what is sold, what it costs and what of that is not known, and are the fold of the events', async () => {
  await put(db.store, document('Workspace', null, 'sums', { currency: 'USD', timezone: 'UTC' }))
  const west = { ...east, provider: 'platform/gone' }
  await db.usage.ingest([
    usageEvent('sums', { quantities, ...east }),
    usageEvent('sums', { quantities, ...east, billable: 'cost' }),
    usageEvent('sums', { quantities, ...west, billable: 'cost' }),
    usageEvent('sums', { quantities, ...west }),
    usageEvent('sums', { quantities: {}, ...west, end: 'refused' }),
    usageEvent('sums', { quantities, endpoint: 'own', tier: 'cache' }),
  ])
  const within = { workspace: 'sums', by: ['upstream'] as const }
  const rolled = await db.usage.usage(operator, within)
  const sums = rolled.map(({ group, requests, uncosted, amounts }) => [
    group.upstream,
    requests,
    uncosted,
    ...amounts.map(({ amount, cost }) => `${amount} for ${cost}`),
  ])
  expect(sums).toEqual([
    ['own', '1', '0', '10 for 0'],
    ['platform/east', '1', '0', '20 for 10'],
    ['platform/gone', '2', '2', '20 for 0'],
  ])
  const since = new Date(Date.now() - 86_400_000 - 1).toISOString()
  expect(await db.usage.usage(operator, { ...within, from: since })).toEqual(rolled)
  const only = await db.usage.usage(operator, { workspace: 'sums', by: [], upstream: 'platform/east' })
  expect(only).toMatchObject([{ requests: '1', amounts: [{ amount: '20', cost: '10' }] }])
  expect(await db.usage.rebuild(operator, {}, false)).toEqual([])
})

test('MB1: usage that comes to nothing by a price that is not 0 is found, and what is free is not', async () => {
  const [dust, free] = ['dust', 'free'].map(model => usageEvent('w', { model, quantities }))
  if (!dust || !free) throw new Error('two events were made')
  expect(await db.usage.ingest([dust, free])).toEqual(['accepted', 'accepted'])
  const { sql } = assertionsOf().find(({ name }) => name === 'nothing_charged') ?? { sql: '' }
  await eyes.query('begin; set local role switchyard_doctor')
  const { rows } = await eyes.query<{ wrong: string; names: string[] }>(sql)
  await eyes.query('rollback')
  expect(rows).toMatchObject([{ wrong: '1', names: [`w ${dust.id}`] }])
})
