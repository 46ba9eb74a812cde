// L3: every operation is metered, and what its meter says is in the record.
import { readFile } from 'node:fs/promises'
import { meters, type Operation } from '@switchyard/dialects'
import OpenAI, { toFile } from 'openai'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { png } from '../../dialects/test/images.ts'
import { operations } from '../src/paths.ts'
import { Bed } from './bed.ts'
import { settle } from './fleet.ts'
import { Heard, Sessions } from './realtime.bed.ts'
import { answering, formOf, formType, MediaUpstream } from './upload.bed.ts'
import { model, tokens } from './upstream/speaker.ts'
import { ScriptedUpstream } from './upstream.ts'
import { wav } from './wav.ts'

let bed: Bed
let key: string
let stack: AsyncDisposableStack
beforeEach(async () => {
  stack = new AsyncDisposableStack()
  bed = stack.use(await Bed.start())
  key = bed.key()
})
afterEach(() => stack.disposeAsync())

/** An upstream of OpenAI's that answers so, whatever it is asked. */
async function answers(type: string, body: string | Buffer): Promise<void> {
  const upstream = stack.use(await MediaUpstream.start(answering(type, body)))
  bed.provider('far', {
    type: 'openai-compatible',
    baseUrl: `http://${upstream.address}/v1`,
    models: [{ name: 'm', upstream: 'served' }],
  })
  bed.route('m', { tiers: [{ targets: [{ provider: 'far', model: 'm' }] }] })
}

const json = 'application/json'
const tokenUsage = { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 }
const sound = wav({ rate: 8000, frames: 12_000 })
const form = (file: Buffer) => formOf({ name: 'model', value: 'm' }, { name: 'file', value: file })
const spoken = { text: 'hi' }
const images = {
  data: [{ b64_json: png(16, 16).toString('base64') }, { b64_json: png(8, 4).toString('base64') }],
  usage: { input_tokens: 5, output_tokens: 90 },
}
const made = {
  'img.out.count': '2',
  'img.out.px': '288',
  'tok.in.uncached': '5',
  'tok.out.image': '90',
}

interface Case {
  readonly path: string
  readonly body: object | Buffer
  readonly answer: object | Buffer
  readonly type?: string
  readonly quantities: object
}

const cases: Partial<Record<Operation, Case>> = {
  completions: {
    path: '/v1/completions',
    body: { prompt: 'hi' },
    answer: { choices: [{ text: 'hello' }], usage: tokenUsage },
    quantities: { 'tok.in.uncached': '7', 'tok.out.text': '3' },
  },
  moderations: {
    path: '/v1/moderations',
    body: { input: 'hi' },
    answer: { results: [{ flagged: false }] },
    quantities: { req: '1' },
  },
  rerank: {
    path: '/v2/rerank',
    body: { query: 'q', documents: ['a', 'b', 'c'] },
    answer: { results: [{ index: 1, relevance_score: 0.9 }], usage: { total_tokens: 21 } },
    quantities: { req: '1', 'doc.ranked': '3', 'tok.in.uncached': '21' },
  },
  'images.generations': {
    path: '/v1/images/generations',
    body: { prompt: 'x' },
    answer: images,
    quantities: made,
  },
  'images.edits': { path: '/v1/images/edits', body: form(png(1, 1)), answer: images, quantities: made },
  'images.variations': {
    path: '/v1/images/variations',
    body: form(png(1, 1)),
    answer: { data: [{ url: 'https://a.example/x.png' }] },
    quantities: { 'img.out.count': '1' },
  },
  'audio.speech': {
    path: '/v1/audio/speech',
    body: { input: 'Grüß 😀', voice: 'alloy' },
    answer: sound,
    type: 'audio/wav',
    quantities: { 'char.in': '6' },
  },
  'audio.transcriptions': {
    path: '/v1/audio/transcriptions',
    body: form(sound),
    answer: spoken,
    quantities: { 'audio.in.ms': '1500' },
  },
  'audio.translations': {
    path: '/v1/audio/translations',
    body: form(sound),
    answer: { ...spoken, duration: 1.4996 },
    quantities: { 'audio.in.ms': '1500' },
  },
  'oip.infer': {
    path: '/v2/models/m/infer',
    body: { inputs: [] },
    answer: { outputs: [] },
    quantities: { req: '1' },
  },
  'oip.generate': {
    path: '/v2/models/m/generate',
    body: { text_input: 'hi' },
    answer: { text_output: 'hello' },
    quantities: { req: '1' },
  },
  'oip.generate_stream': {
    path: '/v2/models/m/generate_stream',
    body: { text_input: 'hi' },
    answer: Buffer.from('data: {"text_output":"hel"}\n\ndata: {"text_output":"lo"}\n\n'),
    type: 'text/event-stream',
    quantities: { req: '1' },
  },
}

