// Idempotency-Key: what comes twice is done once, by whichever process, and no secret is kept for it.

import { randomBytes } from 'node:crypto'
import { invoicing } from '@switchyard/ledger'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expectStatus, type Harness, start } from './harness.ts'

const cursorKey = randomBytes(32)
let h: Harness
let owner: Client
beforeAll(async () => {
  h = await start({ cursorKey })
  owner = new Client({ connectionString: h.database.url })
  await owner.connect()
})
afterAll(async () => {
  await owner.end()
  await h[Symbol.asyncDispose]()
})

const projects = '/api/v1/workspaces/default/projects'
const keys = '/api/v1/workspaces/default/apikeys'
const project = (name: string) => ({ metadata: { name }, spec: {} })
const post = (path: string, body: unknown, key: string, token = h.operator) =>
  h.call('POST', path, { body, token, headers: { 'idempotency-key': key } })

describe('a POST with an Idempotency-Key', () => {
  test('that comes again is answered alike and done once, whatever order its fields have', async () => {
    const first = expectStatus(await post(projects, project('one'), 'k-1'), 201)
    const { metadata, spec } = project('one')
    const again = expectStatus(await post(projects, { spec, metadata }, 'k-1'), 201)
    expect(again.body).toEqual(first.body)
    for (const header of ['etag', 'location'])
      expect(again.headers.get(header)).toBe(first.headers.get(header))
    expect(first.headers.get('idempotency-replayed')).toBeNull()
    expect(again.headers.get('idempotency-replayed')).toBe('true')
    // Even when the document is gone: it was the answer.
    expectStatus(await h.call('DELETE', `${projects}/one`), 200)
    expect(expectStatus(await post(projects, project('one'), 'k-1'), 201).body).toEqual(first.body)
    expect((await h.call('GET', `${projects}/one`)).status).toBe(404)
  })

  test('that is another request is refused; another caller has keys of their own', async () => {
    expectStatus(await post(projects, project('two'), 'k-2'), 201)
    for (const [path, body] of [
      [projects, project('three')],
      [`${projects}?dryRun=false`, project('two')],
    ] as const) {
      const reused = expectStatus(await post(path, body, 'k-2'), 409)
      expect(reused.body.error).toMatchObject({ code: 'conflict', reason: 'idempotency_reuse' })
    }
    const ann = await h.person('ann', { default: ['workspace-admin'] })
    expectStatus(await post(projects, project('three'), 'k-2', ann.token), 201)
  })

  test('sent eight times at once makes one document and eight equal answers', async () => {
    const replies = await Promise.all(Array.from({ length: 8 }, () => post(projects, project('many'), 'k-8')))
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([201]))
    expect(new Set(replies.map(({ text }) => text)).size).toBe(1)
    expect(replies.filter(({ headers }) => headers.get('idempotency-replayed') === null)).toHaveLength(1)
  })

  test('shows a secret once, also when a key is rotated, and keeps none', async () => {
    const spec = { owner: { kind: 'User', name: 'kim' }, scopes: ['inference:call'] }
    await h.person('kim', { default: ['developer'] })
    const first = expectStatus(await post(keys, { metadata: { name: 'key' }, spec }, 'k-secret'), 201)
    expect(first.body.secret).toMatch(/^sk-sy-/)
    const again = expectStatus(await post(keys, { metadata: { name: 'key' }, spec }, 'k-secret'), 201)
    expect(again.body).not.toHaveProperty('secret')
    expect(again.headers.get('warning')).toContain('shown in the first answer only')
    const rotate = () => post(`${keys}/key/actions/rotate`, {}, 'k-rotate')
    const rotated = expectStatus(await rotate(), 200)
    const repeated = expectStatus(await rotate(), 200)
    expect(repeated.body).not.toHaveProperty('secret')
    expect(repeated.body.status).toEqual(rotated.body.status)
    expectStatus(await h.call('GET', '/api/v1/whoami', { token: rotated.body.secret! }), 200)
    const user = (password: string) => ({
      metadata: { name: 'new' },
      spec: { email: 'new@example.org', password },
    })
    expectStatus(await post('/api/v1/users', user('a secret of the new one'), 'k-user'), 201)
    expectStatus(await post('/api/v1/users', user('a secret of another'), 'k-user'), 409)
    const { rows } = await owner.query<{ said: string }>('select a::text as said from switchyard.answers a')
    const kept = rows.map(({ said }) => said).join()
    for (const secret of [first.body.secret!, rotated.body.secret!, 'a secret of the new one'])
      expect(kept).not.toContain(secret)
  })

  test('that was refused or a dry run is not kept', async () => {
    const child = { metadata: { name: 'late' }, spec: { model: { name: 'later' } } }
    const endpoints = '/api/v1/workspaces/default/endpoints'
    expectStatus(await post(endpoints, child, 'k-late'), 400)
    const source = { registry: 'platform/bundled', path: 'x.gguf' }
    const models = '/api/v1/workspaces/default/models'
    expectStatus(
      await post(`${models}?dryRun=true`, { metadata: { name: 'later' }, spec: { source } }, 'k'),
      201,
    )
    expectStatus(await post(models, { metadata: { name: 'later' }, spec: { source } }, 'k'), 201)
    expectStatus(await post(endpoints, child, 'k-late'), 201)
  })

  test('is known to every process, for a day', async () => {
    const first = expectStatus(await post(projects, project('shared'), 'k-day'), 201)
    const { createApi } = await import('@switchyard/api')
    const { createServer } = await import('node:http')
    const other = await createApi({
      ...h.database,
      invoicing: invoicing({ ...h.database, now: Date.now, observe: () => {} }),
      issuer: 'http://switchyard.test',
      cursorKey,
      version: '0',
      now: Date.now,
      uuid: () => crypto.randomUUID(),
      random: randomBytes,
      chance: Math.random,
    })
    const server = createServer((request, response) => other.handle(request, response))
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : undefined
    const reply = await fetch(`http://127.0.0.1:${port}${projects}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${h.operator}`,
        'content-type': 'application/json',
        'idempotency-key': 'k-day',
      },
      body: JSON.stringify(project('shared')),
    })
    expect([reply.status, await reply.json()]).toEqual([201, first.body])
    await other.close()
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))

    await owner.query("update switchyard.answers set at = at - interval '24 hours' where key = 'k-day'")
    expect((await post(projects, project('shared'), 'k-day')).body.error.reason).toBe('taken')
    expectStatus(await post(projects, project('next-day'), 'k-day'), 201)
    await owner.query("update switchyard.answers set at = at - interval '25 hours'")
    await h.database.prune()
    expect((await owner.query('select from switchyard.answers')).rowCount).toBe(0)
  })

  test('is told when its key has no form, or will not be kept', async () => {
    const long = await post(projects, project('long'), 'x'.repeat(256))
    expect([long.status, long.body.error.details[0]?.path]).toEqual([400, 'Idempotency-Key'])
    const login = await h.call('POST', '/api/v1/sessions', {
      token: null,
      body: { email: 'nobody@example.org', password: 'wrong password here' },
      headers: { 'idempotency-key': 'k' },
    })
    expect(login.headers.get('warning')).toContain('signed-in caller')
  })
})
