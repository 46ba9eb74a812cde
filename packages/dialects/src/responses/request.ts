// The Responses API's request: what a caller asks, read from it; and what an upstream is asked, written in it.
import { type Conversation, type Converted, efforts, type Tool, type Turn } from '../conversation.ts'
import type { Outgoing, WriteOptions } from '../dialect.ts'
import { askedEffort } from '../effort.ts'
import type { Ends, Line } from '../exchange.ts'
import { Fields } from '../fields.ts'
import { Losses } from '../losses.ts'
import { openaiFiles, refuseFiles } from '../media.ts'
import { invalidValue, type Json, type Raw, unsupportedParameter, Verbatim, writeBytes } from '../raw.ts'
import { checkResults, tidyTurns } from '../results.ts'
import { readInput, toolName, writeInput } from './items.ts'
import { noBackground, notKept } from './kept.ts'

/** What points at state that another server keeps. */
const stateful = ['previous_response_id', 'conversation', 'prompt'] as const
const encrypted = 'reasoning.encrypted_content'
const withLogprobs = 'message.output_text.logprobs'

export function readAsk(body: Buffer, _line: Line, ends?: Ends): Conversation {
  const fields = Fields.body(body, ends)
  for (const name of stateful) if (fields.raw(name)) throw notKept(name)
  if (fields.boolean('background') === true) throw noBackground()
  const model = fields.needs('model', fields.string('model'))
  if (model === '') throw invalidValue('model', "'model' must be the name of a model.")
  const instructions = fields.string('instructions')
  const turns: Turn[] = [
    ...(instructions
      ? [{ role: 'system' as const, parts: [{ type: 'text' as const, text: instructions }] }]
      : []),
    ...readInput(fields.needs('input', fields.raw('input'))),
  ]
  if (tidyTurns(turns).length === 0)
    throw invalidValue('input', "'input' must hold at least one item with content.")
  checkResults(turns)
  const { tools, toolChoice } = readTools(fields)
  const text = fields.object('text')
  const output = text && readFormat(text.object('format'))
  const reasoning = fields.object('reasoning')
  const effort = reasoning?.word('effort', efforts)
  const summary = reasoning?.string('summary') ?? reasoning?.string('generate_summary')
  // What else than `auto` is known here alone.
  if (summary !== undefined && summary !== 'auto')
    reasoning?.leave(reasoning.raw('summary') ? 'summary' : 'generate_summary')
  const asked = { ...(effort !== undefined && { effort }), ...(summary !== undefined && { show: true }) }
  const include = (fields.array('include') ?? []).map(raw => raw.string())
  const logprobs = fields.integer('top_logprobs') ?? (include.includes(withLogprobs) ? 0 : undefined)
  const others = include.filter(name => name !== encrypted && name !== withLogprobs)
  const on = fields.boolean('stream') ?? false
  const maxOutput = fields.integer('max_output_tokens')
  const parallelTools = fields.boolean('parallel_tool_calls')
  const user = fields.string('user') ?? fields.string('safety_identifier')
  const metadata = fields.whole('metadata')?.text
  const tier = fields.string('service_tier')
  const temperature = fields.number('temperature')
  const topP = fields.number('top_p')
  return {
    dialect: 'responses',
    model,
    turns,
    tools,
    ...(toolChoice !== undefined && { toolChoice }),
    ...(parallelTools !== undefined && tools.length > 0 && { parallelTools }),
    ...(output && { output }),
    ...(maxOutput !== undefined && { maxOutput }),
    stop: [],
    sampling: { ...(temperature !== undefined && { temperature }), ...(topP !== undefined && { topP }) },
    ...(Object.keys(asked).length > 0 && { reasoning: asked }),
    ...(logprobs !== undefined && { logprobs }),
    stream: { on, usage: on },
    ...(user !== undefined && { user }),
    ...(metadata !== undefined && { metadata }),
    ...(tier !== undefined && { tier }),
    rest: {
      ...fields.unread(),
      ...(others.length > 0 && { include: JSON.stringify(others) }),
    },
  }
}

