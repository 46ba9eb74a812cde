// The order of each dialect's stream, as its clients rely on it: one checker each, which fails where a rule is broken.
import type { CallerName } from '@switchyard/dialects'
import { expect } from 'vitest'
import { checkStream } from './anthropic-grammar.ts'

/** What a stream says of itself. */
export interface Head {
  readonly id: string
  readonly created: number
  readonly model: string
  /** Usage was asked for. */
  readonly usage: boolean
}

interface Chunk {
  readonly id: string
  readonly created: number
  readonly model: string
  readonly object: string
  readonly usage?: object
  readonly choices: readonly {
    readonly index: number
    readonly finish_reason: string | null
    readonly delta: {
      readonly role?: string
      readonly content?: string
      readonly tool_calls?: readonly {
        readonly index: number
        readonly id?: string
        readonly type?: string
        readonly function: { readonly name?: string }
      }[]
    }
  }[]
}

/** One id, time and model; a role once; one empty delta with the reason; usage alone; the marker. */
export function checkChat(stream: string, { id, created, model, usage }: Head): void {
  const events = stream.split('\n\n').slice(0, -1)
  expect(events.every(text => text.startsWith('data: ') && !text.slice(6).includes('\n'))).toBe(true)
  expect(events.pop()).toBe('data: [DONE]')
  const chunks = events.map(text => JSON.parse(text.slice(6)) as Chunk) // its members are checked below
  const state = new Map<number, { finished: boolean; calls: number }>()
  for (const [position, one] of chunks.entries()) {
    expect([one.id, one.created, one.model, one.object]).toEqual([
      id,
      created,
      model,
      'chat.completion.chunk',
    ])
    if (one.choices.length === 0) {
      expect(usage && one.usage !== undefined && position === chunks.length - 1).toBe(true)
      continue
    }
    expect(one.choices).toHaveLength(1)
    for (const { index, delta, finish_reason } of one.choices) {
      const known = state.get(index)
      if (!known) {
        expect(delta).toEqual({ role: 'assistant', content: '' })
        state.set(index, { finished: false, calls: 0 })
        continue
      }
      expect([known.finished, delta.role]).toEqual([false, undefined])
      if (finish_reason !== null) {
        expect(delta).toEqual({})
        known.finished = true
      }
      for (const call of delta.tool_calls ?? []) {
        const first = call.index === known.calls
        if (first) known.calls++
        expect(call.index).toBeLessThan(known.calls)
        expect([call.id !== undefined, call.type === 'function', call.function.name !== undefined]).toEqual([
          first,
          first,
          first,
        ])
      }
    }
  }
  expect([...state.values()].every(({ finished }) => finished)).toBe(true)
}

export interface ResponseEvent {
  readonly type: string
  readonly sequence_number: number
  readonly output_index?: number
  readonly content_index?: number
  readonly summary_index?: number
  readonly item_id?: string
  readonly item?: { readonly id: string }
  readonly response?: Record<string, unknown>
}

export const responseEvents = (bytes: Buffer) =>
  bytes
    .toString()
    .split('\n\n')
    .filter(Boolean)
    .map(text => {
      const [name, data] = text.split('\n')
      const event = JSON.parse(data?.slice(6) ?? '') as ResponseEvent // checkResponses() checks it
      expect(name).toBe(`event: ${event.type}`)
      return event
    })

