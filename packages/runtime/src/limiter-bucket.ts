// What a limit is made of. Every bucket, whatever it counts, passes a claim when `filled + cost <= bound`, so
// that drivers only add and compare integers; how amounts become costs is decided here.
import { Fault } from '@switchyard/kinds'
import type { Amounts, LimitDimension, LimitLevel } from './limiter.ts'

interface Place<D extends LimitDimension> {
  /** Names the state in every driver: stable, unique for level, subject, model, dimension and window. */
  readonly key: string
  readonly level: LimitLevel
  readonly dimension: D
}

/**
 * GCRA: filled in microseconds, drained by time. `units` take `step` microseconds to drain.
 *
 *   state  tat (the moment at which it is empty)      filled = max(0, tat - now)
 *   pass   filled + cost <= bound, then tat = now + filled + cost
 */
export interface RateBucket extends Place<Exclude<LimitDimension, 'concurrency' | 'money'>> {
  readonly type: 'rate'
  /** So many in each window, and so many at once. */
  readonly limit: number
  readonly windowMs: number
  readonly burst: number
  readonly step: number
  readonly units: number
  readonly bound: number
}

/** A sum over a period, or of an account: filled in units (micro-units of money), emptied by a new key. */
export interface QuotaBucket extends Place<Exclude<LimitDimension, 'concurrency'>> {
  readonly type: 'quota'
  /** Of money; '' for what is none. */
  readonly currency: string
  /** Milliseconds since 1970 at which the period ends; Infinity is never. */
  readonly resetsAtMs: number
  readonly bound: number
}

/** Claims at once: filled in seats, each a lease. */
export interface SeatBucket extends Place<'concurrency'> {
  readonly type: 'seats'
  readonly bound: number
}

export type Bucket = RateBucket | QuotaBucket | SeatBucket

/** Integers of this size can be added to a moment in microseconds and stay exact. */
export const mostFilled = 2 ** 52

const longestWindowMs = 31 * 86_400_000

/**
 * Throws `invalid` for a limit or burst below 1 or a window that is not 1 ms to 31 days. `burst` is the limit
 * where it is absent, and no more than drains in 2^52 microseconds (142 years).
 *
 * A unit drains in a whole number of microseconds where that makes the rate at most a thousandth slower, so
 * that a burst of single units passes to the last; else costs are rounded up one by one.
 */
export function rateBucket(given: {
  readonly key: string
  readonly level: LimitLevel
  readonly dimension: RateBucket['dimension']
  readonly limit: number
  readonly windowMs: number
  readonly burst?: number
}): RateBucket {
  const { key, level, dimension, limit, windowMs, burst: asked = limit } = given
  checkWhole(key, 'limit', limit, 1, mostFilled)
  checkWhole(key, 'burst', asked, 1, mostFilled)
  checkWhole(key, 'window', windowMs, 1, longestWindowMs)
  const windowUs = windowMs * 1000
  const whole = Math.ceil(windowUs / limit)
  const even = whole * limit - windowUs <= windowUs / 1000
  const shared = commonDivisor(windowUs, limit)
  const [step, units] = even ? [whole, 1] : [windowUs / shared, limit / shared]
  const burst = Math.min(asked, scaled(mostFilled, units, step, 'down'))
  const bound = scaled(burst, step, units, 'up')
  return Object.freeze({ type: 'rate', key, level, dimension, limit, windowMs, burst, step, units, bound })
}

/**
 * Throws `invalid` for a limit that is negative or above 2^52, and for money without a currency. A limit of 0 passes
 * what costs nothing.
 */
export function quotaBucket(given: {
  readonly key: string
  readonly level: LimitLevel
  readonly dimension: QuotaBucket['dimension']
  readonly limit: bigint
  readonly resetsAtMs: number
  readonly currency?: string
}): QuotaBucket {
  const { key, level, dimension, limit, resetsAtMs, currency = '' } = given
  const bound = Number(limit)
  checkWhole(key, 'limit', bound, 0, mostFilled)
  if (resetsAtMs !== Number.POSITIVE_INFINITY) checkWhole(key, 'end', resetsAtMs, 1, mostFilled / 1000)
  if ((dimension === 'money') !== (currency !== ''))
    throw wrong(key, 'money has a currency, and nothing else has')
  return Object.freeze({ type: 'quota', key, level, dimension, currency, resetsAtMs, bound })
}

