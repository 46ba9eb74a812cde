// Requests whose route leads to no ready replica: they wait for one, in the order of their coming, within bounds. Each
// turn of the wheel lets go of those that can be asked somewhere by then, and of those whose time is over.
//
//   enter ──▶ held ──┬─ a replica is ready, or anything else of the route ──▶ proceed
//                    ├─ its time is over, or nobody will come any more ─────▶ refused
//                    └─ its caller leaves ──────────────────────────────────▶ (gone)
import { Fault } from '@switchyard/kinds'
import type { Limits } from './limits.ts'
import { noUpstream } from './resolve.ts'
import type { Route, Unready } from './route.ts'
import type { Ticking, Wheel } from './wheel.ts'

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

/** `hopeless`: none would be ready in its time. */
export type HoldEnd = 'served' | 'full' | 'hopeless' | 'late' | 'ended' | 'gone'

export interface HoldingOptions {
  readonly wheel: Wheel
  readonly clock: () => number
  /** The route as the newest snapshot has it; undefined where it is gone. */
  readonly current: (route: Route) => Route | undefined
  /** Says that an endpoint is wanted: once for all who wait, and now and then as long as they do. */
  readonly wake: (endpoint: Unready) => void
  readonly told: (end: HoldEnd) => void
}

/** Bytes of bodies that wait for one endpoint. */
const mostBytes = 64 * 1024 * 1024
/** So many starts of an endpoint say how long the next one takes, and so large a part of them is believed. */
const mostStarts = 10
const believed = 0.9
/** A start that nobody waits for is followed for so long. */
const followedMilliseconds = 600_000
/** Endpoints of which it is remembered how long they took. */
const mostRooms = 1000
/** Between two wake-ups of one endpoint: one that was lost costs those who wait no more than this. */
const wakeMilliseconds = 15_000
/** A turn of the wheel: whose deadline ends the wait is told so before the deadline cuts the request off. */
const turnMilliseconds = 100
/** A full room is empty after so many turns: its first requests find one replica, its last ones perhaps several. */
const turnsToEmpty = 10
/** Told where nothing is known of how long it takes. */
const usualMilliseconds = 5000

type Held = Unready & Required<Pick<Unready, 'hold'>>

/** The endpoint that a request of the route may wait for. */
export function heldFor({ unready }: Route): Held | undefined {
  return unready.find((endpoint): endpoint is Held => endpoint.hold !== undefined)
}

/** Whether the route leads anywhere, fit or not. */
const leads = ({ tiers }: Route) => tiers.some(({ upstreams }) => upstreams.length > 0)

/** The route as it stands when it leads somewhere; rejects with why it does not, or with the signal's reason. */
export function ready(
  {
    holding,
    clock,
    limits,
  }: { readonly holding: Holding; readonly clock: () => number; readonly limits: Limits },
  route: Route,
  signal: AbortSignal,
): Promise<Route> {
  if (leads(route)) return Promise.resolve(route)
  const { promise, resolve, reject } = Promise.withResolvers<Route>()
  let found = route
  const place = holding.enter({
    route,
    bytes: 0,
    deadline: clock() + limits.total,
    fits(now) {
      found = now
      return true
    },
    proceed: () => resolve(found),
    refused: reject,
  })
  if (!place) return Promise.reject(noUpstream(route))
  if (place instanceof Fault) return Promise.reject(place)
  const leave = () => {
    place.leave()
    reject(signal.reason)
  }
  signal.addEventListener('abort', leave, { once: true })
  return promise.finally(() => signal.removeEventListener('abort', leave))
}

/** Those who wait for one endpoint. */
class Room {
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

class Seat implements Place {
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

export class Holding implements Ticking {
  /** Requests that wait. */
  count = 0
  readonly #options: HoldingOptions
  /** By workspace and endpoint. */
  readonly #rooms = new Map<string, Room>()

  constructor(options: HoldingOptions) {
    this.#options = options
  }

