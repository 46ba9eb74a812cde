// The edge of the gateway, through its port: origins, addresses, coded bodies.
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib'
import type { DoorOptions } from '@switchyard/gateway'
import { afterEach, describe, expect, test } from 'vitest'
import { Bed } from './bed.ts'
import { callRaw } from './raw-call.ts'
import { ScriptedUpstream } from './upstream.ts'

let stack = new AsyncDisposableStack()
afterEach(async () => {
  await stack.disposeAsync()
  stack = new AsyncDisposableStack()
})

async function start(door: DoorOptions = {}, limits = {}) {
  const bed = stack.use(await Bed.start(limits, door))
  const engine = stack.use(await ScriptedUpstream.start())
  bed.endpoint('tiny', [engine.address])
  return { bed, engine, key: bed.key() }
}

const page = 'https://app.example.com'
const asking = { origin: page, 'access-control-request-method': 'POST' }

describe('E1 a page of another origin', () => {
  const cors = { origins: [page] }

  test.each([
    '/v1/chat/completions',
    '/v1/messages',
    '/v1beta/models/tiny:generateContent',
    '/api/chat',
    '/v1/none',
  ])('is told before it has a key that it may call %s', async path => {
    const { bed, engine } = await start({ cors })
    const headers = { ...asking, 'access-control-request-headers': 'authorization, x-stainless-os, cookie' }
    const answer = await fetch(bed.url + path, { method: 'OPTIONS', headers })
    expect(answer.status).toBe(204)
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'access-control-allow-origin': page,
      'access-control-allow-methods': 'POST',
      'access-control-allow-headers': 'authorization, x-stainless-os',
      'access-control-max-age': '7200',
      'x-request-id': answer.headers.get('request-id'),
    })
    expect(engine.seen).toHaveLength(0)
  })

  test('reads every answer: whole, streamed and refused, at whatever stage', async () => {
    const { bed, key } = await start({ cors })
    const init = { headers: { origin: page } }
    const answers = await Promise.all([
      bed.chat(key, {}, init),
      bed.chat(key, { stream: true }, init),
      bed.chat('sk-sy-unknown', {}, init),
      bed.chat(key, { model: 'absent' }, init),
      bed.post('/v1/nothing', key, {}, init),
      bed.post('/v1/chat/completions', key, '{', init),
      fetch(`${bed.url}/v1/models`, { headers: { ...init.headers, authorization: `Bearer ${key}` } }),
    ])
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 401, 404, 404, 400, 200])
    for (const { headers } of answers) {
      expect(headers.get('access-control-allow-origin')).toBe(page)
      expect(headers.get('access-control-expose-headers')).toContain('x-request-id')
      expect(headers.get('vary')).toContain('origin')
    }
  })

  test('that is not listed is told nothing', async () => {
    const { bed, key } = await start({ cors })
    const other = { origin: 'https://evil.example.com' }
    const preflight = await fetch(`${bed.url}/v1/chat/completions`, {
      method: 'OPTIONS',
      headers: { ...asking, ...other },
    })
    const answer = await bed.chat(key, {}, { headers: other })
    for (const { headers } of [preflight, answer]) {
      expect(headers.get('access-control-allow-origin')).toBeNull()
      expect(headers.get('vary')).toContain('origin')
    }
  })

  test('is told nothing by default', async () => {
    const { bed, key } = await start()
    const preflight = await fetch(`${bed.url}/v1/chat/completions`, { method: 'OPTIONS', headers: asking })
    expect([preflight.status, preflight.headers.get('allow')]).toEqual([405, 'POST'])
    const answer = await bed.chat(key, {}, { headers: { origin: page } })
    expect([...answer.headers.keys()].filter(name => name.startsWith('access-control'))).toEqual([])
  })
})

