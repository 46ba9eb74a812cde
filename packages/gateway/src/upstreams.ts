// The connections to each upstream, and how many requests each has in flight.
import type { Limits } from './limits.ts'
import type { Origin } from './route.ts'
import { Client } from './wire/client.ts'

export class UpstreamPool {
  readonly url: string
  readonly client: Client
  inflight = 0
  #leaving = false

  constructor({ url }: Origin, { connect, connections }: Limits) {
    this.url = url
    // Time after the connection stands is kept by the gateway's own wheel, which knows content from comments.
    this.client = new Client({ address: new URL(url).host, connect, connections })
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

  at(origin: Origin): UpstreamPool {
    let pool = this.#pools.get(origin.url)
    if (!pool) {
      pool = new UpstreamPool(origin, this.#limits)
      this.#pools.set(origin.url, pool)
    }
    return pool
  }

  inflight({ url }: Origin): number {
    return this.#pools.get(url)?.inflight ?? 0
  }

  /** Pools of other origins take nothing new and close after their last request. */
  retain(origins: ReadonlySet<string>): void {
    for (const [url, pool] of this.#pools)
      if (!origins.has(url)) {
        this.#pools.delete(url)
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
