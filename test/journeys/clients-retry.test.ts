// What clients do after a refusal: those that retry wait as long as they are told, and do not where it can't help.

import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import Anthropic from '@anthropic-ai/sdk'
import { generateText } from 'ai'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openKey } from './clients.ts'
import { startYard, type Yard } from './yard.ts'

interface Attempt {
  readonly status: number
  /** Milliseconds that the answer said to wait; 0 for none. */
  readonly wait: number
  readonly shouldRetry: string | null
  /** Milliseconds of the clock. */
  readonly sentAt: number
  readonly answeredAt: number
}

/** A fetch that keeps what each attempt of a client came to. */
function watched(): { readonly attempts: readonly Attempt[]; readonly fetch: typeof fetch } {
  const attempts: Attempt[] = []
  return {
    attempts,
    fetch: async (...asked) => {
      const sentAt = performance.now()
      const response = await fetch(...asked)
      const { status, headers } = response
      const wait = Number(headers.get('retry-after-ms') ?? 0)
      const shouldRetry = headers.get('x-should-retry')
      attempts.push({ status, wait, shouldRetry, sentAt, answeredAt: performance.now() })
      return response
    },
  }
}

const messages = [{ role: 'user' as const, content: 'Hello!' }]
type Ask = (at: { baseUrl: string; model: string }, apiKey: string, by: typeof fetch) => Promise<unknown>

/** One request each, with the retries that the client makes by itself. */
const clients: readonly (readonly [name: string, ask: Ask])[] = [
  [
    'OpenAI’s client',
    ({ baseUrl, model }, apiKey, by) =>
      new OpenAI({ baseURL: `${baseUrl}/openai/v1`, apiKey, fetch: by }).chat.completions.create({
        model,
        messages,
        max_tokens: 16,
      }),
  ],
  [
    'OpenAI’s client, streaming a response',
    async ({ baseUrl, model }, apiKey, by) => {
      const client = new OpenAI({ baseURL: `${baseUrl}/openai/v1`, apiKey, fetch: by })
      return Array.fromAsync(
        await client.responses.create({ model, input: 'Hello!', max_output_tokens: 16, stream: true }),
      )
    },
  ],
  [
    'Anthropic’s client',
    ({ baseUrl, model }, apiKey, by) =>
      new Anthropic({ baseURL: `${baseUrl}/anthropic`, apiKey, fetch: by }).messages.create({
        model,
        messages,
        max_tokens: 16,
      }),
  ],
  [
    'the AI SDK',
    ({ baseUrl, model }, apiKey, by) =>
      generateText({
        model: createOpenAICompatible({ name: 'switchyard', baseURL: `${baseUrl}/v1`, apiKey, fetch: by })(
          model,
        ),
        prompt: 'Hello!',
        maxOutputTokens: 16,
      }),
  ],
]

let yard: Yard
beforeAll(async () => {
  yard = await startYard()
}, 120_000)
afterAll(() => yard?.[Symbol.asyncDispose](), 60_000)

describe.concurrent.each(clients.map(([name, ask], index) => ({ name, ask, id: `client-${index}` })))(
  'A9: $name',
  ({ name, ask, id }) => {
    test('waits as long as retry-after-ms says, and is then answered', async () => {
      const key = await openKey(yard, id, { requests: { perMinute: 24, burst: 1 } })
      const { attempts, fetch } = watched()
      await ask(yard.facts, key, fetch)
      await ask(yard.facts, key, fetch)
      expect(attempts.map(({ status }) => status)).toEqual([200, 429, 200])
      const [, refused, answered] = attempts
      const wait = refused?.wait ?? 0
      // A client that did not read it would come back after half a second.
      expect(wait).toBeGreaterThan(1500)
      expect(wait).toBeLessThanOrEqual(2500)
      const waited = (answered?.sentAt ?? 0) - (refused?.answeredAt ?? 0)
      expect(waited).toBeGreaterThanOrEqual(wait - 20)
      expect(waited).toBeLessThan(wait + 1000)
    })

    // The AI SDK reads no such header: it tries three times.
    if (name !== 'the AI SDK')
      test('does not come back where x-should-retry is false', async () => {
        const key = await openKey(yard, `${id}-small`, { tokens: { perMinute: 4 } })
        const { attempts, fetch } = watched()
        await expect(ask(yard.facts, key, fetch)).rejects.toThrow(/limit/)
        expect(attempts).toMatchObject([{ status: 429, shouldRetry: 'false' }])
      })
  },
)