/** Throws `invalid` for a limit that is not 0 to 1,000,000. */
export function seatBucket(given: {
  readonly key: string
  readonly level: LimitLevel
  readonly limit: number
}): SeatBucket {
  const { key, level, limit } = given
  checkWhole(key, 'limit', limit, 0, 1_000_000)
  return Object.freeze({ type: 'seats', key, level, dimension: 'concurrency', bound: limit })
}

const amountOf = {
  requests: ({ requests }) => requests,
  input_tokens: ({ inputTokens }) => inputTokens,
  output_tokens: ({ outputTokens }) => outputTokens,
  tokens: ({ inputTokens, outputTokens }) => inputTokens + outputTokens,
  concurrency: () => 1,
  money: ({ money }, bucket) => (bucket.type === 'quota' ? Number(money[bucket.currency] ?? 0n) : 0),
} as const satisfies Record<LimitDimension, (amounts: Amounts, bucket: Bucket) => number>

/** What the amounts take from the bucket, in the unit of its bound; Infinity when it can never hold them. */
export function costIn(bucket: Bucket, amounts: Amounts): number {
  const amount = checked(bucket, amounts)
  if (bucket.type !== 'rate') return amount > bucket.bound ? Number.POSITIVE_INFINITY : amount
  return amount > bucket.burst ? Number.POSITIVE_INFINITY : scaled(amount, bucket.step, bucket.units, 'up')
}

/**
 * What settling adds to the bucket, below 0 when it gives back: a refund is rounded down and never exceeds the
 * reservation, a charge is rounded up.
 */
export function settlementIn(bucket: Bucket, reserved: Amounts, used: Amounts): number {
  if (bucket.type === 'seats') return 0
  const more = checked(bucket, used) - checked(bucket, reserved)
  if (bucket.type === 'quota') return Math.min(more, mostFilled)
  if (more >= 0) return Math.min(scaled(more, bucket.step, bucket.units, 'up'), mostFilled)
  return -scaled(-more, bucket.step, bucket.units, 'down')
}

/** How many units of a rate so many microseconds are, rounded down. */
export const unitsOf = ({ step, units }: RateBucket, microseconds: number): number =>
  scaled(microseconds, units, step, 'down')

/** The filling after `by` was added: never below empty. */
export const filledBy = (filled: number, by: number): number => Math.min(Math.max(0, filled + by), mostFilled)

/**
 * The part of the bucket that one of `holders` may give by itself, rounded down, so that together they give no
 * more than the whole; undefined when nothing is left of it. Of seats each has one at least: they spare an
 * upstream, and are not what anybody pays for.
 */
export function shareOf(bucket: Bucket, holders: number): Bucket | undefined {
  if (holders === 1) return bucket
  if (bucket.type !== 'rate') {
    const least = bucket.type === 'seats' ? Math.min(1, bucket.bound) : 0
    const bound = Math.max(least, Math.floor(bucket.bound / holders))
    return bound === 0 ? undefined : Object.freeze({ ...bucket, bound })
  }
  const burst = Math.floor(bucket.burst / holders)
  if (burst === 0) return undefined
  const step = bucket.step * holders
  return Object.freeze({ ...bucket, burst, step, bound: scaled(burst, step, bucket.units, 'up') })
}

/** The smaller the numbers of a rate, the fewer products leave what a double holds. */
function commonDivisor(one: number, other: number): number {
  return other === 0 ? one : commonDivisor(other, one % other)
}

/** amount x times / over, exactly. */
function scaled(amount: number, times: number, over: number, round: 'up' | 'down'): number {
  const product = amount * times
  if (product <= Number.MAX_SAFE_INTEGER) {
    if (over === 1) return product
    const rest = product % over
    return (product - rest) / over + (rest > 0 && round === 'up' ? 1 : 0)
  }
  const exact = BigInt(amount) * BigInt(times)
  const divisor = BigInt(over)
  return Number(exact / divisor) + (exact % divisor > 0n && round === 'up' ? 1 : 0)
}

function checked(bucket: Bucket, amounts: Amounts): number {
  const amount = amountOf[bucket.dimension](amounts, bucket)
  if (!(amount >= 0 && Number.isSafeInteger(amount)))
    throw new TypeError(`${bucket.dimension} must be a whole number from 0 up, not ${amount}`)
  return amount
}

function checkWhole(key: string, what: string, value: number, least: number, most: number): void {
  if (!Number.isSafeInteger(value) || value < least || value > most)
    throw wrong(key, `its ${what} is ${value}: choose a whole number from ${least} to ${most}`)
}

const wrong = (key: string, said: string) =>
  new Fault('invalid', `The limit ${key} cannot be kept: ${said}.`, { reason: 'invalid_limit' })
