// Retry, fallback, hedge and shadow as decisions, and what a storm of faults may cost.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RetryBudget } from '../src/choose/budget.ts'
import { fallbackOf } from '../src/choose/fallback.ts'
import { Hedges, type HedgeVerdict, hedgeAfter, type Waiting } from '../src/choose/hedge.ts'
import {
  backoff,
  type Failed,
  mayRetry,
  type NextAttempt,
  pauseOf,
  type Verdict,
} from '../src/choose/retry.ts'
import { Shadow } from '../src/choose/shadow.ts'
import type { HealthOutcome } from '../src/health/outcome.ts'
import { seeded } from './seeded.ts'

const now = 1_000_000
const failed = (given: Partial<Failed>): Failed => ({
  outcome: 'fault',
  attempts: 1,
  most: 3,
  committed: false,
  ...given,
})
const next = (given: Partial<NextAttempt> = {}): NextAttempt => ({
  now,
  deadline: now + 60_000,
  attempts: 1,
  triedBefore: false,
  fitAt: undefined,
  random: 0.5,
  ...given,
})

describe('a retry', () => {
  it.each<[string, Partial<Failed>, Verdict]>([
    ['goes elsewhere after a fault', {}, { again: true, tier: 'any' }],
    ['goes elsewhere after a failed connection', { outcome: 'unreached' }, { again: true, tier: 'any' }],
    ['goes elsewhere after silence', { outcome: 'slow' }, { again: true, tier: 'any' }],
    ['goes elsewhere after a 429', { outcome: 'rate_limited' }, { again: true, tier: 'any' }],
    ['goes to the next tier after a 401', { outcome: 'misconfigured' }, { again: true, tier: 'next' }],
    ['is not made after a 400', { outcome: 'rejected' }, { again: false, why: 'not_retried' }],
    ['is not made when the caller has left', { outcome: 'aborted' }, { again: false, why: 'not_retried' }],
    ['is made after the second of three', { attempts: 2 }, { again: true, tier: 'any' }],
    ['is not made after the third', { attempts: 3 }, { again: false, why: 'attempts' }],
    ['is not made where one attempt is allowed', { most: 1 }, { again: false, why: 'attempts' }],
  ])('%s', (_, given, verdict) => {
    expect(mayRetry(failed(given))).toEqual(verdict)
  })

  it('R2: is never made after the first byte, under any fault', () => {
    const outcome = fc.constantFrom<HealthOutcome>(
      'unreached',
      'fault',
      'slow',
      'rate_limited',
      'misconfigured',
    )
    fc.assert(
      fc.property(outcome, fc.nat(5), fc.integer({ min: 1, max: 5 }), (outcome, attempts, most) => {
        expect(mayRetry({ outcome, attempts, most, committed: true })).toEqual({
          again: false,
          why: 'committed',
        })
      }),
    )
  })

  it.each<[string, Partial<NextAttempt>, ReturnType<typeof pauseOf>]>([
    ['at another target waits for nothing', {}, 0],
    ['at the same one waits 25 to 50 ms', { triedBefore: true }, 37.5],
    ['waits longer after more attempts', { triedBefore: true, attempts: 3 }, 112.5],
    ['waits for a pause that was asked for', { triedBefore: true, fitAt: now + 3_000 }, 3_000],
    ['does not wait longer than 5 s', { triedBefore: true, fitAt: now + 5_001 }, 'pause_too_long'],
    [
      'does not outlast a deadline that is shorter than the pause',
      { fitAt: now + 200, deadline: now + 100 },
      'deadline',
    ],
    ['is not begun at the deadline', { deadline: now }, 'deadline'],
  ])('%s', (_, given, pause) => {
    expect(pauseOf(next(given), new RetryBudget())).toBe(pause)
  })

  it('that is not made costs no budget', () => {
    const budget = new RetryBudget()
    const left = budget.left(now)
    pauseOf(next({ deadline: now }), budget)
    expect(budget.left(now)).toBe(left)
    pauseOf(next(), budget)
    expect(budget.left(now)).toBe(left - 1)
  })

  it('waits between 25 ms and 1 s', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 50 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (attempts, random) => {
          const wait = backoff(attempts, random)
          expect(wait).toBeGreaterThanOrEqual(25)
          expect(wait).toBeLessThanOrEqual(1_000)
        },
      ),
    )
  })
})

