// `generationConfig`: limits, sampling, output and thinking, read and written.
import type { Conversation, Effort } from '../conversation.ts'
import { describedSchema } from '../described.ts'
import { budgetOf, effortOf } from '../effort.ts'
import type { Fields } from '../fields.ts'
import type { Losses } from '../losses.ts'
import { invalidValue, type Json, unsupportedParameter, Verbatim } from '../raw.ts'
import { either } from './parts.ts'
import type { GeminiRow } from './row.ts'
import { fromSubset, toSubset } from './schema.ts'

const levels = ['MINIMAL', 'LOW', 'MEDIUM', 'HIGH'] as const

export function readConfig(fields: Fields): Pick<Conversation, 'stop' | 'sampling'> & Partial<Conversation> {
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
    ...(reasoning && Object.keys(reasoning).length > 0 && { reasoning }),
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
    ...(budget === -1 && { auto: true as const }),
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

/** Stop sequences that Gemini takes. */
const mostStops = 5

export function writeConfig(ask: Conversation, row: GeminiRow, losses: Losses): Record<string, Json> {
  const { sampling, output } = ask
  const within = (name: string, value: number | undefined, least: number, most: number) => {
    if (value === undefined || (value >= least && value <= most)) return value
    losses.clamp(name)
    return Math.min(most, Math.max(least, value))
  }
  if (sampling.minP !== undefined) losses.drop('min_p')
  if (sampling.logitBias !== undefined) losses.drop('logit_bias')
  const stops = ask.stop.filter(text => text.trim() !== '')
  if (stops.length < ask.stop.length || stops.length > mostStops) losses.drop('stop')
  const thinking = writeThinking(ask.reasoning, row, losses)
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
        ? { responseJsonSchema: new Verbatim(describedSchema(output)) }
        : { responseSchema: new Verbatim(toSubset(describedSchema(output))) })),
    thinkingConfig: thinking && Object.keys(thinking).length > 0 ? thinking : undefined,
  })
}

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
  losses: Losses,
): Record<string, Json> | undefined {
  if (!reasoning) return undefined
  const { effort, budget, auto, show } = reasoning
  const shown = show === undefined ? {} : { includeThoughts: show }
  if (effort === undefined && budget === undefined)
    return auto && row.thinking === 'budget' ? { thinkingBudget: -1, ...shown } : shown
  if (row.thinking === 'level') {
    const asked = effort ?? effortOf(Math.max(0, budget ?? 0))
    if (asked === 'none' || asked === 'xhigh') losses.clamp('reasoning_effort')
    return { thinkingLevel: levelOf[asked], ...shown }
  }
  const tokens = budget ?? budgetOf(effort ?? 'none', row.mostThinking)
  if (tokens > row.mostThinking) losses.clamp('reasoning_effort')
  return { thinkingBudget: Math.min(tokens, row.mostThinking), ...shown }
}
