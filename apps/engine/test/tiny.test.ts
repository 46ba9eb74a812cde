// The model that comes with the repository: its answers are words, and the same ones whatever a slot remembers.
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Child, start } from './child.ts'

const model = fileURLToPath(new URL('../../../models/tiny/switchyard-tiny.gguf', import.meta.url))
let engine: Child
beforeAll(async () => {
  engine = await start(`--model ${model} --ctx-size 4096 --parallel 2 --metrics`.split(' '))
})
afterAll(async () => {
  await engine[Symbol.asyncDispose]()
})

const ask = (content: string, more: object = {}) =>
  engine.client.chat.completions.create({
    model: 'any',
    messages: [{ role: 'user', content }],
    temperature: 0,
    max_tokens: 120,
    ...more,
  })

describe('the bundled model', () => {
  test('goes by the name of its file', async () => {
    expect((await engine.client.models.list()).data.map(({ id }) => id)).toEqual(['switchyard-tiny'])
  })

  test('answers in words and stops by itself', async () => {
    const { choices } = await ask('Hello')
    expect(choices[0]?.finish_reason).toBe('stop')
    expect(choices[0]?.message.content).toMatch(/^[A-Z][\w ,.!?'-]{5,}$/)
  })

  test('gives the same answer from a slot that has read the beginning and from one that has not', async () => {
    const question = 'What is Switchyard?'
    const fresh = await ask(question)
    await ask('What is Switchyard for, and who is it that uses it?')
    const reused = await ask(question)
    expect(reused.usage?.prompt_tokens_details?.cached_tokens).toBeGreaterThan(0)
    expect(reused.choices[0]?.message.content).toBe(fresh.choices[0]?.message.content)
  })

  test('gives the same answer alone and in a batch', async () => {
    const questions = ['What is Switchyard?', 'Hello']
    const alone = [await ask(questions[0] ?? ''), await ask(questions[1] ?? '')]
    const together = await Promise.all(questions.map(question => ask(question)))
    const contents = (answers: typeof alone) => answers.map(({ choices }) => choices[0]?.message.content)
    expect(contents(together)).toEqual(contents(alone))
  })

  test('an answer in a stream is the answer', async () => {
    const whole = await ask('What is Switchyard?')
    const stream = await engine.client.chat.completions.create({
      model: 'any',
      messages: [{ role: 'user', content: 'What is Switchyard?' }],
      temperature: 0,
      max_tokens: 120,
      stream: true,
    })
    const chunks = await Array.fromAsync(stream)
    const text = chunks.map(chunk => chunk.choices[0]?.delta.content ?? '').join('')
    expect(text).toBe(whole.choices[0]?.message.content)
  })

  test('speaks JSON when it must', async () => {
    const { choices } = await ask('Hello', { response_format: { type: 'json_object' }, max_tokens: 1500 })
    if (choices[0]?.finish_reason === 'stop')
      expect(JSON.parse(choices[0].message.content ?? '')).toBeTypeOf('object')
    else expect(choices[0]?.message.content).toMatch(/^\s*\{/)
  })
})