test.each(Object.entries(cases))('L3 %s is metered by its units', async (operation, one) => {
  const { path, body, answer, type = json, quantities } = one
  const given = Buffer.isBuffer(answer) ? answer : JSON.stringify(answer)
  if (operation.startsWith('oip.')) {
    const upstream = stack.use(await MediaUpstream.start(answering(type, given)))
    bed.provider('far', {
      type: 'open-inference',
      baseUrl: `http://${upstream.address}`,
      models: [{ name: 'm' }],
    })
    bed.route('m', { tiers: [{ targets: [{ provider: 'far', model: 'm' }] }] })
  } else await answers(type, given)
  const formed = Buffer.isBuffer(body)
  const response = await fetch(bed.url + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': formed ? formType : json },
    body: formed ? Uint8Array.from(body) : JSON.stringify({ model: 'm', ...body }),
  })
  expect(response.status).toBe(200)
  await response.arrayBuffer()
  await vi.waitUntil(() => bed.journal.events.length === 1)
  expect(bed.journal.last).toMatchObject({ operation, end: 'done', quantities })
  expect(Object.keys(bed.journal.last.quantities).toSorted()).toEqual(Object.keys(quantities).toSorted())
  inRow(operation as Operation) // a key of the cases
})

/** Each of what has no price here is measured by something else, too. */
const others: readonly string[] = ['img.out.px', 'doc.ranked', 'tok.out.image']

test.each(Object.entries(cases))(
  'L3 %s is held and paid for under a limit of money',
  async (operation, one) => {
    const { path, body, answer, type = json, quantities } = one
    const given = Buffer.isBuffer(answer) ? answer : JSON.stringify(answer)
    const upstream = stack.use(await MediaUpstream.start(answering(type, given)))
    bed.provider('far', {
      type: operation.startsWith('oip.') ? 'open-inference' : 'openai-compatible',
      baseUrl: `http://${upstream.address}${operation.startsWith('oip.') ? '' : '/v1'}`,
      models: [{ name: 'm' }],
    })
    bed.route('m', { tiers: [{ targets: [{ provider: 'far', model: 'm' }] }] })
    const priced = ['tok.in.*', 'tok.out.*', 'req', 'img.out.count', 'audio.in.ms', 'char.in'] as const
    bed.priceBook('sale', {
      side: 'sale',
      rates: priced.map(unit => ({ model: 'm', unit, price: '1', per: 1 })),
    })
    const asked = (perDay: string) => {
      bed.change('ApiKey', 'key-0', { spec: { limits: { money: { perDay, currency: 'USD' } } } })
      const formed = Buffer.isBuffer(body)
      return fetch(bed.url + path, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': formed ? formType : json },
        body: formed ? Uint8Array.from(body) : JSON.stringify({ model: 'm', ...body }),
      })
    }
    const poor = await asked('0.5')
    expect([poor.status, upstream.taken.length], await poor.text()).toEqual([429, 0])
    const response = await asked('1000000')
    expect(response.status).toBe(200)
    await response.arrayBuffer()
    await vi.waitUntil(() => bed.gateway.inflight === 0)
    const spent = Object.entries(quantities)
      .filter(([unit]) => !others.includes(unit))
      .reduce((sum, [, quantity]) => sum + Number(quantity), 0)
    const { limits } = await bed.gateway.explain({ workspace: 'default', model: 'm', key: 'key-0' })
    expect(limits.map(({ remaining }) => remaining)).toEqual([String(1_000_000 - spent)])
  },
)

/** What stands in the record is what the operation's row says. */
function inRow(operation: Operation): void {
  const units = Object.keys(bed.journal.last.quantities).map(unit =>
    unit.replace(/^(tok\.(?:in|out)\.).*/, '$1*'),
  )
  expect(meters[operation].units).toEqual(expect.arrayContaining(units))
}

