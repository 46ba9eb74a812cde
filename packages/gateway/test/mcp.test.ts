// /mcp/NAME over sockets, before a server that answers as it is told.
import { once } from 'node:events'
import { request } from 'node:http'
import { gzipSync } from 'node:zlib'
import { Sealed } from '@switchyard/runtime'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Bed } from './bed.ts'
import { answering, MediaUpstream, whole } from './upload.bed.ts'

type Act = Parameters<typeof MediaUpstream.start>[0]

const stack = new Set<AsyncDisposable>()
afterEach(async () => {
  for (const one of stack) await one[Symbol.asyncDispose]()
  stack.clear()
})

let bed: Bed
let key: string
beforeEach(async () => {
  bed = await Bed.start({ connect: 500 })
  stack.add(bed)
  key = bed.key()
})

type Spec = Partial<Parameters<Bed['mcpServer']>[1]>

/** A server that is registered as `tools`. */
async function serve(acts: readonly Act[], spec: Spec = {}): Promise<MediaUpstream> {
  const upstream = await MediaUpstream.start(...acts)
  stack.add(upstream)
  bed.credential('far-key', 'sk-far-secret')
  bed.mcpServer('tools', { urls: [`http://${upstream.address}/mcp`], credential: 'far-key', ...spec })
  return upstream
}

const say = (body: object | string, headers: Record<string, string> = {}, as = key, path = '/mcp/tools') =>
  bed.post(path, as, body, { headers })
const told = async (response: Response) => {
  const body: unknown = await response.json()
  return { status: response.status, body, headers: response.headers }
}
const ping = { jsonrpc: '2.0', id: 1, method: 'ping' }
const call = (name: string, id: number | string = 1) => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name },
})
const pong = '{ "jsonrpc":"2.0","id":1 ,"result":{"n":1.0e400}}'
const refused = (code: number, reason: string) =>
  expect.objectContaining({
    jsonrpc: '2.0',
    id: null,
    error: expect.objectContaining({ code, data: expect.objectContaining({ reason }) as unknown }) as unknown,
  }) as unknown
const answer = answering('application/json', pong)

/** A stream of these parts, each in a turn of its own; then the end, or what `end` does. */
const streaming =
  (parts: readonly string[], end: 'end' | 'cut' | 'stay' = 'end'): Act =>
  async (incoming, response, taken) => {
    await whole(incoming, taken)
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.flushHeaders()
    for (const part of parts) await new Promise(resolve => response.write(part, resolve))
    await new Promise(resolve => setTimeout(resolve, 30))
    if (end === 'end') response.end()
    else if (end === 'cut') response.destroy()
  }

