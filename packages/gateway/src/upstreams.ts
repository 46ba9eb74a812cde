// The connections to each upstream, and how many requests each has in flight.
import { Pool } from 'undici'
import type { Limits } from './limits.ts'

export class UpstreamPool {
  readonly address: string
  readonly pool: Pool
  inflight = 0
  #leaving = false

  constructor(address: string, { connect, connections }: Limits) {
    this.address = address
    this.pool = new Pool(`http://${address}`, {
      connections,
      pipelining: 1,
      connect: { timeout: connect },
      // Time is kept by the gateway's own wheel, which knows content from comments.
      headersTimeout: 0,
      bodyTimeout: 0,
    })
  }

  release(): void {
    this.inflight--
    if (this.#leaving && this.inflight === 0) void this.pool.destroy()
  }

  /** Closes now, or after the last request. */
  leave(): void {
    this.#leaving = true
    if (this.inflight === 0) void this.pool.destroy()
  }
}

export class Upstreams {
  readonly #pools = new Map<string, UpstreamPool>()
  readonly #limits: Limits

  constructor(limits: Limits) {
    this.#limits = limits
  }

  at(address: string): UpstreamPool {
    let pool = this.#pools.get(address)
    if (!pool) {
      pool = new UpstreamPool(address, this.#limits)
      this.#pools.set(address, pool)
    }
    return pool
  }

  inflight(address: string): number {
    return this.#pools.get(address)?.inflight ?? 0
  }

  /** Pools of other addresses take nothing new and close after their last request. */
  retain(addresses: ReadonlySet<string>): void {
    for (const [address, pool] of this.#pools)
      if (!addresses.has(address)) {
        this.#pools.delete(address)
        pool.leave()
      }
  }

  *values(): Iterable<UpstreamPool> {
    yield* this.#pools.values()
  }

  async close(): Promise<void> {
    await Promise.all([...this.#pools.values()].map(({ pool }) => pool.destroy()))
    this.#pools.clear()
  }
}
