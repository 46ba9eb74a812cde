// Requests for vectors: read from callers, one reader for each operation, and written for upstreams.
import type { ChatDialect } from '../conversation.ts'
import type { EmbeddingOperation } from '../exchange.ts'
import { Fields } from '../fields.ts'
import type { Losses } from '../losses.ts'
import { invalidValue, type Json, type Raw, unsupportedParameter, writeJson } from '../raw.ts'
import type { EmbeddingAsk } from './embedding.ts'

/** Throws `invalid` with a path. */
type ReadEmbedding = (body: Buffer) => EmbeddingAsk

const none = { dimensions: undefined, encoding: 'float', rest: [] } as const

function readOpenai(body: Buffer): EmbeddingAsk {
  const fields = Fields.body(body)
  fields.raw('model')
  const input = fields.needs('input', fields.raw('input'))
  const encoding = fields.word('encoding_format', ['float', 'base64']) ?? 'float'
  const dimensions = fields.integer('dimensions')
  return { ...readInput(input), dimensions, encoding, rest: Object.keys(fields.rest()) }
}

/** A text, token ids, or a list of either. */
function readInput(input: Raw): Pick<EmbeddingAsk, 'inputs' | 'single'> {
  const elements = input.elements()
  if (!elements) return { inputs: [textOf(input)], single: true }
  if (elements[0]?.kind === 'number') return { inputs: [{ tokens: input.text }], single: true }
  if (elements.length === 0) throw empty(input.path)
  const inputs = elements.map(each => (each.kind === 'array' ? { tokens: each.text } : textOf(each)))
  return { inputs, single: false }
}

function textOf(raw: Raw): string {
  const text = raw.string()
  if (text === undefined) throw invalidValue(raw.path, `'${raw.path}' must be a text, or an array of texts.`)
  if (text === '') throw empty(raw.path)
  return text
}

function empty(path: string) {
  return invalidValue(path, `'${path}' must not be empty.`)
}

function readGemini(body: Buffer): EmbeddingAsk {
  const fields = Fields.body(body)
  const { text, ...ask } = readContent(fields)
  return { ...none, ...ask, inputs: [text], single: true }
}

function readGeminiBatch(body: Buffer): EmbeddingAsk {
  const fields = Fields.body(body)
  const requests = fields.needs('requests', fields.array('requests'))
  const asks = requests.map(request => readContent(new Fields(request)))
  const [first] = asks
  if (!first) throw empty('requests')
  if (asks.some(({ dimensions }) => dimensions !== first.dimensions))
    throw unsupportedParameter(
      'requests.outputDimensionality',
      "All requests of a batch must ask for the same 'outputDimensionality'.",
    )
  const rest = [...new Set([...asks.flatMap(ask => ask.rest), ...Object.keys(fields.rest())])]
  return { ...none, inputs: asks.map(({ text }) => text), single: false, dimensions: first.dimensions, rest }
}

function readContent(fields: Fields) {
  fields.raw('model') // The request line names it.
  const content = fields.needs('content', fields.object('content'))
  const parts = content.needs('parts', content.array('parts')).map(part => {
    const read = new Fields(part)
    const text = read.string('text')
    if (text === undefined)
      throw unsupportedParameter(read.path, 'Only text can be turned into a vector: leave other parts out.')
    return text
  })
  const text = parts.join('\n')
  if (text === '') throw empty(content.at('parts'))
  const config = fields.object('embedContentConfig')
  const dimensions =
    fields.integer('outputDimensionality') ??
    fields.integer('output_dimensionality') ??
    config?.integer('outputDimensionality')
  return { text, dimensions, rest: [...Object.keys(fields.rest()), ...Object.keys(config?.rest() ?? {})] }
}

function readOllama(body: Buffer): EmbeddingAsk {
  const fields = Fields.body(body)
  fields.raw('model')
  const input = fields.needs('input', fields.raw('input'))
  const dimensions = fields.integer('dimensions')
  return { ...none, ...readInput(input), dimensions, rest: Object.keys(fields.rest()) }
}

function readOllamaOld(body: Buffer): EmbeddingAsk {
  const fields = Fields.body(body)
  fields.raw('model')
  const prompt = fields.needs('prompt', fields.raw('prompt'))
  return { ...none, inputs: [textOf(prompt)], single: true, rest: Object.keys(fields.rest()) }
}

export const readers: Readonly<Record<EmbeddingOperation, ReadEmbedding>> = {
  embeddings: readOpenai,
  embedContent: readGemini,
  batchEmbedContents: readGeminiBatch,
  'ollama.embed': readOllama,
  'ollama.embeddings': readOllamaOld,
}

/** A body for an upstream that knows the model as `served`. */
type WriteEmbedding = (ask: EmbeddingAsk, served: string, losses: Losses) => Buffer

function texts({ inputs }: EmbeddingAsk, losses: Losses): readonly string[] {
  return inputs.map(input => {
    if (typeof input !== 'string') throw losses.refusal('input', 'it takes texts, not token ids')
    return input
  })
}

function listOrOne(all: readonly string[], { single }: EmbeddingAsk): Json {
  return single ? all[0] : all
}

const written = (body: Json): Buffer => Buffer.from(writeJson(body))

const writeInputs: WriteEmbedding = (ask, served, losses) => {
  losses.dropAll(ask.rest)
  return written({ model: served, input: listOrOne(texts(ask, losses), ask), dimensions: ask.dimensions })
}

const writeGemini: WriteEmbedding = (ask, served, losses) => {
  losses.dropAll(ask.rest)
  const requests = texts(ask, losses).map(text => ({
    model: `models/${served}`,
    content: { parts: [{ text }] },
    outputDimensionality: ask.dimensions,
  }))
  return written({ requests })
}

/** Undefined where the dialect has no vectors. */
export const writers: Readonly<Record<ChatDialect, WriteEmbedding | undefined>> = {
  openai: writeInputs,
  responses: writeInputs,
  anthropic: undefined,
  gemini: writeGemini,
  ollama: writeInputs,
}
