// What is under way is counted exactly, whatever becomes of it: least load and drains go by these numbers.
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Bed } from './bed.ts'
import { settle } from './fleet.ts'
import { metric } from './scrape.ts'
import { seed, seeded } from './seeded.ts'
import { type Name, ScriptedUpstream } from './upstream.ts'

const patient = { timeout: 15_000 }
const names = ['a', 'b', 'c'] as const

let bed: Bed
let engines: ScriptedUpstream[]
let key: string
beforeEach(async () => {
  bed = await Bed.start()
  key = bed.key()
  engines = await Promise.all(names.map(() => ScriptedUpstream.start()))
  for (const [i, engine] of engines.entries()) settle(bed, engine, names[i] ?? '', 'openai')
  bed.route('m', {
    hedge: { percent: 5 },
    timeouts: { firstContentMs: 600, idleMs: 600 },
    tiers: names.map(provider => ({ targets: [{ provider, model: provider }] })),
  })
})
afterEach(async () => {
  await bed[Symbol.asyncDispose]()
  for (const engine of engines) await engine[Symbol.asyncDispose]()
})

/** As callers' choice sees it: of each upstream. */
async function inflight(): Promise<readonly number[]> {
  const { route } = await bed.gateway.explain({ workspace: 'default', model: 'm' })
  return route?.tiers.flatMap(({ targets }) => targets.map(({ health }) => health.inflight)) ?? []
}

const origins = () =>
  engines.map(({ address }) => metric(bed, 'upstream_inflight', { upstream: `http://${address}` }))

const acts: readonly Name[] = [
  'good',
  'reset',
  'hangup',
  'html',
  'empty',
  'status 500',
  'status 429',
  'other',
  'error as first event',
  'error in mid-stream',
  'malformed events',
  'cut after 3',
  'headers then silence',
  'content then silence',
  'silence',
]

test(`R7: counts in flight are exact, and 0 after a storm of faults, callers that leave, retries and hedges (SEED=${seed})`, async () => {
  const random = seeded(seed)
  bed.random = random
  // Their time to first content must be known before a request may have a copy.
  for (let i = 0; i < 40; i++) await (await bed.chat(key, { model: 'm', stream: true })).text()
  const [first] = engines
  first?.always('one by one')
  const held = Array.from({ length: 5 }, () => bed.chat(key, { model: 'm', stream: true }))
  await expect.poll(() => first?.seen.length, patient).toBe(45)
  first?.step(5 * 4)
  const streams = await Promise.all(held)
  expect(await inflight()).toEqual([5, 0, 0])
  expect(origins()).toEqual([5, 0, 0])
  first?.step(5 * 10)
  await Promise.all(streams.map(stream => stream.text()))

  // One hedge for certain: the storm leaves few upstreams that are fit for a copy.
  first?.will('headers then silence')
  await (await bed.chat(key, { model: 'm', stream: true })).text()
  expect(bed.gateway.metrics()).toMatch(/hedges_total\{[^}]*"hedge"\} 1\n/)
  expect(origins()).toEqual([0, 0, 0])

  const pick = <T>(all: readonly T[]) => all[Math.floor(random() * all.length)] as T // none is empty
  const storm = 300
  for (const engine of engines) engine.will(...Array.from({ length: storm }, () => pick(acts)))
  const calls = Array.from({ length: storm }, async (_, i) => {
    const signal = i % 3 === 1 ? AbortSignal.timeout(random() * 400) : null
    const answer = await bed.chat(key, { model: 'm', stream: i % 4 !== 3 }, signal ? { signal } : {})
    await answer.arrayBuffer()
  })
  await Promise.allSettled(calls)
  await expect.poll(() => bed.gateway.inflight, patient).toBe(0)
  await expect.poll(origins, patient).toEqual([0, 0, 0])
  expect(await inflight()).toEqual([0, 0, 0])
  expect(metric(bed, 'streams_open')).toBe(0)
  expect(metric(bed, 'retries_total')).toBeGreaterThan(0)
  expect(bed.journal.events.length).toBeLessThanOrEqual(46 + storm)
})
