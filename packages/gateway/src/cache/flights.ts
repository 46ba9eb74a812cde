// Equal requests that miss at the same time make one upstream call.
import { Flight, type FlightHearer } from './flight.ts'
import type { Room } from './recording.ts'

export interface FlightsOptions {
  /** Bytes of one answer that are recorded, and by which a participant may lag, default 1 MiB. */
  readonly lag: number
  /** Bytes that all flights hold before answers are no longer recorded whole, default 64 MiB. */
  readonly bytes: number
  /** Flights that may be joined at one time, default 10 000. */
  readonly flights: number
  /** Participants of one flight, default 1 000. */
  readonly participants: number
}

export const defaultFlights: FlightsOptions = Object.freeze({
  lag: 1024 * 1024,
  bytes: 64 * 1024 * 1024,
  flights: 10_000,
  participants: 1_000,
})

/** `lead`: it sends. `follow`: somebody else has. Either hears the answer after `flight.resume`. */
export type Joined =
  | { readonly type: 'lead'; readonly flight: Flight }
  | { readonly type: 'follow'; readonly flight: Flight }

export class Flights {
  readonly #options: FlightsOptions
  readonly #room: Room
  readonly #flights = new Map<string, Flight>()

  constructor(options: Partial<FlightsOptions> = {}) {
    this.#options = Object.freeze({ ...defaultFlights, ...options })
    for (const [name, value] of Object.entries(this.#options))
      if (!(value > 0)) throw new TypeError(`flights.${name} must be above 0, not ${value}`)
    this.#room = { held: 0, most: this.#options.bytes }
  }

  /** Flights that may be joined. */
  get size(): number {
    return this.#flights.size
  }

  /** Bytes that flights hold. */
  get held(): number {
    return this.#room.held
  }

  /** Follows the flight of this key, or leads a new one: when that one is full, or for itself where all are. */
  join(key: string, hearer: FlightHearer): Joined {
    const found = this.#flights.get(key)
    if (found?.board(hearer)) return Object.freeze({ type: 'follow', flight: found })
    const flight = this.alone(key, hearer)
    if (found || this.#flights.size < this.#options.flights) this.#flights.set(key, flight)
    return Object.freeze({ type: 'lead', flight })
  }

  /** A flight that nobody joins: who asks for a fresh answer must not get one that is older than its question. */
  alone(key: string, hearer: FlightHearer): Flight {
    const flight = new Flight(key, this.#options, this.#room, this.#unlist)
    flight.board(hearer)
    return flight
  }

  readonly #unlist = (flight: Flight): void => {
    if (this.#flights.get(flight.key) === flight) this.#flights.delete(flight.key)
  }
}
