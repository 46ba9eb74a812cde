// What events cost and what they sum up to, in the transaction that takes them: exact, and once, however they come.
import { compilePrices } from '@switchyard/ledger'
import type { UsageEvent } from '@switchyard/runtime'
import { openStore } from '@switchyard/store'
import { type TestDatabase, testDatabase } from '@switchyard/store/testing'
import fc from 'fast-check'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { document, operator, publish, put } from './given.ts'
import { usageEvent } from './usage-event.ts'

let db: TestDatabase
let eyes: Client
const month = new Date(Date.UTC(new Date().getUTCFullYear(), new Date().getUTCMonth(), 1))
/** Within the same month as now, and not ahead of it. */
const moment = new Date(Math.max(month.getTime(), Date.now() - 3_600_000)).toISOString()

beforeAll(async () => {
  db = await testDatabase({ prices: compilePrices })
  eyes = new Client({ connectionString: db.url, options: '-c search_path=switchyard -c timezone=UTC' })
  await eyes.connect()
  await publish(db, 'sale', [
    { model: 'tiny', unit: 'tok.in.*', price: '0.0375' },
    { model: 'tiny', unit: 'tok.in.cache_read', price: '0.01' },
    { model: 'tiny', unit: 'tok.out.*', price: '3' },
    {
      model: 'steps',
      unit: 'tok.out.*',
      charge: 'graduated',
      per: 7,
      steps: [{ upTo: '100', price: '3' }, { upTo: '1000', price: '2', flat: '1' }, { price: '1' }],
    },
    { model: 'steps', unit: 'tok.in.*', charge: 'package', price: '5', per: 1000 },
  ])
  const own = { model: '*', endpoint: 'default/tiny' } as const
  await publish(
    db,
    'cost',
    [
      { ...own, unit: 'tok.in.*', price: '0' },
      { ...own, unit: 'tok.out.*', price: '1' },
    ],
    { side: 'cost' },
  )
})
afterAll(async () => {
  await eyes.end()
  await db.close()
})

let made = 0
async function workspace(spec: object = {}, name = `w${++made}`): Promise<string> {
  await put(db.store, document('Workspace', null, name, { currency: 'USD', timezone: 'UTC', ...spec }))
  return name
}
const pays = { billing: { mode: 'postpaid', credit: '100000' } }

const at = (event: UsageEvent, time = moment): UsageEvent => ({ ...event, time })
const total = async (name: string) =>
  (
    await eyes.query<{ amount: string; events: string }>(
      'select coalesce(sum(amount), 0)::text as amount, count(*)::text as events from usage_events where workspace = $1',
      [name],
    )
  ).rows[0]!
const reasons = async (name: string) =>
  (
    await eyes.query<{ reason: string }>('select reason from usage_quarantine where workspace = $1', [name])
  ).rows.map(({ reason }) => reason)

/** Rows that roll-ups and the fold of the events do not share. */
async function unfolded(): Promise<readonly unknown[]> {
  const { rows } = await eyes.query<object>(`
    (select * from usage_rollups except all select * from fold_usage(null, null)) union all
    (select * from fold_usage(null, null) except all select * from usage_rollups)`)
  return rows
}

test('MB2.15: 0.0375 per million x 1 token is 0.000000037500, and each unit tells its rate', async () => {
  const name = await workspace()
  const quantities = { 'tok.in.uncached': '1', 'tok.in.cache_read': '300', 'tok.out.text': '2' }
  await db.usage.ingest([at(usageEvent(name, { quantities }))])
  const { rows } = await eyes.query(
    `select r.unit, r.quantity::text, r.amount::text, p.rate, r.currency from rated r join price_rates p on p.id = r.rate
     where workspace = $1 and r.side = 'sale' order by unit`,
    [name],
  )
  expect(rows).toEqual([
    { unit: 'tok.in.cache_read', quantity: '300', amount: '0.000003000000', rate: 1, currency: 'USD' },
    { unit: 'tok.in.uncached', quantity: '1', amount: '0.000000037500', rate: 0, currency: 'USD' },
    { unit: 'tok.out.text', quantity: '2', amount: '0.000006000000', rate: 2, currency: 'USD' },
  ])
  expect((await total(name)).amount).toBe('0.000009037500')
})

