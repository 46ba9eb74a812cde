// The arithmetic of limits, over every schedule that chance finds.
import { Fault } from '@switchyard/kinds'
import {
  type Amounts,
  admitted,
  costIn,
  filledBy,
  neverPasses,
  nothingUsed,
  passes,
  quotaBucket,
  type RateBucket,
  rateBucket,
  refusal,
  seatBucket,
  settlementIn,
  shareOf,
  tightest,
  unitsOf,
} from '@switchyard/runtime'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const rate = (limit: number, windowMs: number, burst = limit) =>
  rateBucket({ key: 'k', level: 'key', dimension: 'input_tokens', limit, windowMs, burst })
const of = (inputTokens: number): Amounts => ({ ...nothingUsed, inputTokens })

const windows = fc.constantFrom(1, 1000, 60_000, 3_600_000, 86_400_000)
const rates = fc
  .record({
    limit: fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 10_000_000 })),
    windowMs: windows,
    burst: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 1_000_000 })),
  })
  .map(({ limit, windowMs, burst }) => rate(limit, windowMs, burst))
/** Steps of [microseconds since the step before, part of the burst asked for]. */
const schedule = fc.array(
  fc.tuple(
    fc.oneof(fc.nat({ max: 100 }), fc.nat({ max: 5_000_000 })),
    fc.double({ min: 0, max: 1, noNaN: true }),
  ),
  { maxLength: 60 },
)

/** Runs a schedule and answers what was admitted, as [moment, amount], and where it ended. */
function play(
  bucket: RateBucket,
  steps: readonly (readonly [number, number])[],
  startUs = 1_700_000_000_000_000,
) {
  let now = startUs
  let tat = 0
  const taken: { readonly at: number; readonly amount: number }[] = []
  for (const [wait, part] of steps) {
    now += wait
    const amount = Math.max(1, Math.round(part * part * bucket.burst))
    const cost = costIn(bucket, of(amount))
    const filled = Math.max(0, tat - now)
    if (!passes(filled, cost, bucket.bound)) continue
    tat = now + filled + cost
    taken.push({ at: now, amount })
  }
  return { taken, now, tat }
}