describe('E1 a caller’s address', () => {
  const from = (...hops: string[]) => ({ headers: { 'x-forwarded-for': hops.join(', ') } })
  const behind = { proxies: ['127.0.0.0/8'] }

  test('is let in by the listener, the workspace and the key, or by none of them', async () => {
    const { bed, engine, key } = await start({ ...behind, addresses: { deny: ['192.0.2.66'] } })
    bed.change('Workspace', 'default', { spec: { addresses: { allow: ['192.0.2.0/24'], deny: [] } } })
    const narrow = bed.key({ spec: { addresses: { allow: ['192.0.2.7'], deny: [] } } })
    const statuses = async (secret: string) =>
      Promise.all(
        ['192.0.2.7', '192.0.2.8', '192.0.2.66', '198.51.100.1'].map(
          async address => (await bed.chat(secret, {}, from(address))).status,
        ),
      )
    expect(await statuses(key)).toEqual([200, 200, 403, 403])
    expect(await statuses(narrow)).toEqual([200, 403, 403, 403])
    const refused = await bed.chat(key, {}, from('198.51.100.1'))
    expect(await refused.json()).toMatchObject({ error: { code: 'ip_denied', type: 'permission_error' } })
    expect(engine.seen).toHaveLength(3)
  })

  test('is judged after the key and before the media type, and before models are listed', async () => {
    const { bed, key } = await start({ addresses: { allow: ['192.0.2.0/24'] } })
    const form = { headers: { 'content-type': 'text/plain' } }
    expect((await bed.chat('sk-sy-unknown', {}, form)).status).toBe(401)
    expect((await bed.chat(key, {}, form)).status).toBe(403)
    const headers = { authorization: `Bearer ${key}` }
    expect((await fetch(`${bed.url}/v1/models`, { headers })).status).toBe(403)
    expect((await fetch(`${bed.url}/`)).status).toBe(403)
    expect(bed.journal.records).toEqual([])
  })

  test('behind a listed proxy is the rightmost that is none, however many headers there are', async () => {
    const { bed, key } = await start({ ...behind, addresses: { allow: ['192.0.2.0/24'] } })
    expect((await bed.chat(key, {}, from('192.0.2.1', '198.51.100.1'))).status).toBe(403)
    expect((await bed.chat(key, {}, from('198.51.100.1', '192.0.2.1', '127.0.0.9'))).status).toBe(200)
    const several = ['x-forwarded-for: 198.51.100.1', 'X-Forwarded-For: 192.0.2.1, 127.0.0.3']
    const models = await callRaw(bed.port, ['GET /v1/models HTTP/1.1', `x-api-key: ${key}`, ...several])
    expect(models).toMatch(/^HTTP\/1.1 200 /)
    expect(bed.observed.flatMap(one => (one.type === 'request_ended' ? one.client : []))).toEqual([
      '198.51.100.1',
      '192.0.2.1',
      '192.0.2.1',
    ])
  })

  test('behind a proxy that is not listed is the proxy’s', async () => {
    const { bed, key } = await start({ addresses: { allow: ['192.0.2.0/24'] } })
    expect((await bed.chat(key, {}, from('192.0.2.1'))).status).toBe(403)
    const open = await start()
    expect((await open.bed.chat(open.key, {}, from('192.0.2.1'))).status).toBe(200)
    expect(open.bed.observed).toContainEqual(expect.objectContaining({ client: '127.0.0.1', status: 200 }))
  })
})

