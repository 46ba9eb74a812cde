// A caller's body as a conversation, and a conversation as a body for an upstream: POST /v1/messages.
import {
  type Conversation,
  type Converted,
  efforts,
  type Part,
  type Tool,
  type Turn,
} from '../conversation.ts'
import type { Line, Outgoing, WriteOptions } from '../dialect.ts'
import { Fields, invalidValue, type Json, Raw, unsupportedParameter, Verbatim, writeJson } from '../raw.ts'
import { readCache, readContent, Unread } from './blocks.ts'
import { writeThinking } from './thinking.ts'
import { type Block, Losses, writeMessages, writeSystem } from './turns.ts'
import { wireName } from './words.ts'

export function readAsk(body: Buffer, line: Line): Conversation {
  const fields = Fields.body(body)
  const unread = new Unread()
  const model = fields.needs('model', fields.string('model') ?? line.model)
  if (model === '' || model.length > 256)
    throw invalidValue('model', "'model' must be the name of a model, 1 to 256 characters.")
  const maxOutput = fields.integer('max_tokens')
  if (maxOutput !== undefined && maxOutput < 0) throw invalidValue('max_tokens', "'max_tokens' is 0 or more.")
  const turns = withMark(readTurns(fields, unread), fields)
  const choice = fields.object('tool_choice')
  const on = fields.boolean('stream') ?? line.stream ?? false
  const output = fields.object('output_config')
  const sampling = {
    ...present('temperature', fields.number('temperature')),
    ...present('topP', fields.number('top_p')),
    ...present('topK', fields.integer('top_k')),
  }
  const metadata = fields.object('metadata')
  const tier = fields.word('service_tier', ['auto', 'standard_only'])
  const ask: Conversation = {
    dialect: 'anthropic',
    model,
    turns,
    tools: (fields.array('tools') ?? []).map(tool => readTool(new Fields(tool), unread)),
    ...readChoice(choice),
    ...present('output', readOutput(output)),
    ...present('maxOutput', maxOutput),
    stop: (fields.array('stop_sequences') ?? []).map(stop => needsString(stop)),
    sampling,
    ...present('reasoning', readThinking(fields, output, unread)),
    stream: { on, usage: on },
    ...present('user', metadata?.string('user_id')),
    ...present('tier', tier === 'standard_only' ? 'default' : tier),
    rest: {},
  }
  for (const inner of [output, metadata, choice]) if (inner) unread.keep(inner)
  return { ...ask, rest: { ...fields.rest(), ...unread.members } }
}

function present<N extends string, V>(name: N, value: V | undefined): { readonly [name in N]?: V } {
  // A computed name is widened to string: it is N.
  return value === undefined ? {} : ({ [name]: value } as { readonly [name in N]: V })
}

function needsString(raw: Raw): string {
  const text = raw.string()
  if (text === undefined) throw invalidValue(raw.path, `'${raw.path}' must be a string.`)
  return text
}

function readTurns(fields: Fields, unread: Unread): readonly Turn[] {
  const system = fields.raw('system')
  const prompt = system ? readContent(system, unread) : []
  if (prompt.some(({ type }) => type !== 'text'))
    throw invalidValue('system', "'system' must be a string or an array of text blocks.")
  const messages = fields.needs('messages', fields.array('messages'))
  const turns = messages.flatMap(message => readMessage(new Fields(message), unread))
  if (turns.length === 0) throw invalidValue('messages', "'messages' must hold at least one message.")
  return prompt.length === 0 ? turns : [{ role: 'system', parts: prompt }, ...turns]
}

const placed: Readonly<Partial<Record<Part['type'], 'user' | 'assistant'>>> = {
  image: 'user',
  document: 'user',
  toolResult: 'user',
  toolCall: 'assistant',
  reasoning: 'assistant',
}

/** One message; tool results become turns of their own, before what else the user says. */
function readMessage(fields: Fields, unread: Unread): readonly Turn[] {
  const role = fields.needs('role', fields.word('role', ['user', 'assistant', 'system']))
  const parts = readContent(fields.needs('content', fields.raw('content')), unread)
  unread.keep(fields)
  for (const { type } of parts) {
    const place = placed[type]
    if (place !== undefined && place !== role)
      throw invalidValue(
        fields.at('content'),
        `Blocks like those in '${fields.at('content')}' stand in ${place} messages.`,
      )
  }
  const results = parts.filter(({ type }) => type === 'toolResult')
  const others = parts.filter(({ type }) => type !== 'toolResult')
  const turns: Turn[] = results.map(result => ({ role: 'tool', parts: [result] }))
  if (others.length > 0) turns.push({ role, parts: others })
  return turns
}

