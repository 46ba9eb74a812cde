// Upstreams that are ill, as callers see it: what a breaker keeps away, who is asked meanwhile, and how they come back.
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Bed } from './bed.ts'
import { settle } from './fleet.ts'
import { metric } from './scrape.ts'
import { seeded } from './seeded.ts'
import { type Name, ScriptedUpstream } from './upstream.ts'

const breaker = { closed: 0, halfOpen: 1, open: 2 } as const
const once = { 'x-switchyard-retries': '0' }

let bed: Bed
let engines: Map<string, ScriptedUpstream>
let key: string
let moment: number
beforeEach(async () => {
  bed = await Bed.start()
  key = bed.key()
  moment = Date.now()
  bed.now = () => moment
  // The middle of the breaker's jitter.
  bed.random = () => 0.5
  engines = new Map()
})
afterEach(async () => {
  await bed[Symbol.asyncDispose]()
  for (const engine of engines.values()) await engine[Symbol.asyncDispose]()
})

/** Providers, each at an upstream of its own and on a route of its own. */
async function settled(...names: readonly string[]): Promise<void> {
  for (const name of names) {
    const engine = await ScriptedUpstream.start()
    engines.set(name, engine)
    settle(bed, engine, name, 'openai')
    bed.route(name, { tiers: [{ targets: [{ provider: name, model: name }] }] })
  }
}

function engineOf(name: string): ScriptedUpstream {
  const engine = engines.get(name)
  if (!engine) throw new Error(`no upstream is called ${name}`)
  return engine
}

const stateOf = (name: string) => metric(bed, 'breaker_state', { model: name })

async function status(model: string, headers: Readonly<Record<string, string>> = {}): Promise<number> {
  const answer = await bed.chat(key, { model }, { headers })
  await answer.arrayBuffer()
  return answer.status
}

/** One request after another to a provider alone, each answered by the next name. */
async function suffer(name: string, acts: readonly Name[], apart = 0): Promise<void> {
  engineOf(name).will(...acts)
  for (const _ of acts) {
    await status(name, once)
    moment += apart
  }
}

const times = (count: number, act: Name): Name[] => Array.from({ length: count }, () => act)

/** Who was asked, in alphabetical order, since the last time. */
function asked(): string {
  const all = [...engines].filter(([, { seen }]) => seen.length > 0).map(([name]) => name)
  for (const { seen } of engines.values()) seen.length = 0
  return all.sort().join(' ')
}

