// How one request is carried to one kind of upstream and its answer brought back: as the same bytes where both
// speak one dialect, through the canonical form where not.
import type { Fault } from '@switchyard/kinds'
import type { Row as AnthropicRow } from './anthropic/row.ts'
import type { ChatDialect, Delta } from './conversation.ts'
import type { About } from './dialect.ts'
import type { Ask, CallerName, Usage } from './exchange.ts'
import type { GeminiRow } from './gemini/row.ts'
import type { Row as OpenaiRow } from './openai/chat/row.ts'
import type { UpstreamError } from './openai/error.ts'
import type { Payload } from './pieces.ts'

/** What an upstream speaks, and how its provider differs from the dialect's norm. */
export type Speech =
  | { readonly dialect: 'openai'; readonly row: OpenaiRow }
  | { readonly dialect: 'responses' }
  | { readonly dialect: 'anthropic'; readonly row: AnthropicRow }
  | { readonly dialect: 'gemini'; readonly row: GeminiRow }
  | { readonly dialect: 'ollama' }

/** Reads one attempt's stream and gives what may leave for the caller. */
export interface Tap {
  /** Bytes that the last `push` or `finish` lets pass: whole events of the caller's dialect. */
  readonly out: Buffer | undefined
  /** The first content (text, tool call, reasoning, refusal, or a finish reason) has been seen. */
  readonly begun: boolean
  /** Deltas with content: what counts as output when no usage is reported. */
  readonly deltas: number
  /** UTF-8 bytes of their text, where a delta may be several tokens; 0 where each is one. */
  readonly textBytes: number
  readonly usage: Usage | undefined
  /** Events that could not be read and were withheld. */
  readonly malformed: number
  /** The bytes that end the stream for the caller, once it is known to be complete. They are not in `out`. */
  readonly terminal: Buffer | undefined
  /** The stream has failed: an error event, or events that can't be read. */
  readonly error: UpstreamError | undefined
  /** Set by `push` and `finish` where a filter has to wait: until then nothing is pushed, after it the fields tell. */
  readonly waits?: Promise<void> | undefined
  push(chunk: Buffer): void
  /** The upstream has ended the body. Afterwards the stream was cut unless `terminal` is set. */
  finish(): void
  /** The bytes that end a stream that has failed after its first byte: never a normal terminal marker. */
  fail(fault: Fault, type?: string): Buffer
}

/** A whole reply for the caller. */
export interface Reply {
  readonly bytes: Buffer
  readonly usage: Usage | undefined
  /** The body is an error in spite of its status. */
  readonly error: UpstreamError | undefined
  /** The caller's dialect has no form for this answer: it is told this instead, with the fault's own status. */
  readonly refusal?: Fault
  /** Where a filter has to wait: the reply itself; nothing else here tells. */
  readonly later?: Promise<Reply>
}

export interface Carriage {
  /** Path below the upstream's base, with its query. */
  readonly path: string
  readonly body: Payload
  /** What a streamed answer of the upstream must be, for example `text/event-stream`; '' takes any. */
  readonly streamType: string
  /** Caller and upstream speak one dialect: what the upstream says of a bad request may pass as it is. */
  readonly same: boolean
  /** Members of the request that the upstream's dialect cannot say, for the warning header. */
  readonly dropped: readonly string[]
  readonly clamped: readonly string[]
  /** A new tap for one attempt. Throws a TypeError where nothing is ever streamed: vectors and counts. */
  tap(): Tap
  /**
   * Where it is the content type of the answer that tells how it passes, whatever was asked for: through a tap as it
   * comes, held whole, or not at all. Lower case.
   */
  readonly answers?: (contentType: string) => Tap | 'whole' | undefined
  /** Undefined when the bytes are no reply of the upstream's dialect. */
  reply(body: Buffer): Reply | undefined
}

export interface CarriageOptions {
  /** Name by which the upstream knows the model. */
  readonly served: string
  /** The name that the caller sees in the answer; undefined keeps the upstream's. */
  readonly shown: string | undefined
  /** Where meaning would be lost, refuse instead of dropping. */
  readonly strict: boolean
  /** Sent where the upstream's dialect demands a limit and the caller gave none. */
  readonly maxOutput: number
  /** For converted answers: id and time. The id's form is the caller's dialect's own: derive it from this. */
  readonly about: Pick<About, 'id' | 'created' | 'keeping'>
  /** Looks at each answer between the two dialects, one filter for each: the answer is converted even within one. */
  readonly filter?: () => Filter
  /** Hears each answer that is converted, one listener for each. */
  readonly listen?: () => Listener
  /** Of a form: milliseconds of the sound in it, where its own head tells them. */
  readonly sound?: (() => bigint | undefined) | undefined
}

/** Hears what an upstream answers, with the caller's names of its tools, before any filter; changes nothing. */
export interface Listener {
  push(deltas: readonly Delta[]): void
}

/**
 * Changes deltas on their way, or keeps them until later ones come. A fault never passes through it. Blocks that it
 * opened or changed must stay legal; what it keeps must be given when `end` comes, before `end`.
 */
export interface Filter {
  /** A promise where it has to wait; nothing is pushed until it is settled. */
  push(deltas: readonly Delta[]): readonly Delta[] | Promise<readonly Delta[]>
  /** It has ended the answer: what still comes from the upstream is not wanted. */
  readonly stopped?: boolean
}

/** One way in which callers speak: a chat dialect, or a variant of one with other streams. */
export interface Caller {
  readonly name: CallerName
  readonly dialect: ChatDialect
  /** Content type of its streams. */
  readonly streamType: string
  /** What is sent after silence on a stream; undefined where the dialect has nothing for it. */
  readonly ping: string | undefined
  /** Content is wanted as a stream when the body does not say. */
  readonly streams: boolean
  errorBody(fault: Fault, requestId: string): Buffer
  /** HTTP status of a fault, where the dialect has one of its own. */
  errorStatus(fault: Fault): number
}

/** Refuses with `invalid` what the caller's dialect forbids, or what the upstream's cannot say. */
export type Carry = (ask: Ask, to: Speech, options: CarriageOptions) => Carriage
