// How each caller asks, and what it makes of an answer by its own dialect's rules. Written beside the dialects and
// not with them: what both sides of a conversion misunderstand alike would be seen here.
import type { CallerName } from '@switchyard/dialects'

/** What a caller has heard of an answer. */
export interface Heard {
  readonly text: string
  readonly thought: string
  /** Name and arguments of each call. */
  readonly calls: readonly (readonly [name: unknown, args: unknown])[]
  /** The dialect's own end has come. */
  readonly whole: boolean
  /** The error that stands in the answer; undefined for none. */
  readonly error: unknown
  readonly model: unknown
}

export interface CallerRow {
  path(model: string, stream: boolean): string
  body(model: string, stream: boolean): object
  /** A whole reply. */
  reply(body: unknown): Heard
  stream(body: string): Heard
}

/** What stands at a path of parsed JSON; undefined where nothing does. */
export function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  let here = value
  for (const step of path) {
    if (typeof here !== 'object' || here === null) return undefined
    here = (here as Readonly<Record<string | number, unknown>>)[step] // objects and arrays alike
  }
  return here
}

export function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : [] // of whatever
}

const text = (value: unknown) => (typeof value === 'string' ? value : '')
const joined = (all: readonly unknown[]) => all.map(text).join('')

/** Arguments as they were meant; their text where a cut has left half of them. */
function parsed(json: unknown): unknown {
  try {
    return JSON.parse(text(json) || '{}') as unknown
  } catch (error) {
    if (error instanceof SyntaxError) return json
    throw error
  }
}

/** The data of each event; Google's bare error at the end is one too. */
export function events(body: string): readonly unknown[] {
  return body.split('\n\n').flatMap(block => {
    if (block.startsWith('{')) return [JSON.parse(block) as unknown]
    const data = block
      .split('\n')
      .filter(line => line.startsWith('data: '))
      .map(line => line.slice(6))
      .join('\n')
    if (data === '') return []
    return [data === '[DONE]' ? data : (JSON.parse(data) as unknown)]
  })
}

const user = [{ role: 'user', content: 'hi' }]
const weather = { type: 'object', properties: { city: { type: 'string' } } }
const described = { name: 'weather', description: 'Tells the weather.' }
const functions = [{ type: 'function', function: { ...described, parameters: weather } }]

const openai: CallerRow = {
  path: () => '/v1/chat/completions',
  body: (model, stream) => ({ model, messages: user, tools: functions, stream }),
  reply: body => chatHeard([at(body, 'choices', 0, 'message')], body),
  stream(body) {
    const all = events(body)
    const deltas = all.map(one => at(one, 'choices', 0, 'delta'))
    const finished = all.some(one => typeof at(one, 'choices', 0, 'finish_reason') === 'string')
    return {
      ...chatHeard(deltas, all[0]),
      whole: finished && all.at(-1) === '[DONE]',
      error: all.map(one => at(one, 'error')).find(Boolean),
    }
  },
}

function chatHeard(messages: readonly unknown[], about: unknown): Heard {
  const calls = new Map<unknown, { name: unknown; args: string }>()
  for (const call of messages.flatMap(message => list(at(message, 'tool_calls')))) {
    const index = at(call, 'index')
    const known = calls.get(index) ?? { name: at(call, 'function', 'name'), args: '' }
    known.args += text(at(call, 'function', 'arguments'))
    calls.set(index, known)
  }
  return {
    text: joined(messages.map(message => at(message, 'content'))),
    thought: joined(messages.map(message => at(message, 'reasoning_content'))),
    calls: [...calls.values()].map(({ name, args }) => [name, parsed(args)]),
    whole: true,
    error: at(about, 'error'),
    model: at(about, 'model'),
  }
}

const responses: CallerRow = {
  path: () => '/v1/responses',
  body: (model, stream) => ({
    model,
    input: 'hi',
    tools: [{ type: 'function', ...described, parameters: weather }],
    stream,
  }),
  reply: responseHeard,
  stream(body) {
    const all = events(body)
    const types = all.map(one => at(one, 'type'))
    const last = all.find(one => at(one, 'type') === 'response.completed')
    const of = (type: string) =>
      joined(all.filter(one => at(one, 'type') === type).map(one => at(one, 'delta')))
    return {
      ...responseHeard(at(last, 'response')),
      text: of('response.output_text.delta'),
      thought: of('response.reasoning_summary_text.delta'),
      whole: types.at(-1) === 'response.completed',
      error: all.map(one => at(one, 'response', 'error') ?? at(one, 'error')).find(Boolean),
      model: at(all[0], 'response', 'model'),
    }
  },
}

function responseHeard(body: unknown): Heard {
  const items = list(at(body, 'output'))
  const of = (type: string) => items.filter(item => at(item, 'type') === type)
  const texts = (part: string, all: readonly unknown[]) =>
    joined(all.flatMap(item => list(at(item, part)).map(one => at(one, 'text'))))
  return {
    text: texts('content', of('message')),
    thought: texts('summary', of('reasoning')),
    calls: of('function_call').map(item => [at(item, 'name'), parsed(at(item, 'arguments'))]),
    whole: at(body, 'status') === 'completed',
    error: at(body, 'error') ?? undefined,
    model: at(body, 'model'),
  }
}

