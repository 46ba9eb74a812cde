// Calls of models at the gateway of this server: as the person who is signed in, or with a key that they hold.
import { readRefusal } from '@switchyard/client/faults'
import { Fault } from '@switchyard/kinds/fault'
import type { Exchange } from './exchange.ts'

/** Who calls, and where. */
export interface Caller {
  readonly workspace: string
  readonly project?: string
  /** Secret of an API key, in place of the person's own rights: kept in memory alone. */
  readonly key?: string
}

export interface ToolCall {
  readonly id: string
  readonly type: 'function'
  readonly function: { readonly name: string; readonly arguments: string }
}

export type Part =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'image_url'; readonly image_url: { readonly url: string } }

export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant' | 'tool'
  readonly content: string | readonly Part[] | null
  readonly tool_calls?: readonly ToolCall[]
  readonly tool_call_id?: string
}

/** A request in OpenAI's dialect. */
export interface ChatBody {
  readonly model: string
  readonly messages: readonly ChatMessage[]
  readonly stream?: boolean
  readonly stream_options?: { readonly include_usage: boolean }
  readonly [parameter: string]: unknown
}

export interface Tokens {
  readonly input: number
  readonly output: number
}

export type Delta =
  | { readonly type: 'text' | 'thought'; readonly text: string }
  | {
      readonly type: 'call'
      readonly index: number
      readonly id: string
      readonly name: string
      readonly text: string
    }
  | { readonly type: 'end'; readonly reason: string }
  | { readonly type: 'tokens'; readonly tokens: Tokens }

export interface Streamed {
  readonly request: string
  readonly deltas: AsyncIterable<Delta>
}

export interface Answered {
  readonly request: string
  readonly body: unknown
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const text = (value: unknown) => (typeof value === 'string' ? value : '')
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

const requestOf = ({ headers }: Response) => headers.get('x-request-id') ?? ''

/** The id of the request that was refused; empty where it never came to the gateway. */
export const requestOfFault = ({ cause }: Fault): string => (isRecord(cause) ? text(cause.requestId) : '')

function faultOf(value: unknown, response: Response): Fault {
  const { status, headers } = response
  const told = readRefusal(value, status)
  const wait = Number(headers.get('retry-after-ms') ?? Number.NaN)
  return new Fault(told?.code ?? 'unavailable', told?.message ?? `The gateway answered ${status}.`, {
    status,
    cause: { requestId: requestOf(response) },
    ...(told && { reason: told.reason }),
    ...(Number.isFinite(wait) && { retryAfterSeconds: wait / 1000 }),
  })
}

async function refused(response: Response): Promise<Fault> {
  const body = await response.text()
  try {
    return faultOf(JSON.parse(body), response)
  } catch {
    return faultOf(undefined, response) // no JSON: some proxy's page
  }
}

export interface Limit {
  readonly dimension: string
  readonly level: 'platform' | 'workspace' | 'project' | 'key'
}

/** Which limit a refusal names; undefined for a refusal that is of none. */
export function limitOf({ code, message }: Fault): Limit | undefined {
  if (code !== 'exhausted') return undefined
  const [, dimension = '', level] =
    /limit of ([a-z ]+) of the (platform|workspace|project|key)\b/.exec(message) ?? []
  return level ? { dimension, level: level as Limit['level'] } : undefined // one of the four by the pattern
}

async function ask(
  exchange: Exchange,
  caller: Caller,
  path: string,
  { body, signal }: { readonly body?: unknown; readonly signal?: AbortSignal } = {},
): Promise<Response> {
  const { workspace, project, key } = caller
  const response = await exchange.open({
    method: body === undefined ? 'GET' : 'POST',
    path,
    ...(body !== undefined && { body }),
    ...(signal && { signal }),
    ...(key !== undefined && { anonymous: true }),
    headers:
      key === undefined
        ? {
            'x-switchyard-workspace': workspace,
            ...(project !== undefined && { 'x-switchyard-project': project }),
          }
        : { authorization: `Bearer ${key}` },
  })
  if (!response.ok) throw await refused(response)
  return response
}

/** Names of the models that the caller may call. */
export async function modelsOf(exchange: Exchange, caller: Caller): Promise<readonly string[]> {
  const body: unknown = await (await ask(exchange, caller, '/v1/models')).json()
  return list(isRecord(body) ? body.data : undefined).flatMap(one => (isRecord(one) ? [text(one.id)] : []))
}

/** One whole answer. */
export async function call(
  exchange: Exchange,
  caller: Caller,
  path: string,
  body: unknown,
  signal?: AbortSignal,
): Promise<Answered> {
  const response = await ask(exchange, caller, path, { body, ...(signal && { signal }) })
  return { request: requestOf(response), body: await response.json() }
}

/** Begins an answer that comes in pieces. Leaving the loop ends it. */
export async function stream(
  exchange: Exchange,
  caller: Caller,
  body: ChatBody,
  signal: AbortSignal,
): Promise<Streamed> {
  const whole = { ...body, stream: true, stream_options: { include_usage: true } }
  const response = await ask(exchange, caller, '/v1/chat/completions', { body: whole, signal })
  return { request: requestOf(response), deltas: read(response) }
}

async function* read(response: Response): AsyncGenerator<Delta> {
  if (!response.body) return
  for await (const event of events(response.body)) {
    if (event === '[DONE]') return
    const value: unknown = JSON.parse(event)
    if (!isRecord(value)) continue
    if (isRecord(value.error)) throw faultOf(value, response)
    yield* deltasOf(value)
  }
}

/** What each event of a stream says (`text/event-stream`, HTML Living Standard 9.2.6). */
export async function* events(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body
    .pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>)
    .getReader() // of any buffer
  let rest = ''
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      const lines = (rest + value).split(/\r\n|\n|\r(?!$)/)
      rest = lines.pop() ?? ''
      for (const line of lines) if (line.startsWith('data:')) yield line.slice('data:'.length).trim()
    }
  } finally {
    await reader.cancel()
  }
}

function* deltasOf({ choices, usage }: Record<string, unknown>): Generator<Delta> {
  const [choice] = list(choices)
  if (isRecord(choice)) {
    const delta = isRecord(choice.delta) ? choice.delta : {}
    const thought = text(delta.reasoning_content) || text(delta.reasoning)
    if (thought !== '') yield { type: 'thought', text: thought }
    if (text(delta.content) !== '') yield { type: 'text', text: text(delta.content) }
    for (const [place, one] of list(delta.tool_calls).entries()) {
      if (!isRecord(one)) continue
      const called = isRecord(one.function) ? one.function : {}
      const index = typeof one.index === 'number' ? one.index : place
      yield {
        type: 'call',
        index,
        id: text(one.id),
        name: text(called.name),
        text: text(called.arguments),
      }
    }
    if (text(choice.finish_reason) !== '') yield { type: 'end', reason: text(choice.finish_reason) }
  }
  if (isRecord(usage))
    yield {
      type: 'tokens',
      tokens: { input: Number(usage.prompt_tokens ?? 0), output: Number(usage.completion_tokens ?? 0) },
    }
}
