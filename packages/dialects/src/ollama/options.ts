// `options` of an Ollama request: sampling and limits under names of their own.
import type { Conversation } from '../conversation.ts'
import type { Fields } from '../fields.ts'
import { present } from '../present.ts'
import { invalidValue, type Json, Verbatim } from '../raw.ts'

/** Before the names of options that are known to Ollama alone. */
export const optionPrefix = 'options.'

export function readOptions(
  options: Fields | undefined,
): Pick<Conversation, 'maxOutput' | 'stop' | 'sampling'> {
  if (!options) return { stop: [], sampling: {} }
  const most = options.integer('num_predict')
  const sampling = present({
    temperature: options.number('temperature'),
    topP: options.number('top_p'),
    topK: options.integer('top_k'),
    minP: options.number('min_p'),
    seed: options.integer('seed'),
    frequencyPenalty: options.number('frequency_penalty'),
    presencePenalty: options.number('presence_penalty'),
  })
  return {
    // -1 is without end, -2 fills the context: both say no limit.
    ...(most !== undefined && most >= 0 && { maxOutput: most }),
    stop: readStop(options),
    sampling,
  }
}

function readStop(options: Fields): readonly string[] {
  const raw = options.raw('stop')
  if (!raw) return []
  const all = raw.kind === 'string' ? [raw] : raw.elements()
  const texts = all?.flatMap(element => element.string() ?? [])
  if (!texts || texts.length !== all?.length)
    throw invalidValue(raw.path, `'${raw.path}' must be a string or an array of strings.`)
  return texts.filter(text => text !== '')
}

export function writeOptions({ dialect, maxOutput, stop, sampling, rest }: Conversation): Json {
  const own =
    dialect === 'ollama' ? Object.entries(rest).filter(([name]) => name.startsWith(optionPrefix)) : []
  const options: Record<string, Json> = {
    num_predict: maxOutput,
    stop: stop.length > 0 ? stop : undefined,
    temperature: sampling.temperature,
    top_p: sampling.topP,
    top_k: sampling.topK,
    min_p: sampling.minP,
    seed: sampling.seed,
    frequency_penalty: sampling.frequencyPenalty,
    presence_penalty: sampling.presencePenalty,
    ...Object.fromEntries(own.map(([name, text]) => [name.slice(optionPrefix.length), new Verbatim(text)])),
  }
  return Object.values(options).some(value => value !== undefined) ? options : undefined
}
