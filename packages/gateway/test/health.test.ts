// The health of upstreams: what is under way, what they asked for, how soon they answer, and who stands out.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Checks } from '../src/health/checks.ts'
import { Health } from '../src/health/health.ts'
import type { HealthOutcome } from '../src/health/outcome.ts'
import { eject } from '../src/health/outliers.ts'
import { Pace } from '../src/health/pace.ts'
import type { Vitals } from '../src/health/vitals.ts'
import { Window } from '../src/health/window.ts'

const random = () => 0.5
const start = 1_000_000
const health = (options = {}) => new Health({ random, ...options })
const fresh = () => health().at('replica-0', 'chat')

function once(vitals: Vitals, outcome: HealthOutcome, now = start, retryAfter?: number): void {
  vitals.begin(now, true).end(outcome, now, retryAfter)
}

describe('in flight', () => {
  it('R7: is exact after any order of ends, and 0 when all have ended', () => {
    const outcome = fc.constantFrom<HealthOutcome>(
      'answered',
      'unreached',
      'fault',
      'slow',
      'rate_limited',
      'misconfigured',
      'rejected',
      'aborted',
    )
    const step = fc.record({
      begin: fc.boolean(),
      which: fc.nat(),
      outcome,
      twice: fc.boolean(),
      wait: fc.nat(3000),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), steps => {
        const vitals = fresh()
        const live = new Set<ReturnType<Vitals['begin']>>()
        let now = start
        for (const { begin, which, outcome, twice, wait } of steps) {
          now += wait
          if (begin) live.add(vitals.begin(now, which % 2 === 0))
          else {
            const ticket = [...live][which % Math.max(1, live.size)]
            if (which % 3 === 0) ticket?.content(now)
            ticket?.end(outcome, now)
            if (twice) ticket?.end('fault', now)
            if (ticket) live.delete(ticket)
          }
          expect(vitals.inflight).toBe(live.size)
        }
        for (const ticket of live) ticket.end('aborted', now)
        expect(vitals.inflight).toBe(0)
      }),
    )
  })

  it('R7: is corrected by the engine for two seconds, then says that it is stale', () => {
    const vitals = fresh()
    vitals.begin(start, true)
    expect(vitals.state(start)).toMatchObject({ metrics: 'none', load: 1 })
    vitals.told(7, start)
    vitals.begin(start, true)
    expect(vitals.state(start + 1_999)).toMatchObject({ metrics: 'fresh', inflight: 2, load: 8 })
    expect(vitals.state(start + 2_000)).toMatchObject({ metrics: 'stale', inflight: 2, load: 2 })
  })
})

describe('an upstream', () => {
  it('cools for what its 429 asked for, at most 60 s, 1 s when it said nothing', () => {
    for (const [asked, seconds] of [
      [undefined, 1],
      [7_000, 7],
      [3_600_000, 60],
    ] as const) {
      const vitals = fresh()
      once(vitals, 'rate_limited', start, asked)
      expect(vitals.unfit(start + seconds * 1000 - 1)).toBe('cooling')
      expect(vitals.fitAt(start)).toBe(start + seconds * 1000)
      expect(vitals.unfit(start + seconds * 1000)).toBeUndefined()
      expect(vitals.state(start).breaker).toBe('closed')
    }
  })

  it('is not cooled for less by a later 429', () => {
    const vitals = fresh()
    once(vitals, 'rate_limited', start, 30_000)
    once(vitals, 'rate_limited', start, 1_000)
    expect(vitals.fitAt(start)).toBe(start + 30_000)
  })

  it('that refuses our credentials is marked, asked once a minute, and cleared by an answer', () => {
    const vitals = fresh()
    once(vitals, 'misconfigured')
    expect(vitals.unfit(start + 59_999)).toBe('misconfigured')
    expect(vitals.unfit(start + 60_000)).toBeUndefined()
    const test = vitals.begin(start + 60_000, true)
    expect(vitals.unfit(start + 60_000)).toBe('misconfigured')
    test.end('misconfigured', start + 60_001)
    expect(vitals.unfit(start + 60_001)).toBe('misconfigured')
    once(vitals, 'answered', start + 60_002)
    expect(vitals.unfit(start + 60_002)).toBeUndefined()
  })

  it('is no longer marked under a new configuration', () => {
    const all = health()
    once(all.at('openai', 'm', '1'), 'misconfigured')
    expect(all.at('openai', 'm', '1').unfit(start)).toBe('misconfigured')
    expect(all.at('openai', 'm', '2').unfit(start)).toBeUndefined()
  })

  it('has a breaker for each model', () => {
    const all = health()
    for (let i = 0; i < 10; i++) once(all.at('openai', 'one'), 'fault')
    expect(all.at('openai', 'one').unfit(start)).toBe('open')
    expect(all.at('openai', 'other').unfit(start)).toBeUndefined()
  })

  it('closes its breaker at the first content of three probes, not at the end of their streams', () => {
    const vitals = fresh()
    for (let i = 0; i < 10; i++) once(vitals, 'fault')
    const now = start + 6_000
    const tickets = [0, 1, 2].map(() => {
      expect(vitals.unfit(now)).toBeUndefined()
      const ticket = vitals.begin(now, true)
      expect(vitals.unfit(now)).toBe('probing')
      ticket.content(now)
      return ticket
    })
    expect(vitals.state(now)).toMatchObject({ breaker: 'closed', inflight: 3 })
    for (const ticket of tickets) ticket.end('answered', now)
    expect(vitals.state(now)).toMatchObject({ inflight: 0, lastFault: 'fault', lastFaultAt: start })
  })

  it('fails its checks after three bad ones and passes after two good ones', () => {
    const checks = new Checks()
    const states = [false, false, true, false, false, false, true, false, true, true].map(good => {
      checks.told(good)
      return checks.state
    })
    expect(states.join(' ')).toBe(
      'unknown unknown unknown unknown unknown failing failing failing failing passing',
    )
  })

  it('that fails its checks gets nothing for any of its models', () => {
    const all = health()
    const vitals = all.at('replica-0', 'chat')
    for (let i = 0; i < 3; i++) all.checked('replica-0', false)
    all.checked('unknown', false)
    expect(vitals.unfit(start)).toBe('failing_checks')
  })
})

