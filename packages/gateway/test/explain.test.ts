import { limitsSchema } from '@switchyard/kinds'
import { expect, test } from 'vitest'
import { Bed, document } from './bed.ts'

/** Two providers that nobody listens at, behind one route with two tiers. */
async function bed(): Promise<Bed> {
  const made = await Bed.start()
  for (const name of ['east', 'west', 'spare'])
    made.provider(name, { type: 'openai-compatible', baseUrl: 'http://127.0.0.1:9/v1' })
  return made
}

const weighted = {
  tiers: [
    { targets: [{ provider: 'east', weight: 300 }, { provider: 'west' }] },
    { targets: [{ provider: 'spare' }] },
  ],
}

test('tells where a request would go, each share, and what was not needed', async () => {
  await using it = await bed()
  it.route('chat', weighted)
  it.random = () => 0
  const told = await it.gateway.explain({ workspace: 'default', model: 'chat' })
  expect(told.verdict).toEqual({ type: 'served', upstream: 'east', tier: 0 })
  expect(
    told.route?.tiers.map(({ targets }) => targets.map(({ name, word, share }) => [name, word, share])),
  ).toEqual([
    [
      ['east', 'chosen', 0.75],
      ['west', 'outdone', 0.25],
    ],
    [['spare', 'passed_over', 1]],
  ])
  expect(told.sentences).toEqual([
    'A request for chat in default would go to east, in tier 1: this time, for 75 % do.',
    'Route chat is taken: it has the name chat.',
    'Tier 1 chooses by their weights of 2.',
    '  east was chosen; its share is 75 %.',
    '  west was eligible, another one was chosen; its share is 25 %.',
    'Tier 2 chooses by their weights of 1.',
    '  spare stands in a tier that was not needed.',
    'It has 3 attempts, 60 s to the first content, 60 s of silence and 600 s in all.',
    'Answers are not kept.',
    'No guardrail looks at it.',
  ])
})

test('tells why each of several routes is not taken', async () => {
  await using it = await bed()
  const tiers = [{ targets: [{ provider: 'east' }] }]
  it.route('beta', { names: ['gpt-5'], priority: 10, match: { tags: ['beta'] }, tiers })
  it.route('tenant', { names: ['gpt-5'], priority: 5, match: { headers: { 'x-tenant': 'acme*' } }, tiers })
  it.route('few', { names: ['gpt-5'], priority: 4, access: { keys: ['other'] }, tiers })
  it.route('plain', { names: ['gpt-5'], tiers })
  it.route('rest', { names: ['gpt-*'], priority: 100, tiers })
  const says = async (more: object) =>
    (await it.gateway.explain({ workspace: 'default', model: 'gpt-5', ...more })).candidates.map(
      one => one.says,
    )
  expect(await says({ headers: { 'X-Tenant': 'umbra' } })).toEqual([
    'Route beta is for other requests: they carry the tag beta.',
    'Route tenant is for other requests: their header x-tenant is acme*, not umbra.',
    'Route few is not open to this key: it is open to key other.',
    'Route plain is taken: it has the name gpt-5.',
    'Route rest is not needed: the exact name of Route plain goes before gpt-*.',
  ])
  expect((await says({ tags: ['beta'] }))[0]).toBe(
    'Route beta is taken: it has the name gpt-5, by priority 10.',
  )
  expect((await says({ tags: ['beta'] }))[3]).toBe(
    'Route plain is not needed: Route beta has priority 10, this one 0.',
  )
})

test('tells of the key, what it may call, and what remains under its limits, and takes nothing of them', async () => {
  await using it = await bed()
  it.route('chat', weighted)
  const limits = limitsSchema.parse({ requests: { perMinute: 60 }, concurrency: 2 })
  it.key({ spec: { limits } })
  it.key({ spec: { models: ['other-*'] } })
  const ask = (key: string) => it.gateway.explain({ workspace: 'default', model: 'chat', key })
  for (let i = 0; i < 100; i++) await ask('key-0')
  const told = await ask('key-0')
  expect(told.limits).toEqual([
    { level: 'key', dimension: 'requests', limit: 60, windowMs: 60_000, remaining: 60, resetMs: 0 },
    {
      level: 'key',
      dimension: 'concurrency',
      limit: 2,
      windowMs: undefined,
      remaining: 2,
      resetMs: undefined,
    },
  ])
  expect(told.sentences).toContain('The key may have 60 requests a minute: 60 remain.')
  expect((await ask('key-1')).verdict).toMatchObject({ type: 'refused', reason: 'model_not_allowed' })
  expect((await ask('nobody')).verdict).toMatchObject({ type: 'refused', code: 'unauthenticated' })
  expect(it.journal.records).toEqual([])
})

test('an open breaker is told with the time that is left, and explaining ejects nobody', async () => {
  await using it = await bed()
  it.route('chat', {
    tiers: [{ strategy: 'least_load', targets: [{ provider: 'east' }] }],
    retries: { attempts: 1 },
  })
  const key = it.key()
  for (let i = 0; i < 12; i++) await it.chat(key, { model: 'chat' })
  const told = await it.gateway.explain({ workspace: 'default', model: 'chat' })
  const [target] = told.route?.tiers[0]?.targets ?? []
  expect(target?.health).toMatchObject({ breaker: 'open', inflight: 0 })
  expect(target?.says).toMatch(/^east failed or was slow too often: its breaker is open \(\d+ s left\)$/)
  expect(told.verdict).toMatchObject({ type: 'refused', reason: 'no_upstream' })
})

test('a name that nothing has is refused as a caller would be, and a paused endpoint says so', async () => {
  await using it = await bed()
  expect((await it.gateway.explain({ workspace: 'default', model: 'none' })).sentences[1]).toBe(
    'No route and no endpoint has the name none.',
  )
  it.add(document('Endpoint', 'default', 'tiny', { route: 'auto', paused: true }))
  it.swap()
  const told = await it.gateway.explain({ workspace: 'default', model: 'tiny' })
  expect(told.verdict).toMatchObject({ type: 'refused', reason: 'endpoint_paused' })
  expect(told.candidates).toMatchObject([{ kind: 'Endpoint', taken: true }])
})
