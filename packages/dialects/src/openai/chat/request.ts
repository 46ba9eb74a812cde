// A chat completions request <-> a conversation.
import { type Conversation, type Converted, efforts, type RawJson, type Tool } from '../../conversation.ts'
import type { Line, Outgoing, WriteOptions } from '../../dialect.ts'
import { askedEffort } from '../../effort.ts'
import { Losses } from '../../losses.ts'
import {
  Fields,
  invalidValue,
  type Json,
  type Raw,
  unsupportedParameter,
  Verbatim,
  writeJson,
} from '../../raw.ts'
import { writeMessages } from './messages.ts'
import { toolName } from './names.ts'
import type { Row } from './row.ts'
import { type Leftovers, readTurns } from './turns.ts'

export function readAsk(body: Buffer, line: Line): Conversation {
  const ask = Fields.body(body)
  const left: Leftovers = {}
  const model = line.model ?? ask.needs('model', ask.string('model'))
  const turns = readTurns(ask.needs('messages', ask.array('messages')), left)
  const { tools, toolChoice } = readTools(ask)
  const output = readOutput(ask)
  const effort = ask.word('reasoning_effort', efforts)
  const on = line.stream ?? ask.boolean('stream') ?? false
  ask.raw('stream')
  const options = ask.object('stream_options')
  const logprobs = ask.boolean('logprobs')
  const alternatives = ask.integer('top_logprobs')
  refuseAudio(ask)
  if (ask.raw('web_search_options'))
    throw unsupportedParameter(
      'web_search_options',
      'Tools that a provider runs can not be converted: leave out web_search_options.',
    )
  const maxOutput = [ask.integer('max_completion_tokens'), ask.integer('max_tokens')].find(
    n => n !== undefined,
  )
  const sampling = {
    temperature: ask.number('temperature'),
    topP: ask.number('top_p'),
    topK: ask.integer('top_k'),
    minP: ask.number('min_p'),
    seed: ask.integer('seed'),
    frequencyPenalty: ask.number('frequency_penalty'),
    presencePenalty: ask.number('presence_penalty'),
    logitBias: ask.object('logit_bias') && ask.raw('logit_bias')?.text,
  }
  const parallelTools = ask.boolean('parallel_tool_calls')
  const metadata = ask.object('metadata') && ask.raw('metadata')?.text
  return {
    dialect: 'openai',
    model,
    turns,
    tools,
    ...present({
      toolChoice,
      parallelTools: tools.length > 0 ? parallelTools : undefined,
      output,
      maxOutput,
      reasoning: effort === undefined ? undefined : { effort },
      n: ask.integer('n'),
      logprobs: logprobs ? (alternatives ?? 0) : undefined,
      user: ask.string('user'),
      metadata,
      tier: ask.string('service_tier'),
    }),
    stop: readStop(ask),
    sampling: present(sampling),
    stream: { on, usage: on && (options?.boolean('include_usage') ?? false) },
    rest: { ...ask.rest(), ...left },
  }
}

type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> }

/** The members that have a value: what was not sent does not exist. */
export function present<T extends object>(members: T): Present<T> {
  // Only members whose value is undefined are taken away, which is what Present says.
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as Present<T>
}

function refuseAudio(ask: Fields): void {
  const spoken = ask.array('modalities')?.find(raw => raw.string() !== 'text')
  if (!spoken) return
  throw unsupportedParameter(spoken.path, "Only text can be converted: leave 'modalities' out.")
}

function readStop(ask: Fields): readonly string[] {
  const raw = ask.raw('stop')
  if (!raw) return []
  const one = raw.string()
  const all = one === undefined ? raw.elements() : [raw]
  const texts = all?.flatMap(element => element.string() ?? [])
  if (!texts || texts.length !== all?.length)
    throw invalidValue('stop', "'stop' must be a string or an array of strings.")
  return texts.filter(text => text !== '')
}

function readTools(ask: Fields): Pick<Conversation, 'tools' | 'toolChoice'> {
  const tools = [
    ...(ask.array('tools') ?? []).map(readTool),
    ...(ask.array('functions') ?? []).map(raw => readFunction(new Fields(raw))),
  ]
  const { choice, allowed } = readChoice(ask)
  if (tools.length === 0) return { tools }
  const kept = allowed ? tools.filter(tool => allowed.includes(tool.name)) : tools
  return choice === undefined ? { tools: kept } : { tools: kept, toolChoice: choice }
}

function readTool(raw: Raw): Tool {
  const tool = new Fields(raw)
  const type = tool.needs('type', tool.string('type'))
  if (type !== 'function')
    throw unsupportedParameter(tool.at('type'), `Tools of type '${type}' can't be converted: use functions.`)
  return readFunction(tool.needs('function', tool.object('function')))
}

function readFunction(fields: Fields): Tool {
  const schema = fields.object('parameters') && fields.raw('parameters')?.text
  return {
    name: fields.needs('name', fields.string('name')),
    ...present({ description: fields.string('description'), schema, strict: fields.boolean('strict') }),
  }
}

