// The parts of an answer while it is on its way: all of them as long as it may be kept or joined, then only those
// that somebody has still to hear.
import type { Usage } from '@switchyard/dialects'
import { type ReplyHead, type StoredReply, storeReply } from './reply.ts'

/** Bytes that all recordings hold; the one that exceeds `most` must let go of its oldest parts. */
export interface Room {
  held: number
  readonly most: number
}

/** How an answer ends. */
export interface FlightEnd {
  /** The terminal event; undefined where the last part was the end. */
  readonly bytes: Buffer | undefined
  readonly usage: Usage | undefined
}

export class Recording {
  /** Bytes of all parts, those that are gone included. */
  total = 0
  /** Bytes of the parts that are here. */
  held = 0
  readonly #most: number
  readonly #room: Room
  #parts: Buffer[] = []
  #times: number[] = []
  /** Parts that are gone. */
  #dropped = 0

  /** `most`: bytes of an answer that is kept whole. */
  constructor(most: number, room: Room) {
    this.#most = most
    this.#room = room
  }

  /** False when it has become too large to be whole in the end. */
  push(part: Buffer, now: number): boolean {
    this.#parts.push(part)
    this.#times.push(now)
    this.total += part.length
    this.held += part.length
    this.#room.held += part.length
    return this.total <= this.#most && this.#room.held <= this.#room.most
  }

  /** A part by its place in the whole answer; undefined when it has not come yet. */
  at(index: number): Buffer | undefined {
    return this.#parts[index - this.#dropped]
  }

  from(index: number): readonly Buffer[] {
    return this.#parts.slice(index - this.#dropped)
  }

  /** Lets go of the parts before `index`. */
  drop(index: number): void {
    if (index <= this.#dropped) return
    const gone = this.#parts.splice(0, index - this.#dropped)
    this.#times.splice(0, gone.length)
    this.#dropped += gone.length
    let bytes = 0
    for (const part of gone) bytes += part.length
    this.held -= bytes
    this.#room.held -= bytes
  }

  clear(): void {
    this.drop(this.#dropped + this.#parts.length)
  }

  /** The whole answer; undefined when it is too large or its beginning is gone. */
  store(head: ReplyHead, { bytes, usage }: FlightEnd, now: number): StoredReply | undefined {
    if (this.#dropped > 0 || this.total + (bytes?.length ?? 0) > this.#most) return undefined
    const parts = bytes ? [...this.#parts, bytes] : this.#parts
    const times = bytes ? [...this.#times, now] : this.#times
    return storeReply(head, parts, times, usage, now)
  }
}
