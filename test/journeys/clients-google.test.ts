// Google's official client against the running product, with only base URL and key changed.
import { ApiError, GoogleGenAI, type GenerateContentResponseUsageMetadata as Usage } from '@google/genai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openKey, openTab } from './clients.ts'
import { startYard, type Yard } from './yard.ts'

const words = /\p{L}{2,}/u
const tab = openTab()
let yard: Yard
let key: string
let model: string

beforeAll(async () => {
  yard = await startYard()
  model = yard.facts.model
  key = await openKey(yard, 'google')
}, 120_000)
afterAll(() => yard?.[Symbol.asyncDispose](), 60_000)

const connect = (prefix: string, { apiKey = key, apiVersion = 'v1beta' } = {}) =>
  new GoogleGenAI({ apiKey, httpOptions: { baseUrl: `${yard.facts.baseUrl}${prefix}`, apiVersion } })

const told = (usage: Usage | undefined) =>
  tab.add(
    usage?.promptTokenCount,
    (usage?.candidatesTokenCount ?? Number.NaN) + (usage?.thoughtsTokenCount ?? 0),
  )

describe.each(['', '/genai'])('A8: Google’s client below %j', prefix => {
  const asked = () => ({ model, contents: 'Hello!', config: { temperature: 0 } })

  test('generates content, and streams the same words', async () => {
    const whole = await connect(prefix).models.generateContent(asked())
    expect(whole.text).toMatch(words)
    expect(whole).toMatchObject({ modelVersion: model, candidates: [{ finishReason: 'STOP' }] })
    told(whole.usageMetadata)
    const stream = await connect(prefix).models.generateContentStream(asked())
    const chunks = await Array.fromAsync(stream)
    expect(chunks.map(({ text }) => text ?? '').join('')).toBe(whole.text)
    told(chunks.at(-1)?.usageMetadata)
  })

  test('holds a chat of two turns', async () => {
    const chat = connect(prefix).chats.create({ model })
    for (const message of ['Hello!', 'And then?']) {
      const reply = await chat.sendMessage({ message })
      expect(reply.text).toMatch(words)
      told(reply.usageMetadata)
    }
    expect(chat.getHistory()).toHaveLength(4)
  })

  test('counts tokens, more for more text', async () => {
    const count = async (contents: string) =>
      (await connect(prefix).models.countTokens({ model, contents })).totalTokens ?? 0
    expect(await count('Hello!')).toBeGreaterThan(0)
    expect(await count('Hello! '.repeat(100))).toBeGreaterThan(await count('Hello!'))
  })

  test('lists and gets models, by either version of the API', async () => {
    for (const apiVersion of ['v1beta', 'v1']) {
      const listed = await Array.fromAsync(await connect(prefix, { apiVersion }).models.list())
      expect(listed.map(({ name }) => name)).toEqual([`models/${model}`])
      const one = await connect(prefix, { apiVersion }).models.get({ model })
      expect(one.supportedActions).toContain('generateContent')
    }
  })

  test('throws its own error for a wrong key, an unknown model and what is wrong with a request', async () => {
    const { apiKey } = yard.facts
    const refused = (more: object, by = connect(prefix, { apiKey })) =>
      by.models.generateContent({ ...asked(), ...more }).catch((error: unknown) => error)
    const thrown = (status: number, word: string) => ({
      constructor: ApiError,
      status,
      message: expect.stringContaining(word) as unknown,
    })
    expect(await refused({ model: 'nobody' })).toMatchObject(thrown(404, 'NOT_FOUND'))
    expect(await refused({}, connect(prefix, { apiKey: 'wrong' }))).toMatchObject(
      thrown(401, 'UNAUTHENTICATED'),
    )
    const tools = [{ functionDeclarations: [{ name: 'weather' }] }]
    expect(await refused({ config: { tools } })).toMatchObject(thrown(400, 'INVALID_ARGUMENT'))
    const unknown = connect(prefix, { apiKey, apiVersion: 'v1' }).models.get({ model: 'nobody' })
    await expect(unknown).rejects.toMatchObject(thrown(404, 'NOT_FOUND'))
  })
})

test.each(['/openai', '/anthropic', '/ollama'])(
  'A8: Google’s client gets words below %s too',
  async prefix => {
    const reply = await connect(prefix).models.generateContent({ model, contents: 'Hello!' })
    expect(reply.text).toMatch(words)
    told(reply.usageMetadata)
  },
)

test('A8: Google’s client embeds one text and several', async () => {
  // It is told of no tokens, so that this is on a key of its own.
  const { models } = connect('/genai', { apiKey: yard.facts.apiKey })
  const one = await models.embedContent({ model, contents: 'one' })
  const two = await models.embedContent({ model, contents: ['one', 'two'] })
  expect(two.embeddings).toHaveLength(2)
  expect(two.embeddings?.[0]?.values).toEqual(one.embeddings?.[0]?.values)
  expect(two.embeddings?.[1]?.values).not.toEqual(one.embeddings?.[0]?.values)
})

test('what Google’s client was told is what was metered', async () => {
  await tab.expectMetered(yard, 'google')
})
