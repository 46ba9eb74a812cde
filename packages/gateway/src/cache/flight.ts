// One upstream call that equal requests share: each hears all of it from the first event, at its own speed.
//
//   waiting ──fail, others wait──> retrying          Any of these three becomes `abandoned` when the last
//      │ └──────────head────┐         │ │ head        participant leaves, and the upstream is let go of.
//      │ fail, alone        v         │ v
//      └──> failed <──fail── streaming ──end──> ended
//               ^────────fail─────────┘
import { Fault } from '@switchyard/kinds'
import { type FlightEnd, Recording, type Room } from './recording.ts'
import type { ReplyHead, StoredReply } from './reply.ts'

export type FlightState = 'waiting' | 'retrying' | 'streaming' | 'ended' | 'failed' | 'abandoned'

/** What falls to a promoted participant: only the bill of a call that is under way, or the call itself too. */
export type Task = 'bill' | 'send'

/**
 * A participant. It hears nothing before its first `resume`, nothing while it is paused, and nothing after its
 * end, its fault or its `leave`; only `onPromoted` comes at any time. It must not throw.
 */
export interface FlightHearer {
  onHead(head: ReplyHead): void
  /** Whole events, or some of a body. The bytes are shared: they must not be changed. */
  onPart(bytes: Buffer): void
  onEnd(end: FlightEnd): void
  onFault(fault: Fault): void
  /** It leads from now on. */
  onPromoted(flight: Flight, task: Task): void
}

/** The upstream call. It belongs to the flight and outlives the connection of whoever began it. */
export interface Carrier {
  /** Nobody can take more for now. */
  pause(): void
  resume(): void
  /** Nobody is left. */
  cancel(): void
}

export interface FlightOptions {
  /** Bytes that are recorded, and by which a participant may lag behind the fastest. */
  readonly lag: number
  readonly participants: number
}

interface Seat {
  readonly hearer: FlightHearer
  blocked: boolean
  headed: boolean
  telling: boolean
  gone: boolean
  /** Index of its next part. */
  next: number
  /** Bytes of the parts that it has heard. */
  heard: number
  /** What is left for one that the flight goes on without. */
  rest: Rest | undefined
}

interface Rest {
  readonly head: ReplyHead | undefined
  readonly parts: readonly Buffer[]
  readonly fault: Fault
}

const tooSlow = 'The answer was read too slowly: read faster, or send `x-switchyard-cache: no-store`.'

export class Flight {
  readonly key: string
  readonly #options: FlightOptions
  readonly #recording: Recording
  /** Called once, when nobody may join any more. */
  readonly #unlist: (flight: Flight) => void
  #state: FlightState = 'waiting'
  #listed = true
  /** In the order in which they came. */
  readonly #seats = new Map<FlightHearer, Seat>()
  #lead: FlightHearer | undefined
  /** Participants that the flight still reads for, and those among them that take bytes. */
  #live = 0
  #ready = 0
  #carrier: Carrier | undefined
  #stopped = false
  #head: ReplyHead | undefined
  #end: FlightEnd | undefined
  #fault: Fault | undefined

  constructor(key: string, options: FlightOptions, room: Room, unlist: (flight: Flight) => void) {
    this.key = key
    this.#options = options
    this.#recording = new Recording(options.lag, room)
    this.#unlist = unlist
  }

  get state(): FlightState {
    return this.#state
  }

  /** Who pays, and who sends when there is no carrier; undefined once it is over. */
  get lead(): FlightHearer | undefined {
    return this.#lead
  }

  /** Participants that wait for the upstream. */
  get size(): number {
    return this.#live
  }

  /** Bytes of parts that it holds. */
  get held(): number {
    return this.#recording.held
  }

  // ---- the participants' side

