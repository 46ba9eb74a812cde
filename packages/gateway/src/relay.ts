// What leaves for the caller: status and headers with the first content, then bytes as they come. It ends once, whole
// or with an error in the caller's dialect, and never with a normal end after a fault.
import type { Caller } from '@switchyard/dialects'
import type { Fault } from '@switchyard/kinds'
import type { Follower } from './ended.ts'
import { retryHeaders } from './limit-headers.ts'
import type { Media } from './passage.ts'
import { WrongMethod } from './paths.ts'
import type { Inbound } from './wire/inbound.ts'

const json = 'application/json'

/** Faults after which another try is worth it, though SDKs would not make one, and the reverse. */
const shouldRetry: Readonly<Record<string, string>> = {
  draining: 'true',
  limiter_unavailable: 'true',
  insufficient_quota: 'false',
  reservation_exceeds_limit: 'false',
  unpriced: 'false',
}

/** What of a dialect leaves with every answer. */
export type Spoken = Pick<Caller, 'streamType' | 'ping' | 'errorBody' | 'errorStatus'>

export class Relay {
  /** The first byte has left. */
  committed = false
  /** The caller takes no more for now. */
  blocked = false
  /** Bytes of the body that were given to the caller's connection. */
  sent = 0
  follower: Follower | undefined
  /** Since when the caller has taken nothing, and what waited for it at the last look. */
  #stalledAt = 0
  #waited = 0
  /** What leaves is media: nothing of ours may stand in it. */
  #silent = false
  readonly #inbound: Inbound
  readonly #requestId: string
  readonly #caller: Spoken
  readonly #always: readonly string[]

  /** `always` are headers of every answer, in turn. */
  constructor(inbound: Inbound, requestId: string, caller: Spoken, always: readonly string[] = []) {
    this.#inbound = inbound
    this.#requestId = requestId
    this.#caller = caller
    this.#always = always
  }

  /** Bytes that wait for the caller. */
  get waiting(): number {
    return this.#inbound.waiting
  }

  /** From now on it is looked at whether the caller takes something; `now` by the wheel. */
  watch(now: number): void {
    this.#stalledAt = now
    this.#waited = this.waiting
  }

  /** Milliseconds for which the caller has taken nothing, since the last look or `watch`. */
  stalled(now: number): number {
    const { waiting } = this
    if (waiting < this.#waited) this.#stalledAt = now
    this.#waited = waiting
    return now - this.#stalledAt
  }

  /** Sends status, headers and what of a stream was held. */
  commit(headers: readonly string[], held: readonly Buffer[], media?: Media): void {
    this.committed = true
    this.#silent = media !== undefined
    const all = this.#head(media?.type ?? this.#caller.streamType)
    all.push('cache-control', 'no-cache', 'x-accel-buffering', 'no')
    if (media) all.push(...media.headers)
    for (let i = 0; i < headers.length; i++) all.push(headers[i] as string) // within its length
    this.#inbound.head(200, all)
    for (const bytes of held) this.write(bytes)
  }

  write(bytes: Buffer | string): void {
    this.#left(bytes)
    if (!this.#inbound.write(bytes)) this.blocked = true
  }

  /** What says that the stream lives, where the dialect has something for it. */
  ping(): void {
    if (this.#caller.ping !== undefined && !this.#silent) this.write(this.#caller.ping)
  }

  /** The last bytes of a stream that is whole. */
  end(bytes: Buffer): void {
    this.#left(bytes)
    this.#inbound.end(bytes)
  }

  reply(status: number, body: Buffer | string, headers: readonly string[], type = json): void {
    this.committed = true
    this.#left(body)
    const all = this.#head(type)
    for (let i = 0; i < headers.length; i++) all.push(headers[i] as string) // within its length
    this.#inbound.reply(status, all, body)
  }

  /** A refusal before anything has left. `close` when what the caller still sends is not to be read. */
  refuse(fault: Fault, headers: readonly string[], close = false): void {
    const more = [...headers]
    const { retryAfterSeconds } = fault
    more.push(
      ...retryHeaders(retryAfterSeconds === undefined ? undefined : Math.ceil(retryAfterSeconds * 1000)),
    )
    const retry = shouldRetry[fault.reason]
    if (retry !== undefined) more.push('x-should-retry', retry)
    if (fault instanceof WrongMethod) more.push('allow', fault.allow)
    if (close) more.push('connection', 'close')
    this.reply(this.#caller.errorStatus(fault), this.#caller.errorBody(fault, this.#requestId), more)
  }

  /** The end of a stream that has failed: an error in the caller's dialect, and the connection is closed. */
  breakOff(bytes: Buffer): void {
    this.#left(bytes)
    if (bytes.length > 0) this.#inbound.end(bytes, true)
    // Sound has no word for a fault: only a reset tells that it is not whole.
    else this.#inbound.destroy()
  }

  destroy(): void {
    this.#inbound.destroy()
  }

  #left(bytes: Buffer | string): void {
    this.sent += bytes.length
    this.follower?.left(bytes)
  }

  /** The beginning of a list of headers, to be added to. */
  #head(type: string): string[] {
    const id = this.#requestId
    const headers = ['content-type', type, 'x-request-id', id, 'request-id', id]
    if (this.#always.length > 0) headers.push(...this.#always)
    return headers
  }
}
