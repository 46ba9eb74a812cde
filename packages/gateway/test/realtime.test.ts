import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { OpenAI } from 'openai'
import { OpenAIRealtimeWS } from 'openai/realtime/ws'
import { expect, test, vi } from 'vitest'
import { Bed } from './bed.ts'
import { done, echo, Heard, Sessions, type Talk } from './realtime.bed.ts'
import { codeOf } from './upload.bed.ts'

async function rig(talk: Talk = echo, limits = {}) {
  const stack = new AsyncDisposableStack()
  const upstream = stack.use(await Sessions.start(talk))
  const bed = stack.use(await Bed.start(limits))
  bed.credential('far-key', 'sk-far')
  bed.provider('far', {
    type: 'openai-compatible',
    baseUrl: `http://${upstream.address}/v1`,
    credential: 'far-key',
    models: [{ name: 'tiny', upstream: 'served-name' }],
  })
  bed.route('tiny', { tiers: [{ targets: [{ provider: 'far', model: 'tiny' }] }] })
  const key = bed.key()
  const open = (path = '/v1/realtime?model=tiny', protocols: string[] = [], headers = bearer(key)) =>
    new Heard(`ws://127.0.0.1:${bed.port}${path}`, protocols, headers)
  return { upstream, bed, key, open, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

const bearer = (key: string): Record<string, string> => ({ authorization: `Bearer ${key}` })
const createResponse = JSON.stringify({ type: 'response.create' })

test("A11: a session passes both ways, with the provider's own credential and name of the model, and is metered once", async () => {
  await using at = await rig()
  const heard = at.open('/v1/realtime?model=tiny', [], { ...bearer(at.key), 'openai-beta': 'realtime=v1' })
  expect(await heard.opened).toBe('open')
  heard.socket.send('{"type":"input_audio_buffer.append","audio":"AAAA"}')
  heard.socket.send(Buffer.of(1, 2, 255), { binary: true })
  heard.socket.send(createResponse)
  heard.socket.send(createResponse)
  await vi.waitUntil(() => heard.messages.length === 5)
  expect(heard.messages.map(({ binary }) => binary)).toEqual([false, false, true, false, false])
  expect(heard.messages[1]?.text).toBe('{"type":"input_audio_buffer.append","audio":"AAAA"}')
  const [request] = at.upstream.requests
  expect(request?.url).toBe('/v1/realtime?model=served-name')
  expect(request?.headers).toMatchObject({ authorization: 'Bearer sk-far', 'openai-beta': 'realtime=v1' })
  expect(JSON.stringify(request?.rawHeaders)).not.toContain(at.key)
  heard.socket.close(1000, 'bye')
  await vi.waitUntil(() => at.bed.journal.events.length > 0)
  expect(at.bed.journal.last).toMatchObject({
    operation: 'realtime',
    end: 'done',
    status: 101,
    upstream: 'far',
    usageSource: 'provider',
    quantities: { 'tok.in.audio': '30', 'tok.in.uncached': '10', 'tok.out.audio': '12', 'tok.out.text': '8' },
  })
  await vi.waitUntil(() => at.bed.gateway.inflight === 0)
  expect(at.bed.journal.events).toHaveLength(1)
  expect(at.bed.journal.records.map(({ kind }) => kind)).toEqual(['open', 'progress', 'progress', 'usage'])
})

test("the official client's session runs", async () => {
  await using at = await rig()
  const client = new OpenAI({ apiKey: at.key, baseURL: `${at.bed.url}/v1` })
  // The client insists on TLS, which this listener does not have: the connection below it is a plain one.
  const options = { createConnection: () => connect(at.bed.port, '127.0.0.1') }
  const session = new OpenAIRealtimeWS({ model: 'tiny', options: options as object }, client)
  const created = Promise.withResolvers<string>()
  const finished = Promise.withResolvers<number | undefined>()
  session.on('session.created', event => created.resolve(event.type))
  session.on('response.done', event => finished.resolve(event.response.usage?.total_tokens))
  session.on('error', error => finished.reject(error))
  await once(session.socket, 'open')
  session.send({ type: 'response.create' })
  expect(await created.promise).toBe('session.created')
  expect(await finished.promise).toBe(30)
  session.close()
  await vi.waitUntil(() => at.bed.journal.events.length > 0)
  expect(at.bed.journal.last).toMatchObject({ end: 'done', model: 'tiny' })
})

test("A11: a browser's key comes by subprotocol, and only `realtime` is agreed on", async () => {
  await using at = await rig()
  const heard = at.open('/v1/realtime?model=tiny', ['realtime', `openai-insecure-api-key.${at.key}`], {})
  expect(await heard.opened).toBe('open')
  expect(heard.socket.protocol).toBe('realtime')
  expect(at.upstream.requests[0]?.headers['sec-websocket-protocol']).toBeUndefined()
})

test.each([
  '/v1/realtime?model=tiny',
  '/openai/v1/realtime?model=tiny',
  '/openai/realtime?api-version=1&deployment=tiny',
])('A1: %s opens a session', async path => {
  await using at = await rig()
  expect(await at.open(path).opened).toBe('open')
})

test.each<[string, string, (key: string) => [string[], Record<string, string>], number, string]>([
  ['no key', '/v1/realtime?model=tiny', () => [[], {}], 401, 'invalid_api_key'],
  [
    'a wrong key',
    '/v1/realtime?model=tiny',
    () => [['realtime', 'openai-insecure-api-key.sk-x'], {}],
    401,
    'invalid_api_key',
  ],
  [
    'two keys',
    '/v1/realtime?model=tiny',
    key => [['openai-insecure-api-key.sk-x'], bearer(key)],
    400,
    'conflicting_credentials',
  ],
  ['no model', '/v1/realtime', key => [[], bearer(key)], 400, 'missing_field'],
  ['two models', '/v1/realtime?model=tiny&model=other', key => [[], bearer(key)], 400, 'duplicate_member'],
  ['an unknown model', '/v1/realtime?model=none', key => [[], bearer(key)], 404, 'model_not_found'],
  ['an unknown path', '/v1/nothing', key => [[], bearer(key)], 404, 'unknown_path'],
])("an opening with %s is an HTTP error in OpenAI's shape", async (_, path, carried, status, code) => {
  await using at = await rig()
  const told = await at.open(path, ...carried(at.key)).opened
  if (told === 'open') throw new Error('it opened')
  expect([told.status, codeOf(told.body)]).toEqual([status, code])
  const ids = told.headers as Record<string, string> // node lists them by name
  expect(ids['x-request-id']).toBe(ids['request-id'])
  expect(at.upstream.requests).toEqual([])
  await vi.waitUntil(() => at.bed.gateway.inflight === 0)
})

test('a request without an upgrade is told what to send', async () => {
  await using at = await rig()
  const told = await fetch(`${at.bed.url}/v1/realtime?model=tiny`, { headers: bearer(at.key) })
  expect(told.status).toBe(426)
})

test.each([
  [401, 502, 'upstream_error'],
  [429, 429, 'upstream_rate_limited'],
  [503, 503, 'overloaded'],
  [400, 400, 'invalid_value'],
])(
  'an upstream that answers the opening with %i is %i for the caller, and says no more',
  async (status, seen, code) => {
    await using at = await rig()
    at.upstream.refusals = [status]
    const told = await at.open().opened
    if (told === 'open') throw new Error('it opened')
    expect([told.status, codeOf(told.body)]).toEqual([seen, code])
    expect(told.body).not.toContain('secret')
    expect(at.bed.journal.last).toMatchObject({ operation: 'realtime', status: seen })
  },
)

test('an upstream that refuses is followed by another one, before the caller is told anything', async () => {
  await using at = await rig()
  await using other = await Sessions.start()
  at.bed.provider('near', { type: 'openai-compatible', baseUrl: `http://${other.address}/v1` })
  const targets = [{ provider: 'far', model: 'tiny' }]
  at.bed.route('two', { tiers: [{ targets }, { targets: [{ provider: 'near', model: 'tiny' }] }] })
  at.upstream.refusals = [503]
  const heard = at.open('/v1/realtime?model=two')
  expect(await heard.opened).toBe('open')
  expect(other.requests).toHaveLength(1)
  heard.socket.close()
  await vi.waitUntil(() => at.bed.journal.events.length > 0)
  expect(at.bed.journal.last).toMatchObject({ upstream: 'near', end: 'done' })
})

test('an upstream without sessions is refused by name', async () => {
  await using at = await rig()
  at.bed.provider('mistral', { type: 'mistral', baseUrl: `http://${at.upstream.address}/v1` })
  at.bed.route('chatty', { tiers: [{ targets: [{ provider: 'mistral', model: 'm' }] }] })
  const told = await at.open('/v1/realtime?model=chatty').opened
  if (told === 'open') throw new Error('it opened')
  expect([told.status, codeOf(told.body)]).toEqual([400, 'unsupported_by_model'])
})

test('a provider in a private range that it may not use is never dialled', async () => {
  await using at = await rig()
  at.bed.provider('hidden', { type: 'openai-compatible', baseUrl: `http://${at.upstream.address}/v1` })
  at.bed.change('Provider', 'hidden', { spec: { allowCidrs: [] } })
  at.bed.route('hidden', { tiers: [{ targets: [{ provider: 'hidden', model: 'm' }] }] })
  const told = await at.open('/v1/realtime?model=hidden').opened
  if (told === 'open') throw new Error('it opened')
  expect(told.status).toBe(502)
  expect(at.upstream.requests).toEqual([])
})

test('A5, A11: a revoked key ends its session with an error event and 1008', async () => {
  await using at = await rig()
  const heard = at.open()
  await heard.opened
  at.bed.change('ApiKey', 'key-0', { spec: { disabled: true } })
  expect(await heard.closed).toEqual({ code: 1008, reason: 'invalid_api_key' })
  expect(heard.types).toEqual(['session.created', 'error'])
  expect(at.bed.journal.last).toMatchObject({ end: 'client_gone' })
  await vi.waitUntil(() => at.upstream.sockets[0]?.readyState === 3)
})

test('A11: a gateway that stops ends its sessions with 1012', async () => {
  await using at = await rig()
  const heard = at.open()
  await heard.opened
  await at.bed.gateway.drain(0)
  expect(await heard.closed).toEqual({ code: 1012, reason: 'draining' })
  expect(at.bed.journal.last).toMatchObject({ end: 'drained' })
})

test('A11: a session that uses up its limit is ended with 1013, and what it used is told', async () => {
  await using at = await rig()
  at.bed.change('ApiKey', 'key-0', { spec: { limits: { tokens: { perMinute: 50, burst: 50 } } } })
  const heard = at.open()
  await heard.opened
  heard.socket.send(createResponse)
  await vi.waitUntil(() => heard.types.includes('response.done'))
  heard.socket.send(createResponse)
  expect(await heard.closed).toEqual({ code: 1013, reason: 'rate_limit_exceeded' })
  expect(at.bed.journal.last.quantities).toMatchObject({ 'tok.in.audio': '30' })
  const told = await at.open().opened
  expect(told).toMatchObject({ status: 429 })
})

test('a session that spends what its key may is ended, and each response is paid for at once', async () => {
  await using at = await rig()
  const money = { perDay: '50', currency: 'USD' }
  at.bed.change('ApiKey', 'key-0', { spec: { limits: { money } } })
  const unpriced = await at.open().opened
  expect(unpriced).toMatchObject({ status: 503 })
  at.bed.priceBook('sale', {
    side: 'sale',
    rates: (['tok.in.*', 'tok.out.*'] as const).map(unit => ({ model: 'tiny', unit, price: '1', per: 1 })),
  })
  const left = async () => {
    const { limits } = await at.bed.gateway.explain({ workspace: 'default', model: 'tiny', key: 'key-0' })
    return limits[0]?.remaining
  }
  const heard = at.open()
  await heard.opened
  heard.socket.send(createResponse)
  await vi.waitUntil(() => heard.types.includes('response.done'))
  // Two tokens are held for the session while it lasts.
  await vi.waitFor(async () => expect(Number(await left())).toBeCloseTo(50 - 30 - 2, 3))
  heard.socket.send(createResponse)
  expect(await heard.closed).toEqual({ code: 1013, reason: 'insufficient_quota' })
  // What has been used is paid for, more than there was.
  await vi.waitFor(async () => expect(await left()).toBe('0'))
  expect(await at.open().opened).toMatchObject({ status: 429 })
  at.bed.change('ApiKey', 'key-0', { spec: { limits: { money: { ...money, perDay: '100' } } } })
  await vi.waitFor(async () => expect(await left()).toBe('40'))
})

test('a session holds a seat of the limit of concurrency until it ends', async () => {
  await using at = await rig()
  at.bed.change('ApiKey', 'key-0', { spec: { limits: { concurrency: 1 } } })
  const first = at.open()
  await first.opened
  expect(await at.open().opened).toMatchObject({ status: 429 })
  first.socket.close()
  await vi.waitUntil(() => at.bed.gateway.inflight === 0)
  expect(await at.open().opened).toBe('open')
})

test('an upstream that is lost is an error event, then 1011; one that closes is closed the same way', async () => {
  await using at = await rig()
  const lost = at.open()
  await lost.opened
  at.upstream.sockets[0]?.terminate()
  expect(await lost.closed).toEqual({ code: 1011, reason: 'upstream_error' })
  expect(lost.types.at(-1)).toBe('error')
  expect(at.bed.journal.last).toMatchObject({ end: 'upstream_error' })
  const over = at.open()
  await over.opened
  at.upstream.sockets[1]?.close(4001, 'session_expired')
  expect(await over.closed).toEqual({ code: 4001, reason: 'session_expired' })
  expect(at.bed.journal.last).toMatchObject({ end: 'done' })
})

test('a caller that is lost ends its session at the upstream at once', async () => {
  await using at = await rig()
  const heard = at.open()
  await heard.opened
  const [upstream] = at.upstream.sockets
  heard.socket.terminate()
  if (upstream) await once(upstream, 'close')
  await vi.waitUntil(() => at.bed.gateway.inflight === 0)
  expect(at.bed.journal.last).toMatchObject({ end: 'client_gone' })
})

/** Begins a response, and finishes it when it is told to end it. */
const interrupted =
  (answers: boolean): Talk =>
  socket => {
    socket.on('message', (bytes: Buffer) => {
      const { type } = JSON.parse(bytes.toString()) as { type: string } // every event has one
      if (type === 'response.create') socket.send('{"type":"response.created","response":{"id":"r"}}')
      if (type === 'response.cancel' && answers) socket.send(done({ status: 'cancelled' }))
    })
  }

test.for([1000, 1006])(
  'a response whose caller leaves is ended upstream, and what it had used by then is paid for (%i)',
  async code => {
    await using at = await rig(interrupted(true))
    const heard = at.open()
    await heard.opened
    heard.socket.send(createResponse)
    await vi.waitUntil(() => heard.types.includes('response.created'))
    const [upstream] = at.upstream.sockets
    if (code === 1006) heard.socket.terminate()
    else heard.socket.close(code)
    if (upstream) await once(upstream, 'close')
    await vi.waitUntil(() => at.bed.gateway.inflight === 0)
    expect(at.bed.journal.events).toHaveLength(1)
    expect(at.bed.journal.last).toMatchObject({
      end: code === 1006 ? 'client_gone' : 'done',
      billable: 'caller',
      quantities: { 'tok.in.audio': '15', 'tok.out.text': '4' },
    })
  },
)

test('an upstream that does not tell is waited for five seconds, and what was told before is paid for', async () => {
  await using at = await rig(interrupted(false))
  const heard = at.open()
  await heard.opened
  heard.socket.send(createResponse)
  await vi.waitUntil(() => heard.types.includes('response.created'))
  at.upstream.sockets[0]?.send(done())
  at.upstream.sockets[0]?.send('{"type":"response.created","response":{"id":"s"}}')
  await vi.waitUntil(() => heard.messages.length === 3)
  const left = performance.now()
  heard.socket.terminate()
  await vi.waitUntil(() => at.bed.journal.events.length > 0, { timeout: 20_000 })
  expect(performance.now() - left).toBeGreaterThan(4800)
  expect(at.bed.journal.last).toMatchObject({ end: 'client_gone', quantities: { 'tok.in.audio': '15' } })
})

test('a caller that leaves while the upstream is dialled leaves nothing behind', async () => {
  await using at = await rig()
  const silent = createServer().listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const { port } = silent.address() as AddressInfo // it listens on TCP
  at.bed.provider('slow', { type: 'openai-compatible', baseUrl: `http://127.0.0.1:${port}/v1` })
  at.bed.route('slow', { tiers: [{ targets: [{ provider: 'slow', model: 'm' }] }] })
  const heard = at.open('/v1/realtime?model=slow')
  const [connection] = (await once(silent, 'connection')) as [Socket] // of a server
  heard.socket.terminate()
  await once(connection.resume(), 'close')
  await vi.waitUntil(() => at.bed.gateway.inflight === 0)
  expect(at.bed.journal.last).toMatchObject({ end: 'client_gone', status: 499 })
  silent.close()
})

test('a message above the limit closes the session with 1009', async () => {
  await using at = await rig(echo, { realtimeBytes: 1000 })
  const heard = at.open()
  await heard.opened
  heard.socket.send('x'.repeat(1001))
  expect((await heard.closed).code).toBe(1009)
  await vi.waitUntil(() => at.bed.gateway.inflight === 0)
})

test('a session in which nothing is said ends after a while', async () => {
  await using at = await rig(echo, { realtimeIdle: 300 })
  const heard = at.open()
  await heard.opened
  expect(await heard.closed).toEqual({ code: 1001, reason: 'idle' })
  expect(at.bed.journal.last).toMatchObject({ end: 'our_timeout' })
})

test('A11: backpressure: a caller that does not read pauses its upstream, and loses nothing', async () => {
  const piece = Buffer.alloc(64 * 1024, 'a')
  const pieces = 800
  let sent = 0
  await using at = await rig(socket => {
    const send = () => {
      if (sent === pieces) return
      sent++
      socket.send(piece, { binary: true }, () => setImmediate(send))
    }
    send()
  })
  const heard = at.open()
  await heard.opened
  heard.socket.pause()
  const [upstream] = at.upstream.sockets
  if (!upstream) throw new Error('no session')
  await vi.waitUntil(() => upstream.bufferedAmount > 0, { timeout: 5000 })
  expect(sent).toBeLessThan(pieces)
  heard.socket.resume()
  await vi.waitUntil(() => heard.messages.length === pieces, { timeout: 20_000 })
  expect(heard.messages.every(({ text }) => text.length === piece.length)).toBe(true)
})

test('A11: backpressure: an upstream that does not read pauses its caller, and loses nothing', async () => {
  const piece = Buffer.alloc(64 * 1024, 'a')
  const pieces = 800
  let heard = 0
  await using at = await rig(socket => {
    socket.on('message', (bytes: Buffer) => {
      heard += bytes.length
    })
    socket.pause()
  })
  const caller = at.open()
  await caller.opened
  let sent = 0
  const send = () => {
    if (sent === pieces) return
    sent++
    caller.socket.send(piece, { binary: true }, () => setImmediate(send))
  }
  send()
  // What has left the caller stands in sockets and in what the gateway may hold: it takes no more.
  await vi.waitUntil(() => caller.socket.bufferedAmount > 0, { timeout: 5000 })
  await vi.waitUntil(
    async () => {
      const before = sent
      await new Promise(resolve => setTimeout(resolve, 300))
      return before === sent
    },
    { timeout: 20_000 },
  )
  expect(sent).toBeLessThan(pieces)
  at.upstream.sockets[0]?.resume()
  await vi.waitUntil(() => heard === pieces * piece.length, { timeout: 20_000 })
})

test('what an upstream says before it is asked arrives, and events larger than are looked into pass', async () => {
  const large = JSON.stringify({ type: 'response.output_audio.delta', delta: 'A'.repeat(1 << 20) })
  await using at = await rig(socket => {
    socket.send(large)
    socket.send(done())
  })
  const heard = at.open()
  await heard.opened
  await vi.waitUntil(() => heard.messages.length === 2)
  expect(heard.messages[0]?.text).toBe(large)
})

test("a provider's own limit of concurrency counts its sessions", async () => {
  await using at = await rig()
  at.bed.change('Provider', 'far', { spec: { limits: { concurrency: 1 } } })
  const first = at.open()
  expect(await first.opened).toBe('open')
  expect(await at.open().opened).toMatchObject({ status: 429 })
  first.socket.close()
  await vi.waitUntil(() => at.bed.gateway.inflight === 0)
  await vi.waitUntil(async () => (await at.open().opened) === 'open', { timeout: 5000, interval: 200 })
})
