// Gemini's request: what a caller asks, read from it; and what an upstream is asked, written in it.
import type { Conversation, Converted, Tool } from '../conversation.ts'
import type { Outgoing, WriteOptions } from '../dialect.ts'
import type { Ends, Line } from '../exchange.ts'
import { Fields } from '../fields.ts'
import { Losses } from '../losses.ts'
import { invalidValue, type Json, type Raw, unsupportedParameter, Verbatim, writeBytes } from '../raw.ts'
import { checkResults, tidyTurns } from '../results.ts'
import { readConfig, writeConfig } from './config.ts'
import { writeTurns } from './contents.ts'
import { either, readContents, readSystem } from './parts.ts'
import type { GeminiRow } from './row.ts'
import { fromSubset, toSubset } from './schema.ts'
import { fitToolName } from './write-parts.ts'

export function readAsk(body: Buffer, line: Line, ends?: Ends): Conversation {
  const fields = Fields.body(body, ends)
  fields.raw('model') // The request line names it.
  const model = fields.needs('model', line.model || undefined)
  const system = readSystem(fields.raw(either(fields, 'systemInstruction')))
  const turns = readContents(fields.needs('contents', fields.array('contents')))
  const config = fields.object(either(fields, 'generationConfig'))
  const tools = readTools(fields.array('tools') ?? [])
  const choice = readChoice(fields.object(either(fields, 'toolConfig')), tools)
  const read = config ? readConfig(config) : { stop: [], sampling: {} }
  const said = tidyTurns([...system, ...turns])
  if (said.length === 0)
    throw invalidValue('contents', "'contents' must hold at least one content with a part.")
  checkResults(said)
  return Object.freeze({
    dialect: 'gemini',
    model,
    turns: said,
    ...choice,
    ...read,
    stream: { on: line.stream ?? false, usage: true },
    rest: Object.fromEntries(
      Object.entries(fields.unread()).map(([name, text]) => [
        name.replace(snakeConfig, 'generationConfig.'),
        text,
      ]),
    ),
  } satisfies Conversation)
}

/** Both spellings are one to Google. */
const snakeConfig = /^generation_config\./

function readTools(list: readonly Raw[]): Tool[] {
  return list.flatMap(raw => {
    const fields = new Fields(raw)
    const declared = fields.array(either(fields, 'functionDeclarations')) ?? []
    const [own] = Object.keys(fields.rest())
    if (own !== undefined) {
      const message = `The tool '${own}' is run by Google and can't be converted: leave it out, or ask a Gemini model.`
      throw unsupportedParameter(fields.at(own), message)
    }
    return declared.map(tool => readTool(new Fields(tool)))
  })
}

function readTool(fields: Fields): Tool {
  const name = fields.needs('name', fields.string('name'))
  const description = fields.string('description')
  const subset = fields.whole('parameters')
  const whole = fields.raw(either(fields, 'parametersJsonSchema'))
  const schema = whole ? whole.text : subset && fromSubset(subset)
  return {
    name,
    ...(description !== undefined && { description }),
    ...(schema !== undefined && { schema }),
  }
}

function readChoice(
  config: Fields | undefined,
  tools: readonly Tool[],
): Pick<Conversation, 'tools' | 'toolChoice'> {
  if (!config) return { tools }
  const calling = config.object(either(config, 'functionCallingConfig'))
  if (!calling) return { tools }
  const mode = calling.word('mode', ['MODE_UNSPECIFIED', 'AUTO', 'ANY', 'NONE', 'VALIDATED'])
  const allowed = (calling.array(either(calling, 'allowedFunctionNames')) ?? []).map(name => {
    const text = name.string()
    if (text === undefined) throw invalidValue(name.path, `'${name.path}' must be the name of a function.`)
    return text
  })
  const [only, ...others] = allowed
  const offered = only === undefined ? tools : tools.filter(tool => allowed.includes(tool.name))
  if (mode === 'NONE') return { tools, toolChoice: 'none' }
  if (mode !== 'ANY') return { tools: offered, ...(mode === 'AUTO' && { toolChoice: 'auto' }) }
  if (only !== undefined && others.length === 0) return { tools, toolChoice: { name: only } }
  return { tools: offered, toolChoice: 'required' }
}

export function writeAsk(ask: Conversation, options: WriteOptions, row: GeminiRow): Converted<Outgoing> {
  const losses = new Losses(options.strict)
  const own = ask.dialect === 'gemini'
  const drop = (name: string) => losses.drop(name)
  const body: Record<string, Json> = {
    ...writeTurns(ask.turns, { own, drop }),
    ...writeTools(ask, row, drop),
  }
  const config: Record<string, Json> = writeConfig(ask, row, losses)
  for (const name of ['parallelTools', 'user', 'metadata', 'tier'] as const)
    if (ask[name] !== undefined && ask[name] !== true) drop(wireNames[name])
  for (const [name, text] of Object.entries(ask.rest)) {
    const [outer, member, ...deeper] = name.split('.')
    // `__proto__` would become the body's prototype.
    if (!own || deeper.length > 0 || outer === undefined || name.includes('__proto__'))
      losses.dropRest(ask.rest, [name])
    else if (member === undefined) body[outer] = new Verbatim(text)
    else if (outer === 'generationConfig') config[member] = new Verbatim(text)
    else drop(name)
  }
  if (Object.keys(config).length > 0) body.generationConfig = config
  const verb = ask.stream.on ? 'streamGenerateContent?alt=sse' : 'generateContent'
  const path = `${row.root}/models/${encodeURIComponent(options.model)}:${verb}`
  return losses.result({ path, body: writeBytes(body) })
}

const wireNames = {
  parallelTools: 'parallel_tool_calls',
  user: 'user',
  metadata: 'metadata',
  tier: 'service_tier',
} as const

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
