// The tokenizer: nothing is lost, and llama.cpp reads text as the trainer did.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { vocabularyOf } from '../tiny/batches.ts'
import { learn, specials, tokenizer, turnEnd, turnStart } from '../tiny/tokenizer.ts'
import { open, shipped } from './llama.ts'

const vocabulary = vocabularyOf(7, 1536)
const words = tokenizer(vocabulary)

describe('the tokenizer', () => {
  test('gives back any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), text => {
        expect(words.decode(words.encode(text), true)).toBe(text)
      }),
      { numRuns: 300 },
    )
  })

  test('reads control tokens as one token each', () => {
    const ids = words.encode('<|im_start|>user\nHello<|im_end|>')
    expect(ids[0]).toBe(turnStart)
    expect(ids.at(-1)).toBe(turnEnd)
    expect(words.decode(ids)).toBe('user\nHello')
    expect(specials.map(special => words.encode(special))).toEqual(specials.map((_, id) => [id]))
  })

  test('never joins digits', () => {
    expect(vocabulary.tokens.filter(token => /\d./.test(token) || /.\d/.test(token))).toEqual([])
  })

  test('learns the same vocabulary from the same text', () => {
    const texts = ['the train waits', 'the train rolls', 'the rain waits']
    expect(learn(texts, 280)).toEqual(learn(texts, 280))
  })

  test('splits text exactly as llama.cpp does with the shipped file', async () => {
    await using llama = await open(shipped)
    const texts = [
      'Hello, world!  Two  spaces,\ttabs\n\nand new lines \n',
      "I don't know; it's 12:45, we'll see. They've 1435 mm.",
      '<|im_start|>user\n你好，世界！<|im_end|>\n<|im_start|>assistant\n',
      'café naïve — “quotes” … 🚂🚃 Ωμέγα русский 日本語 한국어 العربية',
      'Switchyard joins<|endoftext|>models',
      '   ',
      'x=1;y+=2//comment\r\n',
    ]
    for (const text of texts) expect(llama.tokenize(text), text).toEqual(words.encode(text))
  })
})
