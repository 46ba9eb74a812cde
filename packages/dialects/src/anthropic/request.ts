// A caller's body as a conversation: POST /v1/messages. The other direction is in body.ts.
import { type Conversation, efforts, type Part, type Tool, type Turn } from '../conversation.ts'
import type { Ends, Line } from '../exchange.ts'
import { Fields } from '../fields.ts'
import { invalidValue, type Raw, unsupportedParameter } from '../raw.ts'
import { checkResults, tidyTurns } from '../results.ts'
import { readCache, readContent } from './blocks.ts'

export { writeAsk } from './body.ts'

export function readAsk(body: Buffer, line: Line, ends?: Ends): Conversation {
  const fields = Fields.body(body, ends)
  const model = fields.needs('model', fields.string('model') ?? line.model)
  if (model === '' || model.length > 256)
    throw invalidValue('model', "'model' must be the name of a model, 1 to 256 characters.")
  const maxOutput = fields.integer('max_tokens')
  if (maxOutput !== undefined && maxOutput < 0) throw invalidValue('max_tokens', "'max_tokens' is 0 or more.")
  const turns = withMark(readTurns(fields), fields)
  checkResults(turns)
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
    tools: (fields.array('tools') ?? []).map(tool => readTool(new Fields(tool))),
    ...readChoice(choice),
    ...present('output', readOutput(output)),
    ...present('maxOutput', maxOutput),
    stop: (fields.array('stop_sequences') ?? []).map(stop => needsString(stop)),
    sampling,
    ...present('reasoning', readThinking(fields, output)),
    stream: { on, usage: on },
    ...present('user', metadata?.string('user_id')),
    ...present('tier', tier === 'standard_only' ? 'default' : tier),
    rest: {},
  }
  return { ...ask, rest: fields.unread() }
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

function readTurns(fields: Fields): readonly Turn[] {
  const system = fields.raw('system')
  const prompt = system ? readContent(system) : []
  if (prompt.some(({ type }) => type !== 'text'))
    throw invalidValue('system', "'system' must be a string or an array of text blocks.")
  const messages = fields.needs('messages', fields.array('messages'))
  const turns = tidyTurns(messages.flatMap(message => readMessage(new Fields(message))))
  if (turns.length === 0)
    throw invalidValue('messages', "'messages' must hold at least one message with content.")
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
function readMessage(fields: Fields): readonly Turn[] {
  const role = fields.needs('role', fields.word('role', ['user', 'assistant', 'system']))
  const parts = readContent(fields.needs('content', fields.raw('content')))
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

function readTool(fields: Fields): Tool {
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

function readThinking(fields: Fields, output: Fields | undefined): Conversation['reasoning'] {
  const effort = output?.word('effort', efforts)
  const asked = fields.object('thinking')
  if (!asked) return effort === undefined ? undefined : { effort }
  const type = asked.needs('type', asked.string('type'))
  const display = asked.word('display', ['summarized', 'omitted'])
  const show = present('show', display === undefined ? undefined : display === 'summarized')
  if (type === 'disabled') {
    output?.leave('effort')
    return { effort: 'none' }
  }
  if (type !== 'enabled' && type !== 'adaptive') asked.leave('type')
  const budget = type === 'enabled' ? asked.needs('budget_tokens', asked.integer('budget_tokens')) : undefined
  const auto = type === 'adaptive' && { auto: true as const }
  return { ...present('effort', effort), ...present('budget', budget), ...auto, ...show }
}
