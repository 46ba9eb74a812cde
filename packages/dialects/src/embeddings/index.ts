// Carries requests for vectors between three dialects: as the same bytes within one.
import { Fault } from '@switchyard/kinds'
import { callers } from '../callers.ts'
import type { Carriage, CarriageOptions, Reply, Speech } from '../carriage.ts'
import type { Ask, EmbeddingOperation, Usage } from '../exchange.ts'
import { modelNameEdits } from '../gemini/model-names.ts'
import { Losses } from '../losses.ts'
import { NamePlace } from '../name-place.ts'
import { publicName, renamed } from '../openai/response.ts'
import { unsupportedByModel } from '../operations.ts'
import { readErrorReply } from '../refusals.ts'
import { modelEdit, spliced } from '../splice.ts'
import { type EmbeddingAsk, estimatedUsage } from './embedding.ts'
import { readVectors, writeVectors } from './reply.ts'
import { readers, writers } from './request.ts'

type EmbeddingOptions = Pick<CarriageOptions, 'served' | 'shown' | 'strict'>

const none: readonly string[] = Object.freeze([])
const asks = new WeakMap<Ask, EmbeddingAsk>()

/**
 * Throws `invalid` for what can't be said to the upstream, `unsupported_by_model` where its dialect has no vectors,
 * and a TypeError for any other operation. Nothing of it is ever streamed: `tap` throws.
 */
export function carryEmbeddings(ask: Ask, to: Speech, options: EmbeddingOptions): Carriage {
  const operation = embeddingOperation(ask)
  const spoken = to.dialect === 'responses' ? 'openai' : to.dialect
  if (callers[ask.caller].dialect === spoken) return same(ask, operation, to, options)
  const write = writers[to.dialect]
  if (!write) throw unsupportedByModel(ask)
  const read = embeddingOf(ask, operation)
  const losses = new Losses(options.strict)
  const body = write(read, options.served, losses)
  const { dropped, clamped } = losses.result(undefined)
  return {
    path: pathOf(to, options.served, { old: false, many: true }),
    body,
    streamType: '',
    same: false,
    dropped,
    clamped,
    tap: neverStreamed,
    reply: answer => convertReply(answer, { operation, read, to, model: options.shown ?? options.served }),
  }
}

function embeddingOperation({ operation }: Ask): EmbeddingOperation {
  if (Object.hasOwn(readers, operation)) return operation as EmbeddingOperation // it is a key of the readers
  throw new TypeError(`${operation} is no request for vectors`)
}

/** Read once for all attempts. */
function embeddingOf(ask: Ask, operation: EmbeddingOperation): EmbeddingAsk {
  const known = asks.get(ask)
  if (known) return known
  const read = readers[operation](ask.bytes)
  asks.set(ask, read)
  return read
}

function neverStreamed(): never {
  throw new TypeError('vectors are not streamed')
}

function pathOf(to: Speech, served: string, { old, many }: { old: boolean; many: boolean }): string {
  if (to.dialect === 'ollama') return old ? '/api/embeddings' : '/api/embed'
  if (to.dialect !== 'gemini') return '/v1/embeddings'
  const verb = many ? 'batchEmbedContents' : 'embedContent'
  return `${to.row.root}/models/${encodeURIComponent(served)}:${verb}`
}

function same(
  ask: Ask,
  operation: EmbeddingOperation,
  to: Speech,
  { served, shown }: EmbeddingOptions,
): Carriage {
  const { bytes, at, model } = ask
  const old = operation === 'ollama.embeddings'
  const edits =
    to.dialect === 'gemini'
      ? modelNameEdits(bytes, served)
      : modelEdit(bytes, at.model, { asked: model, served })
  const name = shown === undefined ? undefined : publicName(shown)
  return {
    path: pathOf(to, served, { old, many: operation === 'batchEmbedContents' }),
    body: spliced(bytes, edits),
    streamType: '',
    same: true,
    dropped: none,
    clamped: none,
    tap: neverStreamed,
    reply: body => sameReply(body, to, name, ask),
  }
}

function sameReply(body: Buffer, to: Speech, name: Buffer | undefined, ask: Ask): Reply | undefined {
  const place = new NamePlace('model')
  if (!place.find(body)) return undefined
  const read = readVectors(body, to.dialect)
  if (!read) return readErrorReply(body, to)
  return {
    bytes: place.differs(body, name) ? renamed(body, place.start, place.end, name) : body,
    usage: read.usage ?? estimateOf(ask),
    error: undefined,
  }
}

interface Converting {
  readonly operation: EmbeddingOperation
  readonly read: EmbeddingAsk
  readonly to: Speech
  readonly model: string
}

function convertReply(body: Buffer, { operation, read, to, model }: Converting): Reply | undefined {
  const reply = readVectors(body, to.dialect)
  if (!reply) return readErrorReply(body, to)
  if (reply.vectors.length !== read.inputs.length) return undefined
  const bytes = writeVectors(reply, operation, { model, ask: read })
  return { bytes, usage: reply.usage ?? estimatedUsage(read), error: undefined }
}

/** The same for a body that passes as it is; what cannot be read of it is not counted. */
function estimateOf(ask: Ask): Usage | undefined {
  try {
    return estimatedUsage(embeddingOf(ask, embeddingOperation(ask)))
  } catch (error) {
    if (error instanceof Fault) return undefined
    throw error
  }
}
