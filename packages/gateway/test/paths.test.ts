// Every path that is spoken, with and without the prefix of a dialect, and what only looks like one of them.
import type { CallerName } from '@switchyard/dialects'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { operations } from '../src/paths.ts'
import { Bed } from './bed.ts'
import { ToolServer } from './mcp.bed.ts'
import { send } from './raw.ts'
import { expectTold } from './told.ts'
import { formOf, formType, MediaUpstream, whole } from './upload.bed.ts'
import { ScriptedUpstream } from './upstream.ts'

let bed: Bed
let engine: ScriptedUpstream
let far: MediaUpstream
let tools: ToolServer
let key: string
const stack = new AsyncDisposableStack()
beforeAll(async () => {
  bed = stack.use(await Bed.start())
  engine = stack.use(await ScriptedUpstream.start())
  far = stack.use(await MediaUpstream.start(answer))
  tools = stack.use(await ToolServer.start())
  bed.endpoint('m', [engine.address])
  const baseUrl = `http://${far.address}/v1`
  bed.provider('far', { type: 'openai-compatible', baseUrl, models: [{ name: 'p' }] })
  bed.provider('tensors', {
    type: 'open-inference',
    baseUrl: `http://${far.address}`,
    models: [{ name: 't' }],
  })
  bed.route('p', { tiers: [{ targets: [{ provider: 'far', model: 'p' }] }] })
  bed.route('t', { tiers: [{ targets: [{ provider: 'tensors', model: 't' }] }] })
  bed.mcpServer('tools', { urls: [tools.url] })
  key = bed.key()
})
afterAll(() => stack.disposeAsync())
beforeEach(() => {
  engine.seen.length = 0
  far.taken.length = 0
})

/** What passes as it is, answered by the type that its operation asks for. */
async function answer(...[incoming, response, taken]: Parameters<Parameters<typeof MediaUpstream.start>[0]>) {
  await whole(incoming, taken)
  const { url } = taken
  const type = url.endsWith('generate_stream')
    ? 'text/event-stream'
    : url.endsWith('speech')
      ? 'audio/wav'
      : 'application/json'
  response.writeHead(200, { 'content-type': type })
  response.end(type === 'application/json' ? '{"text":"hi","data":[],"results":[]}' : 'data: {}\n\n')
}

interface Row {
  readonly path: string
  readonly method: string
  readonly body?: object | undefined
  readonly form?: true
  /** The fault that answers it, where nothing is there for it. */
  readonly fault?: 'response_not_found'
}

const user = [{ role: 'user', content: 'hi' }]
const contents = [{ role: 'user', parts: [{ text: 'hi' }] }]
const post = (path: string, body: object): Row => ({ method: 'POST', path, body })
const get = (path: string): Row => ({ method: 'GET', path })
const form = (path: string): Row => ({ method: 'POST', path, form: true })
const chat = { model: 'm', messages: user }
const text = { model: 'p', input: 'hi', prompt: 'hi', query: 'hi', documents: ['a'], voice: 'alloy' }
const vector = { content: { parts: [{ text: 'hi' }] } }
const lost = (method: string, path: string): Row => ({ method, path, fault: 'response_not_found' })

/** By the operations that they are counted as; what the gateway answers by itself by what is asked. */
const rows: Readonly<Record<string, readonly Row[]>> = {
  'chat.completions': [
    post('/v1/chat/completions', chat),
    post('/deployments/m/chat/completions?api-version=2024-10-21', { messages: user }),
  ],
  responses: [post('/v1/responses', { model: 'm', input: 'hi' })],
  completions: [post('/v1/completions', { model: 'm', prompt: 'hi' })],
  embeddings: [
    post('/v1/embeddings', { model: 'm', input: 'hi' }),
    post('/deployments/m/embeddings?api-version=2024-10-21', { input: 'hi' }),
  ],
  moderations: [post('/v1/moderations', text)],
  rerank: [post('/v1/rerank', text), post('/v2/rerank', text)],
  'images.generations': [post('/v1/images/generations', text)],
  'images.edits': [form('/v1/images/edits')],
  'images.variations': [form('/v1/images/variations')],
  'audio.speech': [post('/v1/audio/speech', text)],
  'audio.transcriptions': [
    form('/v1/audio/transcriptions'),
    form('/deployments/p/audio/transcriptions?api-version=2024-10-21'),
  ],
  'audio.translations': [form('/v1/audio/translations')],
  messages: [post('/v1/messages', { ...chat, max_tokens: 9 })],
  count_tokens: [post('/v1/messages/count_tokens', chat)],
  generateContent: [
    post('/v1beta/models/m:generateContent', { contents }),
    post('/v1beta/models/m:streamGenerateContent?alt=sse', { contents }),
    post('/v1beta/models/m:streamGenerateContent', { contents }),
    post('/v1/models/m:generateContent', { contents }),
    post('/v1/projects/a/locations/b/publishers/google/models/m:generateContent', { contents }),
    post('/v1beta1/projects/a/locations/b/publishers/google/models/m:streamGenerateContent?alt=sse', {
      contents,
    }),
  ],
  embedContent: [post('/v1beta/models/m:embedContent', vector)],
  batchEmbedContents: [post('/v1beta/models/m:batchEmbedContents', { requests: [vector] })],
  countTokens: [post('/v1beta/models/m:countTokens', { contents })],
  'ollama.chat': [post('/api/chat', chat)],
  'ollama.generate': [post('/api/generate', { model: 'm', prompt: 'hi' })],
  'ollama.embed': [post('/api/embed', { model: 'm', input: 'hi' })],
  'ollama.embeddings': [post('/api/embeddings', { model: 'm', prompt: 'hi' })],
  'oip.model': [get('/v2/models/t'), get('/v2/models/t/versions/1')],
  'oip.infer': [
    post('/v2/models/t/infer', { inputs: [] }),
    post('/v2/models/t/versions/1/infer', { inputs: [] }),
  ],
  'oip.generate': [post('/v2/models/t/generate', { text_input: 'hi' })],
  'oip.generate_stream': [post('/v2/models/t/generate_stream', { text_input: 'hi' })],
  'lists of models': [get('/v1/models'), get('/v1/models/m'), get('/v1beta/models'), get('/v1beta/models/m')],
  'responses of before': [
    lost('GET', '/v1/responses/resp_1'),
    lost('DELETE', '/v1/responses/resp_1'),
    lost('POST', '/v1/responses/resp_1/cancel'),
    lost('GET', '/v1/responses/resp_1/input_items'),
  ],
  'what Ollama’s clients ask of their server': [
    get('/api/tags'),
    get('/api/ps'),
    get('/api/version'),
    post('/api/show', { model: 'm' }),
  ],
  'what clients of tensors ask of their server': [
    get('/v2'),
    get('/v2/health/live'),
    get('/v2/health/ready'),
    get('/v2/models/t/ready'),
    get('/v2/models/t/versions/1/ready'),
  ],
}