const input = String(tokens.input)
const chats: readonly (readonly [Operation, string, object])[] = [
  ['chat.completions', '/v1/chat/completions', { model: 'm', messages: [{ role: 'user', content: 'hi' }] }],
  ['responses', '/v1/responses', { model: 'm', input: 'hi' }],
  ['messages', '/v1/messages', { model: 'm', max_tokens: 9, messages: [{ role: 'user', content: 'hi' }] }],
  ['generateContent', '/v1beta/models/m:generateContent', { contents: [{ parts: [{ text: 'hi' }] }] }],
  ['ollama.chat', '/api/chat', { model: 'm', stream: false, messages: [{ role: 'user', content: 'hi' }] }],
  ['ollama.generate', '/api/generate', { model: 'm', stream: false, prompt: 'hi' }],
]
const vectors: readonly (readonly [Operation, string, object])[] = [
  ['embeddings', '/v1/embeddings', { model: 'm', input: 'hi' }],
  ['embedContent', '/v1beta/models/m:embedContent', { content: { parts: [{ text: 'hi' }] } }],
  [
    'batchEmbedContents',
    '/v1beta/models/m:batchEmbedContents',
    { requests: [{ content: { parts: [{ text: 'hi' }] } }] },
  ],
  ['ollama.embed', '/api/embed', { model: 'm', input: 'hi' }],
  ['ollama.embeddings', '/api/embeddings', { model: 'm', prompt: 'hi' }],
]

const dialects = ['responses', 'gemini', 'ollama'] as const
const ways = dialects.flatMap(dialect => chats.map(chat => [dialect, ...chat] as const))
/** Two have an older form of their own, which the upstream of these tests does not speak. */
const older: readonly string[] = ['gemini embedContent', 'ollama ollama.embeddings']
const embeddingWays = dialects.flatMap(dialect =>
  vectors
    .filter(([operation]) => !older.includes(`${dialect} ${operation}`))
    .map(vector => [dialect, ...vector] as const),
)

async function speaking(dialect: (typeof dialects)[number]): Promise<void> {
  const engine = stack.use(await ScriptedUpstream.start())
  settle(bed, engine, 'p', dialect)
  bed.route('m', { tiers: [{ targets: [{ provider: 'p', model }] }] })
}

test.each(ways)(
  'L3 at an upstream of %s %s is metered by its tokens',
  async (dialect, operation, path, body) => {
    await speaking(dialect)
    expect((await bed.post(path, key, body)).status).toBe(200)
    expect(bed.journal.last).toMatchObject({ operation, quantities: { 'tok.in.uncached': input } })
    inRow(operation)
  },
)

test.each(embeddingWays)(
  'L3 at an upstream of %s %s is metered by its tokens',
  async (dialect, operation, path, body) => {
    await speaking(dialect)
    expect((await bed.post(path, key, body)).status).toBe(200)
    // Gemini's answer tells none: they are estimated.
    const expected =
      dialect === 'gemini'
        ? { quantities: { 'tok.in.uncached': '1' }, usageSource: 'estimated', flags: ['usage_missing'] }
        : { quantities: { 'tok.in.uncached': input }, flags: [] }
    expect(bed.journal.last).toMatchObject(expected)
    expect(Object.keys(bed.journal.last.quantities)).toEqual(['tok.in.uncached'])
    inRow(operation)
  },
)

test('L3 a realtime session is metered by the tokens of its responses', async () => {
  const upstream = stack.use(await Sessions.start())
  bed.provider('far', {
    type: 'openai-compatible',
    baseUrl: `http://${upstream.address}/v1`,
    models: [{ name: 'm' }],
  })
  bed.route('m', { tiers: [{ targets: [{ provider: 'far', model: 'm' }] }] })
  const heard = new Heard(`ws://127.0.0.1:${bed.port}/v1/realtime?model=m`, [], {
    authorization: `Bearer ${key}`,
  })
  expect(await heard.opened).toBe('open')
  heard.socket.send('{"type":"response.create"}')
  await vi.waitUntil(() => heard.messages.length === 2)
  heard.socket.close(1000)
  await vi.waitUntil(() => bed.journal.events.length === 1)
  expect(bed.journal.last).toMatchObject({ operation: 'realtime', quantities: { 'tok.in.audio': '15' } })
  inRow('realtime')
})

test('L3 a message to a server of tools is metered by its calls, each of a batch', async () => {
  const upstream = stack.use(await MediaUpstream.start(answering(json, '[]')))
  bed.mcpServer('tools', { urls: [`http://${upstream.address}/`] })
  const call = { id: 1, method: 'tools/call', params: { name: 'a' } }
  expect((await bed.post('/mcp/tools', key, [call, call, { id: 2, method: 'ping' }])).status).toBe(200)
  expect(bed.journal.last).toMatchObject({ operation: 'mcp.call', quantities: { req: '2' } })
  inRow('mcp.call')
})

