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
  if (!model.embedder) throw notOffered('embeddings', '--embeddings')
  const limit = model.embeddingLength
  const body = parseBody(schema, request)
  if (body.dimensions && body.dimensions !== limit)
    throw invalid(`This model's vectors have ${limit} dimensions and cannot be cut.`, 'dimensions')
  const given = inputs(body.input)
  if (given.length > mostInputs) throw invalid(`At most ${mostInputs} inputs per request.`, 'input')
  const characters = given.reduce((sum, { length }) => sum + length, 0)
  refuseOversize(model, characters, 'input')
  const prompts = given.map(input => tokensOf(model, input))
  let counted = 0
  const vectors = await engine.embedders.run(
    () => 0,
    reply.signal,
    async ({ seat }) => {
      const size = model.embeddingContext
      const lengths = prompts.map(prompt => seat.calculateInputLength([...prompt]))
      const longest = Math.max(...lengths)
      if (longest >= size) throw contextExceeded(longest, size, 'input')
      counted = lengths.reduce((sum, length) => sum + length, 0)
      const began = now()
      const found = await embedAll(seat, prompts, reply.signal)
      meter.prompt(counted, 0, (now() - began) / 1000)
      return found
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

async function embedAll(
  embedder: Embedder,
  prompts: readonly (readonly Token[])[],
  signal: AbortSignal,
): Promise<readonly Float32Array<ArrayBuffer>[]> {
  const vectors: Float32Array<ArrayBuffer>[] = []
  for (const prompt of prompts) {
    signal.throwIfAborted()
    const { vector } = await embedder.getEmbeddingFor([...prompt])
    vectors.push(unit(vector))
  }
  return vectors
}

function tokensOf(model: OpenModel, input: Input): Token[] {
  const tokens =
    typeof input === 'string' ? model.tokenize(input, false) : vocabularyTokens(model, input, 'input')
  if (tokens.length === 0) throw invalid("Invalid 'input': an input is empty.", 'input')
  return tokens
}

function unit(vector: readonly number[]): Float32Array<ArrayBuffer> {
  const length = Math.hypot(...vector)
  return Float32Array.from(vector, value => (length > 0 ? value / length : 0))
}