/** A mark on the whole body is one on its last part. */
function withMark(turns: readonly Turn[], fields: Fields): readonly Turn[] {
  const cache = readCache(fields)
  const turn = turns.at(-1)
  const part = turn?.parts.at(-1)
  if (!cache || !turn || !part || part.cache) return turns
  return [...turns.slice(0, -1), { ...turn, parts: [...turn.parts.slice(0, -1), { ...part, cache }] }]
}

function readTool(fields: Fields, unread: Unread): Tool {
  const type = fields.string('type') ?? 'custom'
  if (type !== 'custom') {
    const message = `'${type.slice(0, 64)}' is a tool of its provider and does not convert: leave it out, or choose a model that is served in this dialect.`
    throw unsupportedParameter(fields.at('type'), message)
  }
  const cache = readCache(fields)
  const schema = fields.needs('input_schema', fields.raw('input_schema'))
  if (schema.kind !== 'object')
    throw invalidValue(schema.path, `'${schema.path}' must be a JSON Schema object.`)
  const tool: Tool = {
    name: fields.needs('name', fields.string('name')),
    ...present('description', fields.string('description')),
    schema: schema.text,
    ...present('strict', fields.boolean('strict')),
    ...present('cache', cache),
  }
  unread.keep(fields)
  return tool
}

function readChoice(choice: Fields | undefined): Pick<Conversation, 'toolChoice' | 'parallelTools'> {
  if (!choice) return {}
  const type = choice.needs('type', choice.word('type', ['auto', 'any', 'tool', 'none']))
  const alone = choice.boolean('disable_parallel_tool_use')
  const words = { auto: 'auto', any: 'required', none: 'none' } as const
  return {
    toolChoice: type === 'tool' ? { name: choice.needs('name', choice.string('name')) } : words[type],
    ...present('parallelTools', alone === undefined ? undefined : !alone),
  }
}

function readOutput(config: Fields | undefined): Conversation['output'] {
  const format = config?.object('format')
  if (!format) return undefined
  format.needs('type', format.word('type', ['json_schema']))
  const schema = format.needs('schema', format.raw('schema'))
  if (schema.kind !== 'object')
    throw invalidValue(schema.path, `'${schema.path}' must be a JSON Schema object.`)
  return { type: 'schema', schema: schema.text }
}

function readThinking(fields: Fields, output: Fields | undefined, unread: Unread): Conversation['reasoning'] {
  const effort = output?.word('effort', efforts)
  const asked = fields.object('thinking')
  if (!asked) return effort === undefined ? undefined : { effort }
  const type = asked.needs('type', asked.string('type'))
  const display = asked.word('display', ['summarized', 'omitted'])
  const show = present('show', display === undefined ? undefined : display === 'summarized')
  if (type === 'disabled') {
    if (effort !== undefined) unread.add('output_config.effort', JSON.stringify(effort))
    return { effort: 'none' }
  }
  if (type !== 'enabled' && type !== 'adaptive') unread.add('thinking.type', JSON.stringify(type))
  const budget = type === 'enabled' ? asked.needs('budget_tokens', asked.integer('budget_tokens')) : undefined
  unread.keep(asked)
  return { ...present('effort', effort), ...present('budget', budget), ...show }
}