describe('the retry budget', () => {
  it.each([1, 20, 200])(
    'R3: holds calls to 1.2 x requests and 3/s when all upstreams fail, at %i requests/s',
    rate => {
      const budget = new RetryBudget()
      const random = seeded(rate)
      const seconds = 60
      let at = now
      let requests = 0
      let calls = 0
      while (at < now + seconds * 1000) {
        budget.deposit(at)
        requests++
        for (let attempts = 1; ; attempts++) {
          calls++
          if (!mayRetry(failed({ attempts })).again) break
          if (typeof pauseOf(next({ now: at, deadline: at + 60_000, attempts }), budget) === 'string') break
        }
        at += (-Math.log(1 - random()) * 1000) / rate
      }
      expect(calls).toBeLessThanOrEqual(1.2 * requests + 3 * (seconds + 10))
      expect(calls).toBeGreaterThan(requests)
    },
  )

  it('R3: is never more than a fifth of the requests of ten seconds and thirty', () => {
    const step = fc.record({ wait: fc.nat(2_000), requests: fc.nat(20), takes: fc.nat(20) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), steps => {
        const budget = new RetryBudget()
        let at = now
        const spent: number[] = []
        const came: number[] = []
        for (const { wait, requests, takes } of steps) {
          at += wait
          const recent = (second: number) => second > Math.floor(at / 1000) - 10
          for (let i = 0; i < requests; i++) {
            budget.deposit(at)
            came.push(Math.floor(at / 1000))
          }
          for (let i = 0; i < takes; i++) if (budget.take(at)) spent.push(Math.floor(at / 1000))
          if (takes > 0 && spent.at(-1) === Math.floor(at / 1000))
            expect(spent.filter(recent).length).toBeLessThanOrEqual(30 + 0.2 * came.filter(recent).length)
        }
      }),
    )
  })
})

describe('a fallback', () => {
  const both = { onContextLength: 'long', onContentFilter: 'mild' }

  it.each([
    ['a context-length refusal takes its own route', 'context_length', both, ['r'], 'long'],
    ['a content filter takes its own', 'content_filter', both, ['r'], 'mild'],
    ['any other 400 takes none', 'other', both, ['r'], undefined],
    [
      'nor does one that the route has no policy for',
      'content_filter',
      { onContextLength: 'long' },
      ['r'],
      undefined,
    ],
    ['two routes that fall back to each other end', 'context_length', both, ['long', 'r'], undefined],
    ['a chain ends after four routes', 'context_length', both, ['a', 'b', 'c', 'd'], undefined],
  ] as const)('%s', (_, rejection, fallbacks, visited, route) => {
    expect(fallbackOf(rejection, fallbacks, visited)).toBe(route)
  })
})

describe('a hedge', () => {
  const waiting = (given: Partial<Waiting> = {}): Waiting => ({
    now,
    waited: 400,
    after: 300,
    hedged: false,
    committed: false,
    deadline: now + 1_000,
    elsewhere: true,
    ...given,
  })
  const ready = () => {
    const hedges = new Hedges(5)
    for (let i = 0; i < 20; i++) hedges.deposit()
    return hedges
  }

  it('waits for the p95 of its upstream, at least 200 ms, and for ever while that is not known', () => {
    expect(hedgeAfter(50)).toBe(200)
    expect(hedgeAfter(900)).toBe(900)
    expect(hedgeAfter(undefined)).toBeUndefined()
  })

  it.each<[string, Partial<Waiting>, HedgeVerdict]>([
    ['is made once its time has come', {}, 'hedge'],
    ['is not made before', { waited: 299 }, 'early'],
    ['is not made while the p95 is not known', { after: undefined }, 'early'],
    ['is made once', { hedged: true }, 'hedged'],
    ['is not made after the first byte', { committed: true }, 'committed'],
    ['is not made after the deadline', { deadline: now }, 'deadline'],
    ['is not made where there is no other target', { elsewhere: false }, 'nowhere'],
  ])('%s', (_, given, verdict) => {
    expect(ready().decide(waiting(given), new RetryBudget())).toBe(verdict)
  })

  it('is at most its percentage of the requests, whenever one looks', () => {
    for (const percent of [0, 1, 5]) {
      const hedges = new Hedges(percent)
      let made = 0
      for (let requests = 1; requests <= 5_000; requests++) {
        hedges.deposit()
        if (hedges.decide(waiting(), new RetryBudget()) === 'hedge') made++
        expect(made).toBeLessThanOrEqual((requests * percent) / 100 + 1e-6)
      }
      expect(made).toBeGreaterThanOrEqual(5_000 * (percent / 100) - 1)
    }
    expect(() => new Hedges(6)).toThrow(TypeError)
  })

  it('comes from the retry budget', () => {
    const budget = new RetryBudget()
    while (budget.take(now)) expect(budget.left(now)).toBeGreaterThanOrEqual(0)
    expect(ready().decide(waiting(), budget)).toBe('budget')
  })
})

describe('a shadow', () => {
  it('gets its share of the requests', () => {
    const shadow = new Shadow(10)
    const random = seeded(3)
    let made = 0
    for (let i = 0; i < 10_000; i++)
      if (shadow.begin(random())) {
        made++
        shadow.end()
      }
    expect(Math.abs(made - 1_000)).toBeLessThanOrEqual(3 * Math.sqrt(10_000 * 0.1 * 0.9))
    expect(shadow.inflight).toBe(0)
  })

  it('that never answers holds no more than its bound', () => {
    const shadow = new Shadow(100, 4)
    const made = Array.from({ length: 10 }, () => shadow.begin(0)).filter(Boolean)
    expect(made).toHaveLength(4)
    expect(shadow.skipped).toBe(6)
    expect(() => new Shadow(101)).toThrow(TypeError)
  })
})
