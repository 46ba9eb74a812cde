// Gemini's request: what a caller asks, read from it; and what an upstream is asked, written in it.
import type { Conversation, Converted, Effort, Part, Tool, Turn } from '../conversation.ts'
import type { Line, Outgoing, WriteOptions } from '../dialect.ts'
import { effortOf } from '../effort.ts'
import {
  Fields,
  invalidValue,
  type Json,
  type Raw,
  unsupportedParameter,
  Verbatim,
  writeJson,
} from '../raw.ts'
import { either, fitToolName, readContents, readSystem, writeModelParts, writeUserParts } from './parts.ts'
import { fromSubset, toSubset } from './schema.ts'

/** What an upstream's row says of its models. */
export interface GeminiRow {
  /** JSON Schema as it is, or the OpenAPI subset that models before 2025 take. */
  readonly schemas: 'json' | 'subset'
  /** How thinking is asked for: in tokens (2.5), or by level (3 and later). */
  readonly thinking: 'budget' | 'level'
  /** The largest budget that the models take, in tokens. */
  readonly mostThinking: number
}

/** What every current model takes. */
export const currentRow: GeminiRow = { schemas: 'json', thinking: 'budget', mostThinking: 24_576 }

export function readAsk(body: Buffer, line: Line): Conversation {
  const fields = Fields.body(body)
  fields.raw('model') // The request line names it.
  const model = fields.needs('model', line.model || undefined)
  const system = readSystem(fields.raw(either(fields, 'systemInstruction')))
  const contents = readContents(fields.needs('contents', fields.array('contents')))
  const config = fields.object(either(fields, 'generationConfig'))
  const rest: Record<string, string> = {}
  const tools = readTools(fields.array('tools') ?? [], rest)
  const choice = readChoice(fields.object(either(fields, 'toolConfig')), tools, rest)
  const read = config ? readConfig(config) : { stop: [], sampling: {} }
  if (config) inside(rest, 'generationConfig', config)
  return Object.freeze({
    dialect: 'gemini',
    model,
    turns: [...system, ...contents].filter(turn => turn.parts.length > 0),
    ...choice,
    ...read,
    stream: { on: line.stream ?? false, usage: true },
    rest: { ...fields.rest(), ...rest },
  } satisfies Conversation)
}

function inside(rest: Record<string, string>, name: string, fields: Fields): void {
  for (const [member, text] of Object.entries(fields.rest())) rest[`${name}.${member}`] = text
}

function readTools(list: readonly Raw[], rest: Record<string, string>): Tool[] {
  return list.flatMap(raw => {
    const fields = new Fields(raw)
    const declared = fields.array(either(fields, 'functionDeclarations')) ?? []
    const [own] = Object.keys(fields.rest())
    if (own !== undefined) {
      const message = `The tool '${own}' is run by Google and can't be converted: leave it out, or ask a Gemini model.`
      throw unsupportedParameter(fields.at(own), message)
    }
    return declared.map(tool => readTool(new Fields(tool), rest))
  })
}

function readTool(fields: Fields, rest: Record<string, string>): Tool {
  const name = fields.needs('name', fields.string('name'))
  const description = fields.string('description')
  const subset = fields.object('parameters') ? fields.raw('parameters') : undefined
  const whole = fields.raw(either(fields, 'parametersJsonSchema'))
  const schema = whole ? whole.text : subset && fromSubset(subset)
  inside(rest, fields.path, fields)
  return {
    name,
    ...(description !== undefined && { description }),
    ...(schema !== undefined && { schema }),
  }
}

function readChoice(
  config: Fields | undefined,
  tools: readonly Tool[],
  rest: Record<string, string>,
): Pick<Conversation, 'tools' | 'toolChoice'> {
  if (!config) return { tools }
  const calling = config.object(either(config, 'functionCallingConfig'))
  inside(rest, 'toolConfig', config)
  if (!calling) return { tools }
  const mode = calling.word('mode', ['MODE_UNSPECIFIED', 'AUTO', 'ANY', 'NONE', 'VALIDATED'])
  const allowed = (calling.array(either(calling, 'allowedFunctionNames')) ?? []).map(name => {
    const text = name.string()
    if (text === undefined) throw invalidValue(name.path, `'${name.path}' must be the name of a function.`)
    return text
  })
  inside(rest, 'toolConfig.functionCallingConfig', calling)
  const [only, ...others] = allowed
  const offered = only === undefined ? tools : tools.filter(tool => allowed.includes(tool.name))
  if (mode === 'NONE') return { tools, toolChoice: 'none' }
  if (mode !== 'ANY') return { tools: offered, ...(mode === 'AUTO' && { toolChoice: 'auto' }) }
  if (only !== undefined && others.length === 0) return { tools, toolChoice: { name: only } }
  return { tools: offered, toolChoice: 'required' }
}

