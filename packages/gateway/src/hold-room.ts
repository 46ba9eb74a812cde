// Those who wait for one endpoint, how long it usually takes to be ready, and what is told to who finds no place there.
import { Fault } from '@switchyard/kinds'
import type { Route, Unready } from './route.ts'

/** Who waits. */
export interface Guest {
  readonly route: Route
  /** Of its body, while it waits. */
  readonly bytes: number
  /** When its own time is over, in milliseconds since 1970. */
  readonly deadline: number
  /** Whether it can be asked somewhere, by the route as it stands now. */
  fits(route: Route): boolean
  proceed(): void
  refused(fault: Fault): void
}

/** A guest's place; whoever leaves before it is called gives it back. */
export interface Place {
  leave(): void
}

/** An endpoint that may be waited for. */
export type Held = Unready & Required<Pick<Unready, 'hold'>>

/** Bytes of bodies that wait for one endpoint. */
const mostBytes = 64 * 1024 * 1024
/** So many starts of an endpoint say how long the next one takes, and so large a part of them is believed. */
const mostStarts = 10
const believed = 0.9
/** Told where nothing is known of how long it takes. */
const usualMilliseconds = 5000

/** Those who wait for one endpoint. */
export class Room {
  readonly seats = new Set<Seat>()
  endpoint: Held
  bytes = 0
  /** When the endpoint is woken again, if somebody waits by then. */
  wakeAt = 0
  /** Since when it is wanted and not ready; 0 when it is not. */
  since = 0
  /** Of the last who wanted it. */
  route: Route
  /** Milliseconds that its last starts took, from the first who wanted it on. */
  readonly #starts: number[] = []

  constructor(endpoint: Held, route: Route) {
    this.endpoint = endpoint
    this.route = route
  }

  /** Whether a replica of it is ready by the route as it stands. */
  isReady(route: Route): boolean {
    const { workspace, name } = this.endpoint
    return (
      route.workspace === workspace &&
      route.tiers.some(({ upstreams }) => upstreams.some(({ endpoint }) => endpoint === name))
    )
  }

  started(now: number): void {
    if (this.since === 0) return
    this.#starts.push(now - this.since)
    if (this.#starts.length > mostStarts) this.#starts.shift()
    this.since = 0
  }

  fits({ bytes }: Guest): boolean {
    return this.seats.size < this.endpoint.hold.requests && this.bytes + bytes <= mostBytes
  }

  /** Milliseconds until a replica should be ready, by how long it took before; undefined where that is not known. */
  expected(now: number): number | undefined {
    const sorted = this.#starts.toSorted((one, other) => one - other)
    const took = sorted[Math.ceil(sorted.length * believed) - 1]
    const left = took === undefined ? 0 : this.since + took - now
    return left > 0 ? left : undefined
  }
}

export class Seat implements Place {
  readonly guest: Guest
  /** In milliseconds since 1970. */
  readonly until: number
  room: Room
  readonly #left: (seat: Seat) => void

  constructor(guest: Guest, until: number, room: Room, left: (seat: Seat) => void) {
    this.guest = guest
    this.until = until
    this.room = room
    this.#left = left
  }

  leave(): void {
    this.#left(this)
  }
}

/** Whole ones, up. */
const seconds = (milliseconds: number) => Math.max(1, Math.ceil(milliseconds / 1000))

export function full(room: Room, now: number): Fault {
  const { name } = room.endpoint
  const [oldest] = room.seats
  // At the latest the oldest leaves its place.
  const free = (oldest?.until ?? now) - now
  return new Fault(
    'unavailable',
    `No replica of the endpoint '${name}' is ready, and as many requests as may wait for one do: try again later.`,
    { reason: 'no_upstream', retryAfterSeconds: seconds(Math.min(free, room.expected(now) ?? free)) },
  )
}

export function late(room: Room, now: number): Fault {
  const { name } = room.endpoint
  return new Fault(
    'unavailable',
    `No replica of the endpoint '${name}' is ready in the time that the request may wait: try again later.`,
    { reason: 'no_upstream', retryAfterSeconds: seconds(room.expected(now) ?? usualMilliseconds) },
  )
}
