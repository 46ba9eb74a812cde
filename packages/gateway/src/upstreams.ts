// The connections to each upstream, and how many requests each has in flight.
import type { Limits } from './limits.ts'
import type { Origin } from './route.ts'
import { Client } from './wire/client.ts'
import { type Dialer, dialer, type Guard, type Resolve } from './wire/dial.ts'

export class UpstreamPool {
  readonly url: string
  readonly client: Client
  inflight = 0
  readonly #guard: Guard | undefined
  #dialer: Dialer | undefined
  #leaving = false

  constructor({ url, allowed }: Origin, { connect, connections }: Limits, resolve: Resolve) {
    this.url = url
    this.#guard = allowed && { resolve, allowed }
    const where = this.#guard ? { origin: url, addresses: this.#guard } : { address: new URL(url).host }
    // Time after the connection stands is kept by the gateway's own wheel, which knows content from comments.
    this.client = new Client({ ...where, connect, connections })
  }

  /** Connections, in use or kept. */
  get open(): number {
    return this.client.open
  }

  /** For connections that are not for requests: those of sessions. */
  get dialer(): Dialer {
    this.#dialer ??= dialer(this.url, this.#guard)
    return this.#dialer
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
  readonly #resolve: Resolve

  /** `resolve` gives the addresses of a name, for upstreams that are not ours. */
  constructor(limits: Limits, resolve: Resolve) {
    this.#limits = limits
    this.#resolve = resolve
  }

  at(origin: Origin): UpstreamPool {
    let pool = this.#pools.get(origin.key)
    if (!pool) {
      pool = new UpstreamPool(origin, this.#limits, this.#resolve)
      this.#pools.set(origin.key, pool)
    }
    return pool
  }

  /** Pools of other origins take nothing new and close after their last request. */
  retain(origins: ReadonlySet<string>): void {
    for (const [key, pool] of this.#pools)
      if (!origins.has(key)) {
        this.#pools.delete(key)
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
