// Whether an attempt that failed is followed by another, where that may go, and after how long.
import { type HealthOutcome, outcomes } from '../health/outcome.ts'
import type { RetryBudget } from './budget.ts'

const shortest = 25
const longest = 1_000
const mostPause = 5_000

export interface Failed {
  readonly outcome: HealthOutcome
  /** Attempts made, this one included. */
  readonly attempts: number
  /** Attempts that the route allows, 1 to 5. */
  readonly most: number
  /** Something has left for the caller. */
  readonly committed: boolean
}

export type Verdict =
  | { readonly again: true; readonly tier: 'any' | 'next' }
  | { readonly again: false; readonly why: 'committed' | 'not_retried' | 'attempts' }

const anyTier = Object.freeze({ again: true, tier: 'any' } as const)
const nextTier = Object.freeze({ again: true, tier: 'next' } as const)
const committed = Object.freeze({ again: false, why: 'committed' } as const)
const notRetried = Object.freeze({ again: false, why: 'not_retried' } as const)
const noAttempts = Object.freeze({ again: false, why: 'attempts' } as const)

/** First step, before a target is chosen: may there be another attempt at all? Nothing restarts after the first byte. */
export function mayRetry({ outcome, attempts, most, committed: sent }: Failed): Verdict {
  if (sent) return committed
  const { retry } = outcomes[outcome]
  if (retry === 'none') return notRetried
  if (attempts >= most) return noAttempts
  return retry === 'next_tier' ? nextTier : anyTier
}

export interface NextAttempt {
  readonly now: number
  /** When the request's time is over, in milliseconds: all attempts share it. */
  readonly deadline: number
  /** Attempts made. */
  readonly attempts: number
  /** The chosen target has been tried by this request. */
  readonly triedBefore: boolean
  /** `vitals.fitAt`: when the chosen target takes requests again; undefined when it does now. */
  readonly fitAt: number | undefined
  /** Uniform in [0, 1). */
  readonly random: number
}

/**
 * Second step, for the target that was chosen: milliseconds to wait before the attempt, 0 for another target. The
 * budget is spent only when the attempt will be made.
 */
export function pauseOf(
  next: NextAttempt,
  budget: RetryBudget,
): number | 'deadline' | 'pause_too_long' | 'budget' {
  const asked = next.fitAt === undefined ? 0 : Math.max(0, next.fitAt - next.now)
  if (asked > mostPause) return 'pause_too_long'
  const pause = next.triedBefore ? Math.max(asked, backoff(next.attempts, next.random)) : asked
  if (next.now + pause >= next.deadline) return 'deadline'
  return budget.take(next.now) ? pause : 'budget'
}

/** Full jitter from 25 ms to a bound that doubles from 50 ms to 1 s. `attempts` made so far, from 1. */
export function backoff(attempts: number, random: number): number {
  return shortest + random * (Math.min(longest, shortest * 2 ** attempts) - shortest)
}
