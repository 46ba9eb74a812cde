// Usage events arrive once each, whatever is sent twice, and are summed for whoever may read them.
import { endReasons, type UsageEvent, usageUnits } from '@switchyard/runtime'
import { type TestDatabase, testDatabase } from '@switchyard/store/testing'
import fc from 'fast-check'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { canonicalJson } from '../src/canonical.ts'
import { operator } from './given.ts'
import { usageEvent } from './usage-event.ts'

let db: TestDatabase
let eyes: Client
beforeAll(async () => {
  db = await testDatabase()
  eyes = new Client({ connectionString: db.url, options: '-c search_path=switchyard' })
  await eyes.connect()
})
afterAll(async () => {
  await eyes.end()
  await db.close()
})

const reasons = async (workspace: string) => {
  const { rows } = await eyes.query<{ reason: string }>(
    'select reason from usage_quarantine where workspace = $1 order by number',
    [workspace],
  )
  return rows.map(({ reason }) => reason)
}

test('what is pushed by itself under the id of another is refused and kept nowhere; the same again is a duplicate', async () => {
  const event = usageEvent('lone')
  const forged = { ...event, data: { ...event.data, quantities: { 'tok.out.text': '999' } } }
  expect(await db.usage.push([event])).toEqual([{ outcome: 'accepted' }])
  expect(await db.usage.push([event])).toEqual([{ outcome: 'duplicate' }])
  const refusal = { code: 'conflict', reason: 'event_differs' }
  await expect(db.usage.push([forged])).rejects.toMatchObject(refusal)
  await expect(db.usage.push([forged])).rejects.toMatchObject(refusal)
  expect(await reasons('lone')).toEqual([])
  // Other events are not held up by it: it waits in quarantine.
  expect(await db.usage.push([forged, usageEvent('lone'), event])).toEqual([
    { outcome: 'quarantined', reason: 'conflict' },
    { outcome: 'accepted' },
    { outcome: 'duplicate' },
  ])
  expect(await reasons('lone')).toEqual(['conflict'])
  expect(await db.usage.usage(operator, { workspace: 'lone', by: [] })).toMatchObject([
    { requests: '2', quantities: { 'tok.in.uncached': '20', 'tok.out.text': '10' } },
  ])
})

test('an event sent twice is a duplicate, with another body it is quarantined, and the first stands', async () => {
  const event = usageEvent('a')
  expect(await db.usage.ingest([event])).toEqual(['accepted'])
  expect(await db.usage.ingest([event])).toEqual(['duplicate'])
  // The same in another order of keys is the same.
  const { data, ...rest } = event
  const shuffled = {
    data: Object.fromEntries(Object.entries(data).reverse()),
    ...rest,
  } as unknown as UsageEvent
  expect(await db.usage.ingest([shuffled])).toEqual(['duplicate'])
  const forged = { ...event, data: { ...data, quantities: { 'tok.out.text': '999' } } }
  expect(await db.usage.ingest([forged])).toEqual(['quarantined'])
  expect(await db.usage.ingest([forged])).toEqual(['quarantined'])
  expect(await reasons('a')).toEqual(['conflict'])
  expect(await db.usage.usage(operator, { workspace: 'a', by: [] })).toMatchObject([
    { requests: '1', quantities: { 'tok.in.uncached': '10', 'tok.out.text': '5' } },
  ])
})

test('a request is taken however it has ended', async () => {
  const events = endReasons.map(end => usageEvent('ends', { end }))
  expect(await db.usage.ingest(events)).toEqual(endReasons.map(() => 'accepted'))
  expect(await reasons('ends')).toEqual([])
})

test('texts are kept as they were sent, whatever they hold', async () => {
  const texts = ['', 'null', 'NULL', '{a,b}', 'a "b" \\ c', '\\', ',', ' ', "it's", '路径\n🚦', 'a/b:c-1.0']
  const strings = fc
    .string({ unit: 'binary', maxLength: 20 })
    .map(text => text.replaceAll('\0', '').toWellFormed())
  await fc.assert(
    fc.asyncProperty(fc.array(strings, { minLength: 1, maxLength: 20 }), async more => {
      const events = [...texts, ...more].map(model =>
        usageEvent('texts', { model, keyName: model, flags: [model] }),
      )
      expect(new Set(await db.usage.ingest(events))).toEqual(new Set(['accepted']))
      const { rows } = await eyes.query<{ id: string }>(
        'select id, model, key_name, flags from usage_events where id = any ($1)',
        [events.map(({ id }) => id)],
      )
      const kept = new Map(rows.map(row => [row.id, row]))
      for (const { id, data } of events)
        expect(kept.get(id)).toEqual({ id, model: data.model, key_name: data.model, flags: [data.model] })
    }),
    { numRuns: 20 },
  )
})

