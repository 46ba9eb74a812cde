// Bodies of a megabyte and more through the port: they are scanned as they come and leave in pieces, and nothing else
// may differ from a small one.
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Bed } from './bed.ts'
import { settle } from './fleet.ts'
import { ScriptedUpstream } from './upstream.ts'

let bed: Bed
let engine: ScriptedUpstream
let key: string

beforeEach(async () => {
  bed = await Bed.start()
  engine = await ScriptedUpstream.start()
  settle(bed, engine, 'same', 'openai')
  settle(bed, engine, 'other', 'anthropic')
  bed.route('m', { tiers: [{ targets: [{ provider: 'same', model: 'up "1"' }] }] })
  bed.route('converted', { tiers: [{ targets: [{ provider: 'other', model: 'up' }] }] })
  key = bed.key()
})
afterEach(async () => {
  await bed[Symbol.asyncDispose]()
  await engine[Symbol.asyncDispose]()
})

type Way = 'length' | 'chunked' | 'gzip'
const ways: readonly Way[] = ['length', 'chunked', 'gzip']

interface Answer {
  readonly status: number
  readonly body: string
}

/** Sends a body in parts that end at these places. */
async function post(path: string, bytes: Buffer, way: Way, places: readonly number[] = []): Promise<Answer> {
  const body = way === 'gzip' ? gzipSync(bytes, { level: 1 }) : bytes
  const sent = request({
    host: '127.0.0.1',
    port: bed.port,
    method: 'POST',
    path,
    agent: false,
    headers: {
      authorization: `Bearer ${key}`,
      'content-type': 'application/json',
      ...(way === 'chunked' ? { 'transfer-encoding': 'chunked' } : { 'content-length': body.length }),
      ...(way === 'gzip' && { 'content-encoding': 'gzip' }),
    },
  })
  const answered = once(sent, 'response')
  const at = places.map(place => place % body.length).toSorted((one, other) => one - other)
  let from = 0
  for (const to of [...at, body.length]) {
    if (to > from && !sent.write(body.subarray(from, to))) await once(sent, 'drain')
    from = to
  }
  sent.end()
  const [answer] = (await answered) as [IncomingMessage]
  let text = ''
  for await (const chunk of answer.setEncoding('utf8')) text += String(chunk)
  return { status: answer.statusCode ?? 0, body: text }
}

/** Nothing that gzip would make small. */
const image = randomBytes(900_000).toString('base64')
const kept =
  '"x" : [1e400, 12345678901234567890, "\\ud800", "é😀\\u0000\\/", {"model":1,"model":2,"stream":[]} ], "__proto__":{}'
const picture = (url: string) =>
  `{"role":"user","content":[{"type":"image_url","image_url":{"url":"${url}"}}]}`
const chat = (model: string, inside = picture(`data:image/png;base64,${image}`)) =>
  Buffer.from(`\r\n{ ${kept},"messages":[${inside}],\t"model" : ${model} ,"last":"ü"}`)

const cuts = fc.array(fc.nat(2_000_000), { maxLength: 30 })

describe('a large body', () => {
  test('B5: reaches the upstream as it was sent but for the model, however it was sent', async () => {
    const few = { numRuns: 12, endOnFailure: true }
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...ways), cuts, async (way, places) => {
        engine.seen.length = 0
        const answer = await post('/v1/chat/completions', chat('"m"'), way, places)
        expect(answer.status).toBe(200)
        expect(engine.seen[0]?.body.equals(chat('"up \\"1\\""'))).toBe(true)
      }),
      few,
    )
  })

  test.each([
    ['two models', Buffer.from(`{"model":"m","a":"${image}","model":"m"}`), 'duplicate_member'],
    ['an escaped model', Buffer.from(`{"a":"${image}","mod\\u0065l":"m"}`), 'duplicate_member'],
    [
      'two streams',
      Buffer.from(`{"model":"m","stream":true,"a":"${image}","stream":false}`),
      'duplicate_member',
    ],
    ['no model', Buffer.from(`{"a":"${image}"}`), 'missing_field'],
    ['an end too early', Buffer.from(`{"model":"m","a":"${image}"`), 'invalid_json'],
    [
      'bytes that are not UTF-8',
      Buffer.concat([Buffer.from(`{"model":"m","a":"${image}`), Buffer.of(0xc3), Buffer.from('"}')]),
      'invalid_json',
    ],
    ['NUL in a string', Buffer.from(`{"model":"m","a":"${image}\0"}`), 'invalid_json'],
    ['hostile nesting', Buffer.from(`{"model":"m","a":${'['.repeat(1_000_000)}`), 'invalid_json'],
  ])('%s: is refused', async (_, bytes, reason) => {
    const tell = async (way: Way) => {
      const { status, body } = await post('/v1/chat/completions', bytes, way, [100_000, 300_001, 1_000_000])
      return { status, error: (JSON.parse(body) as { error: object }).error }
    }
    for (const way of ways) expect(await tell(way)).toMatchObject({ status: 400, error: { code: reason } })
    expect(engine.seen).toEqual([])
  })

  test('B5: is converted with its image as it was sent', async () => {
    for (const way of ways) {
      engine.seen.length = 0
      const { status } = await post('/v1/chat/completions', chat('"converted"'), way, [9, 400_000])
      expect(status).toBe(200)
      const { messages } = JSON.parse(engine.seen[0]?.body.toString() ?? '') as { messages: unknown }
      const source = { type: 'base64', media_type: 'image/png', data: image }
      expect(messages).toMatchObject([{ role: 'user', content: [{ type: 'image', source }] }])
    }
  })

  test('goes by its metadata where a route does', async () => {
    bed.route('golden', {
      names: ['m'],
      priority: 1,
      match: { metadata: { tier: 'gold' } },
      tiers: [{ targets: [{ provider: 'same', model: 'golden' }] }],
    })
    for (const way of ways)
      for (const [tier, served] of [
        ['gold', '"golden"'],
        ['silver', '"up \\"1\\""'],
      ] as const) {
        engine.seen.length = 0
        const text = `${picture(`data:image/png;base64,${image}`)}],"metadata":{"tier":"${tier}"},"y":[0`
        const { status } = await post('/v1/chat/completions', chat('"m"', text), way)
        expect(status).toBe(200)
        expect(engine.seen[0]?.body.equals(chat(served, text))).toBe(true)
      }
  })

  test('is sent whole once more to the next upstream', async () => {
    bed.route('again', {
      tiers: [
        { targets: [{ provider: 'failing', model: 'up' }] },
        { targets: [{ provider: 'same', model: 'up' }] },
      ],
    })
    settle(bed, engine, 'failing', 'openai', { act: 'refuse with 503' })
    const { status } = await post('/v1/chat/completions', chat('"again"'), 'length')
    expect(status).toBe(200)
    expect(engine.seen.at(-1)?.body.equals(chat('"up"'))).toBe(true)
  })

  test('whose caller leaves in the middle of it leaves nothing behind', async () => {
    const sent = request({
      host: '127.0.0.1',
      port: bed.port,
      method: 'POST',
      path: '/v1/chat/completions',
      headers: {
        authorization: `Bearer ${key}`,
        'content-type': 'application/json',
        'content-length': 5_000_000,
      },
    })
    sent.on('error', () => undefined) // it is destroyed below
    sent.write(chat('"m"'))
    await expect.poll(() => bed.gateway.inflight, { timeout: 15_000 }).toBe(1)
    sent.destroy()
    await expect.poll(() => bed.gateway.inflight, { timeout: 15_000 }).toBe(0)
    expect(engine.seen).toEqual([])
  })
})
