// What clients do when the gateway that they reach is stopping: it tells them to come back, and they reach another.
import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { expect, test } from 'vitest'
import { Bed } from '../../packages/gateway/test/bed.ts'
import { ScriptedUpstream } from '../../packages/gateway/test/upstream.ts'

const said = 'one two three'
const messages = [{ role: 'user' as const, content: 'Hello!' }]

test.each([
  [
    'OpenAI’s client',
    async (url: string, apiKey: string, by: typeof fetch) => {
      const { chat } = new OpenAI({ baseURL: `${url}/openai/v1`, apiKey, fetch: by })
      const reply = await chat.completions.create({ model: 'tiny', messages })
      return reply.choices[0]?.message.content
    },
  ],
  [
    'Anthropic’s client',
    async (url: string, apiKey: string, by: typeof fetch) => {
      const client = new Anthropic({ baseURL: `${url}/anthropic`, apiKey, fetch: by })
      const stream = client.messages.stream({ model: 'tiny', max_tokens: 16, messages })
      return (await stream.finalText()).trim()
    },
  ],
])('A9: %s comes back where x-should-retry is true, and is answered by another gateway', async (_, ask) => {
  await using engine = await ScriptedUpstream.start()
  await using stopping = await Bed.start()
  await using other = await Bed.start()
  stopping.endpoint('tiny', [engine.address])
  other.endpoint('tiny', [engine.address])
  const key = stopping.key()
  other.keyHashes = stopping.keyHashes
  other.add(...stopping.documents.filter(({ kind }) => kind === 'ApiKey'))
  other.swap()
  await stopping.gateway.drain(0)

  // A balancer that has not heard of it yet sends the first attempt to the gateway that stops.
  const attempts: { status: number; shouldRetry: string | null }[] = []
  const balanced: typeof fetch = async (input, init) => {
    const url = input instanceof Request ? input.url : String(input)
    const response = await fetch(attempts.length > 0 ? url.replace(stopping.url, other.url) : url, init)
    attempts.push({ status: response.status, shouldRetry: response.headers.get('x-should-retry') })
    return response
  }
  expect(await ask(stopping.url, key, balanced)).toBe(said)
  expect(attempts).toEqual([
    { status: 503, shouldRetry: 'true' },
    { status: 200, shouldRetry: null },
  ])
  expect(engine.seen).toHaveLength(1)
})
