// Answers that pass as the bytes that they are: sound, subtitles, tensors. Nothing of them is changed, and what is
// known of their usage is read on the way.
import type { Fault } from '@switchyard/kinds'
import type { Reply, Tap } from './carriage.ts'
import type { Usage } from './exchange.ts'
import { type Made, mediaUsage } from './media-usage.ts'
import type { Tally } from './meters.ts'
import { readReply } from './openai/response.ts'
import { Raw } from './raw.ts'
import { EventReader } from './sse.ts'

const nothing = Buffer.alloc(0)

export const isJson = (contentType: string): boolean =>
  /^application\/([a-z0-9.+-]+\+)?json\s*(;|$)/.test(contentType)

export const isEventStream = (contentType: string): boolean => contentType.startsWith('text/event-stream')

/** What a failing proxy in between says, and never a model. */
export const isPage = (contentType: string): boolean => /^text\/html|^application\/xhtml/.test(contentType)

/** Bytes pass as they come, and are whole when the upstream ends them. */
export class ByteTap implements Tap {
  out: Buffer | undefined
  begun = false
  readonly deltas: number = 0
  readonly textBytes = 0
  readonly malformed = 0
  terminal: Buffer | undefined
  readonly error = undefined
  readonly #tally: Tally

  constructor(tally: Tally) {
    this.#tally = tally
  }

  get usage(): Usage | undefined {
    return this.begun ? this.#tally.usage(undefined) : undefined
  }

  push(chunk: Buffer): void {
    this.begun = true
    this.out = chunk
  }

  finish(): void {
    this.out = undefined
    if (this.begun) this.terminal = nothing
  }

  /** There is no word for a fault in the middle of sound: the connection is reset. */
  fail(): Buffer {
    return nothing
  }
}

/** Events pass as they come; the usage that one of them reports is read. */
export class EventTap implements Tap {
  out: Buffer | undefined
  begun = false
  deltas = 0
  readonly textBytes = 0
  readonly malformed = 0
  terminal: Buffer | undefined
  readonly error = undefined
  readonly #reader = new EventReader()
  readonly #made: Made
  readonly #fault: (fault: Fault, type?: string) => string
  readonly #tally: Tally
  #reported: Usage | undefined

  /** `fault` writes the event that ends a stream that has failed. */
  constructor(made: Made, fault: (fault: Fault, type?: string) => string, tally: Tally) {
    this.#made = made
    this.#fault = fault
    this.#tally = tally
  }

  get usage(): Usage | undefined {
    return this.begun ? this.#tally.usage(this.#reported) : undefined
  }

  push(chunk: Buffer): void {
    this.out = chunk
    const reader = this.#reader
    // What is larger than an event may be passes unread from there on.
    if (reader.tooLarge) return
    reader.push(chunk)
    if (reader.tooLarge) this.begun = true
    while (!reader.tooLarge && reader.next()) {
      if (!reader.hasData) continue
      this.begun = true
      this.deltas++
      const data = reader.data.subarray(reader.dataStart, reader.dataEnd)
      if (data.includes('"usage"') || data.includes('.completed"')) this.#read(data)
    }
  }

  finish(): void {
    this.out = undefined
    // Such streams have no marker of their own: HTTP's framing says that they are whole.
    if (this.begun && (this.#reader.tooLarge || this.#reader.unfinished === 0)) this.terminal = nothing
  }

  fail(fault: Fault, type?: string): Buffer {
    return Buffer.from(this.#fault(fault, type))
  }

  #read(data: Buffer): void {
    const event = Raw.parse(data)
    const report = event?.get('usage')
    const chat = report?.get('prompt_tokens') ? readReply(data, undefined)?.usage : undefined
    this.#reported = chat ?? mediaUsage(report, this.#made) ?? this.#reported
    this.#tally.hear(event)
  }
}

/** A reply whose usage is that of media, or OpenAI's own, with what is counted of it. */
export function mediaReply(
  body: Buffer,
  reply: Reply | undefined,
  made: Made,
  tally: Tally,
): Reply | undefined {
  if (!reply || reply.error) return reply
  const raw = Raw.parse(body)
  tally.hear(raw)
  return { ...reply, usage: tally.usage(mediaUsage(raw?.get('usage'), made) ?? reply.usage) }
}
