// What stays in its dialect stays as it was sent: bodies over the wire, random and refused, and streams whose usage is
// metered without the caller's seeing it.
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { CallerName } from '@switchyard/dialects'
import type { ProviderType } from '@switchyard/kinds'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Bed } from './bed.ts'
import { seed } from './seeded.ts'
import { model } from './upstream/speaker.ts'
import { ScriptedUpstream } from './upstream.ts'

let engine: ScriptedUpstream
beforeAll(async () => {
  engine = await ScriptedUpstream.start()
})
afterAll(() => engine[Symbol.asyncDispose]())

interface Way {
  readonly type: 'deepseek' | 'openai' | 'anthropic' | 'gemini' | 'ollama'
  readonly base: string
  readonly path: string
  /** A valid body around these members; `name` is what stands for the model, undefined where the path has it. */
  body(name: string | undefined, before: string, after: string): string
}

const said = '"messages":[{"role":"user","content":"h\\u0069 \\ud800 😀","x":1e400}]'
const ways: Readonly<Record<string, Way>> = {
  'OpenAI chat': {
    type: 'deepseek',
    base: '/v1',
    path: '/v1/chat/completions',
    body: (name, before, after) => `{${before}"model" :\t${name}, ${said}${after} }`,
  },
  Responses: {
    type: 'openai',
    base: '/v1',
    path: '/v1/responses',
    body: (name, before, after) =>
      `{ ${before}"model":${name},"input" : [{"role":"user","content":"\\ud800"} ]${after}}`,
  },
  Anthropic: {
    type: 'anthropic',
    base: '/v1',
    path: '/v1/messages',
    body: (name, before, after) => `{${before}"max_tokens": 9 ,"model":${name},${said}${after}}\n`,
  },
  Gemini: {
    type: 'gemini',
    base: '/v1beta',
    path: '/v1beta/models/m:generateContent',
    body: (_, before, after) => `{${before}"contents":[{"parts" :[{"text":"\\ud800"}]}]${after}}`,
  },
  Ollama: {
    type: 'ollama',
    base: '',
    path: '/api/chat',
    body: (name, before, after) => `{${before}"stream": false,"model":${name},${said}${after}}`,
  },
}

const value = fc.oneof(
  fc.json({ noUnicodeString: false }),
  fc.constantFrom(
    '1e400',
    '-0',
    '1.0',
    '12345678901234567890',
    '"\\ud800"',
    '"\\u006d\\/"',
    '[ ]',
    '{"model":"x","model":7,"stream":[]}',
    '[[1 ,\n2]]',
    '"model"',
  ),
)
const member = fc.tuple(fc.stringMatching(/^x[a-z]{0,8}$/), value, fc.constantFrom('', ' ', '\n\t', '\r\n'))
const members = fc.array(member, { maxLength: 4 })
const before = (list: readonly (readonly [string, string, string])[]) =>
  list.map(([name, text, space], at) => `"${name}b${at}"${space}:${space}${text},`).join('')
const after = (list: readonly (readonly [string, string, string])[]) =>
  list.map(([name, text, space], at) => `,${space}"${name}a${at}":${text}${space}`).join('')

async function settled(way: Way): Promise<{ readonly bed: Bed; readonly key: string }> {
  const bed = await Bed.start()
  bed.provider('p', { type: way.type, baseUrl: engine.url(undefined, way.base) })
  bed.route('m', { tiers: [{ targets: [{ provider: 'p', model }] }] })
  return { bed, key: bed.key() }
}

function post(bed: Bed, key: string, path: string, body: string): Promise<Response> {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  return fetch(`${bed.url}${path}`, { method: 'POST', headers, body })
}

describe.each(Object.entries(ways))('a body of %s', (name, way) => {
  test(`B1: reaches the upstream as it was sent, but for the name of the model (seed ${seed})`, async () => {
    const { bed, key } = await settled(way)
    await using _ = bed
    await fc.assert(
      fc.asyncProperty(members, members, async (one, other) => {
        engine.seen.length = 0
        const answer = await post(bed, key, way.path, way.body('"\\u006d"', before(one), after(other)))
        expect(await answer.text()).toBeTypeOf('string')
        expect(answer.status).toBe(200)
        expect(engine.seen.map(({ body }) => body.toString())).toEqual([
          way.body(JSON.stringify(model), before(one), after(other)),
        ])
        expect(engine.seen[0]?.url.includes(encodeURIComponent(model))).toBe(name === 'Gemini')
      }),
      { seed, numRuns: 40 },
    )
  })

  if (name === 'Gemini') return
  test.each([
    ['two models', '"model":"n",'],
    ['an escaped model', '"mod\\u0065l":"n",'],
    ...(name === 'Ollama'
      ? [['a second stream', '"stream":true,']]
      : [
          ['two streams', '"stream":true,"stream":false,'],
          ['an escaped stream', '"\\u0073tream":true,'],
        ]),
  ])('B2: with %s is refused, and nobody is asked', async (_, twice = '') => {
    const { bed, key } = await settled(way)
    await using _bed = bed
    engine.seen.length = 0
    const answer = await post(bed, key, way.path, way.body('"m"', twice, ''))
    expect(answer.status).toBe(400)
    expect(await answer.text()).toMatch(/must stand in the body once/)
    const nested = '"x":{"model":"a","model":"b","mod\\u0065l":1,"stream":[],"stream":2},'
    expect(engine.seen).toEqual([])
    const fine = await post(bed, key, way.path, way.body('"m"', nested, ''))
    expect(fine.status).toBe(200)
    await fine.text()
    expect(engine.seen[0]?.body.toString()).toContain(nested)
  })
})

