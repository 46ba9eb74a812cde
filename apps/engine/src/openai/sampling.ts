// The fields that chat and completions share: how to sample, when to stop, what the answer must look like.
import { z } from 'zod'
import type { Sampling } from '../generate.ts'
import type { Grammar, GrammarKind, OpenModel, Token } from '../model.ts'
import { invalid, unsupported } from './errors.ts'
import { vocabularyTokens } from './input.ts'

const maybe = <Schema extends z.ZodType>(schema: Schema) =>
  schema.nullish().transform(value => value ?? undefined)
const many = z.int().min(1)

export const sharedFields = {
  model: maybe(z.string()),
  stream: maybe(z.boolean()),
  stream_options: maybe(z.looseObject({ include_usage: maybe(z.boolean()) })),
  max_tokens: maybe(many),
  n: maybe(z.int()),
  stop: maybe(z.union([z.string(), z.array(z.string()).max(16)])),
  seed: maybe(z.int()),
  temperature: maybe(z.number().min(0).max(10)),
  top_p: maybe(z.number().min(0).max(1)),
  top_k: maybe(z.int().min(0)),
  min_p: maybe(z.number().min(0).max(1)),
  frequency_penalty: maybe(z.number().min(-2).max(2)),
  presence_penalty: maybe(z.number().min(-2).max(2)),
  repeat_penalty: maybe(z.number().min(0).max(10)),
  logit_bias: maybe(z.record(z.string(), z.number().min(-100).max(100))),
  response_format: maybe(
    z.looseObject({
      type: z.enum(['text', 'json_object', 'json_schema']),
      json_schema: maybe(z.looseObject({ schema: maybe(z.record(z.string(), z.unknown())) })),
    }),
  ),
  /** llama.cpp's own: a GBNF grammar. */
  grammar: maybe(z.string()),
}

const shared = z.looseObject(sharedFields)
export type Shared = z.output<typeof shared>

/** Throws 400 for what OpenAI or llama.cpp has and this engine does not. */
export function refuseUnsupported(body: Shared, grammars: boolean): void {
  if (body.grammar !== undefined && !grammars)
    throw unsupported('A grammar of your own (the engine was started without --grammars)', 'grammar')
  if (body.n !== undefined && body.n !== 1) throw unsupported('More than one choice (n)', 'n')
  if (body.logprobs !== undefined && body.logprobs !== null && body.logprobs !== false)
    throw unsupported('Log probabilities', 'logprobs')
  if (typeof body.top_logprobs === 'number') throw unsupported('Log probabilities', 'top_logprobs')
  if (body.stream_options && body.stream !== true)
    throw invalid(
      "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
      'stream_options',
    )
}

/** llama-server's defaults, so that one model answers alike on either engine. */
export function sampling(body: Shared, model: OpenModel, random: () => number): Sampling {
  return {
    temperature: body.temperature ?? 0.8,
    topP: body.top_p ?? 0.95,
    topK: body.top_k ?? 40,
    minP: body.min_p ?? 0.05,
    // llama.cpp takes 32 bits; a negative seed asks for a random one.
    seed: body.seed !== undefined && body.seed >= 0 ? body.seed % 2 ** 32 : Math.floor(random() * 2 ** 32),
    frequencyPenalty: body.frequency_penalty ?? 0,
    presencePenalty: body.presence_penalty ?? 0,
    repeatPenalty: body.repeat_penalty ?? 1,
    bias: new Map(
      Object.entries(body.logit_bias ?? {}).map(([token, bias]) => [biasedToken(model, token), bias]),
    ),
  }
}

function biasedToken(model: OpenModel, text: string): Token {
  const [token] = vocabularyTokens(model, [Number(text)], 'logit_bias')
  if (token === undefined || model.isEnd(token))
    throw invalid(
      `Invalid 'logit_bias': token ${text} ends a text, and its bias cannot be changed.`,
      'logit_bias',
    )
  return token
}

export const stops = (body: Shared): readonly string[] =>
  typeof body.stop === 'string' ? [body.stop] : (body.stop ?? [])

export async function grammar(body: Shared, model: OpenModel): Promise<Grammar | undefined> {
  const kind = grammarKind(body)
  if (!kind) return undefined
  const param = kind.kind === 'gbnf' ? 'grammar' : 'response_format'
  try {
    return await model.grammar(kind)
  } catch (fault) {
    throw invalid(`Invalid '${param}': ${fault instanceof Error ? fault.message : String(fault)}`, param)
  }
}

function grammarKind({ grammar: text, response_format: format }: Shared): GrammarKind | undefined {
  if (text !== undefined && text !== '') return { kind: 'gbnf', text }
  if (format?.type === 'json_object') return { kind: 'json' }
  if (format?.type !== 'json_schema') return undefined
  const schema = format.json_schema?.schema
  if (!schema) throw invalid("Missing 'response_format.json_schema.schema'.", 'response_format')
  return { kind: 'schema', schema }
}