describe('a message', () => {
  test('and its answer pass byte for byte, and it is a call that is metered', async () => {
    const upstream = await serve([answer])
    const body = ` {"id":1,"jsonrpc":"2.0", "method":"tools/call","params":{"name":"a","arguments":{"x":1e400,"x":"\\u0061"}}}`
    const response = await say(body, { 'x-request-id': 'mine' })
    expect(await response.text()).toBe(pong)
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(response.headers.get('x-request-id')).toBe('mine')
    expect(response.headers.get('x-switchyard-model')).toBe('mcp/tools')
    expect(upstream.last.body.toString()).toBe(body)
    expect(upstream.last).toMatchObject({ method: 'POST', url: '/mcp' })
    expect(bed.journal.last).toMatchObject({
      operation: 'mcp.call',
      model: 'mcp/tools',
      upstream: 'mcp/tools',
      end: 'done',
      status: 200,
      quantities: { req: '1' },
      usageSource: 'counted',
    })
    expect(bed.journal.records.map(({ kind }) => kind)).toEqual(['open', 'usage'])
  })

  test('that calls no tool is recorded and is free', async () => {
    await serve([answer])
    await (await say(ping)).text()
    expect(bed.journal.last).toMatchObject({ operation: 'mcp.message', end: 'done', quantities: {} })
  })

  test('may be compressed', async () => {
    const upstream = await serve([answer])
    const response = await fetch(`${bed.url}/mcp/tools`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${key}`,
        'content-type': 'application/json',
        'content-encoding': 'gzip',
      },
      body: gzipSync(JSON.stringify(ping)),
    })
    expect(response.status).toBe(200)
    expect(upstream.last.body.toString()).toBe(JSON.stringify(ping))
  })

  test('without an answer is accepted', async () => {
    await serve([answering('text/plain', '', 202)])
    const response = await say({ jsonrpc: '2.0', method: 'notifications/initialized' })
    expect([response.status, await response.text()]).toEqual([202, ''])
  })

  test('A7: reaches the server with headers of the list alone, and with its own credential', async () => {
    const upstream = await serve([answer], { headers: { 'X-Team': 'a' } })
    const client = request(`${bed.url}/mcp/tools`, {
      method: 'POST',
      headers: {
        'x-api-key': key,
        'content-type': 'application/json; charset=utf-8',
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': '2025-06-18',
        'mcp-method': 'ping',
        'mcp-hop': 'x',
        'last-event-id': 'e7',
        connection: 'keep-alive, mcp-hop, authorization',
        cookie: 'a=b',
        'x-forwarded-host': 'evil',
        forwarded: 'for=1.2.3.4',
        'x-switchyard-tags': 'a',
        'x-other': 'b',
        'user-agent': 'mine',
      },
    })
    client.end(JSON.stringify(ping))
    const [response] = (await once(client, 'response')) as [import('node:http').IncomingMessage] // as node tells it
    response.resume()
    await once(response, 'end')
    const { host: _, ...headers } = upstream.last.headers
    expect(headers).toEqual({
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'accept-encoding': 'identity',
      'user-agent': 'switchyard',
      'mcp-protocol-version': '2025-06-18',
      'mcp-method': 'ping',
      'last-event-id': 'e7',
      'x-team': 'a',
      authorization: 'Bearer sk-far-secret',
      'content-length': String(JSON.stringify(ping).length),
      connection: 'keep-alive',
    })
    expect(bed.told).not.toContain('sk-far-secret')
  })
})

describe('is refused in the words of JSON-RPC:', () => {
  test.each([
    ['no server', 'POST', '/mcp/', 404, -32001, 'unknown_path'],
    ['a longer path', 'POST', '/mcp/tools/sse', 404, -32001, 'unknown_path'],
    ['an escaped name', 'POST', '/mcp/t%6fols', 404, -32001, 'unknown_path'],
    ['another method', 'PUT', '/mcp/tools', 405, -32000, 'method'],
    ['an unknown server', 'POST', '/mcp/none', 404, -32001, 'server_not_found'],
    ["another workspace's server", 'POST', '/mcp/theirs', 404, -32001, 'server_not_found'],
    ['a server that is not open to the key', 'GET', '/mcp/closed', 404, -32001, 'server_not_found'],
    ['a server without its credential', 'POST', '/mcp/bare', 503, -32000, 'no_upstream'],
  ])('%s', async (_, method, path, status, code, reason) => {
    const upstream = await serve([answer])
    const urls = [`http://${upstream.address}/mcp`]
    bed.mcpServer('theirs', { urls }, { workspace: 'other' })
    bed.mcpServer('closed', { urls, access: { keys: ['another'] } })
    bed.mcpServer('bare', { urls, credential: 'nowhere' })
    const body = method === 'GET' ? {} : { body: JSON.stringify(ping) }
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
    const response = await told(await fetch(bed.url + path, { method, headers, ...body }))
    expect(response).toMatchObject({ status, body: refused(code, reason) })
    if (status === 405) expect(response.headers.get('allow')).toBe('GET, POST, DELETE')
    expect(upstream.taken).toEqual([])
  })

  test.each([
    ['half a body', '{"method"', {}, 400, -32700, 'invalid_json'],
    [
      'a second tool',
      '{"id":1,"method":"tools/call","params":{"name":"a","name":"b"}}',
      {},
      400,
      -32600,
      'duplicate_member',
    ],
    ['another media type', ping, { 'content-type': 'text/plain' }, 415, -32000, 'media_type'],
    ['a session that is none', ping, { 'mcp-session-id': 'raw-id' }, 404, -32001, 'session_not_found'],
    [
      'a header that names another tool',
      call('a'),
      { 'mcp-method': 'tools/call', 'mcp-name': 'b' },
      400,
      -32600,
      'invalid_value',
    ],
    [
      'a header that names another method',
      ping,
      { 'mcp-method': 'tools/call' },
      400,
      -32600,
      'invalid_value',
    ],
    ['a header that names a tool', ping, { 'mcp-name': 'b' }, 400, -32600, 'invalid_value'],
    ['a header beside a batch', [ping], { 'mcp-method': 'ping' }, 400, -32600, 'invalid_value'],
    ['a page of another origin', ping, { origin: 'https://evil.example' }, 403, -32000, 'origin_denied'],
  ])('%s', async (_, body, headers, status, code, reason) => {
    const upstream = await serve([answer])
    const response = await told(await say(body, headers as Record<string, string>)) // of each row
    expect(response).toMatchObject({ status, body: refused(code, reason) })
    expect(upstream.taken).toEqual([])
    expect(bed.journal.records).toEqual([])
  })

  test('no key, a wrong one, and one that may call models alone', async () => {
    const upstream = await serve([answer])
    const bare = await told(await say(ping, {}, ''))
    expect(bare).toMatchObject({ status: 401, body: refused(-32000, 'invalid_api_key') })
    expect(bare.headers.get('www-authenticate')).toBe('Bearer')
    const narrow = bed.key({ spec: { models: ['gpt-*'] } })
    expect(await told(await say(ping, {}, narrow))).toMatchObject({
      status: 403,
      body: refused(-32000, 'model_not_allowed'),
    })
    expect(upstream.taken).toEqual([])
    expect((await say(ping, {}, bed.key({ spec: { models: ['mcp/*'] } }))).status).toBe(200)
  })

  test('more than the limits allow, by requests, a batch by each of them', async () => {
    await serve([answer])
    const limited = bed.key({ spec: { limits: { requests: { perMinute: 3 }, tokens: { perMinute: 1 } } } })
    expect((await say([ping, ping], {}, limited)).headers.get('x-ratelimit-remaining-requests')).toBe('1')
    const second = await told(await say([ping, ping], {}, limited))
    expect(second).toMatchObject({ status: 429, body: refused(-32000, 'rate_limit_exceeded') })
    expect(second.headers.get('retry-after')).toMatch(/^\d+$/)
    expect((await say(ping, {}, limited)).status).toBe(200)
  })

  test('more than their money pays for, by the calls of tools, whose price is asked for', async () => {
    await serve([answer])
    const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'echo', arguments: {} } }
    const limited = bed.key({ spec: { limits: { money: { perDay: '5', currency: 'USD' } } } })
    expect(await told(await say(call, {}, limited))).toMatchObject({
      status: 503,
      body: refused(-32000, 'unpriced'),
    })
    bed.priceBook('tools', { side: 'sale', rates: [{ model: 'mcp/*', unit: 'req', price: '2', per: 1 }] })
    for (let i = 0; i < 2; i++) expect((await say(call, {}, limited)).status).toBe(200)
    await vi.waitUntil(() => bed.gateway.inflight === 0)
    const spent = await told(await say(call, {}, limited))
    expect(spent).toMatchObject({ status: 429, body: refused(-32000, 'insufficient_quota') })
    // What calls nothing costs nothing.
    expect((await say(ping, {}, limited)).status).toBe(200)
  })

  test('a page of an origin that is listed is let in', async () => {
    const open = await Bed.start({}, { cors: { origins: ['https://app.example'] } })
    stack.add(open)
    const upstream = await MediaUpstream.start(answer)
    stack.add(upstream)
    open.mcpServer('tools', { urls: [`http://${upstream.address}/`] })
    const response = await open.post('/mcp/tools', open.key(), ping, {
      headers: { origin: 'https://app.example' },
    })
    expect(response.status).toBe(200)
    expect(response.headers.get('access-control-expose-headers')).toContain('mcp-session-id')
  })
})