/** Numbers without gaps; items and parts are added before they are spoken of, and done once. */
export function checkResponses(events: readonly ResponseEvent[]) {
  const items: { id: string; parts: Set<string>; done: boolean }[] = []
  events.forEach((event, at) => {
    const { type, output_index: index = -1 } = event
    expect(event.sequence_number).toBe(at)
    expect(type === 'response.created').toBe(at === 0)
    expect(type === 'response.in_progress').toBe(at === 1)
    expect(/^response\.(completed|incomplete|failed)$/.test(type)).toBe(at === events.length - 1)
    if (event.response) {
      expect(Number.isInteger(event.response.created_at)).toBe(true)
      return
    }
    if (type === 'response.output_item.added') {
      expect(index).toBe(items.length)
      items.push({ id: event.item?.id ?? '', parts: new Set(), done: false })
      return
    }
    const item = items[index]
    if (!item) throw new Error(`${type} speaks of an item that was not added`)
    expect(item.done).toBe(false)
    expect(event.item?.id ?? event.item_id).toBe(item.id)
    const part = `${event.content_index ?? ''}/${event.summary_index ?? ''}`
    if (type.endsWith('part.added')) item.parts.add(part)
    else if (type === 'response.output_item.done') {
      expect(item.parts.size).toBe(0)
      item.done = true
    } else if (part !== '/') expect(item.parts.has(part)).toBe(true)
    if (type.endsWith('part.done')) item.parts.delete(part)
  })
  if (events.at(-1)?.type !== 'response.failed') expect(items.every(({ done }) => done)).toBe(true)
}

/** Every detail of usage is a whole number; null where nobody has counted. */
export function checkDetails(usage: unknown): void {
  if (usage === null) return
  const {
    input_tokens_details: input,
    output_tokens_details: output,
    ...totals
  } = usage as Record<string, unknown> // checked here
  expect(Object.keys(totals).sort()).toEqual(['input_tokens', 'output_tokens', 'total_tokens'])
  expect(input).toHaveProperty('cached_tokens')
  expect(output).toHaveProperty('reasoning_tokens')
  const counts = [totals, input, output].flatMap(part => Object.values(part as Record<string, unknown>)) // as above
  for (const value of counts) expect(Number.isSafeInteger(value)).toBe(true)
}

interface GeminiChunk {
  readonly responseId: string
  readonly modelVersion: string
  readonly candidates: readonly { finishReason?: string; content: { parts: readonly object[] } }[]
}

/** Whole parts, and the reason of the end on the last chunk alone. */
export function checkGemini(chunks: readonly GeminiChunk[], { id, model }: Pick<Head, 'id' | 'model'>): void {
  chunks.forEach((value, at) => {
    expect(value).toMatchObject({ responseId: id, modelVersion: model })
    for (const { finishReason, content } of value.candidates) {
      expect(finishReason !== undefined).toBe(at === chunks.length - 1)
      expect(content.parts.length).toBeGreaterThan(0)
    }
  })
}

export const geminiChunks = (bytes: Buffer) =>
  bytes
    .toString()
    .split('\n\n')
    .filter(Boolean)
    .map(event => JSON.parse(event.slice(6)) as GeminiChunk) // checkGemini() checks it

/** One object and one line feed each, the last alone done, with whole durations. */
export function checkOllama(stream: string, { model }: Pick<Head, 'model'>): void {
  expect(stream.endsWith('\n')).toBe(true)
  const objects = stream
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line) as Record<string, unknown>) // its members are checked below
  const last = objects.pop()
  expect(objects.every(({ done, model: named }) => done === false && named === model)).toBe(true)
  expect(last).toMatchObject({ done: true, model })
  expect(typeof last?.done_reason).toBe('string')
  for (const name of ['total_duration', 'load_duration', 'prompt_eval_duration', 'eval_duration'])
    expect(Number.isSafeInteger(last?.[name])).toBe(true)
}

/** The rules of section and dialect, for a stream that has come to its end. */
export const checkOrder: Readonly<Record<CallerName, (bytes: Buffer, head: Head) => void>> = {
  openai: (bytes, head) => checkChat(bytes.toString(), head),
  responses(bytes) {
    const events = responseEvents(bytes)
    checkResponses(events)
    const last = events.at(-1)?.response
    expect(last?.status).toMatch(/^(completed|incomplete)$/)
    checkDetails(last?.usage)
  },
  anthropic: bytes => checkStream(bytes),
  gemini: (bytes, head) => checkGemini(geminiChunks(bytes), head),
  geminiArray: (bytes, head) => checkGemini(JSON.parse(bytes.toString()) as GeminiChunk[], head), // checked there
  ollama: (bytes, head) => checkOllama(bytes.toString(), head),
  ollamaGenerate: (bytes, head) => checkOllama(bytes.toString(), head),
}
