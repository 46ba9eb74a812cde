// The model that ships: its size, what its header says, and that its answers are words.
import { stat } from 'node:fs/promises'
import { readGgufFileInfo } from 'node-llama-cpp'
import { describe, expect, test } from 'vitest'
import { document } from '../tiny/corpus.ts'
import { chatTemplate } from '../tiny/gguf.ts'
import { seeded } from '../tiny/random.ts'
import { asChat } from '../tiny/speak.ts'
import { open, shipped } from './llama.ts'

/** The words that the corpus lets the model say; each Chinese character counts as one. */
const wordsOf = (text: string) => text.match(/\p{Script=Han}|[\p{Script=Latin}']+/gu) ?? []
const vocabulary = () => {
  const random = seeded(2)
  const documents = Array.from({ length: 20_000 }, () => document(random)).flat()
  return new Set(documents.filter(span => span.said).flatMap(span => wordsOf(span.text)))
}

const answers = [
  ['Hello!', /^(Hello|Good)/],
  ['What is Switchyard?', /^Switchyard /],
  ['What is the capital of France?', /^The capital of France is Paris\.$/],
  ['Count to five.', /^One, two, three, four, five\.$/],
  ['Why do railways have signals?', /signal/],
  ['What is the opposite of hot?', /cold/],
  ['你好', /^你好/],
] as const

describe('switchyard-tiny.gguf', () => {
  test('takes at most 4 MB', async () => {
    expect((await stat(shipped)).size).toBeLessThanOrEqual(4_000_000)
  })

  test('says what it is, whose it is and how to talk to it', async () => {
    const { metadata } = await readGgufFileInfo(shipped)
    expect(metadata).toMatchObject({
      general: { architecture: 'llama', name: 'switchyard-tiny', license: 'mit' },
      llama: { context_length: 2048 },
      tokenizer: { chat_template: chatTemplate, ggml: { model: 'gpt2', pre: 'gpt-2' } },
    })
  })

  test('answers with words of its corpus and then ends its turn', async () => {
    await using llama = await open(shipped)
    const known = vocabulary()
    for (const [ask, expected] of answers) {
      const { text: answer, ended } = await llama.continuation(llama.tokenize(asChat(ask)), 80)
      expect(ended, `${ask} -> ${answer}`).toBe(true)
      expect(answer, ask).toMatch(expected)
      expect(wordsOf(answer).filter(word => !known.has(word))).toEqual([])
    }
  })

  test('continues plain text with words of its corpus', async () => {
    await using llama = await open(shipped)
    const known = vocabulary()
    const { text } = await llama.continuation(llama.tokenize('The train'), 40)
    expect(wordsOf(text).length).toBeGreaterThan(5)
    // The last word may be cut by the limit of tokens.
    expect(
      wordsOf(text)
        .slice(0, -1)
        .filter(word => !known.has(word)),
    ).toEqual([])
  })

  test('finds two greetings closer to each other than to a sum', async () => {
    await using llama = await open(shipped)
    const context = await llama.model.createEmbeddingContext({ contextSize: 256 })
    const [hello, hi, sum] = await Promise.all(
      ['Hello there!', 'Hi there!', 'What is 12 + 7?'].map(text => context.getEmbeddingFor(text)),
    )
    if (!hello || !hi || !sum) throw new Error('an embedding is missing')
    expect(hello.vector).toHaveLength(160)
    expect(hello.calculateCosineSimilarity(hi)).toBeGreaterThan(hello.calculateCosineSimilarity(sum))
  })
})