const anthropic: CallerRow = {
  path: () => '/v1/messages',
  body: (model, stream) => ({
    model,
    max_tokens: 64,
    messages: user,
    tools: [{ ...described, input_schema: weather }],
    stream,
  }),
  reply(body) {
    const blocks = list(at(body, 'content'))
    return {
      text: joined(blocks.map(block => at(block, 'text'))),
      thought: joined(blocks.map(block => at(block, 'thinking'))),
      calls: blocks
        .filter(block => at(block, 'type') === 'tool_use')
        .map(block => [at(block, 'name'), at(block, 'input')]),
      whole: typeof at(body, 'stop_reason') === 'string',
      error: at(body, 'error'),
      model: at(body, 'model'),
    }
  },
  stream(body) {
    const all = events(body)
    const calls = all.filter(one => at(one, 'content_block', 'type') === 'tool_use')
    const args = (index: unknown) =>
      joined(all.filter(one => at(one, 'index') === index).map(one => at(one, 'delta', 'partial_json')))
    return {
      text: joined(all.map(one => at(one, 'delta', 'text'))),
      thought: joined(all.map(one => at(one, 'delta', 'thinking'))),
      calls:
        at(all.at(-1), 'type') === 'message_stop'
          ? calls.map(one => [at(one, 'content_block', 'name'), parsed(args(at(one, 'index')))])
          : [],
      whole: at(all.at(-1), 'type') === 'message_stop',
      error: all.map(one => at(one, 'error')).find(Boolean),
      model: at(all[0], 'message', 'model'),
    }
  },
}

const contents = [{ role: 'user', parts: [{ text: 'hi' }] }]
const geminiBody = { contents, tools: [{ functionDeclarations: [{ ...described, parameters: weather }] }] }

function geminiHeard(all: readonly unknown[]): Heard {
  const parts = all.flatMap(one => list(at(one, 'candidates', 0, 'content', 'parts')))
  const thoughts = parts.filter(part => at(part, 'thought') === true)
  return {
    text: joined(parts.filter(part => !thoughts.includes(part)).map(part => at(part, 'text'))),
    thought: joined(thoughts.map(part => at(part, 'text'))),
    calls: parts
      .map(part => at(part, 'functionCall'))
      .filter(Boolean)
      .map(call => [at(call, 'name'), at(call, 'args')]),
    whole: all.some(one => typeof at(one, 'candidates', 0, 'finishReason') === 'string'),
    error: all.map(one => at(one, 'error')).find(Boolean),
    model: at(all[0], 'modelVersion'),
  }
}

const gemini: CallerRow = {
  path: (model, stream) =>
    `/v1beta/models/${model}:${stream ? 'streamGenerateContent?alt=sse' : 'generateContent'}`,
  body: () => geminiBody,
  reply: body => geminiHeard([body]),
  stream: body => geminiHeard(events(body)),
}

/** It has no form for a whole reply: it asks for a stream always. */
const geminiArray: CallerRow = {
  path: model => `/v1beta/models/${model}:streamGenerateContent`,
  body: () => geminiBody,
  reply: body => geminiHeard(list(body)),
  stream: body => geminiHeard(list(JSON.parse(body))),
}

function ollamaHeard(all: readonly unknown[]): Heard {
  const messages = all.map(one => at(one, 'message') ?? one)
  return {
    text: joined(messages.map(one => at(one, 'content') ?? at(one, 'response'))),
    thought: joined(messages.map(one => at(one, 'thinking'))),
    calls: messages
      .flatMap(one => list(at(one, 'tool_calls')))
      .map(call => [at(call, 'function', 'name'), at(call, 'function', 'arguments')]),
    whole: at(all.at(-1), 'done') === true,
    error: all.map(one => at(one, 'error')).find(Boolean),
    model: at(all[0], 'model'),
  }
}

const ollama: CallerRow = {
  path: () => '/api/chat',
  body: (model, stream) => ({ model, messages: user, tools: functions, stream }),
  reply: body => ollamaHeard([body]),
  stream: body =>
    ollamaHeard(
      body
        .split('\n')
        .filter(line => line !== '')
        .map(line => JSON.parse(line) as unknown),
    ),
}

const ollamaGenerate: CallerRow = {
  ...ollama,
  path: () => '/api/generate',
  body: (model, stream) => ({ model, prompt: 'hi', stream }),
}

export const callers: Readonly<Record<CallerName, CallerRow>> = {
  openai,
  responses,
  anthropic,
  gemini,
  geminiArray,
  ollama,
  ollamaGenerate,
}
export const callerNames = Object.keys(callers) as readonly CallerName[] // the record is closed