test('within one batch the first of two is taken and the other compared with it', async () => {
  const event = usageEvent('b')
  const other = { ...event, data: { ...event.data, status: 500 } }
  expect(await db.usage.ingest([event, usageEvent('b'), event, other])).toEqual([
    'accepted',
    'accepted',
    'duplicate',
    'quarantined',
  ])
})

test('what cannot be used waits in quarantine under its reason, and holds up no other', async () => {
  const time = (milliseconds: number) => new Date(Date.now() + milliseconds).toISOString()
  const day = 86_400_000
  const tried = { upstream: 'r1', outcome: 'answered', status: 200, startMs: 0, endMs: 9 } as const
  const bad: readonly (readonly [unknown, string | undefined])[] = [
    [{ ...usageEvent('c'), id: 'not-ours:1:call' }, 'bad_schema'],
    [usageEvent('c', { quantities: { 'tok.out.text': '-1' } }), 'negative'],
    [usageEvent('c', { quantities: { 'gpu.ms': '1' } as never }), 'unknown_unit'],
    [usageEvent('c', { quantities: { 'tok.out.text': '9223372036854775808' } }), 'bad_schema'],
    [usageEvent('c', { model: 'a\0b' }), 'bad_schema'],
    [usageEvent('c', { end: 'someday' as never }), 'bad_schema'],
    [usageEvent('c', { firstTokenMs: 1.5 }), 'bad_schema'],
    [usageEvent('c', { attempts: [{ ...tried, startMs: -1 }] }), 'bad_schema'],
    [usageEvent('c', { attempts: [{ ...tried, outcome: 'lucky' as never }] }), 'bad_schema'],
    [usageEvent('c', { attempts: [{ ...tried, note: 'x' } as never] }), 'bad_schema'],
    [{ ...usageEvent('c'), time: time(10 * 60_000) }, 'future'],
    [{ ...usageEvent('c'), time: time(-36 * day) }, 'too_old'],
    [{ ...usageEvent('c'), time: '2026-02-31' }, 'bad_schema'],
    [{ ...usageEvent('c'), data: null }, undefined],
    [null, undefined],
    ['text', undefined],
  ]
  const good = [usageEvent('c'), usageEvent('c', { firstTokenMs: 0, attempts: [tried] })]
  const batch = [good[0], ...bad.map(([event]) => event), good[1]] as UsageEvent[]
  expect(await db.usage.ingest(batch)).toEqual(['accepted', ...bad.map(() => 'quarantined'), 'accepted'])
  expect(await reasons('c')).toEqual(bad.flatMap(([, reason]) => (reason ? [reason] : [])))
})

test('a row that the database itself refuses is found by halves and stands alone', async () => {
  await eyes.query("alter table usage_events add constraint poison check (model <> 'poison') not valid")
  const batch = Array.from({ length: 9 }, (_, n) => usageEvent('d', n === 4 ? { model: 'poison' } : {}))
  const answers = await db.usage.ingest(batch)
  expect(answers).toEqual(batch.map((_, n) => (n === 4 ? 'quarantined' : 'accepted')))
  expect(await reasons('d')).toEqual(['poison'])
  await eyes.query('alter table usage_events drop constraint poison')
})