function readTools(fields: Fields): Pick<Conversation, 'tools' | 'toolChoice'> {
  const tools = (fields.array('tools') ?? []).map(readTool)
  const raw = fields.raw('tool_choice')
  if (!raw || tools.length === 0) return { tools }
  const word = raw.string()
  if (word === 'auto' || word === 'none' || word === 'required') return { tools, toolChoice: word }
  if (raw.kind !== 'object')
    throw invalidValue(raw.path, `'${raw.path}' must be "auto", "none", "required" or a tool.`)
  const choice = new Fields(raw)
  const type = choice.needs('type', choice.string('type'))
  if (type === 'function') return { tools, toolChoice: { name: choice.needs('name', choice.string('name')) } }
  if (type !== 'allowed_tools')
    throw unsupportedParameter(choice.at('type'), `A tool choice of type '${type}' can't be converted.`)
  const toolChoice = choice.needs('mode', choice.word('mode', ['auto', 'required']))
  const allowed = choice.needs('tools', choice.array('tools')).map(raw => {
    const tool = new Fields(raw)
    tool.skip('type')
    return tool.string('name')
  })
  return { tools: tools.filter(tool => allowed.includes(tool.name)), toolChoice }
}

function readTool(raw: Raw): Tool {
  const tool = new Fields(raw)
  const type = tool.needs('type', tool.string('type'))
  if (type !== 'function')
    throw unsupportedParameter(tool.at('type'), `Tools of type '${type}' can't be converted: use functions.`)
  const description = tool.string('description')
  const schema = tool.whole('parameters')?.text
  const strict = tool.boolean('strict')
  return {
    name: tool.needs('name', tool.string('name')),
    ...(description !== undefined && { description }),
    ...(schema !== undefined && { schema }),
    ...(strict !== undefined && { strict }),
  }
}

function readFormat(format: Fields | undefined): Conversation['output'] {
  const type = format?.word('type', ['text', 'json_object', 'json_schema'])
  if (!format || type === 'text') return undefined
  if (format.needs('type', type) === 'json_object') return { type: 'json' }
  const name = format.string('name')
  const strict = format.boolean('strict')
  const description = format.string('description')
  return {
    type: 'schema',
    schema: format.needs('schema', format.whole('schema')).text,
    ...(name !== undefined && { name }),
    ...(description !== undefined && { description }),
    ...(strict !== undefined && { strict }),
  }
}

export function writeAsk(ask: Conversation, options: WriteOptions): Converted<Outgoing> {
  const losses = new Losses(options.strict)
  const own = ask.dialect === 'responses'
  const { sampling } = ask
  if (ask.n !== undefined && ask.n > 1) throw losses.refusal('n', 'this model gives one answer at a time')
  for (const [name, value] of Object.entries({
    stop: ask.stop.length > 0 ? ask.stop : undefined,
    top_k: sampling.topK,
    min_p: sampling.minP,
    seed: sampling.seed,
    frequency_penalty: sampling.frequencyPenalty,
    presence_penalty: sampling.presencePenalty,
    logit_bias: sampling.logitBias,
  }))
    if (value !== undefined) losses.drop(name)
  checkResults(ask.turns)
  refuseFiles(ask, openaiFiles, losses)
  const { instructions, turns } = splitInstructions(ask.turns)
  const input = writeInput(turns, own, losses)
  if (input.length === 0)
    throw invalidValue('messages', 'The conversation is empty: send at least one message with content.')
  const body: Record<string, Json> = {
    model: options.model,
    instructions,
    input,
    ...writeTools(ask, own),
    max_output_tokens: ask.maxOutput,
    temperature: clampTemperature(sampling.temperature, losses),
    top_p: sampling.topP,
    user: ask.user,
    metadata: ask.metadata === undefined ? undefined : new Verbatim(ask.metadata),
    service_tier: ask.tier,
    stream: ask.stream.on || undefined,
    ...writeState(ask, own),
  }
  const nested: Record<string, Record<string, Json>> = {
    text: { format: writeFormat(ask.output) },
    reasoning: writeReasoning(ask.reasoning),
  }
  for (const [name, text] of Object.entries(ask.rest)) {
    const [outer = '', member, ...deeper] = name.split('.')
    const within = nested[outer]
    // `__proto__` would become the body's prototype.
    if (!own || deeper.length > 0 || name.includes('__proto__')) losses.dropRest(ask.rest, [name])
    else if (member === undefined) body[outer] ??= new Verbatim(text)
    else if (within) within[member] = new Verbatim(text)
    else losses.drop(name)
  }
  for (const [name, members] of Object.entries(nested))
    if (Object.values(members).some(member => member !== undefined)) body[name] = members
  return losses.result({ path: '/v1/responses', body: writeBytes(body) })
}

