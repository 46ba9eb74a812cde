// The canonical values that every dialect is read into: what is asked, and what it used.
import type { ServiceTier, Unit } from '@switchyard/kinds'

/** A way in which callers speak: a chat dialect, or a variant of one with other streams. */
export type CallerName =
  | 'openai'
  | 'responses'
  | 'anthropic'
  | 'gemini'
  | 'geminiArray'
  | 'ollama'
  | 'ollamaGenerate'

/** What the request line says beside the body: Gemini names model and streaming there. */
export interface Line {
  readonly model?: string
  readonly stream?: boolean
}

export { type TokenUnit, tokenUnits, type Unit, units } from '@switchyard/kinds'

export type Quantities = Readonly<Partial<Record<Unit, bigint>>>

export interface Usage {
  /** Absent is absent, never 0. */
  readonly quantities: Quantities
  readonly source: 'provider' | 'engine' | 'counted' | 'estimated'
  readonly flags: readonly UsageFlag[]
  /** How the upstream says that it took the request; `standard` when absent. */
  readonly tier?: ServiceTier | undefined
}

/**
 * `partition_mismatch`: the report's parts do not sum to its total. `usage_missing`: output was delivered and
 * no usage was reported, so that it was counted here. `input_estimated`: no upstream has told its input.
 * `estimator:NAME`: its output was estimated, in the way of that name.
 */
export type UsageFlag = 'partition_mismatch' | 'usage_missing' | 'input_estimated' | `estimator:${string}`

/** What is asked for, named so that each dialect's operations can be told apart. */
export type Operation =
  | ChatOperation
  | EmbeddingOperation
  | SameOperation
  | FormOperation
  | CountOperation
  | InferenceOperation
  | McpOperation
  | 'realtime'

/** Carried to an upstream of any chat dialect. */
export type ChatOperation =
  | 'chat.completions'
  | 'responses'
  | 'messages'
  | 'generateContent'
  | 'ollama.chat'
  | 'ollama.generate'

export type EmbeddingOperation =
  | 'embeddings'
  | 'embedContent'
  | 'batchEmbedContents'
  | 'ollama.embed'
  | 'ollama.embeddings'

/** OpenAI's that no other dialect has. */
export type SameOperation = 'completions' | 'moderations' | 'rerank' | 'images.generations' | 'audio.speech'

/** OpenAI's that take a form with files. */
export type FormOperation =
  | 'audio.transcriptions'
  | 'audio.translations'
  | 'images.edits'
  | 'images.variations'

/** Those of the Open Inference Protocol v2, whose paths name the model. */
export type InferenceOperation = 'oip.model' | 'oip.infer' | 'oip.generate' | 'oip.generate_stream'

/** A message that calls a tool, any other message, a stream of what the server says by itself, the end of a session. */
export type McpOperation = 'mcp.call' | 'mcp.message' | 'mcp.listen' | 'mcp.end'

/** Counts of tokens: Anthropic's and Gemini's. */
export type CountOperation = 'count_tokens' | 'countTokens'

/** A half-open range of bytes. */
export interface Range {
  readonly start: number
  readonly end: number
}

/** What a request of the Responses API says of responses that are kept. */
export interface Keeping {
  /** The response that it goes on from. */
  readonly previous: string | undefined
  /** The answer may be kept; so it is where nothing is said. */
  readonly store: boolean
  /** The answer is made while nobody waits for it. */
  readonly background: boolean
}

/** Offsets of bytes by offsets. */
export type Ends = ReadonlyMap<number, number>

/** A request as the gateway acts on it. The body stays the bytes that the caller sent. */
export interface Ask {
  readonly caller: CallerName
  readonly operation: Operation
  /** What the request line said. */
  readonly line: Line
  readonly model: string
  readonly stream: {
    readonly on: boolean
    /** The caller asked for the chunk with the usage; its dialect has it always, but for OpenAI's chat. */
    readonly usage: boolean
  }
  /** Output tokens that the caller allows; undefined when it does not say, or no count. */
  readonly maxOutput: number | undefined
  /** Answers that are asked for. */
  readonly n: number
  /** The caller's end user. */
  readonly user: string | undefined
  /** Undefined for every caller but those of the Responses API. */
  readonly keeping?: Keeping | undefined
  readonly bytes: Buffer
  /** Where the values stand that may be spliced. */
  readonly at: { readonly model: Range | undefined; readonly streamOptions: Range | undefined }
  /** Of a body that was scanned as it came, and so is known to be JSON: where large values end, by where they start. */
  readonly ends?: Ends
}
