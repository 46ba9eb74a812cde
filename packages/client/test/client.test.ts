import { createClient } from '@switchyard/client'
import { codes, errorBody, Fault } from '@switchyard/kinds'
import { describe, expect, test } from 'vitest'
import { document, double, json } from './double.ts'

const refusal = async (work: Promise<unknown>): Promise<Fault> => {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (error instanceof Fault) return error
  throw new Error(`expected a Fault, got ${String(error)}`)
}

describe('calls', () => {
  test('go to the address of the document, with credentials and If-Match', async () => {
    await using server = await double((_, response) => json(response, 200, document('chat', 7)))
    await using client = createClient({ url: `${server.url}/`, token: () => Promise.resolve('secret') })
    const manifest = { kind: 'Endpoint', metadata: { name: 'chat', workspace: 'team' }, spec: {} }
    await client.get('ep', { workspace: 'team', name: 'chat' })
    await client.get('Cluster', { name: 'local' })
    await client.create(manifest, { dryRun: true })
    await client.replace('Endpoint', { workspace: 'team', name: 'chat' }, manifest, { ifMatch: '6' })
    await client.patch('Endpoint', { workspace: 'team', name: 'chat' }, { spec: { paused: true } })
    await client.status('Endpoint', { workspace: 'team', name: 'chat' }, { phase: 'Ready' }, { ifMatch: '7' })
    await client.action('ApiKey', { workspace: 'team', name: 'ci' }, 'rotate', { overlapSeconds: 5 })
    const place = '/api/v1/workspaces/team/endpoints'
    expect(server.asked.map(({ method, path }) => `${method} ${path}`)).toEqual([
      `GET ${place}/chat`,
      'GET /api/v1/clusters/local',
      `POST ${place}`,
      `PUT ${place}/chat`,
      `PATCH ${place}/chat`,
      `PUT ${place}/chat/status`,
      'POST /api/v1/workspaces/team/apikeys/ci/actions/rotate',
    ])
    expect(server.asked.every(({ headers }) => headers.authorization === 'Bearer secret')).toBe(true)
    expect(server.asked[2]?.query).toEqual({ dryRun: 'true' })
    expect(server.asked[3]?.headers['if-match']).toBe('"6"')
    expect(server.asked[4]?.headers['content-type']).toBe('application/merge-patch+json')
    expect(server.asked[5]?.body).toEqual({ status: { phase: 'Ready' } })
  })

  test('read every page of a list, and no more than the limit', async () => {
    await using server = await double(({ query }, response) => {
      const page = Number(query.continue ?? 0)
      const items = [0, 1].map(n => document(`e${page * 2 + n}`, 1))
      const metadata = { resourceVersion: '9', ...(page < 2 && { continue: String(page + 1) }) }
      json(response, 200, { kind: 'EndpointList', metadata, items })
    })
    await using client = createClient({ url: server.url, token: () => '' })
    const names = (all: readonly { metadata: { name: string } }[]) => all.map(({ metadata }) => metadata.name)
    expect(names(await Array.fromAsync(client.all('Endpoint')))).toEqual(['e0', 'e1', 'e2', 'e3', 'e4', 'e5'])
    const asked = server.asked.length
    await Array.fromAsync(client.all('Endpoint', { limit: 2 }))
    expect(server.asked.length - asked).toBe(1)
  })

  test('tell whether a delete is done', async () => {
    let status = 202
    await using server = await double((_, response) => json(response, status, document('chat', 8)))
    await using client = createClient({ url: server.url, token: () => '' })
    expect((await client.delete('Endpoint', { workspace: 'w', name: 'chat' })).gone).toBe(false)
    status = 200
    expect((await client.delete('Endpoint', { workspace: 'w', name: 'chat' })).gone).toBe(true)
  })

  test('send no credentials when signing in', async () => {
    await using server = await double((_, response) =>
      json(response, 201, { accessToken: 'a', expiresInSeconds: 600, refreshToken: 'r' }),
    )
    await using client = createClient({ url: server.url, token: () => 'old' })
    expect(await client.login('a@b.co', 'pw')).toEqual({
      accessToken: 'a',
      expiresInSeconds: 600,
      refreshToken: 'r',
    })
    expect(server.asked[0]?.headers.authorization).toBeUndefined()
  })
})

