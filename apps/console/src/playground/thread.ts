// A conversation with a model, and what is asked with it: plain values, fit for the storage of a tab.
import type { ChatBody, ChatMessage, Part, Tokens, ToolCall } from '../api/gateway.ts'

export interface Parameters {
  readonly system: string
  readonly temperature?: number | undefined
  readonly topP?: number | undefined
  readonly maxTokens?: number | undefined
  readonly seed?: number | undefined
  readonly stop: readonly string[]
  readonly format: 'text' | 'json_object' | 'json_schema'
  /** JSON Schema, while the format is one. */
  readonly schema: string
  /** JSON of the functions that the model may call; empty for none. */
  readonly tools: string
}

export const noParameters: Parameters = {
  system: '',
  stop: [],
  format: 'text',
  schema: '',
  tools: '',
}

/** What an answer has told of itself. */
export interface Told {
  readonly request: string
  /** Of the workspace in which it was made. */
  readonly workspace: string
  readonly tokens?: Tokens
  /** Milliseconds until the first content; undefined where none came. */
  readonly first?: number
  readonly total: number
  readonly end?: string
}

/** A refusal, as far as it is kept. */
export interface Refused {
  readonly code: string
  readonly reason: string
  readonly message: string
  readonly request: string
  /** Milliseconds since 1970 from which it would pass; undefined where no waiting helps. */
  readonly until?: number
}

export type Turn =
  | { readonly by: 'person'; readonly text: string; readonly images: readonly string[] }
  | {
      readonly by: 'model'
      readonly model: string
      readonly text: string
      readonly thought: string
      readonly calls: readonly ToolCall[]
      readonly told?: Told
      readonly refused?: Refused
      /** It was stopped by the person. */
      readonly stopped?: boolean
    }
  | { readonly by: 'tool'; readonly call: string; readonly text: string }

export type Answer = Extract<Turn, { by: 'model' }>

const imagePart = (url: string): Part => ({ type: 'image_url', image_url: { url } })

function messageOf(turn: Turn): readonly ChatMessage[] {
  if (turn.by === 'tool') return [{ role: 'tool', tool_call_id: turn.call, content: turn.text }]
  if (turn.by === 'person')
    return [
      {
        role: 'user',
        content:
          turn.images.length === 0
            ? turn.text
            : [{ type: 'text', text: turn.text }, ...turn.images.map(imagePart)],
      },
    ]
  // What was refused before a word came was no turn of the conversation.
  if (turn.text === '' && turn.calls.length === 0) return []
  return [
    {
      role: 'assistant',
      content: turn.text === '' ? null : turn.text,
      ...(turn.calls.length > 0 && { tool_calls: turn.calls }),
    },
  ]
}

/** What is written in a field of JSON; undefined for nothing, and what is wrong with it where it is none. */
export function readJson(text: string): { readonly value?: unknown; readonly wrong?: string } {
  if (text.trim() === '') return {}
  try {
    return { value: JSON.parse(text) }
  } catch (error) {
    return { wrong: error instanceof Error ? error.message : String(error) }
  }
}

const named = (value: unknown): value is { readonly name?: string; readonly schema?: unknown } =>
  typeof value === 'object' && value !== null

function formatOf({ format, schema }: Parameters): object {
  if (format === 'text') return {}
  if (format === 'json_object') return { response_format: { type: 'json_object' } }
  const { value } = readJson(schema)
  const given = named(value) && 'schema' in value ? value : { schema: value ?? {} }
  return { response_format: { type: 'json_schema', json_schema: { name: 'answer', ...given } } }
}

/** Functions alone, or wrapped as OpenAI has them. */
function toolsOf({ tools }: Parameters): object {
  const { value } = readJson(tools)
  const all: readonly unknown[] = Array.isArray(value) ? value : value === undefined ? [] : [value]
  if (all.length === 0) return {}
  return {
    tools: all.map(one =>
      typeof one === 'object' && one !== null && 'function' in one
        ? one
        : { type: 'function', function: one },
    ),
  }
}

export function bodyOf(model: string, turns: readonly Turn[], parameters: Parameters): ChatBody {
  const { system, temperature, topP, maxTokens, seed, stop } = parameters
  const first: readonly ChatMessage[] = system.trim() === '' ? [] : [{ role: 'system', content: system }]
  return {
    model,
    messages: [...first, ...turns.flatMap(messageOf)],
    ...(temperature !== undefined && { temperature }),
    ...(topP !== undefined && { top_p: topP }),
    ...(maxTokens !== undefined && { max_tokens: maxTokens }),
    ...(seed !== undefined && { seed }),
    ...(stop.length > 0 && { stop }),
    ...formatOf(parameters),
    ...toolsOf(parameters),
  }
}

/** Calls of the last answer that nobody has answered yet. */
export function openCalls(turns: readonly Turn[]): readonly ToolCall[] {
  const at = turns.findLastIndex(turn => turn.by === 'model')
  const last = turns[at]
  if (last?.by !== 'model') return []
  const answered = new Set(turns.slice(at).flatMap(turn => (turn.by === 'tool' ? [turn.call] : [])))
  return last.calls.filter(({ id }) => !answered.has(id))
}