const levels = ['MINIMAL', 'LOW', 'MEDIUM', 'HIGH'] as const

function readConfig(fields: Fields): Pick<Conversation, 'stop' | 'sampling'> & Partial<Conversation> {
  const number = (name: string) => fields.number(either(fields, name))
  const integer = (name: string) => fields.integer(either(fields, name))
  const sampling = {
    temperature: number('temperature'),
    topP: number('topP'),
    topK: number('topK'),
    seed: integer('seed'),
    frequencyPenalty: number('frequencyPenalty'),
    presencePenalty: number('presencePenalty'),
  }
  const stop = (fields.array(either(fields, 'stopSequences')) ?? []).map(raw => {
    const text = raw.string()
    if (text === undefined) throw invalidValue(raw.path, `'${raw.path}' must be a string.`)
    return text
  })
  const maxOutput = integer('maxOutputTokens')
  const n = integer('candidateCount')
  const asksLogprobs = fields.boolean(either(fields, 'responseLogprobs'))
  const logprobs = integer('logprobs') ?? 0
  const output = readOutput(fields)
  const reasoning = readThinking(fields.object(either(fields, 'thinkingConfig')))
  checkModalities(fields)
  return {
    stop: stop.filter(text => text !== ''),
    sampling: defined(sampling),
    ...(maxOutput !== undefined && { maxOutput }),
    ...(n !== undefined && { n }),
    ...(asksLogprobs === true && { logprobs }),
    ...(output && { output }),
    ...(reasoning && { reasoning }),
  }
}

type Defined<T> = { readonly [K in keyof T]?: Exclude<T[K], undefined> }

function defined<T extends object>(values: T): Defined<T> {
  // Only members that are undefined are gone.
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Defined<T>
}

function readOutput(fields: Fields): Conversation['output'] {
  const mimeName = either(fields, 'responseMimeType')
  const mime = fields.string(mimeName)
  const whole = fields.raw(either(fields, 'responseJsonSchema'))
  const subset = fields.raw(either(fields, 'responseSchema'))
  if (mime === undefined || mime === '' || mime === 'text/plain') return undefined
  if (mime !== 'application/json')
    throw unsupportedParameter(fields.at(mimeName), `'${mime}' can't be converted: ask for application/json.`)
  if (whole) return { type: 'schema', schema: whole.text }
  return subset ? { type: 'schema', schema: fromSubset(subset) } : { type: 'json' }
}

function readThinking(fields: Fields | undefined): Conversation['reasoning'] {
  if (!fields) return undefined
  const budget = fields.integer(either(fields, 'thinkingBudget'))
  const levelName = either(fields, 'thinkingLevel')
  const level = fields.string(levelName)?.toUpperCase()
  const show = fields.boolean(either(fields, 'includeThoughts'))
  const known = levels.find(word => word === level)
  if (level !== undefined && level !== 'THINKING_LEVEL_UNSPECIFIED' && !known)
    throw invalidValue(fields.at(levelName), `'${fields.at(levelName)}' must be one of ${levels.join(', ')}.`)
  // The words are the canonical efforts in capitals.
  const effort = budget === 0 ? 'none' : (known?.toLowerCase() as Effort | undefined)
  return {
    ...(effort !== undefined && { effort }),
    ...(budget !== undefined && budget > 0 && { budget }),
    ...(show !== undefined && { show }),
  }
}

function checkModalities(fields: Fields): void {
  const name = either(fields, 'responseModalities')
  for (const raw of fields.array(name) ?? [])
    if (raw.string()?.toUpperCase() !== 'TEXT')
      throw unsupportedParameter(
        raw.path,
        `Answers other than text can't be converted: leave out '${fields.at(name)}'.`,
      )
}

