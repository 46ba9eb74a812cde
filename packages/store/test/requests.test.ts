// Requests one by one: newest first, page by page, of the workspaces that one may read.
import { type TestDatabase, testDatabase } from '@switchyard/store/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { allow, caller, operator } from './given.ts'
import { usageEvent } from './usage-event.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await testDatabase()
})
afterAll(() => db.close())

const ids = (items: readonly { readonly request: string }[]) => items.map(({ request }) => request)

/** So many requests, each admitted so many seconds after the one before. */
function requests(workspace: string, count: number, apart: number, data: object = {}) {
  const start = Date.now() - 3_600_000
  return Array.from({ length: count }, (_, n) => ({
    ...usageEvent(workspace, data),
    time: new Date(start + n * apart * 1000).toISOString(),
  }))
}

test('pages follow each other newest first and leave out nothing, also of one moment', async () => {
  const events = requests('pages', 25, 0)
  await db.usage.ingest(events)
  const seen: string[] = []
  let after: string | undefined
  do {
    const page = await db.usage.requests(operator, { workspace: 'pages', limit: 10, ...(after && { after }) })
    seen.push(...ids(page.items))
    after = page.next
  } while (after !== undefined)
  const expected = events.map(({ data }) => data.request).toSorted()
  expect(seen).toEqual(expected.toReversed())
})

test('of all workspaces the newest come first, whose ever they are', async () => {
  const [one, other] = [requests('north', 3, 20), requests('south', 3, 20)]
  const mixed = one.flatMap((event, n) => {
    const neighbour = other[n]!
    return [event, { ...neighbour, time: new Date(Date.parse(event.time) + 10_000).toISOString() }]
  })
  await db.usage.ingest(mixed)
  const { items } = await db.usage.requests(operator, { limit: 100 })
  const here = items.filter(({ workspace }) => workspace === 'north' || workspace === 'south')
  expect(ids(here)).toEqual(mixed.map(({ data }) => data.request).toReversed())
})

test('what it says is what was metered, and failed attempts beside the call are no requests', async () => {
  const call = usageEvent('told', {
    end: 'upstream_error',
    status: 502,
    provider: 'platform/east',
    endpoint: '',
    tier: 'priority',
    quantities: { 'tok.in.uncached': '10', 'tok.in.cache_read': '7', 'tok.out.text': '5', req: '1' },
  })
  const spare = {
    ...call,
    id: `${call.data.request}:1:spare`,
    data: { ...call.data, billable: 'cost' as const, status: 500 },
  }
  await db.usage.ingest([call, spare])
  const { items, next } = await db.usage.requests(operator, { workspace: 'told', limit: 10 })
  expect(next).toBeUndefined()
  expect(items).toEqual([
    {
      id: call.id,
      request: call.data.request,
      workspace: 'told',
      project: null,
      key: 'k',
      model: 'tiny',
      operation: 'chat',
      streamed: false,
      at: call.time,
      endedAt: call.data.endedAt,
      firstTokenMs: null,
      attempts: null,
      end: 'upstream_error',
      status: 502,
      attempt: 1,
      upstream: 'platform/east',
      tier: 'priority',
      tokens: { input: '17', output: '5' },
      currency: null,
      amount: null,
      cost: null,
    },
  ])
})

test('what is looked for is found, and nothing else', async () => {
  const [first, second] = [
    usageEvent('sought', { project: 'shop', keyName: 'ci', model: 'large', status: 404, end: 'refused' }),
    usageEvent('sought', { project: null, status: 200 }),
  ] as const
  await db.usage.ingest([first, second])
  const found = async (query: object) =>
    ids((await db.usage.requests(operator, { workspace: 'sought', limit: 10, ...query })).items)
  const one = [first.data.request]
  for (const query of [
    { project: 'shop' },
    { key: 'ci' },
    { model: 'large' },
    { status: [400, 499] },
    { end: 'refused' },
    { request: first.data.request },
  ])
    expect(await found(query)).toEqual(one)
  expect(await found({ upstream: 'tiny' })).toHaveLength(2)
  expect(await found({ status: [500, 599] })).toEqual([])
  expect(await found({ to: first.time, from: '2020-01-01T00:00:00Z' })).toEqual([])
  await expect(found({ after: 'nonsense' })).rejects.toMatchObject({ code: 'invalid' })
})

test('they say when what happened, and those whose first token was late are found', async () => {
  const tried = { upstream: 'east', outcome: 'status', status: 503, startMs: 2, endMs: 40 } as const
  const attempts = [
    tried,
    { ...tried, upstream: 'west', outcome: 'answered', status: 200, contentMs: 90 } as const,
  ]
  const [slow, fast, whole] = [
    usageEvent('timed', { streamed: true, firstTokenMs: 900, attempts }),
    usageEvent('timed', { streamed: true, firstTokenMs: 30, attempts: attempts.slice(1) }),
    usageEvent('timed', { attempts: [] }),
  ] as const
  await db.usage.ingest([slow, fast, whole])
  const { items } = await db.usage.requests(operator, { workspace: 'timed', limit: 10 })
  const told = new Map(items.map(one => [one.request, one]))
  expect(told.get(slow.data.request)).toMatchObject({ firstTokenMs: 900, attempts })
  expect(told.get(whole.data.request)).toMatchObject({ firstTokenMs: null, attempts: [] })
  const late = { workspace: 'timed', firstTokenFrom: 900, limit: 10 }
  expect(ids((await db.usage.requests(operator, late)).items)).toEqual([slow.data.request])
  const [event] = await db.usage.explain(operator, 'timed', slow.data.request)
  expect(event).toMatchObject({ first_token_ms: 900, attempts })
})

test('whoever may read the usage of one workspace sees the requests of no other', async () => {
  await db.usage.ingest([usageEvent('red'), usageEvent('blue')])
  const red = caller('red-reader')
  await allow(db.store, 'red-reader', 'red', ['usage:read'])
  const seen = async (query: object) =>
    (await db.usage.requests(red, { limit: 100, ...query })).items.map(({ workspace }) => workspace)
  expect(await seen({})).toEqual(['red'])
  expect(await seen({ workspace: 'blue' })).toEqual([])
  expect((await db.usage.requests(caller('stranger'), { limit: 100 })).items).toEqual([])
})
