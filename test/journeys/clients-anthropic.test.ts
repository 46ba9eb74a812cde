// The official Anthropic client against the running product, with only base URL and key changed.
import Anthropic from '@anthropic-ai/sdk'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openKey, openTab } from './clients.ts'
import { startYard, type Yard } from './yard.ts'

const messages = [{ role: 'user' as const, content: 'Hello!' }]
const words = /\p{L}{2,}/u
const tab = openTab()
let yard: Yard
let key: string
let model: string

beforeAll(async () => {
  yard = await startYard()
  model = yard.facts.model
  key = await openKey(yard, 'anthropic')
}, 120_000)
afterAll(() => yard?.[Symbol.asyncDispose](), 60_000)

const connect = (prefix: string, apiKey = key) =>
  new Anthropic({ baseURL: `${yard.facts.baseUrl}${prefix}`, apiKey, maxRetries: 0 })

/** Cached input stands beside the rest in this dialect. */
function told({ content, usage }: Anthropic.Message): string {
  const cached = (usage.cache_read_input_tokens ?? 0) + (usage.cache_creation_input_tokens ?? 0)
  tab.add(usage.input_tokens + cached, usage.output_tokens)
  return content.map(block => (block.type === 'text' ? block.text : '')).join('')
}

describe.each(['', '/anthropic'])('A8: Anthropic’s client below %j', prefix => {
  const asked = () => ({ model, max_tokens: 64, messages, temperature: 0 })

  test('gets a message, and the same words by the helper of its streams', async () => {
    const whole = await connect(prefix).messages.create(asked())
    expect(whole).toMatchObject({ type: 'message', role: 'assistant', model, stop_reason: 'end_turn' })
    const text = told(whole)
    expect(text).toMatch(words)
    const stream = connect(prefix).messages.stream(asked())
    let heard = ''
    stream.on('text', part => {
      heard += part
    })
    expect(told(await stream.finalMessage())).toBe(text)
    expect(heard).toBe(text)
  })

  test('follows the events of a stream in their order', async () => {
    const stream = await connect(prefix).messages.create({ ...asked(), stream: true })
    const all = await Array.fromAsync(stream)
    const { usage } = all.find(event => event.type === 'message_delta') ?? {}
    tab.add((usage?.input_tokens ?? 0) + (usage?.cache_read_input_tokens ?? 0), usage?.output_tokens)
    const events = all.map(({ type }) => type)
    const once = events.filter((type, index) => type !== events[index - 1])
    expect(once).toEqual([
      'message_start',
      'content_block_start',
      'content_block_delta',
      'content_block_stop',
      'message_delta',
      'message_stop',
    ])
  })

  test('stops at the limit that it sets', async () => {
    const cut = await connect(prefix).messages.create({ ...asked(), max_tokens: 3 })
    expect(cut).toMatchObject({ stop_reason: 'max_tokens', usage: { output_tokens: 3 } })
    told(cut)
  })

  test('counts tokens, more for more text, and is told that it is an estimate', async () => {
    const count = (content: string) =>
      connect(prefix)
        .messages.countTokens({ model, messages: [{ role: 'user', content }] })
        .withResponse()
    const few = await count('Hello!')
    const many = await count('Hello! '.repeat(100))
    expect(few.data.input_tokens).toBeGreaterThan(0)
    expect(many.data.input_tokens).toBeGreaterThan(few.data.input_tokens)
    expect(few.response.headers.get('x-switchyard-warning')).toBe('estimated=input_tokens')
  })

  test('lists and retrieves models', async () => {
    const listed = await Array.fromAsync(connect(prefix).models.list())
    expect(listed.map(({ id }) => id)).toEqual([model])
    expect(await connect(prefix).models.retrieve(model)).toMatchObject({ type: 'model', display_name: model })
  })

  test('throws its own errors for a wrong key, an unknown model and what is wrong with a request', async () => {
    const client = connect(prefix, yard.facts.apiKey)
    const refused = (more: object, by = client) =>
      by.messages.create({ ...asked(), ...more }).catch((error: unknown) => error)
    const body = (type: string) => ({ error: { type: 'error', error: { type } } })
    expect(await refused({ model: 'nobody' })).toMatchObject({
      constructor: Anthropic.NotFoundError,
      ...body('not_found_error'),
    })
    const wrong = await refused({}, connect(prefix, 'sk-wrong'))
    expect(wrong).toMatchObject({
      constructor: Anthropic.AuthenticationError,
      ...body('authentication_error'),
      requestID: expect.stringMatching(/./) as unknown,
    })
    for (const more of [
      { messages: 'Hello!' },
      { tools: [{ name: 'weather', input_schema: { type: 'object' } }] },
    ])
      expect(await refused(more)).toMatchObject({
        constructor: Anthropic.BadRequestError,
        ...body('invalid_request_error'),
      })
    await expect(client.models.retrieve('nobody')).rejects.toBeInstanceOf(Anthropic.NotFoundError)
  })
})

test.each(['/openai', '/genai', '/ollama'])(
  'A8: Anthropic’s client gets words below %s too',
  async prefix => {
    expect(told(await connect(prefix).messages.create({ model, max_tokens: 64, messages }))).toMatch(words)
  },
)

test('what Anthropic’s client was told is what was metered', async () => {
  await tab.expectMetered(yard, 'anthropic')
})
