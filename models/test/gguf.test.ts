// Random models: made from a seed, loaded by llama.cpp.
import { describe, expect, test } from 'vitest'
import { randomModel, writeModel } from '../tiny/gguf.ts'
import { bytesOnly } from '../tiny/tokenizer.ts'
import { openBytes } from './llama.ts'

describe('a random model', () => {
  test('is the same file for the same seed and another for another', () => {
    expect(randomModel(1)).toEqual(randomModel(1))
    expect(randomModel(1)).not.toEqual(randomModel(2))
  })

  test.each(['f32', 'f16', 'q8_0'] as const)('stored as %s loads and generates', async storage => {
    await using llama = await openBytes(randomModel(9, { layers: 1, storage }))
    const { said } = await llama.continuation(llama.tokenize('hello'), 16)
    expect(said.length).toBeGreaterThan(0)
    expect(llama.model.fileInfo.metadata.general.name).toBe('random-9')
  })

  test('is refused when its numbers do not fit together', () => {
    const shape = { dim: 32, layers: 1, heads: 1, feedForward: 32, vocab: 8, context: 64 }
    const model = { name: 'x', shape, vocabulary: bytesOnly, weights: new Float32Array(8) }
    expect(() => writeModel(model)).toThrow('vocab is 8 but the vocabulary has 260 tokens')
    expect(() => writeModel({ ...model, shape: { ...shape, vocab: 260 } })).toThrow('weights')
    expect(() => randomModel(1, { dim: 48, storage: 'q8_0' })).toThrow('multiples of 32')
  })
})
