// The connections to each upstream, and how many requests each has in flight.
import type { Limits } from './limits.ts'
import { Client } from './wire/client.ts'

export class UpstreamPool {
  readonly address: string
  readonly client: Client
  inflight = 0
  #leaving = false

  constructor(address: string, { connect, connections }: Limits) {
    this.address = address
    // Time after the connection stands is kept by the gateway's own wheel, which knows content from comments.
    this.client = new Client({ address, connect, connections })
  }

  release(): void {
    this.inflight--
    if (this.#leaving && this.inflight === 0) this.client.destroy()
  }

  /** Closes now, or after the last request. */
  leave(): void {
    this.#leaving = true
    if (this.inflight === 0) this.client.destroy()
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

  close(): void {
    for (const { client } of this.#pools.values()) client.destroy()
    this.#pools.clear()
  }
}