describe('R4: a breaker', () => {
  beforeEach(async () => {
    await settled('a', 'b')
    bed.route('m', { tiers: ['a', 'b'].map(name => ({ targets: [{ provider: name, model: name }] })) })
  })

  test('opens at ten faults, lets one probe through, and closes after three good ones', async () => {
    await suffer('a', times(9, 'status 500'))
    expect(stateOf('a')).toBe(breaker.closed)
    await suffer('a', times(1, 'status 500'))
    expect(stateOf('a')).toBe(breaker.open)
    asked()
    for (let i = 0; i < 5; i++) expect(await status('m')).toBe(200)
    expect(asked()).toBe('b')
    moment += 5_000
    expect(stateOf('a')).toBe(breaker.halfOpen)
    for (let probe = 1; probe <= 3; probe++) {
      engineOf('a').will('one by one')
      const slow = bed.chat(key, { model: 'm', stream: true })
      await expect.poll(() => engineOf('a').seen.length).toBe(1)
      // Nobody else is sent there while it is not known how the probe goes.
      for (let i = 0; i < 5; i++) expect(await status('m')).toBe(200)
      expect(engineOf('a').seen).toHaveLength(1)
      expect(engineOf('b').seen).toHaveLength(5)
      engineOf('a').step(7)
      expect(await (await slow).text()).toContain('[DONE]')
      asked()
      expect(stateOf('a')).toBe(probe < 3 ? breaker.halfOpen : breaker.closed)
    }
    for (let i = 0; i < 5; i++) expect(await status('m')).toBe(200)
    expect(asked()).toBe('a')
  })

  test('stays open twice as long after a probe that fails, whose caller is answered by another', async () => {
    await suffer('a', times(10, 'status 500'))
    moment += 5_000
    asked()
    engineOf('a').will('status 500')
    expect(await status('m')).toBe(200)
    expect(asked()).toBe('a b')
    expect(stateOf('a')).toBe(breaker.open)
    moment += 9_999
    expect(await status('m')).toBe(200)
    expect(asked()).toBe('b')
    moment += 1
    expect(await status('m')).toBe(200)
    expect(asked()).toBe('a')
  })

  // A second apart, for which a 429 without a wish of its own cools: ten of them are in the breaker's window.
  test.each([
    ['status 500', breaker.open],
    ['status 408', breaker.open],
    ['other', breaker.closed],
    ['context length', breaker.closed],
    ['refuse with 413', breaker.closed],
    ['refuse with 422', breaker.closed],
    ['status 401', breaker.closed],
    ['status 404', breaker.closed],
    ['status 429', breaker.closed],
  ] as const)('after twenty answers of %s is %i', async (act, state) => {
    await suffer('a', times(20, act), 1_000)
    expect(stateOf('a')).toBe(state)
  })

  test.each(['silence', 'headers then silence', 'content then silence'] as const)(
    'is not opened by twenty callers that leave an upstream in %s',
    async act => {
      engineOf('a').always(act)
      for (let i = 0; i < 20; i++) {
        const abort = new AbortController()
        const left = bed.chat(key, { model: 'a', stream: true }, { signal: abort.signal })
        await expect.poll(() => engineOf('a').seen.length).toBe(i + 1)
        abort.abort()
        await Promise.allSettled([left])
        await engineOf('a').seen[i]?.aborted
      }
      await expect.poll(() => bed.gateway.inflight).toBe(0)
      expect(stateOf('a')).toBe(breaker.closed)
      engineOf('a').will()
      expect(await status('a')).toBe(200)
    },
  )

  test.each([
    ['busy for 7', 7_000],
    ['busy for 3600', 60_000],
    ['status 429', 1_000],
  ] as const)('is not what a 429 opens: %s cools its upstream for %i ms', async (act, pause) => {
    engineOf('a').will(act)
    expect(await status('m')).toBe(200)
    expect(asked()).toBe('a b')
    moment += pause - 1
    expect(await status('m')).toBe(200)
    expect(asked()).toBe('b')
    expect(stateOf('a')).toBe(breaker.closed)
    moment += 1
    expect(await status('m')).toBe(200)
    expect(asked()).toBe('a')
  })
})

/** Faults so spread that their share is never above that of all. */
function sometimes(share: number, count: number): Name[] {
  const before = (i: number) => Math.floor(i * share)
  return Array.from({ length: count }, (_, i) => (before(i + 1) > before(i) ? 'status 500' : 'good'))
}

describe('R5: a pool', () => {
  function pooled(names: readonly string[]): void {
    bed.route('pool', { tiers: [{ targets: names.map(name => ({ provider: name, model: name })) }] })
    bed.random = seeded(5)
  }

  async function manyAsked(): Promise<string> {
    asked()
    for (let i = 0; i < 120; i++) await status('pool', once)
    return asked()
  }

  test('puts out its outliers, the worst first, and at most half of itself; they come back after 30 s', async () => {
    const shares = { a: 0.45, b: 0.4, c: 0.35, d: 0.3, e: 0, f: 0 }
    const names = Object.keys(shares)
    await settled(...names)
    for (const [name, share] of Object.entries(shares)) await suffer(name, sometimes(share, 40))
    for (const engine of engines.values()) engine.will()
    pooled(names)
    // `d` stands out too, and stays.
    expect(await manyAsked()).toBe('d e f')
    expect(names.map(stateOf)).toEqual(names.map(() => breaker.closed))
    moment += 30_000
    expect(await manyAsked()).toBe('a b c d e f')
  })

  test.each([
    [1, 'b c d'],
    [2, 'c d'],
    [3, 'a b c d'],
    [4, 'a b c d'],
  ] as const)('of four of which %i are ill asks %s', async (ill, used) => {
    const names = ['a', 'b', 'c', 'd']
    await settled(...names)
    for (const name of names.slice(0, ill)) {
      await suffer(name, times(10, 'status 500'))
      expect(stateOf(name)).toBe(breaker.open)
      // It stays ill: one that answers would soon be well again.
      engineOf(name).always('status 500')
    }
    pooled(names)
    expect(await manyAsked()).toBe(used)
  })
})
