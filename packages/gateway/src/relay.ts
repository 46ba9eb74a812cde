// What leaves for the caller: status and headers, held until there is content, then bytes as they come. It ends
// once, whole or with an error in the caller's dialect, and never with a normal end after a fault.
import { isAscii } from 'node:buffer'
import type { ServerResponse } from 'node:http'
import { openai } from '@switchyard/dialects'
import type { Fault } from '@switchyard/kinds'
import { WrongMethod } from './edge.ts'

const smallBytes = 8 * 1024
const heldBytes = 1024 * 1024
const json = 'application/json'
const eventStream = 'text/event-stream; charset=utf-8'
const comment = ': ping\n\n'

/** Faults after which another try is worth it, though SDKs would not make one, and the reverse. */
const shouldRetry: Readonly<Record<string, string>> = {
  draining: 'true',
  limiter_unavailable: 'true',
  insufficient_quota: 'false',
  reservation_exceeds_limit: 'false',
}

export class Relay {
  /** The first byte has left. */
  committed = false
  /** The caller takes no more for now. */
  blocked = false
  readonly #response: ServerResponse
  readonly #requestId: string
  #held: Buffer[] = []
  #heldBytes = 0

  constructor(response: ServerResponse, requestId: string) {
    this.#response = response
    this.#requestId = requestId
  }

  /** Bytes that wait for the caller. */
  get waiting(): number {
    return this.#response.writableLength
  }

  /** Keeps bytes back until `commit`; false when they are too many. */
  hold(bytes: Buffer): boolean {
    this.#held.push(bytes)
    this.#heldBytes += bytes.length
    return this.#heldBytes <= heldBytes
  }

  /** Forgets what an attempt that has failed had sent. */
  drop(): void {
    this.#held = []
    this.#heldBytes = 0
  }

  /** Sends status, headers and what was held. */
  commit(headers: readonly string[]): void {
    this.committed = true
    this.#response.writeHead(200, [
      'content-type',
      eventStream,
      'cache-control',
      'no-cache',
      'x-accel-buffering',
      'no',
      ...this.#ids(),
      ...headers,
    ])
    for (const bytes of this.#held) this.#write(bytes)
    this.drop()
  }

  write(bytes: Buffer): void {
    this.#write(bytes)
  }

  ping(): void {
    this.#write(comment)
  }

  /** The last bytes of a stream that is whole. */
  end(bytes: Buffer): void {
    this.#response.end(bytes)
  }

  reply(status: number, body: Buffer | string, headers: readonly string[]): void {
    this.committed = true
    const length = typeof body === 'string' ? Buffer.byteLength(body) : body.length
    const head = ['content-type', json, 'content-length', String(length), ...this.#ids(), ...headers]
    this.#response.writeHead(status, head)
    // Head and body as one string leave in one plain write, which costs 3 µs less than gathering two.
    if (typeof body !== 'string' && length <= smallBytes && isAscii(body))
      this.#response.end(body.toString('latin1'), 'latin1')
    else this.#response.end(body)
  }

  /** A refusal before anything has left. `close` when what the caller still sends is not to be read. */
  refuse(fault: Fault, headers: readonly string[], close = false): void {
    const more = [...headers]
    if (fault.retryAfterSeconds !== undefined) {
      const seconds = Math.max(1, Math.ceil(fault.retryAfterSeconds))
      more.push('retry-after', String(seconds), 'retry-after-ms', String(seconds * 1000))
    }
    const retry = shouldRetry[fault.reason]
    if (retry !== undefined) more.push('x-should-retry', retry)
    if (fault instanceof WrongMethod) more.push('allow', fault.allow)
    if (close) more.push('connection', 'close')
    this.reply(fault.status, openai.errorBody(fault), more)
  }

  /** The end of a stream that has failed: an error event, no `[DONE]`, and the connection is closed. */
  breakOff(fault: Fault, type?: string): void {
    const response = this.#response
    response.end(openai.errorEvent(fault, type), () => response.socket?.destroySoon())
  }

  destroy(): void {
    this.#response.destroy()
  }

  #write(bytes: Buffer | string): void {
    if (!this.#response.write(bytes)) this.blocked = true
  }

  #ids(): readonly string[] {
    return ['x-request-id', this.#requestId, 'request-id', this.#requestId]
  }
}