describe('a tool that is not open', () => {
  const closed = { tools: ['open', 'read_*'] }

  test.each([
    ['by name', call('secret')],
    ['by the beginning of an open one', call('ope')],
    ['by escapes', '{"id":1,"method":"tools/call","params":{"name":"\\u0073ecret"}}'],
    ['by a batch', [ping, call('secret', 'x')]],
  ])('is unknown %s', async (_, body) => {
    const upstream = await serve([answer], closed)
    const response = await say(body)
    expect(response.status).toBe(200)
    expect(await response.text()).toContain('"code":-32602,"message":"Unknown tool: ')
    expect(upstream.taken).toEqual([])
    expect(bed.journal.records).toEqual([])
    expect(bed.observed).toContainEqual(
      expect.objectContaining({ type: 'tool_refused', workspace: 'default' }),
    )
    expect(bed.observed.at(-1)).toMatchObject({ end: 'refused', reason: 'tool_not_allowed' })
  })

  test('is answered by the id as it was sent, each of a batch', async () => {
    await serve([answer], closed)
    const response = await say(
      '[{"id":1.50,"method":"tools/call","params":{"name":"no"}},{"id":"\\u0061","method":"ping"},{"method":"x"}]',
    )
    const text = await response.text()
    expect(text).toContain('"id":1.50,"error":{"code":-32602')
    expect(text).toContain('"id":"\\u0061","error":{"code":-32600')
    expect(JSON.parse(text)).toHaveLength(2)
  })

  test('cannot be called without an id', async () => {
    const upstream = await serve([answer], closed)
    expect(await told(await say({ method: 'tools/call', params: { name: 'secret' } }))).toMatchObject({
      status: 400,
      body: refused(-32600, 'missing_field'),
    })
    expect(upstream.taken).toEqual([])
  })

  test('is cut out of a list, and nothing else is', async () => {
    const list = (tools: string) => ` {"id":1,"result":{"tools":[${tools}],"nextCursor":"c","x":1.0e400}} `
    await serve(
      [answering('application/json', list('{"name":"no"}, {"name":"open","x":1.50},{"name":"no2"}'))],
      closed,
    )
    expect(await (await say({ ...ping, method: 'tools/list' })).text()).toBe(list('{"name":"open","x":1.50}'))
  })

  test('changes with the document, for the next request', async () => {
    const upstream = await serve([answer], closed)
    bed.change('McpServer', 'tools', { spec: { tools: ['secret'] } })
    expect(await (await say(call('secret'))).text()).toBe(pong)
    expect(upstream.taken).toHaveLength(1)
  })
})