describe('the registry', () => {
  it('keeps no more upstreams and models than its bounds, and rather the busy ones', () => {
    const all = health({ upstreams: 3, models: 2 })
    const busy = all.at('a', 'm')
    busy.begin(start, true)
    for (const name of ['b', 'c', 'd', 'e']) for (const model of ['1', '2', '3']) all.at(name, model)
    const known = [...all.states(start)]
    expect(known).toHaveLength(5)
    expect(new Set(known.map(({ upstream }) => upstream)).size).toBe(3)
    expect(all.at('a', 'm')).toBe(busy)
  })

  it('forgets what has left, once its streams have ended', () => {
    const all = health()
    const ticket = all.at('a', 'm').begin(start, true)
    all.at('b', 'm')
    all.retain(new Set())
    expect([...all.states(start)].map(({ upstream }) => upstream)).toEqual(['a'])
    ticket.end('answered', start)
    all.retain(new Set())
    expect([...all.states(start)]).toEqual([])
  })
})

describe('a pace', () => {
  it('jumps to a slower answer and fades from it', () => {
    const pace = new Pace()
    pace.observe(100, start)
    pace.observe(1_000, start)
    expect(pace.average(start)).toBe(1_000)
    pace.observe(100, start + 10_000)
    expect(pace.average(start + 10_000)).toBeCloseTo(100 + 900 / Math.E, 6)
    expect(pace.average(start + 100_000)).toBeLessThan(1)
  })

  it('knows its p95 within a fifth after twenty answers, and forgets it in two minutes', () => {
    const pace = new Pace()
    for (let i = 1; i <= 19; i++) pace.observe(i * 100, start)
    expect(pace.p95(start)).toBeUndefined()
    for (let i = 20; i <= 100; i++) pace.observe(i * 100, start)
    const p95 = pace.p95(start) ?? 0
    expect(p95).toBeGreaterThanOrEqual(9_500)
    expect(p95).toBeLessThan(9_500 * 1.2)
    expect(pace.p95(start + 59_000)).toBe(p95)
    expect(pace.p95(start + 180_000)).toBeUndefined()
  })
})

describe('a window', () => {
  it('holds the sum of the last ten seconds', () => {
    const event = fc.record({ wait: fc.nat(4_000), column: fc.nat(1) })
    fc.assert(
      fc.property(fc.array(event, { maxLength: 100 }), events => {
        const window = new Window(2)
        const seconds: [number, number][] = []
        let now = start
        for (const { wait, column } of events) {
          now += wait
          window.add(column, now)
          const second = Math.floor(now / 1000)
          seconds.push([second, column])
          for (const which of [0, 1])
            expect(window.sum(which, now)).toBe(
              seconds.filter(([at, of]) => of === which && at > second - 10).length,
            )
        }
      }),
    )
  })
})

describe('outliers', () => {
  function pool(...shares: readonly [calls: number, faults: number][]): Vitals[] {
    const all = health()
    return shares.map(([calls, faults], i) => {
      const vitals = all.at(`replica-${i}`, 'chat')
      const good = calls - faults
      // Good ones first, spread, so that no breaker opens on the way.
      for (let n = 0; n < good; n++) once(vitals, 'answered')
      for (let n = 0; n < faults; n++) once(vitals, 'fault')
      return vitals
    })
  }
  const out = (all: readonly Vitals[], now = start) => all.map(vitals => (vitals.ejected(now) ? 1 : 0))

  it('one that fails far more often than its siblings leaves for 30 s', () => {
    const all = pool([100, 1], [100, 20], [100, 0], [100, 2])
    expect(eject(all, start)).toBe(1)
    expect(out(all)).toEqual([0, 1, 0, 0])
    expect(all[1]?.unfit(start + 29_999)).toBe('ejected')
    expect(all[1]?.unfit(start + 30_000)).toBeUndefined()
  })

  it('stand out in a pool of two as well', () => {
    const all = pool([100, 1], [100, 30])
    eject(all, start)
    expect(out(all)).toEqual([0, 1])
  })

  it('are not judged by few calls, few faults, or without siblings that work', () => {
    expect(eject(pool([9, 4], [100, 0]), start)).toBe(0)
    expect(eject(pool([100, 4], [1000, 0]), start)).toBe(0)
    expect(eject(pool([100, 30]), start)).toBe(0)
    expect(eject(pool([100, 30], [0, 0]), start)).toBe(0)
  })

  it('are none where all fail alike', () => {
    const all = pool([100, 30], [100, 33], [100, 28], [100, 31])
    expect(eject(all, start)).toBe(0)
  })

  it('are at most half of the pool, whatever its shares', () => {
    const member = fc.nat(100).chain(faults => fc.tuple(fc.constant(200), fc.constant(Math.min(faults, 99))))
    fc.assert(
      fc.property(fc.array(member, { minLength: 1, maxLength: 9 }), shares => {
        const all = pool(...shares)
        for (let sweep = 0; sweep < 3; sweep++) eject(all, start + sweep * 1000)
        expect(out(all, start + 2_000).filter(Boolean).length).toBeLessThanOrEqual(Math.floor(all.length / 2))
      }),
      { numRuns: 30 },
    )
  })
})
