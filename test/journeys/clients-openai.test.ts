// The official OpenAI client against the running product: every call that it has for text, below every prefix.
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openKey, openTab } from './clients.ts'
import { startYard, type Yard } from './yard.ts'

const messages = [{ role: 'user' as const, content: 'Hello!' }]
const words = /\p{L}{2,}/u
const usage = { include_usage: true }
const tab = openTab()
let yard: Yard
let key: string
let model: string

beforeAll(async () => {
  yard = await startYard()
  model = yard.facts.model
  key = await openKey(yard, 'openai')
}, 120_000)
afterAll(() => yard?.[Symbol.asyncDispose](), 60_000)

const connect = (prefix: string, apiKey = key) =>
  new OpenAI({ baseURL: `${yard.facts.baseUrl}${prefix}/v1`, apiKey, maxRetries: 0 })

describe.each(['', '/openai'])('A8: OpenAI’s client below %j', prefix => {
  test('completes a chat', async () => {
    const reply = await connect(prefix).chat.completions.create({ model, messages })
    expect(reply.choices[0]?.message.content).toMatch(words)
    tab.add(reply.usage?.prompt_tokens, reply.usage?.completion_tokens)
  })

  test('streams a chat, by its events and by its helper', async () => {
    const asked = { model, messages, stream_options: usage }
    const stream = await connect(prefix).chat.completions.create({ ...asked, stream: true })
    const chunks = await Array.fromAsync(stream)
    expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toMatch(words)
    tab.add(chunks.at(-1)?.usage?.prompt_tokens, chunks.at(-1)?.usage?.completion_tokens)
    const whole = await connect(prefix).chat.completions.stream(asked).finalChatCompletion()
    expect(whole.choices[0]?.message.content).toMatch(words)
    expect(whole.choices[0]?.finish_reason).toBe('stop')
    tab.add(whole.usage?.prompt_tokens, whole.usage?.completion_tokens)
  })

  test('completes plain text, whole and streamed', async () => {
    const asked = { model, prompt: 'The train', max_tokens: 12 }
    const whole = await connect(prefix).completions.create(asked)
    expect(whole.choices[0]?.text).toMatch(words)
    tab.add(whole.usage?.prompt_tokens, whole.usage?.completion_tokens)
    const stream = await connect(prefix).completions.create({ ...asked, stream: true, stream_options: usage })
    const chunks = await Array.fromAsync(stream)
    expect(chunks.map(({ choices }) => choices[0]?.text ?? '').join('')).toMatch(words)
    tab.add(chunks.at(-1)?.usage?.prompt_tokens, chunks.at(-1)?.usage?.completion_tokens)
  })

  test('embeds, as base64 that it decodes itself and as numbers', async () => {
    const asked = { model, input: ['one', 'two'] }
    const decoded = await connect(prefix).embeddings.create(asked)
    const numbers = await connect(prefix).embeddings.create({ ...asked, encoding_format: 'float' })
    expect(decoded.data.map(({ index }) => index)).toEqual([0, 1])
    const first = decoded.data[0]?.embedding ?? []
    expect(first.length).toBeGreaterThan(1)
    for (const [index, number] of (numbers.data[0]?.embedding ?? []).entries())
      expect(first[index]).toBeCloseTo(number, 5)
    for (const each of [decoded, numbers]) tab.add(each.usage.prompt_tokens)
  })

  test('lists and retrieves models', async () => {
    const listed = await Array.fromAsync(connect(prefix).models.list())
    expect(listed.map(({ id }) => id)).toEqual([model])
    expect((await connect(prefix).models.retrieve(model)).id).toBe(model)
  })

  test('gets a response, and the same words by the events of a stream', async () => {
    const asked = { model, input: 'Hello!', temperature: 0 }
    const whole = await connect(prefix).responses.create(asked)
    expect(whole).toMatchObject({
      status: 'completed',
      model,
      output_text: expect.stringMatching(words) as unknown,
    })
    tab.add(whole.usage?.input_tokens, whole.usage?.output_tokens)
    const stream = connect(prefix).responses.stream(asked)
    const events = await Array.fromAsync(stream)
    expect(events.map(event => event.sequence_number)).toEqual(events.map((_, index) => index))
    const streamed = await stream.finalResponse()
    expect(streamed.output_text).toBe(whole.output_text)
    tab.add(streamed.usage?.input_tokens, streamed.usage?.output_tokens)
  })

  test('throws its own errors for a wrong key, an unknown model and what is wrong with a request', async () => {
    const client = connect(prefix, yard.facts.apiKey)
    const refused = (asked: object, by = client) =>
      by.chat.completions.create({ model, messages, ...asked }).catch((error: unknown) => error)
    const unknown = await refused({ model: 'nobody' })
    expect(unknown).toMatchObject({ constructor: OpenAI.NotFoundError, code: 'model_not_found' })
    const wrong = await refused({}, connect(prefix, 'sk-wrong'))
    expect(wrong).toMatchObject({ constructor: OpenAI.AuthenticationError, code: 'invalid_api_key' })
    const bad = await refused({ messages: 'Hello!' })
    expect(bad).toMatchObject({ constructor: OpenAI.BadRequestError, param: 'messages' })
    expect(bad).toHaveProperty('requestID', expect.stringMatching(/./))
    const tools = [{ type: 'function', function: { name: 'weather' } }]
    const calls = await refused({ tools })
    expect(calls).toMatchObject({ constructor: OpenAI.BadRequestError, code: 'unsupported_parameter' })
    const previous = { model, input: 'Hello!', previous_response_id: 'resp_1' }
    await expect(client.responses.create(previous)).rejects.toMatchObject({
      constructor: OpenAI.BadRequestError,
      param: 'previous_response_id',
    })
  })
})

test.each(['/anthropic', '/genai', '/ollama'])('A8: OpenAI’s client completes below %s too', async prefix => {
  const reply = await connect(prefix).chat.completions.create({ model, messages })
  expect(reply.choices[0]?.message.content).toMatch(words)
  tab.add(reply.usage?.prompt_tokens, reply.usage?.completion_tokens)
})

test('what OpenAI’s client was told is what was metered', async () => {
  await tab.expectMetered(yard, 'openai')
})
