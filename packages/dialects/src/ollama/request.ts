// A request to /api/chat or /api/generate <-> a conversation.
import type { Conversation, Converted, Turn } from '../conversation.ts'
import { describedSchema } from '../described.ts'
import type { Outgoing, WriteOptions } from '../dialect.ts'
import type { Ends, Line } from '../exchange.ts'
import { Fields } from '../fields.ts'
import { Losses } from '../losses.ts'
import { readTool, writeTools } from '../openai/chat/tools.ts'
import { present } from '../present.ts'
import { invalidValue, type Json, unsupportedParameter, Verbatim, writeBytes } from '../raw.ts'
import { writeMessages } from './messages.ts'
import { optionPrefix, readOptions, writeOptions } from './options.ts'
import { readThink, writeThink } from './think.ts'
import { readImages, readTurns } from './turns.ts'

export function readAsk(body: Buffer, line: Line, ends?: Ends): Conversation {
  const ask = Fields.body(body, ends)
  const turns = readTurns(ask.needs('messages', ask.array('messages')))
  const tools = (ask.array('tools') ?? []).map(readTool)
  return { ...readShared(ask, line), turns, tools }
}

/** What /api/generate has, and no conversation. */
const unconvertible = ['suffix', 'template', 'context'] as const

export function readGenerate(body: Buffer, line: Line, ends?: Ends): Conversation {
  const ask = Fields.body(body, ends)
  for (const name of unconvertible) {
    const raw = ask.raw(name)
    if (raw && raw.text !== '""' && raw.elements()?.length !== 0)
      throw unsupportedParameter(
        name,
        `'${name}' can't be converted: leave it out, or use a model of an Ollama.`,
      )
  }
  if (ask.boolean('raw'))
    throw unsupportedParameter('raw', "A raw prompt can't be converted: leave 'raw' out.")
  const text = ask.string('prompt') ?? ''
  const system = ask.string('system') ?? ''
  const images = readImages(ask)
  if (text === '' && images.length === 0) throw invalidValue('prompt', "'prompt' must not be empty.")
  const turns: Turn[] = []
  if (system !== '') turns.push({ role: 'system', parts: [{ type: 'text', text: system }] })
  turns.push({ role: 'user', parts: [...(text === '' ? [] : [{ type: 'text' as const, text }]), ...images] })
  return { ...readShared(ask, line), turns, tools: [] }
}

/** All but what is said: read last, when nothing else is to be read. */
function readShared(ask: Fields, line: Line): Omit<Conversation, 'turns' | 'tools'> {
  const options = readOptions(ask.object('options'))
  const on = ask.boolean('stream')
  const named = ask.string('model') || undefined
  const logprobs = ask.boolean('logprobs')
  const alternatives = ask.integer('top_logprobs')
  return {
    dialect: 'ollama',
    model: line.model ?? ask.needs('model', named),
    ...options,
    ...present({
      output: readFormat(ask),
      reasoning: readThink(ask),
      logprobs: logprobs ? (alternatives ?? 0) : undefined,
    }),
    stream: { on: line.stream ?? on ?? true, usage: true },
    rest: ask.unread(),
  }
}

function readFormat(ask: Fields): Conversation['output'] {
  const raw = ask.raw('format')
  if (!raw || raw.string() === '') return undefined
  if (raw.string() === 'json') return { type: 'json' }
  if (raw.kind !== 'object') throw invalidValue('format', `'format' must be "json" or a JSON schema.`)
  return { type: 'schema', schema: raw.text }
}

export function writeAsk(ask: Conversation, options: WriteOptions): Converted<Outgoing> {
  const losses = new Losses(options.strict)
  const own = ask.dialect === 'ollama'
  nameLosses(ask, losses, own)
  const body: Record<string, Json> = {
    model: options.model,
    messages: writeMessages(ask.turns, losses),
    ...writeTools({ ...ask, tools: offered(ask) }, { choice: false }),
    format: ask.output?.type === 'schema' ? new Verbatim(describedSchema(ask.output)) : ask.output && 'json',
    options: writeOptions(ask),
    stream: ask.stream.on,
    think: writeThink(ask.reasoning, losses),
    ...(ask.logprobs !== undefined && { logprobs: true, top_logprobs: ask.logprobs || undefined }),
  }
  if (own)
    for (const [name, text] of Object.entries(ask.rest))
      if (!name.includes('.')) body[name] ??= new Verbatim(text)
  return losses.result({ path: '/api/chat', body: writeBytes(body) })
}

/** No choice is known here: `none` offers no tools, a named one offers itself alone. */
function offered({ tools, toolChoice }: Conversation): Conversation['tools'] {
  if (toolChoice === 'none') return []
  return typeof toolChoice === 'object' ? tools.filter(({ name }) => name === toolChoice.name) : tools
}

function nameLosses(ask: Conversation, losses: Losses, own: boolean): void {
  const { tools, toolChoice, sampling, rest } = ask
  if ((ask.n ?? 1) > 1) throw losses.refusal('n', 'Ollama gives one answer to one request')
  if (tools.length > 0 && (toolChoice === 'required' || typeof toolChoice === 'object'))
    losses.drop('tool_choice')
  if (tools.length > 0 && ask.parallelTools === false) losses.drop('parallel_tool_calls')
  if (sampling.logitBias !== undefined) losses.drop('logit_bias')
  if (ask.user !== undefined) losses.drop('user')
  if (ask.metadata !== undefined) losses.drop('metadata')
  if (ask.tier !== undefined) losses.drop('service_tier')
  const names = Object.keys(rest)
  losses.dropRest(
    rest,
    own ? names.filter(name => name.includes('.') && !name.startsWith(optionPrefix)) : names,
  )
}
