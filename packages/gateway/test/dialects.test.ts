// Every dialect in front of an engine that speaks OpenAI's, by its official client.
import Anthropic from '@anthropic-ai/sdk'
import { GoogleGenAI } from '@google/genai'
import { Ollama } from 'ollama'
import OpenAI from 'openai'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Bed } from './bed.ts'
import { ScriptedUpstream } from './upstream.ts'

let bed: Bed
let engine: ScriptedUpstream
let key: string

beforeEach(async () => {
  bed = await Bed.start()
  engine = await ScriptedUpstream.start()
  bed.endpoint('tiny', [engine.address])
  key = bed.key()
})
afterEach(async () => {
  await bed[Symbol.asyncDispose]()
  await engine[Symbol.asyncDispose]()
})

const spent = { quantities: { 'tok.in.uncached': '7', 'tok.out.text': '3' }, end: 'done', status: 200 }

describe('Anthropic’s client', () => {
  const client = (base = bed.url) => new Anthropic({ apiKey: key, baseURL: base, maxRetries: 0 })
  const ask = { model: 'tiny', max_tokens: 16, messages: [{ role: 'user' as const, content: 'hi' }] }

  test('gets a message, and is metered as it is told', async () => {
    const message = await client().messages.create(ask)
    expect(message).toMatchObject({
      role: 'assistant',
      model: 'tiny',
      content: [{ type: 'text', text: 'one two three' }],
      stop_reason: 'end_turn',
      usage: { input_tokens: 7, output_tokens: 3 },
    })
    expect(bed.journal.last).toMatchObject({ ...spent, operation: 'messages', streamed: false })
    expect(engine.seen[0]?.url).toBe('/v1/chat/completions')
  })

  test('streams one', async () => {
    const message = await client(`${bed.url}/anthropic`).messages.stream(ask).finalMessage()
    expect(message.content).toEqual([{ type: 'text', text: 'one two three' }])
    expect(message.usage).toMatchObject({ output_tokens: 3 })
    expect(bed.journal.last).toMatchObject({ ...spent, streamed: true })
  })

  test('throws where the stream breaks, and sees no end', async () => {
    engine.will('cut after 3')
    const stream = client().messages.stream(ask)
    let text = ''
    stream.on('text', part => {
      text += part
    })
    await expect(stream.finalMessage()).rejects.toThrow(/api_error|broke off/)
    expect(text).toBe('one two')
    expect(bed.journal.last).toMatchObject({ end: 'upstream_error', billable: 'cost' })
  })

  test('is told of errors in its own shape', async () => {
    await expect(client().messages.create({ ...ask, model: 'none' })).rejects.toMatchObject({
      status: 404,
      error: { type: 'error', error: { type: 'not_found_error' } },
    })
    bed.change('Endpoint', 'tiny', { spec: { hold: { requests: 0 } } })
    bed.change('Replica', 'tiny-1-0', { status: { state: 'Starting' } })
    await expect(client().messages.create(ask)).rejects.toMatchObject({
      status: 529,
      error: { error: { type: 'overloaded_error' } },
    })
    const lost = await fetch(`${bed.url}/v1/nothing`, {
      headers: { 'anthropic-version': '2023-06-01', 'x-api-key': key },
    })
    expect(await lost.json()).toMatchObject({ type: 'error', error: { type: 'not_found_error' } })
  })

  test('counts tokens and lists models', async () => {
    const { input_tokens } = await client().messages.countTokens({ model: 'tiny', messages: ask.messages })
    expect(input_tokens).toBeGreaterThan(0)
    const names = []
    for await (const model of client().models.list()) names.push(model.id)
    expect(names).toEqual(['tiny'])
    expect(bed.journal.events).toEqual([])
  })
})