describe('usage of a stream of OpenAI’s', () => {
  const chunk = (more: object) =>
    `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'up', ...more })}\n\n`
  const filter = chunk({ choices: [], prompt_filter_results: [{ prompt_index: 0 }] })
  const word = chunk({
    choices: [{ index: 0, delta: { role: 'assistant', content: 'hi' }, finish_reason: null }],
  })
  const stop = chunk({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })
  const usage = chunk({ choices: [], usage: { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 } })
  let server: Server
  let asked: Record<string, unknown>[] = []
  let address = ''
  beforeAll(async () => {
    server = createServer((request, response) => {
      const parts: Buffer[] = []
      request.on('data', (part: Buffer) => parts.push(part))
      request.on('end', () => {
        asked.push(JSON.parse(Buffer.concat(parts).toString()) as Record<string, unknown>) // what the gateway sends
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        response.end(`${filter}${word}${stop}${usage}data: [DONE]\n\n`)
      })
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1` // it listens on TCP
  })
  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })

  test.each<[ProviderType, object | undefined, object | undefined, string]>([
    ['deepseek', undefined, { include_usage: true }, filter + word + stop],
    ['deepseek', { include_usage: false }, { include_usage: true }, filter + word + stop],
    ['deepseek', { include_usage: true }, { include_usage: true }, filter + word + stop + usage],
    // It refuses members that it does not know, and tells usage unasked.
    ['mistral', undefined, undefined, filter + word + stop],
    ['mistral', { include_usage: true }, { include_usage: true }, filter + word + stop + usage],
  ])(
    'B4: is metered at %s for a caller who asks %o, and seen by who asked',
    async (type, wish, sent, seen) => {
      await using bed = await Bed.start()
      const key = bed.key()
      bed.provider('p', { type, baseUrl: address })
      bed.route('m', { exposeModel: 'upstream', tiers: [{ targets: [{ provider: 'p', model: 'up' }] }] })
      asked = []
      const answer = await bed.chat(key, {
        model: 'm',
        messages: [{ role: 'user', content: 'hi' }],
        stream: true,
        ...(wish && { stream_options: wish }),
      })
      expect(answer.status).toBe(200)
      expect(await answer.text()).toBe(`${seen}data: [DONE]\n\n`)
      expect(asked.map(({ stream_options }) => stream_options)).toEqual([sent])
      expect(bed.journal.last).toMatchObject({ quantities: { 'tok.in.uncached': '7', 'tok.out.text': '3' } })
    },
  )
})

describe.each<[CallerName, string, (odd: string) => string]>([
  ['openai', '/v1/chat/completions', odd => `{"model":"m","messages":${odd}}`],
  ['responses', '/v1/responses', odd => `{"model":"m","input":${odd}}`],
  ['anthropic', '/v1/messages', odd => `{"model":"m","max_tokens":9,"messages":${odd}}`],
  ['gemini', '/v1beta/models/m:generateContent', odd => `{"contents":${odd}}`],
  ['ollama', '/api/chat', odd => `{"model":"m","messages":${odd}}`],
])('C12: a caller of %s that sends what is no conversation', (caller, path, body) => {
  test('is told so with 400, and nobody is asked', async () => {
    await using bed = await Bed.start()
    const key = bed.key()
    // One that its caller does not speak: everything is read.
    const way = caller === 'ollama' ? ways.Anthropic : ways.Ollama
    if (!way) throw new Error('no such way')
    bed.provider('p', { type: way.type, baseUrl: engine.url(undefined, way.base) })
    bed.route('m', { tiers: [{ targets: [{ provider: 'p', model }] }] })
    engine.seen.length = 0
    for (const odd of [
      '7',
      'true',
      '{}',
      '[7]',
      '[null]',
      '[[]]',
      '[{"role":7}]',
      '[{"role":"__proto__","content":"x","parts":[]}]',
      '[{"__proto__":{"role":"user"},"constructor":1}]',
      '[{"role":"user","content":{"type":"text"},"parts":7}]',
      '[{"role":"user","content":[{"type":"toString"}],"parts":[{"toString":1}],"images":7}]',
      `${'['.repeat(400)}${']'.repeat(400)}`,
      `[${'0,'.repeat(70_000)}0]`,
      `[{"role":"user","content":[${'{"type":"text","text":"a"},'.repeat(70_000)}0],"parts":[${'{},'.repeat(70_000)}0],"images":[${'"x",'.repeat(70_000)}"x"]}]`,
      '[{"role":"user","content":"x"',
      '[{"role":"user","content":"\u0001"}]',
    ]) {
      const answer = await post(bed, key, path, body(odd))
      const text = await answer.text()
      expect(answer.status, `${odd.slice(0, 60)}: ${text}`).toBe(400)
      expect(text, odd.slice(0, 60)).toMatch(/error/)
    }
    expect(engine.seen).toEqual([])
    expect(({} as Record<string, unknown>).role).toBeUndefined()
  })
})
