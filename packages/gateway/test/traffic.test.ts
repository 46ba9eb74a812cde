// How requests are spread and tried again through the port: shares, sessions, hedges, storms, upstreams that leave.
import { Agent, request } from 'node:http'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Bed } from './bed.ts'
import { settle } from './fleet.ts'
import { seeded } from './seeded.ts'
import { ScriptedUpstream } from './upstream.ts'

let bed: Bed
let engine: ScriptedUpstream
let key: string
beforeEach(async () => {
  bed = await Bed.start()
  engine = await ScriptedUpstream.start()
  key = bed.key()
})
afterEach(async () => {
  await bed[Symbol.asyncDispose]()
  await engine[Symbol.asyncDispose]()
})

/** Providers at one upstream, told apart by the model that they are asked for. */
function targets(weights: Readonly<Record<string, number>>, at = engine) {
  return Object.entries(weights).map(([name, weight]) => {
    settle(bed, at, name, 'openai')
    return { provider: name, model: name, weight }
  })
}

const modelOf = ({ body }: ScriptedUpstream['seen'][number]) =>
  (JSON.parse(body.toString()) as { readonly model: string }).model

const userOf = ({ body }: ScriptedUpstream['seen'][number]) =>
  (JSON.parse(body.toString()) as { readonly user: string }).user

function counts(): ReadonlyMap<string, number> {
  return new Map([...Map.groupBy(engine.seen, modelOf)].map(([name, all]) => [name, all.length]))
}

/** Many small requests over few connections: what fetch costs would be most of the time. */
async function many(total: number, session?: (i: number) => string): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 16 })
  let next = 0
  const one = (i: number) =>
    new Promise<void>((resolve, reject) => {
      const user = session?.(i)
      const body = JSON.stringify({ model: 'm', messages: [], user })
      const sent = request(`${bed.url}/v1/chat/completions`, {
        agent,
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'api-key': key,
          'content-length': body.length,
          ...(user !== undefined && { 'x-switchyard-session': user }),
        },
      })
      sent.on('error', reject)
      sent.on('response', answer => {
        answer.resume().on('end', () => {
          if (answer.statusCode === 200) resolve()
          else reject(new Error(`status ${answer.statusCode}`))
        })
      })
      sent.end(body)
    })
  const worker = async () => {
    while (next < total) await one(next++)
  }
  await Promise.all(Array.from({ length: 16 }, worker))
  agent.destroy()
}

/** Within three standard deviations of a share of so many. */
function expectShare(got: number, share: number, total: number): void {
  const sigma = Math.sqrt(total * share * (1 - share))
  expect(Math.abs(got - share * total)).toBeLessThanOrEqual(3 * sigma)
}

describe('R1', () => {
  test('weights hold within three standard deviations over 10 000 requests', async () => {
    bed.random = seeded(7)
    bed.route('m', { tiers: [{ targets: targets({ most: 500, some: 300, few: 195, canary: 5, none: 0 }) }] })
    await many(10_000)
    const got = counts()
    for (const [name, share] of [
      ['most', 0.5],
      ['some', 0.3],
      ['few', 0.195],
      ['canary', 0.005],
    ] as const)
      expectShare(got.get(name) ?? 0, share, 10_000)
    expect(got.get('none')).toBeUndefined()
    expect(bed.journal.events).toHaveLength(10_000)
  })

  test.each(['weighted', 'session'] as const)(
    'a session stays where it is (%s), and a canary keeps its share',
    async strategy => {
      bed.route('m', { tiers: [{ strategy, targets: targets({ stable: 95, canary: 5 }) }] })
      const sessions = 1000
      await many(2 * sessions, i => `session-${i % sessions}`)
      const bySession = Map.groupBy(engine.seen, userOf)
      expect(bySession.size).toBe(sessions)
      for (const [session, all] of bySession) {
        expect(all, session).toHaveLength(2)
        expect(new Set(all.map(modelOf)).size, session).toBe(1)
      }
      expectShare((counts().get('canary') ?? 0) / 2, 0.05, sessions)
    },
  )

  test('tiers are tried in order, and the header says which one has answered', async () => {
    for (const [name, act] of [
      ['first', 'status 500'],
      ['second', 'status 503'],
      ['third', 'good'],
    ] as const)
      settle(bed, engine, name, 'openai', { act })
    bed.route('m', {
      tiers: ['first', 'second', 'third'].map(provider => ({ targets: [{ provider, model: provider }] })),
    })
    const answer = await bed.chat(key, { model: 'm' })
    expect(answer.status).toBe(200)
    expect(answer.headers.get('x-switchyard-fallback')).toBe('2')
    expect(answer.headers.get('x-switchyard-attempts')).toBe('3')
    expect(engine.seen.map(modelOf)).toEqual(['first', 'second', 'third'])
  })
})

