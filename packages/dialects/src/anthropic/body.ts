// A conversation as a body for an upstream, in the form that its row takes.
import type { Conversation, Converted, Tool } from '../conversation.ts'
import { describedSchema } from '../described.ts'
import type { Outgoing, WriteOptions } from '../dialect.ts'
import { Losses } from '../losses.ts'
import { invalidValue, type Json, Raw, Verbatim, writeBytes } from '../raw.ts'
import { outputTool, type Row } from './row.ts'
import { writeThinking } from './thinking.ts'
import { type Block, Marks, writeMessages, writeSystem } from './turns.ts'
import { toolName } from './words.ts'

export function writeAsk(ask: Conversation, options: WriteOptions, row: Row): Converted<Outgoing> {
  const losses = new Losses(options.strict)
  if (ask.n !== undefined && ask.n > 1) throw losses.refusal('n', 'it gives one answer to a request')
  const marks = new Marks()
  const answer = answerTool(ask, row)
  const tools = [...ask.tools.map(tool => writeTool(tool, marks)), ...(answer ? [answer] : [])]
  const system = writeSystem(ask, { row, losses, marks })
  const messages = writeMessages(ask, { row, losses, marks })
  if (messages.length === 0)
    throw invalidValue('messages', 'There is nothing to answer: send a message with some content.')
  marks.limit()
  const maxTokens = ask.maxOutput ?? options.maxOutput
  const thinking = writeThinking(ask, { row, maxTokens, messages, forced: answer !== undefined, losses })
  const body: Record<string, Json> = {
    model: options.model,
    max_tokens: maxTokens,
    system,
    messages: messages.map(({ role, content }) => ({ role, content: simplest(content) })),
    tools: tools.length === 0 ? undefined : tools,
    tool_choice: answer ? answerChoice(ask) : writeChoice(ask, thinking.on, losses),
    thinking: thinking.thinking,
    output_config: writeOutput(ask, row, thinking.effort),
    stop_sequences: writeStops(ask.stop, losses),
    ...writeSampling(ask, thinking.on, losses),
    stream: ask.stream.on || undefined,
    metadata: ask.user ? { user_id: ask.user } : undefined,
    service_tier: writeTier(ask.tier, losses),
  }
  if (ask.metadata !== undefined) losses.drop('metadata')
  for (const [name, value] of Object.entries(ask.rest)) {
    if (ask.dialect === 'anthropic' && !name.includes('.') && !Object.hasOwn(body, name))
      body[name] = new Verbatim(value)
    else losses.dropRest(ask.rest, [name])
  }
  return losses.result({ path: '/v1/messages', body: writeBytes(body) })
}

/** What Anthropic has no word for is named; thinking leaves the sampling to the model. */
function writeSampling({ sampling, logprobs }: Conversation, thinking: boolean, losses: Losses) {
  const { temperature, topP, topK } = sampling
  const unsaid = {
    temperature: thinking ? temperature : undefined,
    top_p: thinking && (topP ?? 1) < leastTopP ? topP : undefined,
    top_k: thinking || (topK ?? 1) < 1 ? topK : undefined,
    min_p: sampling.minP,
    seed: sampling.seed,
    frequency_penalty: sampling.frequencyPenalty || undefined,
    presence_penalty: sampling.presencePenalty || undefined,
    logit_bias: sampling.logitBias,
    logprobs,
  }
  losses.dropAll(Object.entries(unsaid).flatMap(([name, value]) => (value === undefined ? [] : [name])))
  return {
    temperature: unsaid.temperature === undefined ? clamped('temperature', temperature, losses) : undefined,
    top_p: unsaid.top_p === undefined ? clamped('top_p', topP, losses) : undefined,
    top_k: unsaid.top_k === undefined ? topK : undefined,
  }
}

/** With thinking, Anthropic takes no lower `top_p`. */
const leastTopP = 0.95

/** Sampling values stand between 0 and 1 here. */
function clamped(name: string, value: number | undefined, losses: Losses): number | undefined {
  if (value === undefined || (value >= 0 && value <= 1)) return value
  losses.clamp(name)
  return Math.min(1, Math.max(0, value))
}

function simplest(content: readonly Block[]): Json {
  const [only, ...others] = content
  return others.length === 0 && only?.type === 'text' && only.cache_control === undefined
    ? only.text
    : content
}

function writeTool(tool: Tool, marks: Marks): Block {
  const { description, strict } = tool
  const input_schema = objectSchema(tool.schema)
  return marks.mark({ name: toolName(tool.name), description, input_schema, strict }, tool)
}

/** The tool that stands for a form of the answer: always for JSON of any form, by row for a schema. */
function answerTool({ output }: Conversation, row: Row): Block | undefined {
  if (!output || (output.type === 'schema' && row.schema)) return undefined
  return {
    name: outputTool,
    description: 'Gives the whole answer, as one JSON object.',
    input_schema: objectSchema(output.type === 'schema' ? describedSchema(output) : undefined),
  }
}

/** One call, and where the caller has tools of its own, one of all of them. */
function answerChoice({ tools, toolChoice, parallelTools }: Conversation): Json {
  const others = tools.length > 0 && toolChoice !== 'none'
  if (!others) return { type: 'tool', name: outputTool, disable_parallel_tool_use: true }
  return { type: 'any', disable_parallel_tool_use: parallelTools === false || undefined }
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

function writeChoice(
  { tools, toolChoice, parallelTools }: Conversation,
  thinking: boolean,
  losses: Losses,
): Json {
  if (tools.length === 0) return undefined
  const disable_parallel_tool_use = parallelTools === false || undefined
  const forced = toolChoice === 'required' || typeof toolChoice === 'object'
  if (thinking && forced) losses.drop('tool_choice')
  if (toolChoice === 'none') return { type: 'none' }
  if (forced && !thinking)
    return typeof toolChoice === 'object'
      ? { type: 'tool', name: toolName(toolChoice.name), disable_parallel_tool_use }
      : { type: 'any', disable_parallel_tool_use }
  if (toolChoice === undefined && disable_parallel_tool_use === undefined) return undefined
  return { type: 'auto', disable_parallel_tool_use }
}

function writeOutput({ output }: Conversation, row: Row, effort: string | undefined): Json {
  const format =
    output?.type === 'schema' && row.schema
      ? { type: 'json_schema', schema: new Verbatim(describedSchema(output)) }
      : undefined
  return format || effort !== undefined ? { effort, format } : undefined
}

/** Blank ones are refused by Anthropic. */
function writeStops(stops: readonly string[], losses: Losses): Json {
  const kept = stops.filter(stop => stop.trim() !== '')
  if (stops.some(stop => stop !== '' && stop.trim() === '')) losses.drop('stop')
  return kept.length === 0 ? undefined : kept
}

function writeTier(tier: string | undefined, losses: Losses): string | undefined {
  if (tier === undefined || tier === 'auto') return tier
  if (tier === 'default') return 'standard_only'
  losses.drop('service_tier')
  return undefined
}