describe('a server that', () => {
  const fails: [string, Act, number, string][] = [
    [
      'refuses our credential',
      answering('application/json', '{"error":"secret text"}', 401),
      502,
      'upstream_error',
    ],
    ['denies it', answering('application/json', '{"error":"secret text"}', 403), 502, 'upstream_error'],
    ['is not there', answering('text/html', 'secret text', 404), 502, 'upstream_error'],
    [
      'redirects',
      answering('text/plain', '', 307, { location: 'http://127.0.0.1:1/' }),
      502,
      'upstream_error',
    ],
    ['fails', answering('text/plain', 'secret stack', 500), 502, 'upstream_error'],
    ['is full', answering('text/plain', 'secret', 503, { 'retry-after': '7' }), 503, 'overloaded'],
    [
      'has had enough',
      answering('text/plain', 'secret', 429, { 'retry-after': '7' }),
      429,
      'upstream_rate_limited',
    ],
    ['answers with a page', answering('text/html', '<p>secret'), 502, 'upstream_error'],
    ['answers without JSON', answering('application/json', 'secret'), 502, 'upstream_error'],
    [
      'breaks off',
      async (incoming, response, taken) => {
        await whole(incoming, taken)
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' })
        response.write('{"id":1,', () => response.destroy())
      },
      502,
      'upstream_error',
    ],
  ]
  test.each(fails)('%s: once, and with our words', async (_, act, status, reason) => {
    const upstream = await serve([act])
    const response = await told(await say(call('a')))
    expect(response).toMatchObject({ status, body: refused(-32000, reason) })
    expect(JSON.stringify(response.body)).not.toContain('secret')
    expect(upstream.taken).toHaveLength(1)
    expect(bed.journal.last).toMatchObject({ status, end: 'upstream_error', quantities: {} })
    expect(bed.observed).toContainEqual(
      expect.objectContaining({ type: 'attempt_failed', upstream: 'mcp/tools' }),
    )
  })

  test.each([400, 406, 409, 415, 422])('says %i of the request is heard byte for byte', async status => {
    const body = '{"jsonrpc":"2.0","id":null ,"error":{"code":-32000,"message":"no"}}'
    await serve([answering('application/json', body, status)])
    const response = await say(call('a'))
    expect([response.status, await response.text()]).toEqual([status, body])
    expect(bed.journal.last).toMatchObject({ status, end: 'refused', quantities: {} })
  })

  test('says in plain words what it refuses is told for', async () => {
    await serve([answering('text/plain', 'secret', 400)])
    expect(await told(await say(ping))).toMatchObject({ status: 400, body: refused(-32600, 'invalid_value') })
  })

  test('has no stream of its own says so', async () => {
    await serve([answering('application/json', '{"error":{}}', 405, { allow: 'POST' })])
    const response = await fetch(`${bed.url}/mcp/tools`, { headers: { authorization: `Bearer ${key}` } })
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST'])
  })

  test('is away is passed by for its equal, once only where no connection stood', async () => {
    const upstream = await serve([answer])
    const urls = ['http://127.0.0.1:1/mcp', `http://${upstream.address}/mcp`]
    bed.mcpServer('two', { urls })
    for (let i = 0; i < 4; i++) expect((await say(call('a'), {}, key, '/mcp/two')).status).toBe(200)
    bed.mcpServer('away', { urls: urls.slice(0, 1) })
    expect(await told(await say(ping, {}, key, '/mcp/away'))).toMatchObject({
      status: 502,
      body: refused(-32000, 'upstream_error'),
    })
  })

  test('F11: stands at an address of ours is never dialled', async () => {
    const upstream = await serve([answer], { allowCidrs: ['10.0.0.0/8'], urls: ['http://10.0.0.1/mcp'] })
    bed.change('McpServer', 'tools', { spec: { urls: [`http://${upstream.address}/mcp`] } })
    expect((await told(await say(ping))).status).toBe(502)
    expect(upstream.taken).toEqual([])
  })

  test('says nothing is given up in time', async () => {
    await serve([() => undefined], { timeouts: { answerMs: 300 } })
    expect(await told(await say(call('a')))).toMatchObject({
      status: 504,
      body: refused(-32000, 'first_token'),
    })
    expect(bed.journal.last).toMatchObject({ end: 'our_timeout', status: 504 })
  })

  test('works for longer than the caller wants is given up too', async () => {
    await serve([streaming([': hi\n\n'], 'stay')])
    const response = await say(call('a'), { 'x-switchyard-timeout-ms': '300' })
    expect(await response.text()).toMatch(
      /^: hi\n\nevent: message\ndata: \{"jsonrpc":"2\.0","id":1,"error":\{.*"total"/,
    )
  })
})

describe('a stream', () => {
  const event = 'event: message\ndata: {"jsonrpc":"2.0","method":"notifications/x"}\n\n'

  test('passes byte for byte and at once', async () => {
    const parts = [': hello\r\n\r\n', 'id: 1\nda', 'ta: {"a":1}\n', '\n', event]
    await serve([streaming(parts)])
    const response = await say(call('a'))
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    expect(await response.text()).toBe(parts.join(''))
    expect(bed.journal.last).toMatchObject({ streamed: true, end: 'done', quantities: { req: '1' } })
  })

  test('has its lists cut', async () => {
    const list = (tools: string) => `id: 7\nevent: message\ndata: {"id":1,"result":{"tools":[${tools}]}}\n\n`
    await serve(
      [
        streaming([
          event,
          list('{"name":"no"},{"name":"open"}').slice(0, 40),
          list('{"name":"no"},{"name":"open"}').slice(40),
        ]),
      ],
      { tools: ['open'] },
    )
    expect(await (await say({ ...ping, method: 'tools/list' })).text()).toBe(event + list('{"name":"open"}'))
  })

  test('that breaks off is answered with an error for each request', async () => {
    await serve([streaming([event], 'cut')])
    const response = await say([call('a'), call('b', 'two')])
    const text = await response.text()
    expect(text.startsWith(event)).toBe(true)
    expect(text.slice(event.length).match(/"id":(1|"two"),"error"/g)).toHaveLength(2)
    expect(bed.journal.last).toMatchObject({ status: 200, end: 'upstream_error' })
  })

  test.each([
    ['within an event', [event.slice(0, 20)]],
    ['and could be taken up again', [`id: 4\n${event}`]],
  ])('that breaks off %s is reset', async (_, parts) => {
    await serve([streaming(parts, 'cut')])
    const response = await say(call('a'))
    await expect(response.text()).rejects.toThrow()
  })

  test('of events that cannot be read ends', async () => {
    await serve([streaming(['data: a\n\n', 'data: b\n\n', 'data: c\n\n', event], 'stay')], {
      tools: ['open'],
    })
    expect(await (await say(call('open'))).text()).toContain('"reason":"upstream_error"')
  })

  test('falls silent and is ended', async () => {
    await serve([streaming([event], 'stay')], { timeouts: { idleMs: 300 } })
    expect(await (await say(call('a'))).text()).toContain('"reason":"idle"')
  })

  test('F6: of a caller that leaves is let go of at once, and its call is metered', async () => {
    const left = Promise.withResolvers<void>()
    await serve([
      (incoming, response) => {
        incoming.resume()
        response.on('close', () => left.resolve())
      },
    ])
    const controller = new AbortController()
    const asked = bed.post('/mcp/tools', key, call('a'), { signal: controller.signal })
    asked.catch(() => undefined)
    await vi.waitUntil(() => bed.journal.records.length === 1)
    await new Promise(resolve => setTimeout(resolve, 50))
    controller.abort()
    await left.promise
    await vi.waitUntil(() => bed.journal.events.length === 1)
    expect(bed.journal.last).toMatchObject({ end: 'client_gone', status: 499, quantities: { req: '1' } })
    await vi.waitUntil(() => bed.gateway.inflight === 0)
  })

  const listen = (signal?: AbortSignal) =>
    fetch(`${bed.url}/mcp/tools`, { headers: { authorization: `Bearer ${key}` }, ...(signal && { signal }) })

  test('that listens is done when the caller leaves, and holds a place while it stands', async () => {
    await serve([streaming([event], 'stay')])
    const controller = new AbortController()
    const response = await listen(controller.signal)
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    expect(bed.gateway.inflight).toBe(1)
    controller.abort()
    await vi.waitUntil(() => bed.journal.events.length === 1)
    expect(bed.journal.last).toMatchObject({
      operation: 'mcp.listen',
      end: 'done',
      status: 200,
      quantities: {},
    })
  })

  test('that listens ends whole when its time is over, and when the gateway stops', async () => {
    await serve([streaming([event], 'stay')], { timeouts: { listenMs: 300 } })
    expect(await (await listen()).text()).toBe(event)
    bed.change('McpServer', 'tools', { spec: { timeouts: {} } })
    const open = await listen()
    const drained = bed.gateway.drain(30)
    expect(await open.text()).toBe(event)
    await drained
    expect(bed.journal.last).toMatchObject({ end: 'drained' })
  })

  test('is pinged in silence, between events alone', async () => {
    const quick = await Bed.start({ ping: 150 })
    stack.add(quick)
    const upstream = await MediaUpstream.start(
      streaming([event], 'stay'),
      streaming([event.slice(0, 20)], 'stay'),
    )
    stack.add(upstream)
    quick.mcpServer('tools', { urls: [`http://${upstream.address}/`], timeouts: { totalMs: 700 } })
    const as = quick.key()
    const whole = await (await quick.post('/mcp/tools', as, call('a'))).text()
    expect(whole).toMatch(/^event: message\n.*\n\n(: ping\n\n){2,}event: message\n/)
    await expect((await quick.post('/mcp/tools', as, call('a'))).text()).rejects.toThrow()
  })
})

describe('a session', () => {
  const begin = (session: string, status = 200): Act =>
    answering('application/json', pong, status, { 'mcp-session-id': session })

  async function second(keys: readonly Uint8Array[]): Promise<Bed> {
    const sealed = keys.map(bytes => new Sealed(bytes))
    const other = await Bed.start({}, {}, { sessionKeys: () => sealed })
    stack.add(other)
    other.documents.splice(0, other.documents.length, ...bed.documents)
    other.keyHashes = bed.keyHashes
    for (const [id, secret] of bed.credentials) other.credentials.set(id, secret)
    other.swap()
    return other
  }

  test('is sealed, and opens at every process that has the key, by the newest or an older one', async () => {
    const [one, two] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)]
    const upstream = await serve([begin('server-own-id')])
    const first = await second([one])
    const token = (await first.post('/mcp/tools', key, ping)).headers.get('mcp-session-id') ?? ''
    expect(token).toMatch(/^sy1\.[\w-]+$/)
    expect(Buffer.from(token.slice(4), 'base64url').toString('latin1')).not.toContain('server-own-id')
    const turned = await second([two, one])
    const resumed = await turned.post('/mcp/tools', key, ping, { headers: { 'mcp-session-id': token } })
    expect(resumed.status).toBe(200)
    expect(resumed.headers.get('mcp-session-id')).toBeNull()
    expect(upstream.last.headers['mcp-session-id']).toBe('server-own-id')
    const stranger = await second([two])
    expect(
      (await stranger.post('/mcp/tools', key, ping, { headers: { 'mcp-session-id': token } })).status,
    ).toBe(404)
  })

  test.each([
    ['another key', () => ({ as: bed.key() })],
    ['a key of another workspace', () => ({ as: bed.key({ workspace: 'other' }) })],
    ['another server', () => ({ path: '/mcp/again' })],
    [
      'a changed letter',
      () => ({
        change: (token: string) =>
          `${token.slice(0, -4)}${token.at(-4) === 'A' ? 'B' : 'A'}${token.slice(-3)}`,
      }),
    ],
  ] as const)('is unknown to %s', async (_, differ) => {
    const upstream = await serve([begin('s1')])
    const urls = [`http://${upstream.address}/mcp`]
    bed.mcpServer('again', { urls })
    bed.workspace('other')
    bed.mcpServer('tools', { urls }, { workspace: 'other' })
    const token = (await say(ping)).headers.get('mcp-session-id') ?? ''
    expect((await say(ping, { 'mcp-session-id': token })).status).toBe(200)
    const {
      as = key,
      path = '/mcp/tools',
      change = (same: string) => same,
    } = differ() as {
      as?: string
      path?: string
      change?: (token: string) => string
    } // each row has one of them
    const response = await told(await say(ping, { 'mcp-session-id': change(token) }, as, path))
    expect(response).toMatchObject({ status: 404, body: refused(-32001, 'session_not_found') })
    expect(upstream.taken).toHaveLength(2)
  })

  test('that its server has forgotten is told as such, and so is one whose server has left', async () => {
    const gone = '{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"gone"}}'
    const upstream = await serve([begin('s1'), answering('application/json', gone, 404), begin('s2')])
    const token = (await say(ping)).headers.get('mcp-session-id') ?? ''
    const forgotten = await say(ping, { 'mcp-session-id': token })
    expect([forgotten.status, await forgotten.text()]).toEqual([404, gone])
    bed.change('McpServer', 'tools', { spec: { urls: [`http://${upstream.address}/moved`] } })
    expect(await told(await say(ping, { 'mcp-session-id': token }))).toMatchObject({
      status: 404,
      body: refused(-32001, 'session_not_found'),
    })
    expect(upstream.taken).toHaveLength(2)
  })

  test('is ended by its caller', async () => {
    const upstream = await serve([begin('s1'), answering('text/plain', '')])
    const token = (await say(ping)).headers.get('mcp-session-id') ?? ''
    const response = await fetch(`${bed.url}/mcp/tools`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${key}`, 'mcp-session-id': token },
    })
    expect([response.status, await response.text()]).toEqual([200, ''])
    expect(upstream.last).toMatchObject({ method: 'DELETE', headers: { 'mcp-session-id': 's1' } })
    expect(bed.journal.last).toMatchObject({ operation: 'mcp.end', end: 'done' })
  })
})
