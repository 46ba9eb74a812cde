// The breaker, as sentences: what opens it, what does not, and how it closes again.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Breaker } from '../src/health/breaker.ts'
import { type HealthOutcome, outcomeOfStatus, outcomes } from '../src/health/outcome.ts'

const middle = () => 0.5
const start = 1_000_000

/** Each outcome `every` milliseconds after the one before; returns the time after the last. */
function happen(breaker: Breaker, told: readonly HealthOutcome[], from = start, every = 10): number {
  let now = from
  for (const outcome of told) {
    breaker.end(outcomes[outcome], breaker.epoch, breaker.begin(now), now)
    now += every
  }
  return now
}

const times = (count: number, outcome: HealthOutcome): HealthOutcome[] =>
  Array.from({ length: count }, () => outcome)

describe('a breaker', () => {
  it.each<[string, HealthOutcome[], 'closed' | 'open']>([
    ['9 faults are too few to judge by', times(9, 'fault'), 'closed'],
    ['10 faults open it', times(10, 'fault'), 'open'],
    ['half of 10 faults opens it', [...times(5, 'answered'), ...times(5, 'fault')], 'open'],
    ['4 of 10 leave it closed', [...times(6, 'answered'), ...times(4, 'fault')], 'closed'],
    [
      'slow calls count like faults',
      [...times(5, 'answered'), 'slow', 'slow', 'slow', 'fault', 'fault'],
      'open',
    ],
    ['5 connections in a row that fail open it', times(5, 'unreached'), 'open'],
    ['4 do not', times(4, 'unreached'), 'closed'],
    [
      'an answer between them begins the row anew',
      [...times(4, 'unreached'), 'answered', 'unreached'],
      'closed',
    ],
    [
      'a 429 between them does too: it was reached',
      [...times(4, 'unreached'), 'rate_limited', 'unreached'],
      'closed',
    ],
    ['an abort between them tells nothing', [...times(4, 'unreached'), 'aborted', 'unreached'], 'open'],
    ['4xx never open it', times(100, 'rejected'), 'closed'],
    ['429 never opens it', times(100, 'rate_limited'), 'closed'],
    ['aborts never open it', times(100, 'aborted'), 'closed'],
    ['wrong credentials never open it', times(100, 'misconfigured'), 'closed'],
    ['what does not count dilutes nothing', [...times(90, 'rejected'), ...times(10, 'fault')], 'open'],
  ])('%s', (_, told, state) => {
    const breaker = new Breaker(middle)
    expect(breaker.state(happen(breaker, told))).toBe(state)
  })

  it('forgets what is older than ten seconds', () => {
    const breaker = new Breaker(middle)
    happen(breaker, times(9, 'fault'))
    const later = happen(breaker, times(9, 'fault'), start + 11_000)
    expect(breaker.state(later)).toBe('closed')
    expect(breaker.calls(later)).toBe(9)
  })

  it('lets one probe through at a time and closes after three good ones', () => {
    const breaker = new Breaker(middle)
    let now = happen(breaker, times(10, 'fault'))
    expect(breaker.admits(now)).toBe(false)
    now = breaker.until
    for (let probe = 1; probe <= 3; probe++) {
      expect(breaker.state(now)).toBe('half_open')
      expect(breaker.admits(now)).toBe(true)
      expect(breaker.begin(now)).toBe(true)
      expect(breaker.admits(now)).toBe(false)
      breaker.end(outcomes.answered, breaker.epoch, true, now)
    }
    expect(breaker.state(now)).toBe('closed')
    expect(happen(breaker, times(9, 'fault'), now)).toBeGreaterThan(now)
    expect(breaker.state(now)).toBe('closed')
  })

  it('gives the probe back when its call tells nothing', () => {
    const breaker = new Breaker(middle)
    happen(breaker, times(10, 'fault'))
    const now = breaker.until
    breaker.end(outcomes.aborted, breaker.epoch, breaker.begin(now), now)
    expect(breaker.state(now)).toBe('half_open')
    expect(breaker.admits(now)).toBe(true)
  })

  it('stays open 5 s, doubled with each failed probe to 60 s, then begins anew', () => {
    const breaker = new Breaker(middle)
    let now = happen(breaker, times(10, 'fault'), start, 0)
    const waits = [breaker.until - now]
    for (let i = 0; i < 5; i++) {
      now = happen(breaker, ['fault'], breaker.until, 0)
      waits.push(breaker.until - now)
    }
    expect(waits).toEqual([5_000, 10_000, 20_000, 40_000, 60_000, 60_000])
    now = happen(breaker, times(3, 'answered'), breaker.until, 0)
    happen(breaker, times(10, 'fault'), now, 0)
    expect(breaker.until - now).toBe(5_000)
  })

  it('is jittered by a tenth either way', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), random => {
        const breaker = new Breaker(() => random)
        happen(breaker, times(10, 'fault'), start, 0)
        expect(Math.abs(breaker.until - start - 5_000)).toBeLessThanOrEqual(500)
      }),
    )
  })

  it('is not told by calls that began before it opened', () => {
    const breaker = new Breaker(middle)
    const before = breaker.epoch
    happen(breaker, times(10, 'fault'))
    const now = breaker.until
    expect(breaker.begin(now)).toBe(true)
    breaker.end(outcomes.fault, before, false, now)
    expect(breaker.state(now)).toBe('half_open')
    for (let i = 0; i < 3; i++) breaker.end(outcomes.answered, before, false, now)
    expect(breaker.state(now)).toBe('half_open')
  })

  it('takes a good call that went through while it was open for a probe', () => {
    const breaker = new Breaker(middle)
    const now = happen(breaker, times(10, 'fault'))
    expect(breaker.begin(now)).toBe(false)
    breaker.end(outcomes.answered, breaker.epoch, false, now)
    expect(breaker.state(now)).toBe('half_open')
    expect(breaker.admits(now)).toBe(true)
  })

  it('never admits two probes at once, whatever happens', () => {
    const step = fc.record({
      wait: fc.integer({ min: 0, max: 8_000 }),
      outcome: fc.constantFrom<HealthOutcome>(
        'answered',
        'fault',
        'unreached',
        'slow',
        'aborted',
        'rejected',
      ),
      end: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), steps => {
        const breaker = new Breaker(middle)
        const live: { probe: boolean; epoch: number }[] = []
        let now = start
        for (const { wait, outcome, end } of steps) {
          now += wait
          if (end) {
            const call = live.shift()
            if (call) breaker.end(outcomes[outcome], call.epoch, call.probe, now)
          } else if (breaker.admits(now)) live.push({ probe: breaker.begin(now), epoch: breaker.epoch })
          const probes = live.filter(({ probe, epoch }) => probe && epoch === breaker.epoch)
          expect(probes.length).toBeLessThanOrEqual(1)
        }
      }),
    )
  })
})

describe('a status', () => {
  it.each<[number, HealthOutcome]>([
    [200, 'answered'],
    [206, 'answered'],
    [302, 'fault'],
    [400, 'rejected'],
    [401, 'misconfigured'],
    [402, 'misconfigured'],
    [403, 'misconfigured'],
    [404, 'misconfigured'],
    [408, 'fault'],
    [413, 'rejected'],
    [422, 'rejected'],
    [429, 'rate_limited'],
    [500, 'fault'],
    [501, 'rejected'],
    [502, 'fault'],
    [503, 'fault'],
    [504, 'fault'],
    [529, 'fault'],
  ])('%i is %s', (status, outcome) => {
    expect(outcomeOfStatus(status)).toBe(outcome)
  })
})