/** `path` is relative to the upstream's root: the version is in it. */
export function writeAsk(ask: Conversation, options: WriteOptions, row: GeminiRow): Converted<Outgoing> {
  const dropped = new Set<string>()
  const clamped = new Set<string>()
  const own = ask.dialect === 'gemini'
  const drop = (name: string) => void dropped.add(name)
  const body: Record<string, Json> = {
    ...writeTurns(ask.turns, { own, drop }),
    ...writeTools(ask, row, drop),
  }
  const config: Record<string, Json> = writeConfig(ask, row, drop, name => void clamped.add(name))
  for (const name of ['parallelTools', 'user', 'metadata', 'tier'] as const)
    if (ask[name] !== undefined && ask[name] !== true) drop(wireNames[name])
  for (const [name, text] of Object.entries(ask.rest)) {
    const [outer, member, ...deeper] = name.split('.')
    if (!own || deeper.length > 0 || outer === undefined) drop(name)
    else if (member === undefined) body[outer] = new Verbatim(text)
    else if (outer === 'generationConfig') config[member] = new Verbatim(text)
    else drop(name)
  }
  if (Object.keys(config).length > 0) body.generationConfig = config
  const [first] = dropped
  if (options.strict && first !== undefined)
    throw unsupportedParameter(first, `'${first}' has no meaning for this model: leave it out.`)
  const verb = ask.stream.on ? 'streamGenerateContent?alt=sse' : 'generateContent'
  const path = `/v1beta/models/${encodeURIComponent(options.model)}:${verb}`
  return {
    value: { path, body: Buffer.from(writeJson(body)) },
    dropped: [...dropped],
    clamped: [...clamped],
  }
}

const wireNames = {
  parallelTools: 'parallel_tool_calls',
  user: 'user',
  metadata: 'metadata',
  tier: 'service_tier',
} as const

interface Group {
  readonly role: 'user' | 'model'
  readonly parts: Part[]
}

/** Leading system turns are the instruction; later ones keep their place as the user's. Neighbours are merged. */
function writeTurns(
  turns: readonly Turn[],
  options: { readonly own: boolean; readonly drop: (name: string) => void },
): Record<string, Json> {
  const firstOther = turns.findIndex(turn => turn.role !== 'system')
  const leading = firstOther < 0 ? [] : turns.slice(0, firstOther)
  const groups: Group[] = []
  for (const turn of turns.slice(leading.length)) {
    const role = turn.role === 'assistant' ? 'model' : 'user'
    const parts = turn.parts.filter(part => part.type !== 'text' || part.text !== '')
    if (parts.length === 0) continue
    const last = groups.at(-1)
    if (last?.role === role) last.parts.push(...parts)
    else groups.push({ role, parts: [...parts] })
  }
  const contents: Json[] = []
  groups.forEach((group, at) => {
    const calls = (at > 0 ? groups[at - 1] : undefined)?.parts.filter(part => part.type === 'toolCall') ?? []
    const unanswered = group.role === 'model' && at === groups.length - 1
    const waiting = unanswered ? group.parts.find(part => part.type === 'toolCall') : undefined
    if (waiting?.type === 'toolCall') throw missingResult(waiting.id)
    const parts =
      group.role === 'model'
        ? writeModelParts(group.parts, options)
        : writeUserParts(
            inCallOrder(group.parts, calls),
            options,
            id => calls.find(call => call.id === id)?.name,
          )
    if (parts.length > 0) contents.push({ role: group.role, parts })
  })
  if (contents.length === 0)
    throw invalidValue('messages', 'The conversation is empty: send at least one message with content.')
  const system = writeUserParts(
    leading.flatMap(turn => turn.parts),
    options,
    () => undefined,
  )
  return { ...(system.length > 0 && { systemInstruction: { parts: system } }), contents }
}

/** Results first, one for each call, in the order of the calls. */
function inCallOrder(
  parts: readonly Part[],
  calls: readonly Extract<Part, { type: 'toolCall' }>[],
): readonly Part[] {
  const results = parts.filter(part => part.type === 'toolResult')
  const stray = results.find(result => !calls.some(call => call.id === result.callId))
  if (stray)
    throw invalidValue(
      'messages',
      `The result '${stray.callId}' answers no call of the turn before it: send it right after its call.`,
    )
  const ordered = calls.map(call => {
    const result = results.find(({ callId }) => callId === call.id)
    if (!result) throw missingResult(call.id)
    return result
  })
  return [...ordered, ...parts.filter(part => part.type !== 'toolResult')]
}