export function writeAsk(ask: Conversation, options: WriteOptions): Converted<Outgoing> {
  if (ask.n !== undefined && ask.n > 1)
    throw unsupportedParameter(
      'n',
      'This model gives one answer to a request: send n requests, or leave n out.',
    )
  const losses = new Losses()
  const tools = ask.tools.map(tool => writeTool(tool, losses))
  const system = writeSystem(ask, losses)
  const messages = writeMessages(ask, losses)
  if (messages.length === 0)
    throw invalidValue('messages', 'There is nothing to answer: send a message with some content.')
  losses.limitMarks()
  const maxTokens = ask.maxOutput ?? options.maxOutput
  const thinking = writeThinking(ask, maxTokens, messages, losses)
  const { sampling, rest } = ask
  const own = ask.dialect === 'anthropic'
  const body: Record<string, Json> = {
    model: options.model,
    max_tokens: maxTokens,
    system,
    messages: messages.map(({ role, content }) => ({ role, content: simplest(content) })),
    tools: tools.length === 0 ? undefined : tools,
    tool_choice: tools.length === 0 ? undefined : writeChoice(ask, thinking.on, losses),
    thinking: thinking.thinking,
    output_config: writeOutput(ask, thinking.effort, losses),
    stop_sequences: writeStops(ask.stop, losses),
    temperature: thinking.on
      ? without('temperature', sampling.temperature, losses)
      : clamped('temperature', sampling.temperature, losses),
    top_p:
      thinking.on && (sampling.topP ?? 1) < 0.95
        ? without('top_p', sampling.topP, losses)
        : clamped('top_p', sampling.topP, losses),
    top_k: thinking.on || (sampling.topK ?? 1) < 1 ? without('top_k', sampling.topK, losses) : sampling.topK,
    stream: ask.stream.on || undefined,
    metadata: ask.user ? { user_id: ask.user } : undefined,
    service_tier: writeTier(ask.tier, losses),
  }
  for (const [name, value] of Object.entries({
    min_p: sampling.minP,
    seed: sampling.seed,
    frequency_penalty: sampling.frequencyPenalty || undefined,
    presence_penalty: sampling.presencePenalty || undefined,
    logit_bias: sampling.logitBias,
    logprobs: ask.logprobs,
    metadata: ask.metadata,
  }))
    without(name, value, losses)
  for (const [name, value] of Object.entries(rest)) {
    if (own && !name.includes('.') && !Object.hasOwn(body, name)) body[name] = new Verbatim(value)
    else losses.dropped.add(name)
  }
  const [first] = losses.dropped
  if (options.strict && first !== undefined)
    throw unsupportedParameter(first, `'${first}' can't be passed on to this model: leave it out.`)
  return {
    value: { path: '/v1/messages', body: Buffer.from(writeJson(body)) },
    dropped: [...losses.dropped],
    clamped: [...losses.clamped],
  }
}

/** Names what is not sent. */
function without(name: string, value: unknown, losses: Losses): undefined {
  if (value !== undefined) losses.dropped.add(name)
  return undefined
}

/** Sampling values stand between 0 and 1 here. */
function clamped(name: string, value: number | undefined, losses: Losses): number | undefined {
  if (value === undefined || (value >= 0 && value <= 1)) return value
  losses.clamped.add(name)
  return Math.min(1, Math.max(0, value))
}

function simplest(content: readonly Block[]): Json {
  const [only, ...others] = content
  return others.length === 0 && only?.type === 'text' && only.cache_control === undefined
    ? only.text
    : content
}

function writeTool(tool: Tool, losses: Losses): Block {
  return losses.mark(
    {
      name: wireName(tool.name),
      description: tool.description,
      input_schema: objectSchema(tool.schema),
      strict: tool.strict,
    },
    tool,
  )
}

const anyObject = '{"type":"object"}'

/** Anthropic wants the word `object` on every tool's schema, even where there are no arguments. */
function objectSchema(schema: string | undefined): Json {
  const raw = schema === undefined ? undefined : Raw.parse(Buffer.from(schema))
  const members = raw?.members()
  if (!raw || !members || members.size === 0) return new Verbatim(anyObject)
  if (members.has('type')) return new Verbatim(raw.text)
  return new Verbatim(`${anyObject.slice(0, -1)},${raw.text.slice(1)}`)
}

function writeChoice({ toolChoice, parallelTools }: Conversation, thinking: boolean, losses: Losses): Json {
  const disable_parallel_tool_use = parallelTools === false ? true : undefined
  const forced = toolChoice === 'required' || typeof toolChoice === 'object'
  if (thinking && forced) losses.dropped.add('tool_choice')
  if (toolChoice === 'none') return { type: 'none' }
  if (forced && !thinking)
    return typeof toolChoice === 'object'
      ? { type: 'tool', name: wireName(toolChoice.name), disable_parallel_tool_use }
      : { type: 'any', disable_parallel_tool_use }
  if (toolChoice === undefined && disable_parallel_tool_use === undefined) return undefined
  return { type: 'auto', disable_parallel_tool_use }
}

function writeOutput({ output }: Conversation, effort: string | undefined, losses: Losses): Json {
  if (output?.type === 'json') losses.dropped.add('response_format')
  const format =
    output?.type === 'schema' ? { type: 'json_schema', schema: new Verbatim(output.schema) } : undefined
  return format || effort !== undefined ? { effort, format } : undefined
}

/** Blank ones are refused by Anthropic. */
function writeStops(stops: readonly string[], losses: Losses): Json {
  const kept = stops.filter(stop => stop.trim() !== '')
  if (stops.some(stop => stop !== '' && stop.trim() === '')) losses.dropped.add('stop')
  return kept.length === 0 ? undefined : kept
}

function writeTier(tier: string | undefined, losses: Losses): string | undefined {
  if (tier === 'auto') return tier
  if (tier === 'default') return 'standard_only'
  return without('service_tier', tier, losses)
}
