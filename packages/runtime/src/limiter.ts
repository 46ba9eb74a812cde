// The port through which a request asks for room under every limit above it: one step over all buckets, in
// which all pass or nothing changes; a settlement, once, on what was really used.
import type { Bucket } from './limiter-bucket.ts'

/** Outermost first; `provider` guards an upstream's own quota. */
export type LimitLevel = 'platform' | 'workspace' | 'project' | 'key' | 'provider'

export type LimitDimension =
  | 'requests'
  | 'input_tokens'
  | 'output_tokens'
  /** Input and output together. */
  | 'tokens'
  | 'concurrency'
  | 'money'

/** Micro-units by currency (ISO 4217); a currency that is absent is nothing. */
export type Moneys = Readonly<Record<string, bigint>>

export const noMoney: Moneys = Object.freeze({})

/** What a request takes, the same under every level. Counts are integers from 0 up. */
export interface Amounts {
  readonly requests: number
  readonly inputTokens: number
  readonly outputTokens: number
  readonly money: Moneys
}

export interface LimitClaim {
  /** Unique for each admission; the same id is admitted once. */
  readonly id: string
  /** Buckets with keys that differ, outermost level first. */
  readonly buckets: readonly Bucket[]
  readonly amounts: Amounts
}

/** The claim passed: its amounts are reserved until it is settled. */
export interface Admitted extends LimitClaim {
  readonly type: 'admitted'
  /** Microseconds since 1970 by the clock that decided. */
  readonly atUs: number
  /** What each bucket holds with this claim in it, in the unit of its `bound`. */
  readonly filled: readonly number[]
}

export type LimitReason =
  | 'rate_limit_exceeded'
  | 'concurrency_exceeded'
  | 'insufficient_quota'
  /** It asks for more than the bucket can ever hold. */
  | 'reservation_exceeds_limit'

/** The claim did not pass, and nothing changed. */
export interface Refused {
  readonly type: 'refused'
  readonly reason: LimitReason
  readonly level: LimitLevel
  readonly dimension: LimitDimension
  /**
   * Milliseconds, rounded up, after which the same claim passes if nobody else comes; undefined is never.
   * Under `concurrency` nobody knows when a seat falls free, and it is 1 000.
   */
  readonly retryAfterMs: number | undefined
  /** None, and no moment, where a glance at the claim was enough. */
  readonly buckets: readonly Bucket[]
  readonly atUs: number
  readonly filled: readonly number[]
}

export type Verdict = Admitted | Refused

/** An amount that was used without having been reserved here; below 0 it is given back. */
export interface Booking {
  readonly bucket: Bucket
  /** In the unit of the bucket's `bound`; not for seats. */
  readonly by: number
}

/** A seat lapses so long after its last renewal. */
export const seatMs = 30_000
/** So often `renew` is called for what still runs. */
export const renewEveryMs = 10_000
/** A claim that is neither settled nor renewed for so long is forgotten: what it reserved stays spent. */
export const claimMs = 3_600_000
/** What a period has used is kept so long after its end, for gateways whose clocks are behind. */
export const quotaKeepMs = 3_600_000

/**
 * Answers without a promise where nothing waits. Throws or rejects with `unavailable` when the limits cannot be
 * reached, `conflict` (`claim_used`) when the id was admitted or settled before.
 */
export interface Limiter extends AsyncDisposable {
  admit(claim: LimitClaim): Verdict | Promise<Verdict>
  /**
   * Changes what was reserved into what was used, above it too, and frees the seats. Only the first call for a
   * claim counts, and it may be repeated until it succeeds. A claim that was never admitted cannot be any more.
   */
  settle(claim: LimitClaim, used: Amounts): void | Promise<void>
  /** Keeps the seats of claims that still run. */
  renew(claims: readonly LimitClaim[]): void | Promise<void>
  /** Books all or nothing; the same `id` counts once. */
  book(id: string, bookings: readonly Booking[]): void | Promise<void>
}

/** What is used by a request that was never sent. */
export const nothingUsed: Amounts = Object.freeze({
  requests: 0,
  inputTokens: 0,
  outputTokens: 0,
  money: noMoney,
})