describe('R6: by the beginning of its prompt', () => {
  const replicas = 4
  let engines: ScriptedUpstream[]
  beforeEach(async () => {
    engines = await Promise.all(Array.from({ length: replicas }, () => ScriptedUpstream.start()))
    bed.endpoint(
      'pool',
      engines.map(({ address }) => address),
    )
    bed.route('m', { tiers: [{ strategy: 'prefix', targets: [{ endpoint: 'pool' }] }] })
  })
  afterEach(async () => {
    for (const one of engines) await one[Symbol.asyncDispose]()
  })

  const spoken = (from: string, turns: number) =>
    Array.from({ length: 2 * turns + 1 }, (_, i) => ({
      role: i % 2 === 0 ? 'user' : 'assistant',
      content: `${from} says, the ${i}th time: ${from.repeat(40)}`,
    }))

  test('a conversation stays on one replica as it grows, and all of them share the conversations', async () => {
    const conversations = 24
    for (let turn = 0; turn < 5; turn++)
      await Promise.all(
        Array.from({ length: conversations }, async (_, i) => {
          const user = `caller-${i}`
          const answer = await bed.chat(key, { model: 'm', user, messages: spoken(user, turn) })
          expect(answer.status).toBe(200)
          await answer.arrayBuffer()
        }),
      )
    const homes = Map.groupBy(
      engines.flatMap((one, i) => one.seen.map(seen => ({ user: userOf(seen), i }))),
      ({ user }) => user,
    )
    expect(homes.size).toBe(conversations)
    for (const [user, all] of homes)
      expect([user, new Set(all.map(({ i }) => i)).size, all.length]).toEqual([user, 1, 5])
    for (const one of engines) expect(one.seen.length).toBeGreaterThan(0)
  })

  test('a prompt that everybody sends overruns no replica', async () => {
    for (const one of engines) one.always('one by one')
    const requests = 80
    const messages = spoken('everybody', 3)
    const asked = Array.from({ length: requests }, () =>
      bed.chat(key, { model: 'm', stream: true, messages }),
    )
    const seen = () => engines.map(one => one.seen.length)
    const sum = () => seen().reduce((all, one) => all + one, 0)
    await expect.poll(sum, { timeout: 15_000 }).toBe(requests)
    const mean = requests / replicas
    expect(Math.max(...seen())).toBeLessThanOrEqual(Math.max(1.25 * mean, mean + 12))
    for (const one of engines) one.step(10 * requests)
    await Promise.all((await Promise.all(asked)).map(answer => answer.text()))
  })
})

describe('R8: a hedge', () => {
  let other: ScriptedUpstream
  beforeEach(async () => {
    other = await ScriptedUpstream.start()
    settle(bed, engine, 'first', 'openai')
    settle(bed, other, 'second', 'openai')
    bed.route('m', {
      hedge: { percent: 5 },
      timeouts: { firstContentMs: 2000 },
      tiers: ['first', 'second'].map(provider => ({ targets: [{ provider, model: provider }] })),
    })
    // Its time to first content must be known, and a share of requests saved, before one may have a copy.
    for (let i = 0; i < 40; i++) await (await bed.chat(key, { model: 'm', stream: true })).text()
    engine.seen.length = 0
  })
  afterEach(() => other[Symbol.asyncDispose]())

  test('fires once when the first content is late; the loser is cancelled, and there is one bill', async () => {
    engine.will('headers then silence')
    const before = bed.journal.events.length
    const answer = await bed.chat(key, { model: 'm', stream: true })
    expect(await answer.text()).toContain('three')
    expect(answer.headers.get('x-switchyard-attempts')).toBe('2')
    expect([engine.seen.length, other.seen.length]).toEqual([1, 1])
    await engine.seen[0]?.aborted
    expect(bed.journal.events.length - before).toBe(1)
    expect(bed.journal.last).toMatchObject({ end: 'done', upstream: 'second', billable: 'caller' })
    expect(bed.gateway.metrics()).toMatch(/hedges_total\{[^}]*"hedge"\} 1\n/)
  })

  test('is one copy and no more when both are late', async () => {
    engine.will('headers then silence')
    other.will('headers then silence')
    const answer = await bed.chat(
      key,
      { model: 'm', stream: true },
      { headers: { 'x-switchyard-timeout-ms': '1200' } },
    )
    expect(answer.status).toBe(504)
    expect([engine.seen.length, other.seen.length]).toEqual([1, 1])
    await Promise.all([engine.seen[0]?.aborted, other.seen[0]?.aborted])
  })

  test('is not made for who has its content already', async () => {
    engine.will('content then silence', 'headers then silence')
    const abort = new AbortController()
    const begun = await bed.chat(key, { model: 'm', stream: true, user: 'begun' }, { signal: abort.signal })
    await begun.body?.getReader().read()
    // Whoever waits beside it gets a copy in the same tick in which it would get one.
    const waiting = await bed.chat(key, { model: 'm', stream: true, user: 'waiting' })
    expect(await waiting.text()).toContain('three')
    expect(other.seen.map(({ body }) => body.toString())).toEqual([expect.stringContaining('waiting')])
    abort.abort()
  })
})

