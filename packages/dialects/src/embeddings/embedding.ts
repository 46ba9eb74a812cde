// What is asked of a model that turns texts into vectors, and what it answers: one form for three dialects.
import { bytesPerToken } from '../anthropic/usage.ts'
import type { RawJson } from '../conversation.ts'
import type { Usage } from '../exchange.ts'
import { Raw } from '../raw.ts'

export interface EmbeddingAsk {
  /** Texts; token ids, which one dialect takes, are JSON arrays. */
  readonly inputs: readonly (string | { readonly tokens: RawJson })[]
  /** The caller sent one, not a list of one. */
  readonly single: boolean
  readonly dimensions: number | undefined
  /** How the caller wants the vectors: numbers, or base64 of little-endian 32-bit floats. */
  readonly encoding: 'float' | 'base64'
  /** Names of members that have no meaning elsewhere. */
  readonly rest: readonly string[]
}

export interface EmbeddingReply {
  /** In the order of the inputs; each a JSON array of numbers. */
  readonly vectors: readonly RawJson[]
  readonly usage: Usage | undefined
}

/** Numbers of base64 as an upstream sends it; undefined when it is none. */
export function numbersOf(base64: string): RawJson | undefined {
  const bytes = Buffer.from(base64, 'base64')
  if (bytes.length === 0 || bytes.length % 4 !== 0) return undefined
  const numbers = Array.from({ length: bytes.length / 4 }, (_, at) => bytes.readFloatLE(at * 4))
  return numbers.every(Number.isFinite) ? JSON.stringify(numbers) : undefined
}

/** Base64 of a vector; undefined when it is not numbers. */
export function base64Of(vector: RawJson): string | undefined {
  const numbers: unknown = JSON.parse(vector)
  if (!Array.isArray(numbers)) return undefined
  const bytes = Buffer.alloc(numbers.length * 4)
  for (const [at, number] of numbers.entries()) {
    if (typeof number !== 'number') return undefined
    bytes.writeFloatLE(number, at * 4)
  }
  return bytes.toString('base64')
}

/** What was asked, for upstreams that do not say: token ids are counted, texts are taken by their bytes. */
export function estimatedUsage({ inputs }: EmbeddingAsk): Usage {
  let tokens = 0
  for (const input of inputs)
    tokens +=
      typeof input === 'string'
        ? Math.ceil(Buffer.byteLength(input) / bytesPerToken)
        : (Raw.parse(Buffer.from(input.tokens))?.elements()?.length ?? 0)
  return { quantities: { 'tok.in.uncached': BigInt(tokens) }, source: 'estimated', flags: ['usage_missing'] }
}
