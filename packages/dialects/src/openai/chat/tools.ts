// Tools and the choice among them, as chat completions say them; Ollama's tools have the same form.
import type { Conversation, Tool } from '../../conversation.ts'
import { Fields } from '../../fields.ts'
import { present } from '../../present.ts'
import { invalidValue, type Json, type Raw, unsupportedParameter, verbatim } from '../../raw.ts'
import { toolName } from './names.ts'

export function readTools(ask: Fields): Pick<Conversation, 'tools' | 'toolChoice'> {
  const tools = [
    ...(ask.array('tools') ?? []).map(readTool),
    ...(ask.array('functions') ?? []).map(raw => readFunction(new Fields(raw))),
  ]
  const { choice, allowed } = readChoice(ask)
  if (tools.length === 0) return { tools }
  const kept = allowed ? tools.filter(tool => allowed.includes(tool.name)) : tools
  return choice === undefined ? { tools: kept } : { tools: kept, toolChoice: choice }
}

export function readTool(raw: Raw): Tool {
  const tool = new Fields(raw)
  const type = tool.needs('type', tool.string('type'))
  if (type !== 'function')
    throw unsupportedParameter(tool.at('type'), `Tools of type '${type}' can't be converted: use functions.`)
  return readFunction(tool.needs('function', tool.object('function')))
}

function readFunction(fields: Fields): Tool {
  const schema = fields.whole('parameters')?.text
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
  fields.skip('type')
  const made = fields.needs('function', fields.object('function'))
  return made.needs('name', made.string('name'))
}

/** Members for the tools; `choice` says whether the dialect knows a choice among them. */
export function writeTools(
  { tools, toolChoice, parallelTools }: Conversation,
  { choice }: { readonly choice: boolean } = { choice: true },
): Record<string, Json> {
  if (tools.length === 0) return {}
  const written = {
    tools: tools.map(({ name, description, schema, strict }) => ({
      type: 'function',
      function: {
        name: toolName(name),
        description,
        parameters: verbatim(schema),
        ...(choice && { strict }),
      },
    })),
  }
  if (!choice) return written
  return {
    ...written,
    tool_choice:
      typeof toolChoice === 'object'
        ? { type: 'function', function: { name: toolName(toolChoice.name) } }
        : toolChoice,
    parallel_tool_calls: parallelTools,
  }
}