describe('a rate', () => {
  test('admits at most burst + rate x t in every window of every schedule', () => {
    fc.assert(
      fc.property(rates, schedule, (bucket, steps) => {
        const { taken } = play(bucket, steps)
        for (let from = 0; from < taken.length; from++) {
          let sum = 0n
          for (let to = from; to < taken.length; to++) {
            sum += BigInt(taken[to]!.amount)
            // The clock counts whole microseconds, so what it calls t has lasted less than t + 1.
            const t = BigInt(taken[to]!.at - taken[from]!.at + 1)
            const windowUs = BigInt(bucket.windowMs) * 1000n
            expect(sum * windowUs <= BigInt(bucket.burst) * windowUs + BigInt(bucket.limit) * t).toBe(true)
          }
        }
      }),
      { numRuns: 2000 },
    )
  })

  test('states the exact moment: a microsecond before it refuses, and then it passes', () => {
    fc.assert(
      fc.property(rates, schedule, fc.double({ min: 0, max: 1, noNaN: true }), (bucket, steps, part) => {
        const { tat, now } = play(bucket, steps)
        const cost = costIn(bucket, of(Math.max(1, Math.round(part * bucket.burst))))
        const filled = Math.max(0, tat - now)
        fc.pre(!passes(filled, cost, bucket.bound))
        const wait = filled + cost - bucket.bound
        expect(passes(Math.max(0, tat - (now + wait - 1)), cost, bucket.bound)).toBe(false)
        expect(passes(Math.max(0, tat - (now + wait)), cost, bucket.bound)).toBe(true)
        const claim = { id: 'c', buckets: [bucket], amounts: nothingUsed }
        expect(refusal(claim, [cost], now, [filled]).retryAfterMs).toBe(Math.ceil(wait / 1000))
      }),
    )
  })

  test.each([
    [7, 1000],
    [60, 60_000],
    [999, 1000],
    [150_000, 60_000],
    [10_000_000, 60_000],
    [100, 86_400_000],
  ])('of %i in %i ms passes its whole burst one by one, or all at once', (limit, windowMs) => {
    const bucket = rate(limit, windowMs)
    expect(costIn(bucket, of(limit))).toBe(bucket.bound)
    if (bucket.units === 1) expect(costIn(bucket, of(1)) * limit).toBe(bucket.bound)
    expect(tightest({ buckets: [bucket], filled: [0], atUs: 0 }, 'input_tokens')?.remaining).toBe(limit)
  })

  test('is never more than a thousandth slower than asked for, beside one microsecond for each claim', () => {
    fc.assert(
      fc.property(rates, fc.integer({ min: 1, max: 1_000_000 }), (bucket, amount) => {
        fc.pre(amount <= bucket.burst)
        const exact = (BigInt(amount) * BigInt(bucket.windowMs) * 1000n) / BigInt(bucket.limit)
        const cost = BigInt(costIn(bucket, of(amount)))
        expect(cost >= exact && cost <= exact + exact / 1000n + 2n).toBe(true)
      }),
    )
  })

  test('settled ends where it would have been with the real usage, never below', () => {
    fc.assert(
      fc.property(rates, fc.nat(), fc.nat(), (bucket, a, b) => {
        const reserved = of(a % (bucket.burst + 1))
        const used = of(b % (2 * bucket.burst + 1))
        const cost = costIn(bucket, reserved)
        const after = filledBy(cost, settlementIn(bucket, reserved, used))
        // Refunds are rounded down and charges up; debt ends where moments would not be exact any more.
        const whole = Number((BigInt(used.inputTokens) * BigInt(bucket.step)) / BigInt(bucket.units))
        const exact = Math.min(whole, 2 ** 52)
        expect(after - exact).toBeGreaterThanOrEqual(0)
        expect(after - exact).toBeLessThanOrEqual(2)
        expect(-settlementIn(bucket, reserved, used)).toBeLessThanOrEqual(cost)
      }),
    )
  })

  test('shared by several never gives more than the whole', () => {
    fc.assert(
      fc.property(rates, fc.integer({ min: 1, max: 9 }), (bucket, holders) => {
        const share = shareOf(bucket, holders)
        if (bucket.burst < holders) {
          expect(share).toBeUndefined()
          return
        }
        if (share?.type !== 'rate') throw new TypeError('a share of a rate is a rate')
        expect(share.burst * holders).toBeLessThanOrEqual(bucket.burst)
        // One unit of a share takes as long as `holders` of the whole.
        expect(share.step / share.units).toBeCloseTo((bucket.step * holders) / bucket.units, 3)
      }),
    )
  })
})

