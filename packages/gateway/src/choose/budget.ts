// What a route may spend on attempts beyond the first: a storm of faults is not doubled by retries.
import { Window } from '../health/window.ts'

const share = 0.2
const floorPerSecond = 3
const seconds = 10
const columns = { requests: 0, spent: 1 } as const

/** Retries and hedges of one route: in any 10 s a fifth of its requests and three a second. */
export class RetryBudget {
  readonly #window = new Window(2)

  /** A request has come. */
  deposit(now: number): void {
    this.#window.add(columns.requests, now)
  }

  /** Whether one more attempt may be made; it is then spent. */
  take(now: number): boolean {
    if (this.left(now) < 1) return false
    this.#window.add(columns.spent, now)
    return true
  }

  /** Attempts that may be made now. */
  left(now: number): number {
    const requests = this.#window.sum(columns.requests, now)
    return Math.floor(share * requests + floorPerSecond * seconds - this.#window.sum(columns.spent, now))
  }
}