describe('failures', () => {
  test.each(codes)('%s comes back as it was sent', async code => {
    const sent = new Fault(code, 'Do this.', {
      reason: 'because',
      details: [{ path: 'spec.x', rule: 'too_big', message: 'must be small' }],
      retryAfterSeconds: 3,
    })
    await using server = await double((_, response) => json(response, sent.status, errorBody(sent, 'req-1')))
    await using client = createClient({ url: server.url, token: () => '' })
    const got = await refusal(client.get('Cluster', { name: 'x' }))
    expect(errorBody(got, 'req-1')).toEqual(errorBody(sent, 'req-1'))
    expect(got.cause).toEqual({ requestId: 'req-1' })
  })

  test('a page of something else is told as such', async () => {
    await using server = await double(
      (_, response) =>
        void response.writeHead(404, { 'content-type': 'text/html; charset=utf-8' }).end('<html>'),
    )
    await using client = createClient({ url: server.url, token: () => '' })
    const got = await refusal(client.get('Cluster', { name: 'x' }))
    expect([got.code, got.reason]).toEqual(['not_found', 'foreign_answer'])
    expect(got.message).toBe(`${server.url} answered 404 with text/html: is a Switchyard server there?`)
  })

  test('an error in OpenAI’s shape keeps its message', async () => {
    await using server = await double((_, response) =>
      json(response, 404, {
        error: { message: 'There is no model x.', type: 'invalid_request_error', code: 'model_not_found' },
      }),
    )
    await using client = createClient({ url: server.url, token: () => '' })
    const got = await refusal(client.complete('x', []))
    expect([got.code, got.reason, got.message]).toEqual([
      'not_found',
      'model_not_found',
      'There is no model x.',
    ])
  })

  test('nobody there is unavailable, with what to do', async () => {
    await using client = createClient({ url: 'http://127.0.0.1:9', token: () => '' })
    const got = await refusal(client.get('Cluster', { name: 'x' }))
    expect(got.code).toBe('unavailable')
    expect(got.message).toMatch(/^Cannot reach http:\/\/127\.0\.0\.1:9 .*`switchyard up` starts it\.$/)
  })

  test('a server that says nothing runs into the deadline', async () => {
    await using server = await double(() => {})
    await using client = createClient({ url: server.url, token: () => '', timeoutMs: 200 })
    expect((await refusal(client.get('Cluster', { name: 'x' }))).code).toBe('deadline')
  })

  test('an aborted call is cancelled, one that ran out of time met its deadline', async () => {
    await using server = await double(() => {})
    const stop = new AbortController()
    await using client = createClient({ url: server.url, token: () => '', signal: stop.signal })
    const asked = refusal(client.get('Cluster', { name: 'x' }))
    setTimeout(() => stop.abort(), 50)
    expect((await asked).code).toBe('cancelled')
    await using hurried = createClient({ url: server.url, token: () => '', signal: AbortSignal.timeout(50) })
    expect((await refusal(hurried.get('Cluster', { name: 'x' }))).code).toBe('deadline')
  })

  test('an address that is none is refused before anything is sent', () => {
    expect(() => createClient({ url: 'localhost:8080', token: () => '' })).toThrow('use http://HOST:PORT')
  })
})

describe('a chat', () => {
  const events = (...values: readonly unknown[]) =>
    values.map(value => `data: ${typeof value === 'string' ? value : JSON.stringify(value)}\n\n`).join('')
  const piece = (content: string) => ({ choices: [{ delta: { content } }] })

  test('gives the answer piece by piece, however the bytes are cut', async () => {
    const bytes = Buffer.from(
      events(piece('你'), piece('好'), { choices: [{ delta: {}, finish_reason: 'stop' }] }, '[DONE]'),
    )
    await using server = await double(async (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      for (let at = 0; at < bytes.length; at += 7) {
        response.write(bytes.subarray(at, at + 7))
        await new Promise(setImmediate)
      }
      response.end()
    })
    await using client = createClient({ url: server.url, token: () => 'key' })
    expect(await Array.fromAsync(client.chat('m', [{ role: 'user', content: 'hi' }]))).toEqual(['你', '好'])
    expect(server.asked[0]?.body).toEqual({
      model: 'm',
      messages: [{ role: 'user', content: 'hi' }],
      stream: true,
    })
  })

  test('that breaks off is no whole answer, and an error inside it is told', async () => {
    let body = events(piece('a'))
    await using server = await double(
      (_, response) => void response.writeHead(200, { 'content-type': 'text/event-stream' }).end(body),
    )
    await using client = createClient({ url: server.url, token: () => 'key' })
    const ask = () => refusal(Array.fromAsync(client.chat('m', [])))
    expect((await ask()).message).toContain('cut before its end')
    body = events(piece('a'), { error: { message: 'The engine died.', code: 'engine_gone' } })
    expect((await ask()).message).toBe('The engine died.')
  })
})