describe('Gemini’s client', () => {
  const client = () => new GoogleGenAI({ apiKey: key, httpOptions: { baseUrl: bed.url } })
  const ask = { model: 'tiny', contents: 'hi' }

  test('generates', async () => {
    const answer = await client().models.generateContent(ask)
    expect(answer.text).toBe('one two three')
    expect(answer.usageMetadata).toMatchObject({ promptTokenCount: 7, candidatesTokenCount: 3 })
    expect(bed.journal.last).toMatchObject({ ...spent, operation: 'generateContent' })
  })

  test('streams', async () => {
    let text = ''
    for await (const part of await client().models.generateContentStream(ask)) text += part.text ?? ''
    expect(text).toBe('one two three')
    expect(bed.journal.last).toMatchObject({ ...spent, streamed: true })
  })

  test('throws where the stream breaks', async () => {
    engine.will('cut after 3')
    const stream = await client().models.generateContentStream(ask)
    await expect(async () => {
      for await (const _ of stream);
    }).rejects.toThrow()
  })

  test('reads an array where it does not ask for events, whole also after a fault', async () => {
    const array = (name: string) =>
      fetch(`${bed.url}/v1beta/models/${name}:streamGenerateContent?key=${key}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{"contents":[{"parts":[{"text":"hi"}]}]}',
      })
    const whole = (await (await array('tiny')).json()) as { candidates: { finishReason?: string }[] }[]
    expect(whole.at(-1)?.candidates[0]?.finishReason).toBe('STOP')
    engine.will('cut after 3')
    const broken = (await (await array('tiny')).json()) as object[]
    expect(broken.at(-1)).toMatchObject({ error: { code: 502, status: 'UNAVAILABLE' } })
    expect(await (await array('none')).json()).toMatchObject([{ error: { code: 404, status: 'NOT_FOUND' } }])
  })

  test('counts tokens, and lists models under both prefixes', async () => {
    expect((await client().models.countTokens(ask)).totalTokens).toBeGreaterThan(0)
    const list = await fetch(`${bed.url}/genai/v1beta/models`, { headers: { 'x-goog-api-key': key } })
    expect(await list.json()).toMatchObject({ models: [{ name: 'models/tiny' }] })
  })
})

describe('Ollama’s client', () => {
  const client = () => new Ollama({ host: bed.url, headers: { authorization: `Bearer ${key}` } })
  const messages = [{ role: 'user', content: 'hi' }]

  test('chats and generates', async () => {
    const chat = await client().chat({ model: 'tiny:latest', messages })
    expect(chat.message.content).toBe('one two three')
    expect(chat).toMatchObject({ done: true, done_reason: 'stop', prompt_eval_count: 7, eval_count: 3 })
    const said = await client().generate({ model: 'tiny', prompt: 'hi' })
    expect(said.response).toBe('one two three')
    expect(bed.journal.last).toMatchObject({ ...spent, operation: 'ollama.generate' })
  })

  test('streams', async () => {
    let text = ''
    for await (const part of await client().chat({ model: 'tiny', messages, stream: true }))
      text += part.message.content
    expect(text).toBe('one two three')
  })

  test('throws where the stream breaks', async () => {
    engine.will('cut after 3')
    const stream = await client().chat({ model: 'tiny', messages, stream: true })
    await expect(async () => {
      for await (const _ of stream);
    }).rejects.toThrow()
  })

  test('lists, shows, and is told what does not change models here', async () => {
    expect((await client().list()).models.map(({ name }) => name)).toEqual(['tiny'])
    expect((await client().ps()).models).toHaveLength(1)
    expect((await client().show({ model: 'tiny' })).capabilities).toBeDefined()
    await expect(client().pull({ model: 'tiny' })).rejects.toMatchObject({ status_code: 501 })
    expect(await (await fetch(bed.url)).text()).toBe('Ollama is running')
    expect((await client().version()).version).toMatch(/\d/)
  })
})

describe('A10: who speaks to Ollama by hand', () => {
  /** As `curl -d` does. */
  const form = (path: string, body: object, method = 'POST') =>
    fetch(bed.url + path, {
      method,
      headers: { 'content-type': 'application/x-www-form-urlencoded', authorization: `Bearer ${key}` },
      ...(method !== 'GET' && { body: JSON.stringify(body) }),
    })
  const words = [{ role: 'user', content: 'hi' }]

  test.each([
    ['/api/chat', { messages: words }],
    ['/ollama/api/chat', { messages: words }],
    ['/api/generate', { prompt: 'hi' }],
  ])('sends a form type to %s and is streamed to unless it says otherwise', async (path, asked) => {
    const stream = await form(path, { model: 'tiny', ...asked })
    expect(stream.headers.get('content-type')).toBe('application/x-ndjson')
    const lines = (await stream.text()).trimEnd().split('\n')
    const parts = lines.map(
      line => JSON.parse(line) as { done: boolean; message?: { content: string }; response?: string },
    )
    expect(parts.length).toBeGreaterThan(2)
    expect(parts.map(({ done }) => done)).toEqual(parts.map((_, i) => i === parts.length - 1))
    expect(parts.map(({ message, response }) => message?.content ?? response).join('')).toBe('one two three')
    const whole = await form(path, { model: 'tiny', ...asked, stream: false })
    expect(whole.headers.get('content-type')).toContain('application/json')
    expect(await whole.json()).toMatchObject({ done: true })
  })

  test.each([
    ['pull', 'POST', /switchyard apply/],
    ['push', 'POST', /registry/],
    ['create', 'POST', /switchyard apply/],
    ['copy', 'POST', /Route/],
    ['delete', 'DELETE', /switchyard delete endpoint/],
    ['blobs/sha256:0f', 'POST', /switchyard apply/],
  ])('is told by %s what to do instead', async (what, method, advice) => {
    for (const path of [`/api/${what}`, `/ollama/api/${what}`]) {
      const told = await form(path, { model: 'tiny' }, method)
      expect([told.status, await told.json()]).toEqual([
        501,
        { error: expect.stringMatching(advice) as unknown },
      ])
    }
    expect(engine.seen).toEqual([])
  })

  test('hears that it runs, without a key, by GET and HEAD', async () => {
    for (const path of ['/', '/ollama', '/ollama/']) {
      const told = await fetch(bed.url + path)
      expect([told.status, await told.text()]).toEqual([200, 'Ollama is running'])
      const head = await fetch(bed.url + path, { method: 'HEAD' })
      expect([head.status, await head.text()]).toEqual([200, ''])
    }
  })
})

describe('OpenAI’s client', () => {
  const client = (base = `${bed.url}/v1`) => new OpenAI({ apiKey: key, baseURL: base, maxRetries: 0 })

  test('gets a response', async () => {
    const answer = await client().responses.create({ model: 'tiny', input: 'hi' })
    expect(answer.output_text).toBe('one two three')
    expect(answer.usage).toMatchObject({ input_tokens: 7, output_tokens: 3, total_tokens: 10 })
    expect(bed.journal.last).toMatchObject({ ...spent, operation: 'responses' })
  })

  test('streams a response with numbers without gaps', async () => {
    const numbers = []
    let last = ''
    for await (const event of await client().responses.create({ model: 'tiny', input: 'hi', stream: true })) {
      numbers.push(event.sequence_number)
      last = event.type
    }
    expect(last).toBe('response.completed')
    expect(numbers).toEqual(numbers.map((_, i) => i))
  })

  test('that speaks as to Azure names the model in the path', async () => {
    const answer = await fetch(`${bed.url}/openai/deployments/tiny/chat/completions?api-version=2024-10-21`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'api-key': key },
      body: '{"messages":[]}',
    })
    expect(answer.status).toBe(200)
    expect(await answer.json()).toMatchObject({ model: 'tiny' })
  })
})

test('what a dialect cannot say to the engine is named in a header', async () => {
  const answer = await bed.post('/v1/messages', key, {
    model: 'tiny',
    max_tokens: 5,
    messages: [{ role: 'user', content: 'hi' }],
    service_tier: 'auto',
    container: 'x',
  })
  expect(answer.status).toBe(200)
  expect(answer.headers.get('x-switchyard-warning')).toContain('dropped=')
})

test('limits of a key refuse what exceeds them, and say when to come back', async () => {
  const limited = bed.key({ spec: { limits: { requests: { perMinute: 60, burst: 2 } } } })
  expect([(await bed.chat(limited)).status, (await bed.chat(limited)).status]).toEqual([200, 200])
  const refused = await bed.chat(limited)
  expect(refused.status).toBe(429)
  expect(Number(refused.headers.get('retry-after'))).toBe(1)
  expect(await refused.json()).toMatchObject({
    error: { type: 'rate_limit_error', code: 'rate_limit_exceeded' },
  })
  expect(engine.seen).toHaveLength(2)
})
