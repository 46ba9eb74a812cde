import { randomUUID } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Tested } from '../src/provider-test.ts'
import { expectStatus, type Harness, listen, type Person, start, workspaceDocument } from './harness.ts'
import { outside } from './sso.bed.ts'

const secret = `sk-${randomUUID()}`
const loopback = ['127.0.0.0/8']

let h: Harness
let server: Server
let origin: string
let developer: Person
let viewer: Person

/** A service that takes one key, and repeats the one that it refuses, as some do. */
beforeAll(async () => {
  h = await start({ outside })
  server = createServer(({ url = '', headers }, response) => {
    const json = (status: number, body: unknown) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    if (url.startsWith('/slow')) return
    if (url === '/moved/models') response.writeHead(302, { location: 'http://169.254.169.254/' }).end()
    else if (url === '/page/models') response.end('<html></html>')
    else if (url === '/ill/models') json(500, {})
    else if (url === '/full/models') json(429, {})
    else if (url === `/asked/models?key=${secret}`) json(200, { data: [{ id: 'by-query' }] })
    else if (url !== '/v1/models') json(404, {})
    else if (headers.authorization === `Bearer ${secret}`)
      json(200, { data: [{ id: 'large' }, { id: 'small' }, {}] })
    else json(401, { error: { message: `Incorrect API key provided: ${headers.authorization}` } })
  })
  origin = await listen(server)
  expectStatus(await h.call('POST', '/api/v1/workspaces', { body: workspaceDocument('red') }), 201)
  developer = await h.person('dev', { red: ['developer'] })
  viewer = await h.person('vera', { red: ['viewer'] })
  for (const [name, spec] of Object.entries({
    good: { value: secret },
    bad: { value: `${secret}-not` },
    asked: { type: 'query', name: 'key', value: secret },
  }))
    expectStatus(
      await h.call('POST', '/api/v1/workspaces/red/credentials', { body: { metadata: { name }, spec } }),
      201,
    )
})
afterAll(async () => {
  server.closeAllConnections()
  server.close()
  await h[Symbol.asyncDispose]()
})

async function tried(name: string, spec: Record<string, unknown>, token = developer.token) {
  const body = {
    metadata: { name },
    spec: { type: 'openai-compatible', allowCidrs: loopback, credential: 'good', ...spec },
  }
  expectStatus(await h.call('POST', '/api/v1/workspaces/red/providers', { body }), 201)
  const path = `/api/v1/workspaces/red/providers/${name}/actions/test`
  const { status, text } = await h.call('POST', path, { token, body: {} })
  return { status, text, body: JSON.parse(text) as Tested } // by its schema
}

test('a provider that answers tells its models, and which of its document it does not have', async () => {
  const { status, body } = await tried('whole', {
    baseUrl: `${origin}/v1`,
    models: [{ name: 'big', upstream: 'large' }, { name: 'gone' }],
  })
  expect(status).toBe(200)
  expect(body).toMatchObject({
    finding: 'ok',
    status: 200,
    address: `${origin}/v1/models`,
    models: ['large', 'small'],
    missing: ['gone'],
  })
  expect(body.milliseconds).toBeGreaterThanOrEqual(0)
})

test('a wrong key is said to be one, and stands in no answer and no log', async () => {
  const { text, body } = await tried('wrong', { baseUrl: `${origin}/v1`, credential: 'bad' })
  expect(body).toMatchObject({ finding: 'credential_refused', status: 401, models: [] })
  expect(text).not.toContain(secret)
  expect(JSON.stringify(h.observations)).not.toContain(secret)
})

test('a key in the query is sent, and is not in the address that is told', async () => {
  const { text, body } = await tried('query', { baseUrl: `${origin}/asked`, credential: 'asked' })
  expect(body).toMatchObject({ finding: 'ok', models: ['by-query'], address: `${origin}/asked/models` })
  expect(text).not.toContain(secret)
})

test('an address inside is refused before it is dialled, unless its range is allowed', async () => {
  // The name leads to the loopback.
  const { body } = await tried('inside', { baseUrl: 'https://id.test/v1', allowCidrs: [] })
  expect(body).toMatchObject({ finding: 'address_refused', models: [] })
  expect(body).not.toHaveProperty('status')
})

test('each other way to fail is told from the others', async () => {
  const found: Record<string, string> = {}
  const bases = { moved: 'moved', page: 'page', ill: 'ill', full: 'full', lost: 'elsewhere' }
  for (const [name, path] of Object.entries(bases))
    found[name] = (await tried(name, { baseUrl: `${origin}/${path}` })).body.finding
  // The port of discarding: nothing listens there.
  found.nobody = (await tried('nobody', { baseUrl: 'http://127.0.0.1:9/v1' })).body.finding
  found.unlisted = (await tried('unlisted', { type: 'open-inference', baseUrl: `${origin}/v9` })).body.finding
  expect(found).toEqual({
    moved: 'redirected',
    page: 'unreadable',
    ill: 'failing',
    full: 'limited',
    lost: 'not_found',
    nobody: 'unreachable',
    unlisted: 'answers',
  })
})

test('one that does not answer is given up after some seconds', { timeout: 30_000 }, async () => {
  const { body } = await tried('slow', { baseUrl: `${origin}/slow` })
  expect(body).toMatchObject({ finding: 'late' })
  expect(body.milliseconds).toBeLessThan(15_000)
})

test('whoever may not use a provider may not try it, and every try is in the trail as a use of secrets', async () => {
  const path = '/api/v1/workspaces/red/providers/whole/actions/test'
  const refused = await h.call('POST', path, { token: viewer.token, body: {} })
  expect([refused.status, refused.body.error.code]).toEqual([403, 'denied'])
  const none = await h.call('POST', path.replace('whole', 'none'), { token: developer.token, body: {} })
  expect(none.status).toBe(404)
  const eyes = new Client({ connectionString: h.database.url })
  await eyes.connect()
  const { rows } = await eyes.query<{ entry: { request: string; reason: string; documents: string[] } }>(
    `select entry from switchyard.audit_pending where entry ->> 'action' = 'credential.unseal' and entry ->> 'workspace' = 'red'`,
  )
  await eyes.end()
  const opened = rows.map(({ entry }) => entry).find(({ reason }) => reason === 'provider test')
  expect(opened?.documents).toContain('good')
})
