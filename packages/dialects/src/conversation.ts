// The canonical conversation: what any chat dialect can say, so that dialects cost M + N, not M x N. Values are
// frozen; JSON that must keep its digits (tool arguments, schemas) stays text.
import type { Usage } from './exchange.ts'
import type { Text } from './long-text.ts'

export type ChatDialect = 'openai' | 'responses' | 'anthropic' | 'gemini' | 'ollama'

/** JSON as it was written: digits and member order survive. */
export type RawJson = string

export interface CacheMark {
  readonly ttl: '5m' | '1h'
}

interface Marked {
  /** The prompt up to and including this part is worth caching. */
  readonly cache?: CacheMark
}

export type Media =
  | { readonly url: string }
  | { readonly base64: Text; readonly mime: string }
  | { readonly file: string }

export type Part = Marked &
  (
    | { readonly type: 'text'; readonly text: string }
    | { readonly type: 'image'; readonly source: Media; readonly detail?: 'auto' | 'low' | 'high' }
    | { readonly type: 'audio'; readonly source: Media; readonly format?: string }
    | {
        readonly type: 'document'
        readonly source: Media
        readonly name?: string
        /** The answer is to cite places in it: one dialect has that. */
        readonly cited?: true
      }
    | { readonly type: 'toolCall'; readonly id: string; readonly name: string; readonly args: RawJson }
    | {
        readonly type: 'toolResult'
        readonly callId: string
        readonly name?: string
        readonly parts: readonly Part[]
        readonly isError: boolean
      }
    | {
        readonly type: 'reasoning'
        readonly text?: string
        readonly signature?: string
        readonly opaque?: string
        readonly origin?: string
      }
    | { readonly type: 'refusal'; readonly text: string }
  )

export interface Turn {
  readonly role: 'system' | 'user' | 'assistant' | 'tool'
  readonly parts: readonly Part[]
}

export interface Tool extends Marked {
  readonly name: string
  readonly description?: string
  /** JSON Schema of the arguments. */
  readonly schema?: RawJson
  readonly strict?: boolean
}

export const efforts = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'] as const
export type Effort = (typeof efforts)[number]

/** What a caller asks of a chat model. An absent member was not sent, and is never invented. */
export interface Conversation {
  readonly dialect: ChatDialect
  readonly model: string
  readonly turns: readonly Turn[]
  readonly tools: readonly Tool[]
  readonly toolChoice?: 'auto' | 'none' | 'required' | { readonly name: string }
  readonly parallelTools?: boolean
  readonly output?:
    | { readonly type: 'json' }
    | {
        readonly type: 'schema'
        readonly name?: string
        readonly description?: string
        readonly schema: RawJson
        readonly strict?: boolean
      }
  readonly maxOutput?: number
  readonly stop: readonly string[]
  readonly sampling: {
    readonly temperature?: number
    readonly topP?: number
    readonly topK?: number
    readonly minP?: number
    readonly seed?: number
    readonly frequencyPenalty?: number
    readonly presencePenalty?: number
    readonly logitBias?: RawJson
  }
  readonly reasoning?: {
    readonly effort?: Effort
    readonly budget?: number
    /** The model is to think as much as it sees fit. */
    readonly auto?: true
    readonly show?: boolean
  }
  readonly n?: number
  /** How many alternatives of each token are asked for; 0 asks for the chosen one's alone. */
  readonly logprobs?: number
  readonly stream: { readonly on: boolean; readonly usage: boolean }
  readonly user?: string
  readonly metadata?: RawJson
  readonly tier?: string
  /** Members that were not understood, by name: what a conversion drops is named in a header. */
  readonly rest: Readonly<Record<string, RawJson>>
}

export const stops = ['end', 'sequence', 'length', 'tool', 'filter', 'refusal', 'pause'] as const
export type Stop = (typeof stops)[number]

/** How long the making of an answer took, in nanoseconds, where somebody has measured it. */
export interface Took {
  readonly total: number
  readonly load?: number
  readonly prompt?: number
  readonly output?: number
}

/** A token, and the natural logarithm of how probable the model found it. */
export interface Scored {
  readonly token: string
  /** Its bytes as UTF-8, where they are told: a token may be a part of a character. */
  readonly bytes?: readonly number[]
  readonly logprob: number
}

/** A token that was said, and the most probable ones in its place. */
export interface TokenLogprob extends Scored {
  readonly top: readonly Scored[]
}

/** An address that an answer refers to. */
export interface Citation {
  readonly url: string
  readonly title?: string
  /** The first character that it stands for, and the one after the last: of all texts of the choice, from 0. */
  readonly start?: number
  readonly end?: number
}

/** One step of an answer. Blocks are numbered from 0 within a choice, and may interleave. */
export type Delta = { readonly choice: number } & (
  | { readonly type: 'start'; readonly id?: string; readonly created?: number; readonly model?: string }
  | { readonly type: 'open'; readonly block: number; readonly kind: 'text' | 'reasoning' | 'refusal' }
  | {
      readonly type: 'open'
      readonly block: number
      readonly kind: 'tool'
      readonly id: string
      readonly name: string
    }
  | { readonly type: 'text'; readonly block: number; readonly text: string }
  | { readonly type: 'reasoning'; readonly block: number; readonly text: string }
  | {
      readonly type: 'signature'
      readonly block: number
      readonly signature?: string
      readonly opaque?: string
      readonly origin: string
    }
  | { readonly type: 'args'; readonly block: number; readonly json: string }
  /** Of tokens that were said before this step in the block, or are just about to be. */
  | { readonly type: 'logprobs'; readonly block: number; readonly tokens: readonly TokenLogprob[] }
  | { readonly type: 'annotation'; readonly block: number; readonly citation: Citation }
  /** A block of its own, whole at once: it is neither opened nor closed. */
  | { readonly type: 'media'; readonly block: number; readonly base64: string; readonly mime: string }
  | { readonly type: 'close'; readonly block: number }
  | { readonly type: 'usage'; readonly usage: Usage }
  | { readonly type: 'finish'; readonly stop: Stop; readonly sequence?: string; readonly raw?: string }
  | { readonly type: 'end'; readonly took?: Took }
  | { readonly type: 'fault'; readonly status: number; readonly kind?: string; readonly message?: string }
)

/** A conversion's result, and what of the input it could not say: names for the warning header. */
export interface Converted<T> {
  readonly value: T
  readonly dropped: readonly string[]
  readonly clamped: readonly string[]
}
