// What a chat dialect gives: five small files with these functions, all pure, bytes <-> values. A conversion is
// dialect -> Conversation or Delta -> dialect, never pair by pair.
import type { Fault } from '@switchyard/kinds'
import type { ChatDialect, Conversation, Converted, Delta } from './conversation.ts'
import type { Ends, Line } from './exchange.ts'
import type { Payload } from './pieces.ts'

/** A body for an upstream, and the path that it is sent to, below the upstream's base. */
export interface Outgoing {
  readonly path: string
  readonly body: Payload
}

export interface WriteOptions {
  /** Name by which the upstream knows the model. */
  readonly model: string
  /** Where meaning would be lost, refuse (`unsupported_parameter`) instead of dropping. */
  readonly strict: boolean
  /** Sent where the dialect demands a limit and the caller gave none. */
  readonly maxOutput: number
}

/** What a reply says of itself, whoever made it. */
export interface About {
  /** Id of the answer, in the form that the dialect gives its ids. */
  readonly id: string
  /** Public name of the model. */
  readonly model: string
  /** Whole seconds since 1970. */
  readonly created: number
  /** The caller asked for usage on its stream. */
  readonly usage: boolean
  /** Of a response: whether it is kept, and which one it goes on from. */
  readonly keeping?: { readonly stored: boolean; readonly previous: string | null }
}

/** Reads an upstream's stream. */
export interface Decoder {
  /** Events that could not be read: they gave nothing. */
  readonly malformed: number
  /** Deltas of the events that this chunk made whole. */
  push(chunk: Buffer): readonly Delta[]
  /** The upstream has ended the body: what was still open, then `end` when it was complete, `fault` when not. */
  finish(): readonly Delta[]
}

/** Writes a stream for a caller. */
export interface Encoder {
  readonly contentType: string
  /** Bytes of whole events; undefined when these deltas make none yet. The terminal marker comes with `end`. */
  push(deltas: readonly Delta[]): Buffer | undefined
  /** The end of a stream that has failed: never a normal terminal marker. */
  fault(fault: Fault, kind?: string): Buffer
}

export interface ChatPort {
  readonly name: ChatDialect
  /**
   * A caller's body. Every member is converted, or kept in `rest`; throws `invalid` with a path. `ends` are of a body
   * that was scanned as it came.
   */
  readAsk(body: Buffer, line: Line, ends?: Ends): Conversation
  /** A body for an upstream that speaks this dialect; names what it could not say. */
  writeAsk(ask: Conversation, options: WriteOptions): Converted<Outgoing>
  /** A whole reply of an upstream as deltas that end in `end` or `fault`; undefined when it is not one. */
  readReply(body: Buffer): readonly Delta[] | undefined
  writeReply(deltas: readonly Delta[], about: About): Buffer
  decoder(): Decoder
  encoder(about: About): Encoder
  errorBody(fault: Fault, requestId: string): Buffer
}