test('however batches are cut, repeated and raced, each event counts once', async () => {
  let round = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.bigInt({ min: 0n, max: 10n ** 12n }), { minLength: 1, maxLength: 30 }),
      fc.array(fc.array(fc.nat(29), { maxLength: 30 }), { minLength: 1, maxLength: 6 }),
      async (quantities, batches) => {
        const workspace = `race-${round++}`
        const events = quantities.map(quantity =>
          usageEvent(workspace, { quantities: { 'tok.out.text': String(quantity) } }),
        )
        const picked = batches.map(batch => batch.flatMap(index => events[index] ?? []))
        await Promise.all([events, ...picked].map(batch => db.usage.ingest(batch)))
        const [row] = await db.usage.usage(operator, { workspace, by: ['workspace'] })
        expect(row?.requests).toBe(String(events.length))
        expect(row?.quantities['tok.out.text']).toBe(String(quantities.reduce((sum, q) => sum + q, 0n)))
        expect(await reasons(workspace)).toEqual([])
      },
    ),
    { numRuns: 25 },
  )
})

test('sums go by any grouping, within bounds of time, without what only we pay', async () => {
  const at = (time: string, data: Partial<UsageEvent['data']>): UsageEvent => ({
    ...usageEvent('e', data),
    time,
  })
  const today = new Date().toISOString().slice(0, 10)
  const yesterday = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10)
  const every = Object.fromEntries(usageUnits.map((unit, n) => [unit, String(n + 1)]))
  await db.usage.ingest([
    at(`${yesterday}T01:10:00.000Z`, { project: 'p', model: 'x', quantities: every }),
    at(`${yesterday}T01:50:00.000+00:00`, { keyName: 'other', model: 'x' }),
    at(`${today}T00:00:00.000Z`, { model: 'y' }),
    at(`${today}T00:00:00.000Z`, { model: 'y', billable: 'cost' }),
  ])
  const by = async (...groups: Parameters<typeof db.usage.usage>[1]['by'][number][]) =>
    (await db.usage.usage(operator, { workspace: 'e', by: groups })).map(({ group, requests }) => [
      group,
      requests,
    ])
  expect(await by('model')).toEqual([
    [{ model: 'x' }, '2'],
    [{ model: 'y' }, '1'],
  ])
  expect(await by('day')).toEqual([
    [{ day: yesterday }, '2'],
    [{ day: today }, '1'],
  ])
  expect(await by('hour', 'project')).toEqual([
    [{ hour: `${yesterday}T01:00:00.000Z`, project: null }, '1'],
    [{ hour: `${yesterday}T01:00:00.000Z`, project: 'p' }, '1'],
    [{ hour: `${today}T00:00:00.000Z`, project: null }, '1'],
  ])
  const [mine] = await db.usage.usage(operator, { workspace: 'e', project: 'p', by: [] })
  expect(mine).toEqual({
    group: {},
    requests: '1',
    uncosted: '1',
    quantities: every,
    tokens: { input: '36', output: '42' },
    amounts: [],
  })
  const first = await db.usage.usage(operator, {
    workspace: 'e',
    from: `${yesterday}T00:00:00Z`,
    to: `${today}T00:00:00Z`,
    key: 'other',
    by: ['key'],
  })
  expect(first.map(({ group }) => group)).toEqual([{ key: 'other' }])
  expect(await db.usage.usage(operator, { workspace: 'none', by: ['model'] })).toEqual([])
  await expect(db.usage.usage(operator, { from: 'soon', by: [] })).rejects.toMatchObject({ code: 'invalid' })
})

test('canonical JSON does not depend on the order of members', () => {
  const shuffled = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(shuffled)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(
      Object.entries(value)
        .map(([key, member]) => [key, shuffled(member)] as const)
        .toReversed(),
    )
  }
  fc.assert(
    fc.property(fc.jsonValue(), value => {
      const text = canonicalJson(value)
      expect(canonicalJson(shuffled(value))).toBe(text)
      expect(canonicalJson(JSON.parse(text))).toBe(text)
    }),
  )
})

test('canonical JSON is that of RFC 8785', () => {
  // Section 3.2.3 of the RFC: order by UTF-16 units.
  const given = { '\u20ac': 1, '\r': 2, '\ufb33': 3, '1': 4, '\ud83d\ude00': 5, '\u0080': 6, '\u00f6': 7 }
  expect(canonicalJson(given)).toBe(
    '{"\\r":2,"1":4,"\u0080":6,"\u00f6":7,"\u20ac":1,"\ud83d\ude00":5,"\ufb33":3}',
  )
  expect(canonicalJson({ b: [1e30, 4.5, 2e-3, null, true], a: undefined })).toBe(
    '{"b":[1e+30,4.5,0.002,null,true]}',
  )
})
