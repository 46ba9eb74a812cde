// Which upstream a request goes to, and whether it may be tried again.
import type { Upstream } from './route.ts'

/**
 * The least busy upstream that has not been tried, ties taken in turn; when all have been tried, the least busy
 * of all. Pure but for what it is told.
 */
export function choose(
  upstreams: readonly Upstream[],
  inflight: (upstream: Upstream) => number,
  tried: readonly Upstream[],
  turn: number,
): Upstream | undefined {
  const fresh =
    tried.length === 0 ? upstreams : upstreams.filter(one => !tried.some(({ key }) => key === one.key))
  const from = fresh.length > 0 ? fresh : upstreams
  let best: Upstream | undefined
  let least = Number.POSITIVE_INFINITY
  for (let i = 0; i < from.length; i++) {
    const upstream = from[(i + turn) % from.length]
    if (upstream === undefined) continue
    const busy = inflight(upstream)
    if (busy < least) {
      least = busy
      best = upstream
    }
  }
  return best
}

const share = 0.2
const perSecond = 3
const most = 60

/** Retries of one endpoint: a fifth of its requests and three a second, so that a storm is not doubled. */
export class RetryBudget {
  #tokens = perSecond * 10
  #at: number

  constructor(now: number) {
    this.#at = now
  }

  deposit(): void {
    this.#tokens = Math.min(most, this.#tokens + share)
  }

  take(now: number): boolean {
    this.#tokens = Math.min(most, this.#tokens + ((now - this.#at) / 1000) * perSecond)
    this.#at = now
    if (this.#tokens < 1) return false
    this.#tokens--
    return true
  }
}

/** Full jitter from 25 ms, doubled with each attempt, to 1 s. */
export function backoff(attempt: number, random: number): number {
  return 25 + random * (Math.min(1000, 25 * 2 ** attempt) - 25)
}
