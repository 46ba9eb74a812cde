// Limits at every level, each for all models and for single ones, and what must hold of them whoever asks: in no window is
// more let in than burst and rate; refusals change nothing; nothing comes back that was not reserved.
import {
  type Amounts,
  type Bucket,
  type LimitClaim,
  type Limiter,
  type LimitLevel,
  nothingUsed,
  quotaBucket,
  type RateBucket,
  rateBucket,
  systemRandom,
} from '@switchyard/runtime'
import { expect } from 'vitest'

/** From 0 up to `below`. */
export type Pick = (below: number) => number

/** Whole numbers, the same of the same seed (splitmix). */
export function picking(seed: number): Pick {
  let state = seed >>> 0
  return below => {
    state = (state + 0x9e3779b9) >>> 0
    let z = state
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad)
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
    return ((z ^ (z >>> 15)) >>> 0) % below
  }
}

export interface Limits {
  /** Outermost first: those of the levels above a key, for all models and for this one. */
  rates(key: number, model: number): readonly RateBucket[]
  /** Sums at each of these levels, of tokens and of money, that nothing drains. */
  sums(key: number): readonly Bucket[]
}

export const keys = 6
export const models = 2
const dimensions = ['requests', 'input_tokens', 'output_tokens', 'tokens'] as const
const enough = 1_000_000_000n

/** Two keys of a project, and two projects of a workspace but for the last. */
const places = (key: number): readonly (readonly [LimitLevel, string])[] => [
  ['platform', 'all'],
  ['workspace', `w${key >> 2}`],
  ['project', `p${key >> 1}`],
  ['key', `k${key}`],
]

/** About half of what comes passes; which limit is the tight one changes from key to key. */
export function limitsOf(prefix: string, pick: Pick): Limits {
  const made = new Map<string, RateBucket>()
  const rate = (level: LimitLevel, name: string, wide: number): RateBucket => {
    const key = `${prefix}/${level}/${name}`
    const standing = made.get(key)
    if (standing) return standing
    const dimension = dimensions[pick(dimensions.length)] ?? 'requests'
    const each = dimension === 'requests' ? 1 : 6
    const limit = each * (8 + pick(40)) * wide
    const burst = each * (3 + pick(20)) * wide
    const bucket = rateBucket({ key, level, dimension, limit, windowMs: 250 + pick(1000), burst })
    made.set(key, bucket)
    return bucket
  }
  for (let key = 0; key < keys; key++)
    for (const [place, [level, name]] of places(key).entries())
      for (const model of ['', '/m0', '/m1']) rate(level, `${name}${model}`, 4 - place)
  return {
    rates: (key, model) =>
      places(key).flatMap(([level, name]) => [rate(level, name, 1), rate(level, `${name}/m${model}`, 1)]),
    sums: key =>
      places(key).flatMap(([level, name]) => {
        const at = {
          key: `${prefix}/sum/${name}`,
          level,
          limit: enough,
          resetsAtMs: Number.POSITIVE_INFINITY,
        }
        return [
          quotaBucket({ ...at, dimension: 'tokens' }),
          quotaBucket({ ...at, key: `${at.key}/money`, dimension: 'money', currency: 'USD' }),
        ]
      }),
  }
}

/** What one call asks for. */
export interface Wish {
  readonly key: number
  readonly model: number
  readonly amounts: Amounts
  /** What it turns out to use: mostly less than it has reserved. */
  readonly used: Amounts
}

const amountsOf = (inputTokens: number, outputTokens: number, money: number): Amounts => ({
  requests: 1,
  inputTokens,
  outputTokens,
  money: { USD: BigInt(money) },
})

export function wish(pick: Pick): Wish {
  const [input, output, money] = [pick(9), pick(12), pick(1000)]
  const end = pick(10)
  const used =
    end < 4
      ? amountsOf(input, output, money)
      : end < 9
        ? amountsOf(pick(input + 1), pick(output + 1), pick(money + 1))
        : amountsOf(input + pick(9), output + pick(9), money + pick(500))
  return { key: pick(keys), model: pick(models), amounts: amountsOf(input, output, money), used }
}

/** An admission, and the time in which it was settled, in microseconds since 1970. */
export interface Passed {
  readonly wish: Wish
  readonly atUs: number
  readonly settled: { readonly fromUs: number; readonly toUs: number }
}

export const claimOf = (limits: Limits, { key, model, amounts }: Wish): LimitClaim => ({
  id: systemRandom.id(),
  buckets: [...limits.rates(key, model), ...limits.sums(key)],
  amounts,
})

function amountIn({ dimension }: Bucket, { requests, inputTokens, outputTokens, money }: Amounts): bigint {
  if (dimension === 'money') return money.USD ?? 0n
  if (dimension === 'tokens') return BigInt(inputTokens + outputTokens)
  if (dimension === 'input_tokens') return BigInt(inputTokens)
  return BigInt(dimension === 'output_tokens' ? outputTokens : requests)
}

/** Clocks that are read one after the other. */
const slackUs = 1000

export function judgeWindows(limits: Limits, passed: readonly Passed[]): void {
  const under = new Map<RateBucket, Passed[]>()
  for (const one of passed)
    for (const bucket of limits.rates(one.wish.key, one.wish.model)) {
      const all = under.get(bucket) ?? []
      under.set(bucket, all)
      all.push(one)
    }
  for (const [bucket, all] of under) {
    const windowUs = BigInt(bucket.windowMs) * 1000n
    const taken = all
      .map(({ atUs, wish: { amounts } }) => ({ atUs, amount: amountIn(bucket, amounts) }))
      .toSorted((one, other) => one.atUs - other.atUs)
    // What comes back in a window may be taken again in it, whenever it was reserved.
    const back = all
      .map(({ settled, wish: { amounts, used } }) => ({
        ...settled,
        by: amountIn(bucket, amounts) - amountIn(bucket, used),
      }))
      .filter(({ by }) => by > 0n)
    for (const [first, { atUs: fromUs }] of taken.entries()) {
      let sum = 0n
      for (const { atUs, amount } of taken.slice(first)) {
        sum += amount
        const t = BigInt(atUs - fromUs + 1)
        const room = BigInt(bucket.burst) * windowUs + BigInt(bucket.limit) * t
        if (sum * windowUs <= room) continue
        const refunds = back
          .filter(each => each.fromUs - slackUs <= atUs && each.toUs + slackUs >= fromUs)
          .reduce((total, { by }) => total + by, 0n)
        expect((sum - refunds) * windowUs <= room, `${bucket.key}: ${sum} in ${t} µs, ${refunds} back`).toBe(
          true,
        )
      }
    }
  }
}

/** Every level holds what was used by those who passed, to the last unit: no refusal has left anything. */
export async function judgeSums(limiter: Limiter, limits: Limits, passed: readonly Passed[]): Promise<void> {
  const spent = new Map<string, bigint>()
  for (const { wish: its } of passed)
    for (const bucket of limits.sums(its.key))
      spent.set(bucket.key, (spent.get(bucket.key) ?? 0n) + amountIn(bucket, its.used))
  for (let key = 0; key < keys; key++) {
    const buckets = limits.sums(key)
    const verdict = await limiter.admit({ id: systemRandom.id(), buckets, amounts: nothingUsed })
    expect(verdict.type).toBe('admitted')
    for (const [index, bucket] of buckets.entries())
      expect(BigInt(verdict.filled[index] ?? -1), bucket.key).toBe(spent.get(bucket.key) ?? 0n)
  }
}