test('MB1.4: the same events shipped ten times by two processes make one event and one amount each', async () => {
  const name = await workspace()
  const events = Array.from({ length: 40 }, (_, n) =>
    at(
      usageEvent(name, {
        model: n % 2 === 0 ? 'tiny' : 'steps',
        quantities: { 'tok.in.uncached': String(n), 'tok.out.text': String(n * 7) },
      }),
    ),
  )
  await using other = openStore({ url: db.url, prices: compilePrices })
  const shipped = Array.from({ length: 10 }, (_, n) =>
    (n % 2 === 0 ? db : other).usage.ingest(n % 3 === 0 ? events.toReversed() : events),
  )
  const answers = (await Promise.all(shipped)).flat()
  expect(answers.filter(answer => answer === 'accepted')).toHaveLength(40)
  expect(answers.filter(answer => answer === 'duplicate')).toHaveLength(360)
  const counted = await eyes.query<{ quantity: string }>(
    'select sum(quantity)::text as quantity from usage_counters where workspace = $1',
    [name],
  )
  // Of n odd: 400 tokens in and 2800 out.
  expect(counted.rows[0]?.quantity).toBe('3200')
  expect((await total(name)).events).toBe('40')
  expect(await unfolded()).toEqual([])
})

test('MB2.I1, MB2.I3: what the events of a month cost is its total, however they are cut, raced and repeated', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(200), { minLength: 1, maxLength: 25 }),
      fc.array(fc.array(fc.nat(24), { maxLength: 25 }), { minLength: 1, maxLength: 4 }),
      async (tokens, batches) => {
        const name = await workspace()
        const events = tokens.map(count =>
          at(usageEvent(name, { model: 'steps', quantities: { 'tok.out.text': String(count) } })),
        )
        const picked = batches.map(batch => batch.flatMap(index => events[index] ?? []))
        await Promise.all([...picked, events].map(batch => db.usage.ingest(batch)))
        const sum = tokens.reduce((all, count) => all + count, 0)
        await using alone = openStore({ url: db.url, prices: compilePrices })
        const twin = await workspace()
        await alone.usage.ingest([
          at(usageEvent(twin, { model: 'steps', quantities: { 'tok.out.text': String(sum) } })),
        ])
        expect((await total(name)).amount).toBe((await total(twin)).amount)
      },
    ),
    { numRuns: 15 },
  )
  expect(await unfolded()).toEqual([])
})

test('MB2.16: the price is that of the moment of admission, also when another is published since', async () => {
  const name = await workspace()
  await publish(db, 'turn', [{ model: 'turn', unit: 'tok.out.*', price: '1', per: 1 }])
  const event = at(usageEvent(name, { model: 'turn', quantities: { 'tok.out.text': '1' } }))
  await publish(db, 'turn', [{ model: 'turn', unit: 'tok.out.*', price: '9', per: 1 }], {
    from: new Date(Date.parse(moment) + 1).toISOString(),
  })
  await db.usage.ingest([event, at(event, new Date(Date.parse(moment) + 1).toISOString())])
  const later = at(
    usageEvent(name, { model: 'turn', quantities: { 'tok.out.text': '1' } }),
    new Date().toISOString(),
  )
  await db.usage.ingest([later])
  const { rows } = await eyes.query<{ amount: string }>(
    'select trim_scale(amount)::text as amount from usage_events where workspace = $1 order by time',
    [name],
  )
  expect(rows.map(({ amount }) => amount)).toEqual(['1', '9'])
})