describe('R2: a request', () => {
  const five = ['a', 'b', 'c', 'd', 'e'] as const

  test.each(['status 500', 'status 429', 'reset', 'html', 'error as first event'] as const)(
    'is tried at most three times, however many upstreams are left (%s)',
    async act => {
      for (const name of five) settle(bed, engine, name, 'openai', { act })
      bed.route('m', { tiers: five.map(provider => ({ targets: [{ provider, model: provider }] })) })
      const answer = await bed.chat(key, { model: 'm', stream: true })
      expect([429, 502, 503]).toContain(answer.status)
      await answer.arrayBuffer()
      expect(answer.headers.get('x-switchyard-attempts')).toBe('3')
      expect(engine.seen.map(modelOf)).toEqual(['a', 'b', 'c'])
      await expect.poll(() => bed.journal.events.length).toBe(1)
    },
  )

  test('is not tried beyond its deadline', async () => {
    for (const name of five) settle(bed, engine, name, 'openai', { act: 'silence' })
    bed.route('m', {
      timeouts: { firstContentMs: 500 },
      tiers: five.map(provider => ({ targets: [{ provider, model: provider }] })),
    })
    const begun = performance.now()
    const answer = await bed.chat(key, { model: 'm' }, { headers: { 'x-switchyard-timeout-ms': '800' } })
    expect(answer.status).toBe(504)
    expect(performance.now() - begun).toBeLessThan(5000)
    // The second one was given what the first had left of the time; for a third nothing was left.
    expect(engine.seen.length).toBeLessThanOrEqual(2)
    await Promise.all(engine.seen.map(({ aborted }) => aborted))
  })
})

describe('R3: a storm', () => {
  test('of faults at every upstream is not doubled by retries', async () => {
    for (const name of ['a', 'b', 'c']) settle(bed, engine, name, 'openai', { act: 'status 500' })
    bed.route('m', {
      tiers: [{ targets: ['a', 'b', 'c'].map(provider => ({ provider, model: provider })) }],
    })
    const requests = 400
    const answers = await Promise.all(
      Array.from({ length: requests }, async () => {
        const { status } = await bed.chat(key, { model: 'm' })
        return status
      }),
    )
    expect(answers.every(status => status === 502 || status === 503)).toBe(true)
    // The floor is three a second over ten seconds.
    expect(engine.seen.length).toBeLessThanOrEqual(1.2 * requests + 30)
    expect(bed.journal.events).toHaveLength(requests)
  })
})

describe('R9: a provider that leaves', () => {
  test('finishes its streams, takes nothing new, and then its connections are closed', async () => {
    settle(bed, engine, 'p', 'openai', { act: 'one by one' })
    bed.route('m', { tiers: [{ targets: [{ provider: 'p', model: 'm' }] }] })
    const asked = bed.chat(key, { model: 'm', stream: true })
    engine.step(3)
    const answer = await asked
    bed.documents.splice(
      bed.documents.findIndex(({ kind }) => kind === 'Provider'),
      1,
    )
    bed.swap()
    expect((await bed.chat(key, { model: 'm' })).status).toBe(503)
    engine.step(100)
    const rest = await answer.text()
    expect(rest).toContain(' three')
    expect(rest).toContain('[DONE]')
    expect(engine.seen).toHaveLength(1)
    await expect.poll(() => engine.connections, { timeout: 15_000 }).toBe(0)
  })
})
