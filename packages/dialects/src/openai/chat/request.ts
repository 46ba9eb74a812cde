// A chat completions request <-> a conversation.
import { type Conversation, type Converted, efforts } from '../../conversation.ts'
import type { Outgoing, WriteOptions } from '../../dialect.ts'
import { askedEffort } from '../../effort.ts'
import type { Ends, Line } from '../../exchange.ts'
import { Fields } from '../../fields.ts'
import { Losses } from '../../losses.ts'
import { openaiFiles, refuseFiles } from '../../media.ts'
import { present } from '../../present.ts'
import { invalidValue, type Json, unsupportedParameter, Verbatim, verbatim, writeBytes } from '../../raw.ts'
import { writeMessages } from './messages.ts'
import { toolName } from './names.ts'
import type { Row } from './row.ts'
import { readTools, writeTools } from './tools.ts'
import { readTurns } from './turns.ts'

export function readAsk(body: Buffer, line: Line, ends?: Ends): Conversation {
  const ask = Fields.body(body, ends)
  const named = ask.string('model') || undefined
  const model = line.model ?? ask.needs('model', named)
  const turns = readTurns(ask.needs('messages', ask.array('messages')))
  const { tools, toolChoice } = readTools(ask)
  const output = readOutput(ask)
  const effort = ask.word('reasoning_effort', efforts)
  const on = line.stream ?? ask.boolean('stream') ?? false
  ask.skip('stream')
  const includesUsage = ask.object('stream_options')?.boolean('include_usage') ?? false
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
    logitBias: ask.whole('logit_bias')?.text,
  }
  const parallelTools = ask.boolean('parallel_tool_calls')
  const metadata = ask.whole('metadata')?.text
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
    stream: { on, usage: on && includesUsage },
    // Last: all else has been read.
    rest: ask.unread(),
  }
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

function readOutput(ask: Fields): Conversation['output'] {
  const format = ask.object('response_format')
  const type = format?.word('type', ['text', 'json_object', 'json_schema'])
  if (!format || type === 'text') return undefined
  if (format.needs('type', type) === 'json_object') {
    // llama.cpp takes the schema here.
    const schema = format.whole('schema')?.text
    return schema === undefined ? { type: 'json' } : { type: 'schema', schema }
  }
  const named = format.needs('json_schema', format.object('json_schema'))
  const schema = named.whole('schema')?.text
  return {
    type: 'schema',
    schema: schema ?? '{}',
    ...present({
      name: named.string('name'),
      description: named.string('description'),
      strict: named.boolean('strict'),
    }),
  }
}

export function writeAsk(ask: Conversation, options: WriteOptions, row: Row): Converted<Outgoing> {
  const losses = new Losses(options.strict)
  const { sampling, stream } = ask
  refuseFiles(ask, openaiFiles, losses)
  const own = ask.dialect === 'openai'
  const effort = askedEffort(ask.reasoning)
  if (ask.reasoning?.show === false) losses.drop('reasoning.show')
  const extras = { top_k: sampling.topK, min_p: sampling.minP }
  if (!row.extras) losses.dropAll(Object.keys(present(extras)))
  const names = Object.keys(ask.rest)
  losses.dropRest(ask.rest, own ? names.filter(name => name.includes('.')) : names)
  const body: Record<string, Json> = {
    model: options.model,
    messages: writeMessages(ask.turns, row, losses),
    ...writeTools(ask),
    response_format: writeOutput(ask.output),
    [row.maxTokens]: ask.maxOutput,
    stop: writeStop(ask.stop, row, losses),
    temperature: writeTemperature(sampling.temperature, losses),
    top_p: sampling.topP,
    ...(row.extras && extras),
    seed: sampling.seed,
    frequency_penalty: sampling.frequencyPenalty,
    presence_penalty: sampling.presencePenalty,
    logit_bias: verbatim(sampling.logitBias),
    reasoning_effort: effort,
    n: ask.n,
    ...(ask.logprobs !== undefined && writeLogprobs(ask.logprobs)),
    user: ask.user,
    metadata: verbatim(ask.metadata),
    service_tier: ask.tier,
    ...(stream.on && { stream: true, ...(row.streamUsage && { stream_options: { include_usage: true } }) }),
  }
  if (own)
    for (const name of names) if (!name.includes('.')) body[name] ??= new Verbatim(ask.rest[name] ?? 'null')
  return losses.result({ path: '/v1/chat/completions', body: writeBytes(body) })
}

function writeStop(stop: readonly string[], { maxStops }: Row, losses: Losses): Json {
  if (stop.length > maxStops) losses.drop('stop')
  return stop.length > 0 ? stop.slice(0, maxStops) : undefined
}

const hottest = 2

function writeTemperature(temperature: number | undefined, losses: Losses): number | undefined {
  if (temperature === undefined || temperature <= hottest) return temperature
  losses.clamp('temperature')
  return hottest
}

function writeLogprobs(alternatives: number): Record<string, Json> {
  return { logprobs: true, ...(alternatives > 0 && { top_logprobs: alternatives }) }
}

function writeOutput(output: Conversation['output']): Json {
  if (!output) return undefined
  if (output.type === 'json') return { type: 'json_object' }
  const { name, description, schema, strict } = output
  return {
    type: 'json_schema',
    json_schema: { name: toolName(name ?? 'answer'), description, schema: new Verbatim(schema), strict },
  }
}
