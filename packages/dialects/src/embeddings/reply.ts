// Vectors: read from what upstreams answer, and written for callers, one form for each operation.
import { Fault } from '@switchyard/kinds'
import type { ChatDialect, RawJson } from '../conversation.ts'
import type { EmbeddingOperation, TokenUnit, Usage } from '../exchange.ts'
import { normaliseUsage as geminiUsage } from '../gemini/usage.ts'
import { mediaUsage } from '../media-usage.ts'
import { normaliseUsage as openaiUsage } from '../openai/usage.ts'
import { joined } from '../pieces.ts'
import { type Json, Raw, Verbatim, writeBytes } from '../raw.ts'
import { base64Of, type EmbeddingAsk, type EmbeddingReply, numbersOf } from './embedding.ts'

type Read = (reply: Raw) => EmbeddingReply | undefined

function vectorOf(raw: Raw | undefined): RawJson | undefined {
  if (raw?.kind === 'array') return raw.text
  const base64 = raw?.string()
  return base64 === undefined ? undefined : numbersOf(base64)
}

/** Undefined when one of them is none. */
function all(vectors: readonly (RawJson | undefined)[] | undefined): readonly RawJson[] | undefined {
  const found = vectors?.filter(vector => vector !== undefined)
  return found && found.length === vectors?.length ? found : undefined
}

function readOpenai(reply: Raw): EmbeddingReply | undefined {
  const data = reply.get('data')?.elements()
  const placed = data?.map((each, at) => [each.get('index')?.number() ?? at, each] as const)
  const vectors = all(
    placed?.toSorted(([one], [other]) => one - other).map(([, each]) => vectorOf(each.get('embedding'))),
  )
  const usage = reply.get('usage')
  return vectors && { vectors, usage: usage && readUsage(usage) }
}

const readUsage = (report: Raw): Usage | undefined =>
  openaiUsage(JSON.parse(report.text), 'provider') ?? mediaUsage(report, 'text')

function readGemini(reply: Raw): EmbeddingReply | undefined {
  const one = reply.get('embedding')
  const found = reply.get('embeddings')?.elements() ?? (one ? [one] : undefined)
  const vectors = all(found?.map(each => vectorOf(each.get('values'))))
  const usage = reply.get('usageMetadata')
  return vectors && { vectors, usage: usage && geminiUsage(usage) }
}

function readOllama(reply: Raw): EmbeddingReply | undefined {
  const one = reply.get('embedding')
  const vectors = all((reply.get('embeddings')?.elements() ?? (one ? [one] : undefined))?.map(vectorOf))
  const count = reply.get('prompt_eval_count')?.number()
  return vectors && { vectors, usage: counted(count) }
}

function counted(tokens: number | undefined): Usage | undefined {
  if (tokens === undefined || !Number.isSafeInteger(tokens) || tokens < 0) return undefined
  return { quantities: { 'tok.in.uncached': BigInt(tokens) }, source: 'engine', flags: [] }
}

const readers: Readonly<Record<ChatDialect, Read | undefined>> = {
  openai: readOpenai,
  responses: readOpenai,
  anthropic: undefined,
  gemini: readGemini,
  ollama: readOllama,
}

/** Undefined when the body holds no vectors of this dialect. */
export function readVectors(body: Buffer, dialect: ChatDialect): EmbeddingReply | undefined {
  const raw = Raw.parse(body)
  try {
    return raw && readers[dialect]?.(raw)
  } catch (error) {
    // Raw refuses containers of too many entries with a fault for callers: an upstream's is no reply.
    if (error instanceof Fault) return undefined
    throw error
  }
}

interface Named {
  readonly model: string
  readonly ask: EmbeddingAsk
}

type Write = (reply: EmbeddingReply, named: Named) => Json

const inputUnits = ['tok.in.uncached', 'tok.in.cache_read'] as const satisfies readonly TokenUnit[]

function tokens(usage: Usage | undefined): number | undefined {
  if (!usage) return undefined
  return Number(inputUnits.reduce((sum, unit) => sum + (usage.quantities[unit] ?? 0n), 0n))
}

const numbers = (vector: RawJson): Json => new Verbatim(vector)

const writeOpenai: Write = ({ vectors, usage }, { model, ask }) => {
  const count = tokens(usage) ?? 0
  return {
    object: 'list',
    data: vectors.map((vector, index) => ({
      object: 'embedding',
      index,
      embedding: ask.encoding === 'base64' ? base64Of(vector) : numbers(vector),
    })),
    model,
    usage: { prompt_tokens: count, total_tokens: count },
  }
}

const usageMetadata = (usage: Usage | undefined): Json => {
  const count = tokens(usage)
  return count === undefined ? undefined : { promptTokenCount: count, totalTokenCount: count }
}

const writers: Readonly<Record<EmbeddingOperation, Write>> = {
  embeddings: writeOpenai,
  embedContent: ({ vectors: [vector = '[]'], usage }) => ({
    embedding: { values: numbers(vector) },
    usageMetadata: usageMetadata(usage),
  }),
  batchEmbedContents: ({ vectors, usage }) => ({
    embeddings: vectors.map(vector => ({ values: numbers(vector) })),
    usageMetadata: usageMetadata(usage),
  }),
  'ollama.embed': ({ vectors, usage }, { model }) => ({
    model,
    embeddings: vectors.map(numbers),
    total_duration: 0,
    load_duration: 0,
    prompt_eval_count: tokens(usage),
  }),
  'ollama.embeddings': ({ vectors: [vector = '[]'] }) => ({ embedding: numbers(vector) }),
}

export function writeVectors(reply: EmbeddingReply, operation: EmbeddingOperation, named: Named): Buffer {
  return joined(writeBytes(writers[operation](reply, named)))
}