const prefixes = ['', '/openai', '/anthropic', '/genai', '/ollama']

function ask({ method, body, form: formed }: Row, path: string): Promise<Response> {
  const type = ['content-type', formed ? formType : 'application/json']
  const headers = ['authorization', `Bearer ${key}`, ...(body || formed ? type : [])]
  const sent = formed
    ? formOf({ name: 'model', value: 'p' }, { name: 'file', value: 'abc' }).toString('latin1')
    : body && JSON.stringify(body)
  return send(bed.port, { method, path, headers, ...(sent !== undefined && { body: sent }) })
}

/** In whose words a path that is not there is refused: the prefix says it, or how it begins. */
function dialectOf(path: string): CallerName {
  const begins = [
    [/^\/(anthropic|v1\/messages)/, 'anthropic'],
    [/^\/(genai|v1beta)/, 'gemini'],
    [/^\/(ollama|api\/|v2\/(?!rerank)|v2$)/, 'ollama'],
  ] as const
  return begins.find(([begin]) => begin.test(path))?.[1] ?? 'openai'
}

describe.each(Object.entries(rows))('A1: %s', (_, each) => {
  test.each(each)(
    '$method $path is answered, also below each prefix and with a slash at its end',
    async row => {
      for (const prefix of prefixes)
        for (const path of [row.path, row.path.replace(/(\?|$)/, '/$1')]) {
          const told = await ask(row, prefix + path)
          const said = await told.text()
          expect([told.status, `${prefix}${path}: ${said}`]).toEqual([
            row.fault ? 404 : 200,
            expect.anything(),
          ])
          if (row.fault) expect(said).toContain(`"code":"${row.fault}"`)
        }
    },
  )

  test.each(each)('$method $path is nothing with .., //, %2f or %2e in it', async row => {
    const at = row.path.split('?', 1).join().lastIndexOf('/')
    const [head, tail] = [row.path.slice(0, at), row.path.slice(at + 1)]
    for (const between of ['/x/../', '//', '%2f', '/%2e/', '/./'])
      for (const prefix of prefixes) {
        const path = `${prefix}${head}${between}${tail}`
        if (path.startsWith('/')) await expectTold(await ask(row, path), dialectOf(path), 'unknown_path')
      }
    expect(engine.seen.length + far.taken.length).toBe(0)
  })
})

test('A1: the rows are all operations that there are, but for sessions and servers of tools', () => {
  const counted = [...operations].filter(name => name !== 'realtime' && !name.startsWith('mcp.'))
  expect(counted.filter(name => !(name in rows))).toEqual([])
})

describe('A1: a server of tools', () => {
  const headers = { accept: 'application/json, text/event-stream' }
  const params = {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'test', version: '1' },
  }
  const opening = { jsonrpc: '2.0', id: 1, method: 'initialize', params }

  test('is at /mcp/NAME alone', async () => {
    const told = await bed.post('/mcp/tools', key, opening, { headers })
    expect([told.status, await told.text()]).toEqual([200, expect.stringContaining('"tools"')])
  })

  test.each(['/mcp//tools', '/mcp/x/../tools', '/mcp/%2ftools', '/mcp/tools/x', '/mcp/tools%2f'])(
    'is not at %s',
    async path => {
      const before = tools.heard.length
      const body = JSON.stringify(opening)
      const given = ['authorization', `Bearer ${key}`, 'content-type', 'application/json', 'accept', '*/*']
      const told = await send(bed.port, { path, headers: given, body })
      expect([told.status, await told.text()]).toEqual([404, expect.stringContaining('"jsonrpc":"2.0"')])
      expect(tools.heard).toHaveLength(before)
    },
  )
})

describe('A2: a path that is not there', () => {
  test.each([
    ['anthropic-version', '2023-06-01', 'anthropic'],
    ['x-goog-api-key', 'whatever', 'gemini'],
    ['authorization', 'Bearer whatever', 'openai'],
  ] as const)('with %s is refused in that dialect, with any key and none', async (name, value, caller) => {
    for (const path of ['/nowhere', '/v1/nowhere', '/v1/chat'])
      await expectTold(await send(bed.port, { path, headers: [name, value] }), caller, 'unknown_path')
  })
})
