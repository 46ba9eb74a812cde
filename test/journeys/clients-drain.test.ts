// What clients do when the gateway that they reach is stopping: it tells them to come back, and they reach another.
import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { expect, test } from 'vitest'
import { Bed } from '../../packages/gateway/test/bed.ts'
import { ScriptedUpstream } from '../../packages/gateway/test/upstream.ts'

const said = 'one two three'
const messages = [{ role: 'user' as const, content: 'Hello!' }]

type Ask = (url: string, apiKey: string, by: typeof fetch) => Promise<string | null | undefined>

const clients: readonly (readonly [name: string, ask: Ask])[] = [
  [
    'OpenAI’s client',
    async (url, apiKey, by) => {
      const { chat } = new OpenAI({ baseURL: `${url}/openai/v1`, apiKey, fetch: by })
      const reply = await chat.completions.create({ model: 'tiny', messages })
      return reply.choices[0]?.message.content
    },
  ],
  [
    'Anthropic’s client',
    async (url, apiKey, by) => {
      const client = new Anthropic({ baseURL: `${url}/anthropic`, apiKey, fetch: by })
      const stream = client.messages.stream({ model: 'tiny', max_tokens: 16, messages })
      return (await stream.finalText()).trim()
    },
  ],
]

test.each(clients)(
  'A9: %s comes back where x-should-retry is true, and is answered by another gateway',
  async (_, ask) => {
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
  },
)

test.each(clients)(
  'A9: %s gives up where the gateway has used its retries, and tries by itself where it had none',
  async (_, ask) => {
    await using engine = await ScriptedUpstream.start()
    await using bed = await Bed.start()
    bed.endpoint('tiny', [engine.address])
    engine.always('status 500')
    const attempts: unknown[] = []
    const counted =
      (retries: string): typeof fetch =>
      async (input, init) => {
        const headers = new Headers(init?.headers)
        headers.set('x-switchyard-retries', retries)
        const { status, headers: told } = await fetch(input, { ...init, headers })
        attempts.push([status, told.get('x-switchyard-attempts'), told.get('x-should-retry')])
        return new Response('{}', { status, headers: told })
      }
    await expect(ask(bed.url, bed.key(), counted('2'))).rejects.toThrow('502')
    expect(attempts.splice(0)).toEqual([[502, '3', 'false']])
    await expect(ask(bed.url, bed.key(), counted('0'))).rejects.toThrow('502')
    expect(attempts).toEqual(Array.from({ length: 3 }, () => [502, '1', null]))
    expect(engine.seen).toHaveLength(6)
  },
)
