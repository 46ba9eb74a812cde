// POST /v1/embeddings: vectors of length one, as numbers or as base64 of little-endian 32-bit floats.
import { z } from 'zod'
import type { Engine } from '../engine.ts'
import type { Embedder, OpenModel, Token } from '../model.ts'
import type { Reply } from '../reply.ts'
import { contextExceeded, invalid, notOffered, parseBody } from './errors.ts'
import { type Input, inputSchema, inputs, refuseOversize, vocabularyTokens } from './input.ts'

const schema = z.looseObject({
  input: inputSchema,
  encoding_format: z.enum(['float', 'base64']).nullish(),
  dimensions: z.int().min(1).nullish(),
})

const mostInputs = 2048

export async function embeddings(engine: Engine, request: unknown, reply: Reply): Promise<void> {
  const { model, meter, now } = engine.machine
  if (!model.embedder) throw notOffered('embeddings', 'without `--no-embeddings`')
  const limit = model.embeddingLength
  const body = parseBody(schema, request)
  if (body.dimensions && body.dimensions !== limit)
    throw invalid(`This model's vectors have ${limit} dimensions and cannot be cut.`, 'dimensions')
  const given = inputs(body.input)
  if (given.length > mostInputs) throw invalid(`At most ${mostInputs} inputs per request.`, 'input')
  const { vectors, counted } = await engine.embedders.run(
    () => 0,
    reply.signal,
    async slot => {
      const began = now()
      const embedded = await embedAll(model, await slot.seat(), given, reply.signal)
      meter.prompt(embedded.counted, 0, (now() - began) / 1000)
      return embedded
    },
  )
  const base64 = body.encoding_format === 'base64'
  reply.json(200, {
    object: 'list',
    data: vectors.map((vector, index) => ({
      object: 'embedding',
      index,
      embedding: base64 ? Buffer.from(vector.buffer).toString('base64') : Array.from(vector),
    })),
    model: engine.name,
    usage: { prompt_tokens: counted, total_tokens: counted },
  })
}

/** One after another, so that neither tokenizing nor decoding many holds up everyone else. */
async function embedAll(
  model: OpenModel,
  embedder: Embedder,
  given: readonly Input[],
  signal: AbortSignal,
): Promise<{ readonly vectors: readonly Float32Array<ArrayBuffer>[]; readonly counted: number }> {
  const vectors: Float32Array<ArrayBuffer>[] = []
  let counted = 0
  for (const input of given) {
    signal.throwIfAborted()
    const tokens = tokensOf(model, input)
    const length = embedder.calculateInputLength([...tokens])
    if (length >= model.embeddingContext) throw contextExceeded(length, model.embeddingContext, 'input')
    counted += length
    const { vector } = await embedder.getEmbeddingFor(tokens)
    vectors.push(unit(vector))
  }
  return { vectors, counted }
}

function tokensOf(model: OpenModel, input: Input): Token[] {
  if (typeof input !== 'string') return vocabularyTokens(model, input, 'input')
  refuseOversize(model, input.length, 'input')
  const tokens = model.tokenize(input, false)
  if (tokens.length === 0) throw invalid("Invalid 'input': an input is empty.", 'input')
  return tokens
}

function unit(vector: readonly number[]): Float32Array<ArrayBuffer> {
  const length = Math.hypot(...vector)
  return Float32Array.from(vector, value => (length > 0 ? value / length : 0))
}