function missingResult(id: string) {
  return invalidValue(
    'messages',
    `The tool call '${id}' has no result: send one right after the turn that calls.`,
  )
}

function writeTools(ask: Conversation, row: GeminiRow, drop: (name: string) => void): Record<string, Json> {
  if (ask.tools.length === 0) return {}
  if (ask.tools.some(tool => tool.strict === true)) drop('tools.strict')
  const functionDeclarations = ask.tools.map(({ name, description, schema }) => ({
    name: fitToolName(name),
    description,
    ...(schema !== undefined &&
      (row.schemas === 'json'
        ? { parametersJsonSchema: new Verbatim(schema) }
        : { parameters: new Verbatim(toSubset(schema)) })),
  }))
  const tools = [{ functionDeclarations }]
  const choice = ask.toolChoice
  if (choice === undefined) return { tools }
  const calling =
    typeof choice === 'object'
      ? { mode: 'ANY', allowedFunctionNames: [fitToolName(choice.name)] }
      : { mode: { auto: 'AUTO', none: 'NONE', required: 'ANY' }[choice] }
  return { tools, toolConfig: { functionCallingConfig: calling } }
}

/** Stop sequences that Gemini takes. */
const mostStops = 5

function writeConfig(
  ask: Conversation,
  row: GeminiRow,
  drop: (name: string) => void,
  clamp: (name: string) => void,
): Record<string, Json> {
  const { sampling, output } = ask
  const within = (name: string, value: number | undefined, least: number, most: number) => {
    if (value === undefined || (value >= least && value <= most)) return value
    clamp(name)
    return Math.min(most, Math.max(least, value))
  }
  if (sampling.minP !== undefined) drop('min_p')
  if (sampling.logitBias !== undefined) drop('logit_bias')
  const stops = ask.stop.filter(text => text.trim() !== '')
  if (stops.length < ask.stop.length || stops.length > mostStops) drop('stop')
  const thinking = writeThinking(ask.reasoning, row, clamp)
  return defined<Record<string, Json>>({
    temperature: within('temperature', sampling.temperature, 0, 2),
    topP: within('top_p', sampling.topP, 0, 1),
    topK: sampling.topK,
    seed: sampling.seed,
    frequencyPenalty: within('frequency_penalty', sampling.frequencyPenalty, -2, 2),
    presencePenalty: within('presence_penalty', sampling.presencePenalty, -2, 2),
    stopSequences: stops.length > 0 ? stops.slice(0, mostStops) : undefined,
    maxOutputTokens: ask.maxOutput,
    candidateCount: ask.n,
    responseLogprobs: ask.logprobs === undefined ? undefined : true,
    logprobs: ask.logprobs || undefined,
    responseMimeType: output && 'application/json',
    ...(output?.type === 'schema' &&
      (row.schemas === 'json'
        ? { responseJsonSchema: new Verbatim(output.schema) }
        : { responseSchema: new Verbatim(toSubset(output.schema)) })),
    thinkingConfig: thinking && Object.keys(thinking).length > 0 ? thinking : undefined,
  })
}

const budgets = { none: 0, minimal: 1_024, low: 2_048, medium: 8_192, high: 16_384, xhigh: 32_768 } as const
const levelOf = {
  none: 'MINIMAL',
  minimal: 'MINIMAL',
  low: 'LOW',
  medium: 'MEDIUM',
  high: 'HIGH',
  xhigh: 'HIGH',
  max: 'HIGH',
} as const satisfies Record<Effort, string>

function writeThinking(
  reasoning: Conversation['reasoning'],
  row: GeminiRow,
  clamp: (name: string) => void,
): Record<string, Json> | undefined {
  if (!reasoning) return undefined
  const { effort, budget, show } = reasoning
  const shown = show === undefined ? {} : { includeThoughts: show }
  if (effort === undefined && budget === undefined) return shown
  if (row.thinking === 'level') {
    const asked = effort ?? effortOf(Math.max(0, budget ?? 0))
    if (asked === 'none' || asked === 'xhigh') clamp('reasoning_effort')
    return { thinkingLevel: levelOf[asked], ...shown }
  }
  const tokens = budget ?? (effort === 'max' ? row.mostThinking : budgets[effort ?? 'none'])
  if (tokens > row.mostThinking) clamp('reasoning_effort')
  return { thinkingBudget: Math.min(tokens, row.mostThinking), ...shown }
}
