// What the real child answers, as the official client reads it.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Child, endlessly, modelFile, refusal, start } from './child.ts'

const file = modelFile({ context: 8192 })
let engine: Child
beforeAll(async () => {
  engine = await start(
    `--model ${file.path} --alias tiny --ctx-size 16384 --parallel 4 --metrics --embeddings --grammars --queue 6`.split(
      ' ',
    ),
  )
})
afterAll(async () => {
  await engine[Symbol.asyncDispose]()
  file[Symbol.dispose]()
})

const hello = [{ role: 'user' as const, content: 'Hello' }]
const forced = (text: string) => ({ grammar: `root ::= ${JSON.stringify(text)}` })
const aNumber: unknown = expect.any(Number)
const aBoolean: unknown = expect.any(Boolean)
const aCity: unknown = expect.stringMatching(/^(Berlin|Lima)$/)

describe('a chat', () => {
  test('is answered with usage that adds up', async () => {
    const answer = await engine.client.chat.completions.create({
      model: 'any',
      messages: hello,
      max_tokens: 12,
      ...forced('x'.repeat(40)),
    })
    expect(answer.object).toBe('chat.completion')
    expect(answer.model).toBe('tiny')
    expect(answer.choices[0]).toMatchObject({
      index: 0,
      finish_reason: 'length',
      message: { role: 'assistant', content: 'x'.repeat(12) },
    })
    expect(answer.usage).toMatchObject({ completion_tokens: 12 })
    expect(answer.usage?.total_tokens).toBe((answer.usage?.prompt_tokens ?? 0) + 12)
  })

  test('streams a role, pieces, a finish and, if asked, the usage', async () => {
    const stream = await engine.client.chat.completions.create({
      model: 'tiny',
      messages: hello,
      stream: true,
      stream_options: { include_usage: true },
      ...forced('Hi there'),
    })
    const chunks = await Array.fromAsync(stream)
    expect(chunks[0]?.choices[0]?.delta).toEqual({ role: 'assistant', content: '' })
    expect(chunks.map(chunk => chunk.choices[0]?.delta.content ?? '').join('')).toBe('Hi there')
    expect(chunks.at(-2)?.choices[0]).toMatchObject({ delta: {}, finish_reason: 'stop' })
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: aNumber } })
    expect(chunks.slice(0, -1).every(chunk => chunk.usage === null)).toBe(true)
    expect(new Set(chunks.map(chunk => chunk.id)).size).toBe(1)
  })

  test('a stream ends with [DONE], and has no usage that was not asked for', async () => {
    const response = await engine.post('/v1/chat/completions', {
      messages: hello,
      stream: true,
      ...forced('ok'),
    })
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    const text = await response.text()
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true)
    expect(text).not.toContain('"usage"')
  })

  test('keeps what a slot has read: the longer conversation costs only what is new', async () => {
    const long = 'The same long beginning of a conversation, which is read once. '.repeat(8)
    const ask = (more: string) =>
      engine.client.chat.completions.create({
        model: 'tiny',
        messages: [
          { role: 'system', content: long },
          { role: 'user', content: more },
        ],
        temperature: 0,
        max_tokens: 8,
      })
    await ask('first')
    const again = await ask('second')
    const cached = again.usage?.prompt_tokens_details?.cached_tokens ?? 0
    expect(cached).toBeGreaterThan(400)
    expect(cached).toBeLessThan(again.usage?.prompt_tokens ?? 0)
    const repeated = await ask('second')
    expect(repeated.usage?.prompt_tokens_details?.cached_tokens).toBe(
      (repeated.usage?.prompt_tokens ?? 0) - 1,
    )
  })

  test('a seed repeats itself, another seed does not', async () => {
    const ask = async (seed: number) =>
      (
        await engine.client.chat.completions.create({
          model: 'tiny',
          messages: hello,
          seed,
          temperature: 1,
          max_tokens: 24,
          ...endlessly,
        })
      ).choices[0]?.message.content
    const first = await ask(1)
    expect(await ask(1)).toBe(first)
    expect(await ask(2)).not.toBe(first)
  })

  test('a presence penalty brings more different letters', async () => {
    const letters = async (presence_penalty: number) => {
      const { choices } = await engine.client.chat.completions.create({
        model: 'tiny',
        messages: hello,
        temperature: 0,
        max_tokens: 20,
        presence_penalty,
        ...endlessly,
      })
      return new Set(choices[0]?.message.content).size
    }
    expect(await letters(2)).toBeGreaterThan(await letters(0))
  })

  test('answers in JSON when that is asked for', async () => {
    const answer = await engine.client.chat.completions.create({
      model: 'tiny',
      messages: hello,
      max_tokens: 400,
      temperature: 0,
      response_format: {
        type: 'json_schema',
        json_schema: {
          name: 'city',
          schema: {
            type: 'object',
            properties: { city: { enum: ['Berlin', 'Lima'] }, big: { type: 'boolean' } },
            required: ['city', 'big'],
          },
        },
      },
    })
    const value: unknown = JSON.parse(answer.choices[0]?.message.content ?? '')
    expect(value).toEqual({ city: aCity, big: aBoolean })
  })

  test('reads content in parts', async () => {
    const parts = {
      role: 'user' as const,
      content: [
        { type: 'text' as const, text: 'Hel' },
        { type: 'text' as const, text: 'lo' },
      ],
    }
    const [split, whole] = await Promise.all(
      [parts, ...hello].map(message =>
        engine.client.chat.completions.create({ model: 'tiny', messages: [message], max_tokens: 1 }),
      ),
    )
    expect(split?.usage?.prompt_tokens).toBe(whole?.usage?.prompt_tokens)
  })
})