test('MB2: a quantity without a price is never nothing: who pays is not charged and it waits; of others it is counted', async () => {
  const free = await workspace()
  const payer = await workspace(pays)
  const event = (name: string, data: Partial<UsageEvent['data']> = {}) =>
    at(usageEvent(name, { model: 'unpriced', ...data }))
  expect(await db.usage.ingest([event(free), event(payer), event(payer, { model: 'tiny' })])).toEqual([
    'accepted',
    'quarantined',
    'accepted',
  ])
  expect(await reasons(payer)).toEqual(['unpriced'])
  expect(await total(free)).toEqual({ amount: '0', events: '1' })
  // Nothing used costs nothing, and so does what callers do not pay for.
  expect(
    await db.usage.ingest([event(payer, { quantities: {} }), event(payer, { billable: 'cost' })]),
  ).toEqual(['accepted', 'accepted'])
})

test('MB1.6: one poison row among 1,000: 999 are accepted and cost what they cost, one is quarantined', async () => {
  const name = await workspace()
  await eyes.query("alter table usage_events add constraint poison check (upstream <> 'poison') not valid")
  const batch = Array.from({ length: 1000 }, (_, n) =>
    at(usageEvent(name, { ...(n === 617 && { upstream: 'poison' }), quantities: { 'tok.out.text': '1' } })),
  )
  const answers = await db.usage.ingest(batch)
  expect(answers.filter(answer => answer === 'accepted')).toHaveLength(999)
  expect(answers[617]).toBe('quarantined')
  expect(await total(name)).toEqual({ amount: '0.002997000000', events: '999' })
  await eyes.query('alter table usage_events drop constraint poison')
  expect(await unfolded()).toEqual([])
})

test('MB6: sums by unit and amount are the same from roll-ups and from events, cost and margin with them', async () => {
  await workspace({}, 'default')
  const quantities = { 'tok.in.uncached': '1000', 'tok.out.text': '500' }
  await db.usage.ingest([
    at(usageEvent('default', { quantities })),
    at(usageEvent('default', { quantities, model: 'nothing' })),
    at(usageEvent('default', { quantities, billable: 'cost' })),
  ])
  const within = { workspace: 'default', by: ['model'] as const }
  const hour = Math.floor(Date.parse(moment) / 3_600_000) * 3_600_000
  const from = (milliseconds: number) => new Date(hour + milliseconds).toISOString()
  const rolled = await db.usage.usage(operator, { ...within, from: from(0) })
  expect(rolled).toEqual(await db.usage.usage(operator, { ...within, from: from(-1) }))
  expect(rolled).toEqual([
    expect.objectContaining({
      group: { model: 'nothing' },
      requests: '1',
      amounts: [{ currency: 'USD', amount: '0', cost: '0.0005', units: {} }],
    }),
    expect.objectContaining({
      group: { model: 'tiny' },
      requests: '1',
      quantities,
      amounts: [
        {
          currency: 'USD',
          amount: '0.0015375',
          cost: '0.001',
          units: { 'tok.in.uncached': '0.0000375', 'tok.out.text': '0.0015' },
        },
      ],
    }),
  ])
})

test('MB1.I4: rebuilding names what differs from the fold, and mends it when asked', async () => {
  expect(await db.usage.rebuild(operator, {}, false)).toEqual([])
  await eyes.query(
    `update usage_rollups set requests = requests + 1 where workspace = 'default' and grain = 'day'`,
  )
  await eyes.query(`delete from usage_rollups where workspace = 'default' and grain = 'hour'`)
  const found = await db.usage.rebuild(operator, {}, false)
  const grains = found.map(
    ({ standing, folded }) => `${standing?.grain ?? 'none'} ${folded?.grain ?? 'none'}`,
  )
  expect(new Set(grains)).toEqual(new Set(['day day', 'none hour']))
  expect(await db.usage.rebuild(operator, {}, true)).toHaveLength(4)
  expect(found).toHaveLength(4)
  expect(await unfolded()).toEqual([])
  await expect(
    db.usage.rebuild({ role: 'caller', principal: 'user:eve', scopes: ['*'] }, {}, false),
  ).rejects.toMatchObject({ code: 'denied' })
})