  /** Takes a seat, paused; the first one leads. False when the flight is full or past its first events. */
  board(hearer: FlightHearer): boolean {
    if (this.#seats.has(hearer)) throw new TypeError('the participant has joined this flight before')
    if (!this.#listed || this.#seats.size >= this.#options.participants) return false
    const seat = { hearer, blocked: true, headed: false, telling: false, gone: false, next: 0, heard: 0 }
    this.#seats.set(hearer, { ...seat, rest: undefined })
    this.#live++
    this.#lead ??= hearer
    return true
  }

  resume(hearer: FlightHearer): void {
    const seat = this.#seats.get(hearer)
    if (!seat?.blocked) return
    seat.blocked = false
    if (!seat.rest) this.#ready++
    this.#tell(seat)
    this.#trim()
    this.#flow()
  }

  pause(hearer: FlightHearer): void {
    const seat = this.#seats.get(hearer)
    if (!seat || seat.blocked) return
    seat.blocked = true
    if (seat.rest) return
    this.#ready--
    this.#flow()
  }

  /** True when it was the last that waited for the upstream, which is then cancelled. Once is enough. */
  leave(hearer: FlightHearer): boolean {
    const seat = this.#seats.get(hearer)
    if (!seat) return false
    this.#seats.delete(hearer)
    seat.gone = true
    if (!seat.rest) this.#letGo(seat)
    return this.#state === 'abandoned' && !seat.rest
  }

  // ---- the upstream's side: told by whoever carries

  /** Undefined: the call is not under way for now, and a new lead would have to send. */
  carry(carrier: Carrier | undefined): void {
    if (this.#over) {
      if (this.#state === 'abandoned') carrier?.cancel()
      return
    }
    this.#carrier = carrier
    this.#stopped = false
    this.#flow()
  }

  /** The first content has come: until then a fault is tried again, from here on never. */
  head(head: ReplyHead): void {
    if (this.#over) return
    if (this.#head) throw new TypeError('the answer has begun before')
    this.#head = head
    this.#state = 'streaming'
    this.#tellAll()
  }

  /** `now` by any clock in milliseconds, the same for every part. */
  part(bytes: Buffer, now: number): void {
    if (this.#over) return
    this.#begun('a part')
    // Once it is too large to be kept nobody hears its beginning any more.
    if (!this.#recording.push(bytes, now)) this.#leaveList()
    this.#tellAll()
  }

  /** The answer is whole. Gives it for keeping if that is asked for and all of it was recorded. */
  end(end: FlightEnd, now: number, keep: boolean): StoredReply | undefined {
    if (this.#over) return undefined
    const head = this.#begun('an end')
    const stored = keep ? this.#recording.store(head, end, now) : undefined
    this.#end = end
    this.#close('ended')
    return stored
  }

  /** `again`: another try may do better, so before content one other participant gets one. */
  fail(fault: Fault, again: boolean): void {
    if (this.#over) return
    this.#carrier = undefined
    if (this.#state === 'waiting' && again && this.#live > 1) {
      this.#state = 'retrying'
      const first = this.#lead && this.#seats.get(this.#lead)
      if (first) this.#without(first, { head: undefined, parts: [], fault })
      return
    }
    this.#fault = fault
    this.#close('failed')
  }

  // ---- inside

  get #over(): boolean {
    return this.#state === 'ended' || this.#state === 'failed' || this.#state === 'abandoned'
  }

  #begun(what: string): ReplyHead {
    if (!this.#head) throw new TypeError(`${what} came before the head`)
    return this.#head
  }

  #close(state: 'ended' | 'failed'): void {
    this.#state = state
    this.#carrier = undefined
    this.#lead = undefined
    this.#leaveList()
    this.#tellAll()
  }

  #leaveList(): void {
    if (!this.#listed) return
    this.#listed = false
    this.#unlist(this)
  }

  #tellAll(): void {
    for (const seat of this.#seats.values()) {
      this.#tell(seat)
      const lags = seat.blocked && !seat.rest && this.#recording.total - seat.heard > this.#options.lag
      if (lags && this.#ready > 0 && !this.#over) this.#without(seat, this.#restOf(seat))
    }
    this.#trim()
    this.#flow()
  }

  /** Tells a participant all that it can take. What it does meanwhile may come back here: nothing is told twice. */
  #tell(seat: Seat): void {
    if (seat.telling) return
    seat.telling = true
    try {
      while (!seat.blocked && !seat.gone && this.#tellNext(seat));
    } finally {
      seat.telling = false
    }
  }

  /** False when there is nothing more to tell for now. */
  #tellNext(seat: Seat): boolean {
    const { hearer, rest } = seat
    const head = rest ? rest.head : this.#head
    if (head && !seat.headed) {
      seat.headed = true
      hearer.onHead(head)
      return true
    }
    const part = rest ? rest.parts[seat.next] : this.#recording.at(seat.next)
    if (part) {
      seat.next++
      seat.heard += part.length
      hearer.onPart(part)
      return true
    }
    const fault = rest ? rest.fault : this.#fault
    if (!fault && !this.#end) return false
    this.leave(hearer)
    if (fault) hearer.onFault(fault)
    else if (this.#end) hearer.onEnd(this.#end)
    return false
  }

  /** Goes on without a participant, which still hears what is left for it and then its fault. */
  #without(seat: Seat, rest: Rest): void {
    seat.rest = rest
    seat.next = 0
    this.#letGo(seat)
    this.#tell(seat)
  }

  #restOf(seat: Seat): Rest {
    return {
      head: seat.headed ? undefined : this.#head,
      parts: this.#recording.from(seat.next),
      fault: new Fault('deadline', tooSlow, { reason: 'caller_slow', status: 408 }),
    }
  }

  /** A participant no longer waits for the upstream: the bill passes to the oldest that does. */
  #letGo({ hearer, blocked }: Seat): void {
    this.#live--
    if (!blocked) this.#ready--
    if (this.#over || this.#live === 0) {
      if (!this.#over) this.#abandon()
      if (this.#live === 0) this.#recording.clear()
      return
    }
    if (hearer === this.#lead) this.#promote()
    this.#trim()
    this.#flow()
  }

  #promote(): void {
    for (const { hearer, rest } of this.#seats.values())
      if (!rest) {
        this.#lead = hearer
        hearer.onPromoted(this, this.#carrier ? 'bill' : 'send')
        return
      }
  }

  #abandon(): void {
    this.#state = 'abandoned'
    this.#lead = undefined
    this.#leaveList()
    this.#carrier?.cancel()
    this.#carrier = undefined
  }

  /** Lets go of parts that nobody needs: nothing while others may still join. */
  #trim(): void {
    if (this.#listed || this.#live === 0) return
    let least = Number.POSITIVE_INFINITY
    for (const { rest, next } of this.#seats.values()) if (!rest) least = Math.min(least, next)
    this.#recording.drop(least)
  }

  /** The upstream waits while nobody takes bytes, and for nobody while somebody does. */
  #flow(): void {
    const stop = this.#ready === 0
    if (!this.#carrier || this.#state !== 'streaming' || stop === this.#stopped) return
    this.#stopped = stop
    if (stop) this.#carrier.pause()
    else this.#carrier.resume()
  }
}
