// A kept answer, given out part by part: at once, or at the pace at which it was made. It has no timer; whoever
// writes asks for the next part, on the gateway's tick or when the caller takes bytes again.
import type { StoredReply } from './reply.ts'

export type Pace = 'fast' | 'paced'

export class Replay {
  readonly reply: StoredReply
  readonly #pace: Pace
  #index = 0
  /** When the first part would have left, moved on by every pause. */
  #startedAt: number
  #pausedAt: number | undefined

  constructor(reply: StoredReply, pace: Pace, now: number) {
    this.reply = reply
    this.#pace = pace
    this.#startedAt = now
  }

  /** Every part has been given. */
  get done(): boolean {
    return this.#index >= this.reply.ends.length
  }

  /** Milliseconds until `next` gives a part: 0 is now; undefined when it is paused or done. */
  waits(now: number): number | undefined {
    if (this.done || this.#pausedAt !== undefined) return undefined
    if (this.#pace === 'fast') return 0
    return Math.max(0, this.#startedAt + (this.reply.times[this.#index] ?? 0) - now)
  }

  /** The next part whose time has come; undefined when there is none yet, or no more. */
  next(now: number): Buffer | undefined {
    if (this.waits(now) !== 0) return undefined
    const { bytes, ends } = this.reply
    const start = this.#index === 0 ? 0 : ends[this.#index - 1]
    return bytes.subarray(start, ends[this.#index++])
  }

  /** The caller takes no more for now; its time stands still. */
  pause(now: number): void {
    this.#pausedAt ??= now
  }

  resume(now: number): void {
    if (this.#pausedAt === undefined) return
    this.#startedAt += Math.max(0, now - this.#pausedAt)
    this.#pausedAt = undefined
  }
}