  /** A place to wait in; a fault where there is none left or it would be in vain, undefined where nobody is to be waited for. */
  enter(guest: Guest): Place | Fault | undefined {
    const { clock, current } = this.#options
    const endpoint = heldFor(current(guest.route) ?? guest.route)
    if (!endpoint) return undefined
    const now = clock()
    const room = this.#room(endpoint, guest.route)
    if (!room.fits(guest)) return this.#full(room, now)
    this.#want(room, now)
    const until = Math.min(now + endpoint.hold.milliseconds, guest.deadline - turnMilliseconds)
    if (now + (room.expected(now) ?? 0) > until) {
      this.#options.told('hopeless')
      return late(room, now)
    }
    const seat = new Seat(guest, until, room, left => this.#end(left, 'gone'))
    this.#sit(seat, room, now)
    return seat
  }

  tick(now: number): void {
    let followed = false
    for (const room of this.#rooms.values()) {
      if (room.since > 0) this.#follow(room, now)
      if (room.seats.size > 0) this.#look(room, now)
      followed ||= room.since > 0
    }
    if (this.count === 0 && !followed) this.#options.wheel.delete(this)
  }

  /** How long it takes to start is learnt whether somebody waits or not. */
  #follow(room: Room, now: number): void {
    const route = this.#options.current(room.route)
    if (route && room.isReady(route)) room.started(now)
    else if (room.seats.size === 0 && now - room.since > followedMilliseconds) room.since = 0
  }

  #room(endpoint: Held, route: Route): Room {
    const key = `${endpoint.workspace}/${endpoint.name}`
    let room = this.#rooms.get(key)
    if (!room) {
      if (this.#rooms.size >= mostRooms) this.#forget()
      room = new Room(endpoint, route)
      this.#rooms.set(key, room)
    }
    room.endpoint = endpoint
    room.route = route
    return room
  }

  /** The oldest room in which nobody waits. */
  #forget(): void {
    for (const [key, { seats }] of this.#rooms)
      if (seats.size === 0) {
        this.#rooms.delete(key)
        return
      }
  }

  #sit(seat: Seat, room: Room, now: number): void {
    seat.room = room
    room.seats.add(seat)
    room.bytes += seat.guest.bytes
    this.count++
    this.#want(room, now)
  }

  #want(room: Room, now: number): void {
    if (room.since === 0) room.since = now
    this.#options.wheel.add(this)
    this.#wake(room, now)
  }

  #wake(room: Room, now: number): void {
    if (now < room.wakeAt) return
    room.wakeAt = now + wakeMilliseconds
    this.#options.wake(room.endpoint)
  }

  #look(room: Room, now: number): void {
    let left = Math.ceil(room.endpoint.hold.requests / turnsToEmpty)
    for (const seat of room.seats) {
      const { guest, until } = seat
      const route = this.#options.current(guest.route)
      const answers = route !== undefined && leads(route)
      const endpoint = route && heldFor(route)
      if (answers && left > 0 && guest.fits(route)) {
        left--
        this.#end(seat, 'served')
        guest.proceed()
      } else if (!answers && !endpoint) this.#refuse(seat, 'ended', noUpstream(route ?? guest.route))
      else if (now >= until) this.#refuse(seat, 'late', late(room, now))
      else if (endpoint && this.#room(endpoint, guest.route) !== room)
        this.#move(seat, this.#room(endpoint, guest.route), now)
    }
    if (room.seats.size > 0) this.#wake(room, now)
  }

  /** Another endpoint of its route is to be waited for. */
  #move(seat: Seat, room: Room, now: number): void {
    const fits = room.fits(seat.guest)
    this.#leave(seat)
    if (fits) this.#sit(seat, room, now)
    else seat.guest.refused(this.#full(room, now))
  }

  #full(room: Room, now: number): Fault {
    this.#options.told('full')
    return full(room, now)
  }

  #refuse(seat: Seat, end: HoldEnd, fault: Fault): void {
    this.#end(seat, end)
    seat.guest.refused(fault)
  }

  #end(seat: Seat, end: HoldEnd): void {
    if (this.#leave(seat)) this.#options.told(end)
  }

  #leave(seat: Seat): boolean {
    const { room, guest } = seat
    if (!room.seats.delete(seat)) return false
    room.bytes -= guest.bytes
    this.count--
    return true
  }
}

/** Whole ones, up. */
const seconds = (milliseconds: number) => Math.max(1, Math.ceil(milliseconds / 1000))

function full(room: Room, now: number): Fault {
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

function late(room: Room, now: number): Fault {
  const { name } = room.endpoint
  return new Fault(
    'unavailable',
    `No replica of the endpoint '${name}' is ready in the time that the request may wait: try again later.`,
    { reason: 'no_upstream', retryAfterSeconds: seconds(room.expected(now) ?? usualMilliseconds) },
  )
}