describe('what is told', () => {
  const claim = {
    id: 'c',
    amounts: { requests: 1, inputTokens: 10, outputTokens: 10, money: { USD: 4n } },
    buckets: [
      rateBucket({ key: 'a', level: 'platform', dimension: 'requests', limit: 60, windowMs: 60_000 }),
      rateBucket({ key: 'b', level: 'key', dimension: 'requests', limit: 10, windowMs: 60_000 }),
      quotaBucket({ key: 'd', level: 'project', dimension: 'tokens', limit: 100n, resetsAtMs: 5000 }),
      seatBucket({ key: 'e', level: 'workspace', limit: 2 }),
    ],
  }

  test('a refusal names the bucket that takes longest, the outermost of equals', () => {
    const told = (filled: readonly number[]) => {
      const { level, dimension, retryAfterMs } = refusal(claim, [1_000_000, 6_000_000, 20, 1], 0, filled)
      return [level, dimension, retryAfterMs]
    }
    expect(told([60_000_000, 0, 0, 0])).toEqual(['platform', 'requests', 1000])
    expect(told([60_000_000, 60_000_000, 0, 0])).toEqual(['key', 'requests', 6000])
    expect(told([60_000_000, 0, 0, 2])).toEqual(['platform', 'requests', 1000])
    expect(told([60_000_000, 54_000_001, 0, 2])).toEqual(['platform', 'requests', 1000])
    expect(told([0, 0, 81, 2])).toEqual(['project', 'tokens', 5000])
  })

  test('of two buckets of one dimension the tighter one is shown', () => {
    const verdict = admitted(claim, 1_000_000, [6_000_000, 12_000_000, 40, 1])
    expect(tightest(verdict, 'requests')).toMatchObject({ limit: 10, remaining: 8, resetMs: 12_000 })
    expect(tightest(verdict, 'tokens')).toMatchObject({ limit: 100, remaining: 60, resetMs: 4000 })
    expect(tightest(verdict, 'concurrency')).toMatchObject({ limit: 2, remaining: 1, resetMs: undefined })
    expect(tightest(verdict, 'money')).toBeUndefined()
  })

  test('money is counted in the currency of the bucket', () => {
    const purse = (currency: string) =>
      quotaBucket({
        key: currency,
        level: 'key',
        dimension: 'money',
        limit: 100n,
        resetsAtMs: 5000,
        currency,
      })
    const amounts = { ...of(1), money: { USD: 7n, CNY: 50n } }
    expect(['USD', 'CNY', 'EUR'].map(currency => costIn(purse(currency), amounts))).toEqual([7, 50, 0])
    const used = { ...of(1), money: { USD: 9n } }
    expect(['USD', 'CNY'].map(currency => settlementIn(purse(currency), amounts, used))).toEqual([2, -50])
  })

  test('a claim that no bucket can hold is refused for good', () => {
    const buckets = [rate(10, 1000, 5)]
    const never = neverPasses({ id: 'c', buckets, amounts: of(6) }, [costIn(buckets[0]!, of(6))])
    expect(never).toMatchObject({ reason: 'reservation_exceeds_limit', retryAfterMs: undefined })
    expect(unitsOf(buckets[0]!, buckets[0]!.bound)).toBe(5)
  })

  test.each([
    [() => rate(0, 1000)],
    [() => rate(1.5, 1000)],
    [() => rate(10, 1000, 0)],
    [() => rate(10, 0)],
    [() => quotaBucket({ key: 'q', level: 'key', dimension: 'tokens', limit: -1n, resetsAtMs: 1 })],
    [() => quotaBucket({ key: 'q', level: 'key', dimension: 'tokens', limit: 2n ** 53n, resetsAtMs: 1 })],
    [() => quotaBucket({ key: 'q', level: 'key', dimension: 'money', limit: 1n, resetsAtMs: 1 })],
    [
      () =>
        quotaBucket({
          key: 'q',
          level: 'key',
          dimension: 'tokens',
          limit: 1n,
          resetsAtMs: 1,
          currency: 'USD',
        }),
    ],
    [() => seatBucket({ key: 's', level: 'key', limit: -1 })],
  ])('a limit that cannot be kept is refused with its bound (%#)', make => {
    expect(make).toThrow(Fault)
    expect(make).toThrow(/cannot be kept: .+/)
  })

  test('a burst that would never drain is cut to what does in 142 years', () => {
    const bucket = rate(1, 60_000, 1_000_000_000_000)
    expect(bucket.burst).toBe(75_059_993)
    expect(bucket.bound).toBeLessThanOrEqual(2 ** 52)
  })

  test('amounts that are no whole numbers are a mistake of the program', () => {
    expect(() => costIn(rate(10, 1000), of(-1))).toThrow(TypeError)
    expect(() => costIn(rate(10, 1000), of(0.5))).toThrow(TypeError)
  })
})