test('L3 every operation that a path leads to has its case here, or is free', () => {
  const tested = new Set<string>([
    ...Object.keys(cases),
    ...[...chats, ...vectors].map(([operation]) => operation),
    'realtime',
    'mcp.call',
  ])
  const free = [...operations].filter(operation => meters[operation].units.length === 0)
  expect(free.toSorted()).toEqual([
    'countTokens',
    'count_tokens',
    'mcp.end',
    'mcp.listen',
    'mcp.message',
    'oip.model',
  ])
  expect([...operations].filter(operation => !tested.has(operation)).toSorted()).toEqual(free.toSorted())
  expect([...operations].toSorted()).toEqual(Object.keys(meters).toSorted())
})

test('docs/gateway.md says what each operation is metered by', async () => {
  const lines = Object.entries(meters).map(([operation, { units }]) => {
    const said = units.length === 0 ? 'nothing: it is free' : units.map(unit => `\`${unit}\``).join(', ')
    return `| ${operation} | ${said} |`
  })
  const page = await readFile(new URL('../../../docs/gateway.md', import.meta.url), 'utf8')
  expect(page).toContain(['| operation | units |', '|---|---|', ...lines].join('\n'))
})

test('speech that is cut off is metered by its characters, for it was asked and begun', async () => {
  const upstream = stack.use(
    await MediaUpstream.start((_, response) => {
      response.writeHead(200, { 'content-type': 'audio/mpeg', 'content-length': 9000 })
      response.write(Buffer.alloc(100))
      setImmediate(() => response.destroy())
    }),
  )
  bed.provider('far', {
    type: 'openai-compatible',
    baseUrl: `http://${upstream.address}/v1`,
    models: [{ name: 'm' }],
  })
  bed.route('m', { tiers: [{ targets: [{ provider: 'far', model: 'm' }] }] })
  const { audio } = new OpenAI({ apiKey: key, baseURL: `${bed.url}/v1`, maxRetries: 0 })
  const speech = audio.speech.create({ model: 'm', input: 'abc', voice: 'alloy' })
  await expect(speech.then(response => response.arrayBuffer())).rejects.toThrow(/./)
  await vi.waitUntil(() => bed.journal.events.length === 1)
  expect(bed.journal.last).toMatchObject({
    end: 'upstream_error',
    billable: 'cost',
    quantities: { 'char.in': '3' },
  })
})

test('a transcription as plain text is metered by the head of its file; one of an unknown file by nothing', async () => {
  await answers('text/plain', 'hello')
  const { audio } = new OpenAI({ apiKey: key, baseURL: `${bed.url}/v1`, maxRetries: 0 })
  const ask = async (file: Buffer, name: string) =>
    audio.transcriptions.create({ model: 'm', file: await toFile(file, name), response_format: 'text' })
  expect(await ask(sound, 'a.wav')).toBe('hello')
  expect(bed.journal.last.quantities).toEqual({ 'audio.in.ms': '1500' })
  await ask(Buffer.from('ID3 something'), 'a.mp3')
  expect(bed.journal.last).toMatchObject({ quantities: {}, usageSource: 'none' })
})

test('an answer that is an error is metered by nothing', async () => {
  await answers(json, JSON.stringify({ error: { message: 'no', code: 500 } }))
  expect((await bed.post('/v1/moderations', key, { model: 'm', input: 'x' })).status).toBe(502)
  expect(bed.journal.last).toMatchObject({ quantities: {} })
})

test('what is no token is told in a metric of its own, and takes no room under limits of tokens', async () => {
  await answers(json, JSON.stringify({ results: [] }))
  const limited = bed.key({ spec: { limits: { tokens: { perMinute: 60 } } } })
  for (let i = 0; i < 5; i++)
    expect(
      (await bed.post('/v1/rerank', limited, { model: 'm', query: 'q', documents: ['a', 'b'] })).status,
    ).toBe(200)
  const text = bed.gateway.metrics()
  expect(text).toContain('switchyard_gateway_units_total{unit="doc.ranked",source="counted"} 10')
  expect(text).toContain('switchyard_gateway_units_total{unit="req",source="counted"} 5')
  expect(text).not.toMatch(/tokens_total\{class="(req|doc)/)
})
