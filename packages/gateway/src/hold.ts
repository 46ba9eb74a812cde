// Requests whose route leads to no ready replica: they wait for one, in the order of their coming, within bounds. Each
// turn of the wheel lets go of those that can be asked somewhere by then, and of those whose time is over.
//
//   enter ──▶ held ──┬─ a replica is ready, or anything else of the route ──▶ proceed
//                    ├─ its time is over, or nobody will come any more ─────▶ refused
//                    └─ its caller leaves ──────────────────────────────────▶ (gone)
import { Fault } from '@switchyard/kinds'
import { full, type Guest, type Held, late, type Place, Room, Seat } from './hold-room.ts'
import type { Limits } from './limits.ts'
import { noUpstream } from './resolve.ts'
import type { Route, Unready } from './route.ts'
import type { Ticking, Wheel } from './wheel.ts'

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

export class Holding implements Ticking {
  place = -1
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
    const route = current(guest.route) ?? guest.route
    const endpoint = heldFor(route)
    if (!endpoint) return undefined
    const now = clock()
    const room = this.#room(endpoint, guest.route)
    if (!room.fits(guest)) return this.#full(room, now)
    this.#want(room, now)
    const until = Math.min(now + endpoint.hold.milliseconds, guest.deadline - turnMilliseconds)
    // What is beside it may be fit before.
    if (!leads(route) && now + (room.expected(now) ?? 0) > until) {
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
