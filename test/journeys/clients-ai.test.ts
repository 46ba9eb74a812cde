// The AI SDK against the running product through each of its providers, with only base URL and key changed.
import { createAnthropic } from '@ai-sdk/anthropic'
import { createGoogle } from '@ai-sdk/google'
import { createOpenAI } from '@ai-sdk/openai'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import {
  APICallError,
  type EmbeddingModel,
  embedMany,
  generateText,
  type LanguageModel,
  streamText,
} from 'ai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openKey, openTab } from './clients.ts'
import { startYard, type Yard } from './yard.ts'

interface Provided {
  language(model: string): LanguageModel
  embedding?(model: string): EmbeddingModel
}

/** Each provider as it is made of an address and a key, with and without the prefix of its dialect. */
const rows: readonly (readonly [
  name: string,
  path: string,
  make: (baseURL: string, apiKey: string) => Provided,
])[] = [
  ...['/openai/v1', '/v1'].flatMap(path => [
    ['openai (Responses)', path, (baseURL: string, apiKey: string) => openai(baseURL, apiKey)] as const,
    ['openai (chat)', path, (baseURL: string, apiKey: string) => openai(baseURL, apiKey, true)] as const,
    ['openai-compatible', path, compatible] as const,
  ]),
  ...['/anthropic/v1', '/v1'].map(path => ['anthropic', path, anthropic] as const),
  ...['/genai/v1beta', '/v1beta'].map(path => ['google', path, google] as const),
]

function openai(baseURL: string, apiKey: string, chat = false): Provided {
  const provider = createOpenAI({ baseURL, apiKey })
  return { language: chat ? provider.chat : provider, embedding: provider.embeddingModel }
}

function compatible(baseURL: string, apiKey: string): Provided {
  const provider = createOpenAICompatible({ name: 'switchyard', baseURL, apiKey, includeUsage: true })
  return { language: provider, embedding: provider.embeddingModel }
}

function anthropic(baseURL: string, apiKey: string): Provided {
  return { language: createAnthropic({ baseURL, apiKey }) }
}

function google(baseURL: string, apiKey: string): Provided {
  const provider = createGoogle({ baseURL, apiKey })
  return { language: provider, embedding: provider.embeddingModel }
}

const words = /\p{L}{2,}/u
const tab = openTab()
let yard: Yard
let key: string
let model: string

beforeAll(async () => {
  yard = await startYard()
  model = yard.facts.model
  key = await openKey(yard, 'ai')
}, 120_000)
afterAll(() => yard?.[Symbol.asyncDispose](), 60_000)

describe.each(rows)('A8: the AI SDK by %s at %s', (name, path, make) => {
  const connect = (apiKey = key) => make(`${yard.facts.baseUrl}${path}`, apiKey)
  const asked = { prompt: 'Hello!', temperature: 0, maxOutputTokens: 64, maxRetries: 0 }

  test('generates text, and streams the same', async () => {
    const whole = await generateText({ model: connect().language(model), ...asked })
    expect(whole.text).toMatch(words)
    expect(whole.finishReason).toBe('stop')
    expect(whole.warnings ?? []).toEqual([])
    tab.add(whole.usage.inputTokens, whole.usage.outputTokens)
    const stream = streamText({ model: connect().language(model), ...asked })
    expect((await Array.fromAsync(stream.textStream)).join('')).toBe(whole.text)
    const usage = await stream.usage
    tab.add(usage.inputTokens, usage.outputTokens)
  })

  // Anthropic has none.
  if (name !== 'anthropic')
    test('embeds', async () => {
      const told = name !== 'google'
      const provided = connect(told ? key : yard.facts.apiKey)
      if (provided.embedding === undefined) throw new TypeError('this provider has embeddings')
      const { embeddings, usage } = await embedMany({
        model: provided.embedding(model),
        values: ['one', 'two'],
        maxRetries: 0,
      })
      expect(embeddings).toHaveLength(2)
      expect(embeddings[0]).not.toEqual(embeddings[1])
      if (told) tab.add(usage.tokens)
    })

  test('throws its own error for a wrong key and an unknown model', async () => {
    const refused = (apiKey: string, id: string) =>
      generateText({ model: connect(apiKey).language(id), ...asked }).catch((error: unknown) => error)
    for (const [error, statusCode] of [
      [await refused('sk-wrong', model), 401],
      [await refused(key, 'nobody'), 404],
    ] as const) {
      expect(APICallError.isInstance(error)).toBe(true)
      expect(error).toMatchObject({ statusCode, isRetryable: false })
    }
  })
})

test('what the AI SDK was told is what was metered', async () => {
  await tab.expectMetered(yard, 'ai')
})