describe('text', () => {
  const wide = 'größer: 世界 😀👩‍👩‍👧 fin'

  test('of characters over several tokens is never broken in a stream', async () => {
    const stream = await engine.client.completions.create({
      model: 'tiny',
      prompt: 'x',
      stream: true,
      max_tokens: 200,
      ...forced(wide),
    })
    const pieces = (await Array.fromAsync(stream)).map(chunk => chunk.choices[0]?.text ?? '')
    expect(pieces.join('')).toBe(wide)
    expect(pieces.every(piece => piece.isWellFormed() && !piece.includes('\uFFFD'))).toBe(true)
  })

  test('cut off inside a character ends before it', async () => {
    const { choices } = await engine.client.completions.create({
      model: 'tiny',
      prompt: 'x',
      max_tokens: 4,
      ...forced('a😀'),
    })
    expect(choices[0]).toMatchObject({ text: 'a', finish_reason: 'length' })
  })

  test('ends before a stop string that lies over several tokens, streamed or not', async () => {
    const ask = {
      model: 'tiny',
      prompt: 'x',
      max_tokens: 100,
      stop: ['STOP', '世'],
      ...forced('one STOw two STOP three'),
    }
    const whole = await engine.client.completions.create(ask)
    expect(whole.choices[0]).toMatchObject({ text: 'one STOw two ', finish_reason: 'stop' })
    const stream = await engine.client.completions.create({ ...ask, stream: true })
    const pieces = (await Array.fromAsync(stream)).map(chunk => chunk.choices[0]?.text ?? '')
    expect(pieces.join('')).toBe('one STOw two ')
  })

  test('of raw completions may be given as tokens', async () => {
    const { tokens } = (await (await engine.post('/tokenize', { content: 'Hello world' })).json()) as {
      tokens: number[]
    }
    const answer = await engine.client.completions.create({ model: 'tiny', prompt: tokens, max_tokens: 3 })
    expect(answer.usage?.prompt_tokens).toBe(tokens.length)
    const back = await (await engine.post('/detokenize', { tokens })).json()
    expect(back).toEqual({ content: 'Hello world' })
  })
})

describe('embeddings', () => {
  test('are unit vectors, alike as numbers and as base64, for strings and for tokens', async () => {
    const ask = (input: string | string[] | number[] | number[][], encoding_format?: 'float' | 'base64') =>
      engine.client.embeddings.create({ model: 'tiny', input, ...(encoding_format && { encoding_format }) })
    const [one, floats] = [await ask('Hello'), await ask(['Hello', 'other'], 'float')]
    expect(floats.data.map(({ index }) => index)).toEqual([0, 1])
    const [hello, other] = floats.data.map(({ embedding }) => embedding)
    expect(Math.hypot(...(hello ?? []))).toBeCloseTo(1, 5)
    expect(one.data[0]?.embedding).toEqual(hello)
    expect(other).not.toEqual(hello)
    const { tokens } = (await (await engine.post('/tokenize', { content: 'Hello' })).json()) as {
      tokens: number[]
    }
    expect((await ask(tokens, 'float')).data[0]?.embedding).toEqual(hello)
    expect((await ask([tokens, tokens], 'float')).data).toHaveLength(2)
    expect(one.usage).toEqual({ prompt_tokens: tokens.length, total_tokens: tokens.length })
  })

  test('too long an input and an empty one are refused', async () => {
    expect(
      await refusal(engine.client.embeddings.create({ model: 'tiny', input: 'x'.repeat(3000) })),
    ).toMatchObject({
      status: 400,
      code: 'context_length_exceeded',
    })
    expect(await refusal(engine.client.embeddings.create({ model: 'tiny', input: ['a', ''] }))).toMatchObject(
      { status: 400, param: 'input' },
    )
  })
})