/** The first turn, where it is the system's and plain text, is `instructions`; later ones keep their place. */
function splitInstructions(turns: readonly Turn[]): {
  instructions: string | undefined
  turns: readonly Turn[]
} {
  const [first, ...others] = turns
  const [only, ...more] = first?.role === 'system' ? first.parts : []
  if (only?.type !== 'text' || more.length > 0 || others.length === 0)
    return { instructions: undefined, turns }
  return { instructions: only.text || undefined, turns: others }
}

function writeTools({ tools, toolChoice, parallelTools }: Conversation, own: boolean): Record<string, Json> {
  if (tools.length === 0) return {}
  return {
    tools: tools.map(({ name, description, schema, strict }) => ({
      type: 'function',
      name: toolName(name),
      description,
      parameters: schema === undefined ? null : new Verbatim(schema),
      // Here absent means true, everywhere else false.
      strict: strict ?? (own ? undefined : false),
    })),
    tool_choice:
      typeof toolChoice === 'object' ? { type: 'function', name: toolName(toolChoice.name) } : toolChoice,
    parallel_tool_calls: parallelTools,
  }
}

function writeFormat(output: Conversation['output']): Json {
  if (!output) return undefined
  if (output.type === 'json') return { type: 'json_object' }
  const { name, description, schema, strict } = output
  return {
    type: 'json_schema',
    name: toolName(name ?? 'answer'),
    description,
    schema: new Verbatim(schema),
    strict,
  }
}

function writeReasoning(asked: Conversation['reasoning']): Record<string, Json> {
  const effort = askedEffort(asked)
  return { effort, summary: asked?.show === true ? 'auto' : undefined }
}

/** Names of what else is wanted in the answer, as `readAsk` has kept them. */
function includedIn(include: string): readonly string[] {
  const names: unknown = JSON.parse(include)
  return Array.isArray(names) ? names.filter(name => typeof name === 'string') : []
}

/** Callers of other dialects keep the whole conversation, so that nothing is kept upstream. */
function writeState(ask: Conversation, own: boolean): Record<string, Json> {
  const scores = ask.logprobs === undefined ? {} : { top_logprobs: ask.logprobs }
  const scored = ask.logprobs === undefined ? [] : [withLogprobs]
  // Who has nothing kept needs what is encrypted to go on: a caller of this dialect tells so itself.
  const thinks = own
    ? ask.rest.store === 'false'
    : ask.reasoning !== undefined && askedEffort(ask.reasoning) !== 'none'
  const others = own && ask.rest.include !== undefined ? includedIn(ask.rest.include) : []
  const include = [...(thinks ? [encrypted] : []), ...scored, ...others]
  return {
    store: own ? undefined : false,
    include: include.length > 0 ? include : undefined,
    ...scores,
  }
}

function clampTemperature(value: number | undefined, losses: Losses): number | undefined {
  if (value === undefined || (value >= 0 && value <= 2)) return value
  losses.clamp('temperature')
  return Math.min(2, Math.max(0, value))
}