describe('a whole answer of 1 KiB and more', () => {
  const long = { model: 'long', messages: [{ role: 'user', content: 'a' }] }

  /** Head and body of the answer as they came. */
  async function ask(bed: Bed, key: string, coding: string, body: object) {
    const text = JSON.stringify(body)
    const answer = await callRaw(
      bed.port,
      [
        'POST /v1/chat/completions HTTP/1.1',
        `authorization: Bearer ${key}`,
        'content-type: application/json',
        `accept-encoding: ${coding}`,
        `content-length: ${text.length}`,
      ],
      Buffer.from(text),
    )
    const end = answer.indexOf('\r\n\r\n')
    return { head: answer.slice(0, end), body: Buffer.from(answer.slice(end + 4), 'latin1') }
  }

  /** An engine whose answers are 4 KB long. */
  async function longEngine(): Promise<string> {
    const message = { role: 'assistant', content: 'la '.repeat(1300) }
    const server = createServer((request, response) => {
      const parts: Buffer[] = []
      request.on('data', (part: Buffer) => parts.push(part))
      request.on('end', () => {
        const streamed = Buffer.concat(parts).includes('"stream":true')
        response.writeHead(200, { 'content-type': streamed ? 'text/event-stream' : 'application/json' })
        const choice = { index: 0, [streamed ? 'delta' : 'message']: message, finish_reason: 'stop' }
        const text = JSON.stringify({ id: 'a', choices: [choice] })
        response.end(streamed ? `data: ${text}\n\ndata: [DONE]\n\n` : text)
      })
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    stack.defer(() => {
      server.closeAllConnections()
      server.close()
    })
    return `127.0.0.1:${(server.address() as AddressInfo).port}` // it listens on TCP
  }

  test('leaves coded for a caller that takes that, and reads the same', async () => {
    const { bed, key } = await start()
    bed.endpoint('long', [await longEngine()])
    const plain = await ask(bed, key, 'identity', long)
    const br = await ask(bed, key, 'gzip, br', long)
    const gzip = await ask(bed, key, 'gzip', long)
    expect(plain.body.length).toBeGreaterThan(3900)
    expect(br.head).toMatch(/content-encoding: br\r?$/m)
    expect(gzip.head).toMatch(/content-encoding: gzip\r?$/m)
    for (const { head } of [plain, br, gzip]) expect(head).toMatch(/vary: accept-encoding\r?$/m)
    expect(plain.head).not.toContain('content-encoding')
    expect(brotliDecompressSync(br.body)).toEqual(plain.body)
    expect(gunzipSync(gzip.body)).toEqual(plain.body)
    expect(br.head).toContain(`content-length: ${br.body.length}`)
    expect(bed.journal.events.filter(({ data }) => data.end === 'done')).toHaveLength(3)
  })

  test('leaves as it is where that is set so; a stream and a short answer always do', async () => {
    const open = await start()
    const short = await ask(open.bed, open.key, 'br', { ...long, model: 'tiny' })
    open.bed.endpoint('long', [await longEngine()])
    const streamed = await ask(open.bed, open.key, 'br', { ...long, stream: true })
    for (const { head } of [short, streamed]) {
      expect(head).toMatch(/^HTTP\/1.1 200 /)
      expect(head).not.toContain('content-encoding')
    }
    const plain = await start({ compress: false })
    plain.bed.endpoint('long', [await longEngine()])
    const { head, body } = await ask(plain.bed, plain.key, 'br', long)
    expect(head).not.toMatch(/content-encoding|vary/)
    expect(body.length).toBeGreaterThan(3900)
  })
})

describe('F9 a coded request', () => {
  async function send(bed: Bed, key: string, body: Buffer, coding = 'gzip', chunked = false) {
    const init = {
      method: 'POST',
      headers: {
        authorization: `Bearer ${key}`,
        'content-type': 'application/json',
        'content-encoding': coding,
      },
    }
    const given = chunked
      ? { body: new Blob([new Uint8Array(body)]).stream(), duplex: 'half' as const }
      : { body: new Uint8Array(body) }
    return fetch(`${bed.url}/v1/chat/completions`, { ...init, ...given })
  }
  const code = async (answer: Response): Promise<unknown> => {
    const { error } = (await answer.json()) as { readonly error: { readonly code: string } } // OpenAI's shape
    return [answer.status, error.code]
  }

  test('is read as if it were plain', async () => {
    const { bed, engine, key } = await start()
    const text = JSON.stringify({ model: 'tiny', messages: [{ role: 'user', content: 'x'.repeat(5000) }] })
    for (const chunked of [false, true])
      expect((await send(bed, key, gzipSync(text), 'gzip', chunked)).status).toBe(200)
    expect(engine.seen.map(({ body }) => body.toString())).toEqual([text, text])
    expect(engine.seen[0]?.headers['content-encoding']).toBeUndefined()
  })

  test('that is a bomb ends at the ratio, before it is as large as a body may be', async () => {
    const { bed, engine, key } = await start()
    const bomb = gzipSync(Buffer.alloc(30 * 1024 * 1024, 0x20))
    expect(await code(await send(bed, key, bomb))).toEqual([413, 'body'])
    expect(engine.seen).toHaveLength(0)
    expect(bed.journal.records).toEqual([])
    expect(bed.gateway.inflight).toBe(0)
  })

  test('is refused at the byte that exceeds, decoded or coded', async () => {
    const { bed, key } = await start({}, { bodyBytes: 64 * 1024 })
    expect(await code(await send(bed, key, gzipSync(Buffer.alloc(65 * 1024, 0x20))))).toEqual([413, 'body'])
    expect(await code(await send(bed, key, gzipSync(randomBytes(70_000))))).toEqual([413, 'body'])
  })

  test('that is not gzip, or breaks off, is told so', async () => {
    const { bed, key } = await start()
    expect(await code(await send(bed, key, Buffer.from('{"model":"tiny"}')))).toEqual([400, 'invalid_value'])
    const whole = gzipSync(JSON.stringify({ model: 'tiny', messages: [] }))
    expect(await code(await send(bed, key, whole.subarray(0, -9)))).toEqual([400, 'invalid_value'])
    expect(bed.gateway.inflight).toBe(0)
  })

  test.each(['br', 'zstd', 'deflate', 'gzip, gzip'])('by %s is not taken', async coding => {
    const { bed, key } = await start()
    expect(await code(await send(bed, key, Buffer.from('{}'), coding))).toEqual([415, 'encoding'])
  })
})