interface Choice {
  readonly choice?: Conversation['toolChoice']
  readonly allowed?: readonly string[]
}

function readChoice(ask: Fields): Choice {
  const raw = ask.raw('tool_choice') ?? ask.raw('function_call')
  ask.raw('function_call')
  if (!raw) return {}
  const word = raw.string()
  if (word === 'auto' || word === 'none' || word === 'required') return { choice: word }
  if (raw.kind !== 'object')
    throw invalidValue(raw.path, `'${raw.path}' must be "auto", "none", "required" or a tool.`)
  const choice = new Fields(raw)
  const type = choice.string('type')
  if (type === undefined) return { choice: { name: choice.needs('name', choice.string('name')) } }
  if (type === 'function') return { choice: { name: namedIn(choice) } }
  if (type !== 'allowed_tools')
    throw unsupportedParameter(choice.at('type'), `A tool choice of type '${type}' can't be converted.`)
  const allowed = choice.needs('allowed_tools', choice.object('allowed_tools'))
  return {
    choice: allowed.needs('mode', allowed.word('mode', ['auto', 'required'])),
    allowed: allowed.needs('tools', allowed.array('tools')).map(tool => namedIn(new Fields(tool))),
  }
}

function namedIn(fields: Fields): string {
  const made = fields.needs('function', fields.object('function'))
  return made.needs('name', made.string('name'))
}

function readOutput(ask: Fields): Conversation['output'] {
  const format = ask.object('response_format')
  const type = format?.word('type', ['text', 'json_object', 'json_schema'])
  if (!format || type === 'text') return undefined
  if (format.needs('type', type) === 'json_object') {
    // llama.cpp takes the schema here.
    const schema = format.object('schema') && format.raw('schema')?.text
    return schema === undefined ? { type: 'json' } : { type: 'schema', schema }
  }
  const named = format.needs('json_schema', format.object('json_schema'))
  const schema = named.object('schema') && named.raw('schema')?.text
  return {
    type: 'schema',
    schema: schema ?? '{}',
    ...present({ name: named.string('name'), strict: named.boolean('strict') }),
  }
}

export function writeAsk(ask: Conversation, options: WriteOptions, row: Row): Converted<Outgoing> {
  const losses = new Losses(options.strict)
  const { sampling, stream } = ask
  const own = ask.dialect === 'openai'
  const effort = askedEffort(ask.reasoning)
  if (ask.reasoning?.show === false) losses.drop('reasoning.show')
  if (ask.logprobs !== undefined && !own) losses.drop('logprobs')
  const extras = { top_k: sampling.topK, min_p: sampling.minP }
  if (!row.extras) losses.dropAll(Object.keys(present(extras)))
  const names = Object.keys(ask.rest)
  losses.dropAll(own ? names.filter(name => name.includes('.')) : names)
  const body: Record<string, Json> = {
    model: options.model,
    messages: writeMessages(ask.turns, row, losses),
    ...writeTools(ask),
    response_format: writeOutput(ask.output),
    [row.maxTokens]: ask.maxOutput,
    stop: ask.stop.length > 0 ? ask.stop : undefined,
    temperature: sampling.temperature,
    top_p: sampling.topP,
    ...(row.extras && extras),
    seed: sampling.seed,
    frequency_penalty: sampling.frequencyPenalty,
    presence_penalty: sampling.presencePenalty,
    logit_bias: rawOf(sampling.logitBias),
    reasoning_effort: effort,
    n: ask.n,
    ...(own && ask.logprobs !== undefined && writeLogprobs(ask.logprobs)),
    user: ask.user,
    metadata: rawOf(ask.metadata),
    service_tier: ask.tier,
    ...(stream.on && { stream: true, ...(row.streamUsage && { stream_options: { include_usage: true } }) }),
  }
  if (own)
    for (const name of names) if (!name.includes('.')) body[name] ??= new Verbatim(ask.rest[name] ?? 'null')
  return losses.result({ path: '/v1/chat/completions', body: Buffer.from(writeJson(body)) })
}

const rawOf = (text: RawJson | undefined): Json => (text === undefined ? undefined : new Verbatim(text))

function writeLogprobs(alternatives: number): Record<string, Json> {
  return { logprobs: true, ...(alternatives > 0 && { top_logprobs: alternatives }) }
}

function writeTools({ tools, toolChoice, parallelTools }: Conversation): Record<string, Json> {
  if (tools.length === 0) return {}
  return {
    tools: tools.map(({ name, description, schema, strict }) => ({
      type: 'function',
      function: { name: toolName(name), description, parameters: rawOf(schema), strict },
    })),
    tool_choice:
      typeof toolChoice === 'object'
        ? { type: 'function', function: { name: toolName(toolChoice.name) } }
        : toolChoice,
    parallel_tool_calls: parallelTools,
  }
}

function writeOutput(output: Conversation['output']): Json {
  if (!output) return undefined
  if (output.type === 'json') return { type: 'json_object' }
  const { name, schema, strict } = output
  return {
    type: 'json_schema',
    json_schema: { name: name ?? 'answer', schema: new Verbatim(schema), strict },
  }
}
