// Whether and when a request that waits long for its first content gets one copy elsewhere.
import type { RetryBudget } from './budget.ts'

const soonest = 200
const mostPercent = 5
const mostSaved = 10

/** Milliseconds after which an attempt is hedged; undefined, never, while the upstream's p95 is not known. */
export function hedgeAfter(p95: number | undefined): number | undefined {
  return p95 === undefined ? undefined : Math.max(soonest, p95)
}

export interface Waiting {
  readonly now: number
  /** Milliseconds since the attempt was sent. */
  readonly waited: number
  /** `hedgeAfter` of its upstream. */
  readonly after: number | undefined
  readonly hedged: boolean
  readonly committed: boolean
  /** When the request's time is over, in milliseconds. */
  readonly deadline: number
  /** `choose` with `onlyFresh` has another target for the copy. */
  readonly elsewhere: boolean
}

export type HedgeVerdict =
  | 'hedge'
  | 'early'
  | 'hedged'
  | 'committed'
  | 'deadline'
  | 'nowhere'
  | 'percent'
  | 'budget'

/** Hedges of one route: never more than their share of the requests so far, and each from the retry budget. */
export class Hedges {
  readonly #share: number
  #saved = 0

  /** `percent` of the requests, at most 5; 0 is off. */
  constructor(percent: number) {
    if (!(percent >= 0 && percent <= mostPercent))
      throw new TypeError(`hedge percent must be from 0 to ${mostPercent}`)
    this.#share = percent / 100
  }

  /** A request has come. What is not used is saved for at most ten hedges. */
  deposit(): void {
    this.#saved = Math.min(mostSaved, this.#saved + this.#share)
  }

  /** Spends from both budgets only when the verdict is `hedge`. */
  decide(waiting: Waiting, budget: RetryBudget): HedgeVerdict {
    if (waiting.hedged) return 'hedged'
    if (waiting.committed) return 'committed'
    if (waiting.after === undefined || waiting.waited < waiting.after) return 'early'
    if (waiting.now >= waiting.deadline) return 'deadline'
    if (!waiting.elsewhere) return 'nowhere'
    if (this.#saved < 1 - rounding) return 'percent'
    if (!budget.take(waiting.now)) return 'budget'
    this.#saved = Math.max(0, this.#saved - 1)
    return 'hedge'
  }
}

/** A hundred times 0.01 is a little less than 1. */
const rounding = 1e-9
