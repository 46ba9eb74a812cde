// Who did what, through the API and over a real database: what the trail is told of, and that nothing happens which
// it cannot be told of.
import { Client } from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  endpointDocument,
  expectStatus,
  type Harness,
  type Person,
  start,
  workspaceDocument,
} from './harness.ts'

interface Told {
  readonly action: string
  readonly workspace: string | null
  readonly actor: Readonly<Record<string, string>>
  readonly origin: Readonly<Record<string, string>>
  readonly resource: Readonly<Record<string, string>> | null
  readonly outcome: string
  readonly code?: string
  readonly reason?: string
  readonly rule: string | null
  readonly count?: number
  readonly subject?: string
  readonly documents?: readonly string[]
  readonly before?: { readonly spec: Readonly<Record<string, unknown>> }
  readonly after?: { readonly spec: Readonly<Record<string, unknown>> }
}

let h: Harness
let ann: Person
/** A superuser, who passes every policy. */
let eyes: Client
let seen = '0'

/** What was told since the last look. */
async function told(action?: string): Promise<readonly Told[]> {
  const { rows } = await eyes.query<{ n: string; entry: Told }>(
    'select n, entry from switchyard.audit_pending where n > $1 order by n',
    [seen],
  )
  return rows.map(({ entry }) => entry).filter(entry => action === undefined || entry.action === action)
}

beforeAll(async () => {
  h = await start()
  eyes = new Client({ connectionString: h.database.url })
  await eyes.connect()
  expectStatus(await h.call('POST', '/api/v1/workspaces', { body: workspaceDocument('red') }), 201)
  ann = await h.person('ann', { red: ['workspace-admin'] })
})
beforeEach(async () => {
  const { rows } = await eyes.query<{ n: string }>(
    'select coalesce(max(n), 0) as n from switchyard.audit_pending',
  )
  seen = rows[0]?.n ?? '0'
})
afterAll(async () => {
  await eyes.end()
  await h[Symbol.asyncDispose]()
})

const projects = '/api/v1/workspaces/red/projects'

describe('a change', () => {
  test('is told with who, from where, by which right, and both of its states', async () => {
    const headers = {
      'x-request-id': 'the-request',
      'user-agent': 'probe/1\u0009x',
      traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
    }
    const body = { metadata: { name: 'p1' }, spec: {} }
    expectStatus(await h.call('POST', projects, { token: ann.token, body, headers }), 201)
    expectStatus(
      await h.call('PATCH', `${projects}/p1`, { token: ann.token, body: { spec: { archived: true } } }),
      200,
    )
    expectStatus(await h.call('DELETE', `${projects}/p1`, { token: ann.token }), 200)
    const [created, updated, removed] = await told()
    expect(created).toMatchObject({
      action: 'project.create',
      workspace: 'red',
      actor: { type: 'user', id: 'user:ann', name: 'ann', method: 'session' },
      origin: { ip: '127.0.0.1', agent: 'probe/1x', request: 'the-request', trace: 'a'.repeat(32) },
      resource: { kind: 'Project', name: 'p1' },
      rule: 'project:create',
      outcome: 'success',
    })
    expect(created?.before).toBeUndefined()
    expect(updated).toMatchObject({
      action: 'project.update',
      before: { spec: { archived: false } },
      after: { spec: { archived: true } },
    })
    expect(removed).toMatchObject({ action: 'project.delete', before: { spec: { archived: true } } })
    expect(removed?.after).toBeUndefined()
  })

  test('of a status that the server writes for itself is not told; one that a person has written is', async () => {
    const endpoint = expectStatus(
      await h.call('POST', '/api/v1/workspaces/red/endpoints', {
        token: ann.token,
        body: endpointDocument('e'),
      }),
      201,
    )
    await h.database.store.write({ role: 'control' }, async tx => {
      const found = await tx.lock({ kind: 'Endpoint', workspace: 'red', name: 'e' }, 'update')
      if (!found) throw new Error('it is there')
      await tx.update(
        {
          ...found,
          status: { phase: 'Starting' },
          metadata: { ...found.metadata, finalizers: ['switchyard.dev/x'] },
        },
        null,
      )
    })
    expect((await told()).map(({ action }) => action)).toEqual(['endpoint.create'])
    const standing = await h.call('GET', '/api/v1/workspaces/red/endpoints/e')
    expectStatus(
      await h.call('PUT', '/api/v1/workspaces/red/endpoints/e/status', {
        body: {
          ...endpoint.body,
          status: { ...standing.body.status, phase: 'Ready', observedGeneration: 1 },
        },
        headers: { 'if-match': standing.headers.get('etag') ?? '' },
      }),
      200,
    )
    expect((await told()).at(-1)).toMatchObject({
      action: 'endpoint.update',
      actor: { type: 'system', id: 'system:control', on_behalf_of: 'system:operator', method: 'operator' },
    })
  })

  test('that is held up by finalizers is told when it is asked for and when it is done', async () => {
    expectStatus(await h.call('DELETE', '/api/v1/workspaces/red/endpoints/e', { token: ann.token }), 202)
    await h.database.store.write({ role: 'control' }, async tx => {
      const found = await tx.lock({ kind: 'Endpoint', workspace: 'red', name: 'e' }, 'update')
      if (!found) throw new Error('it is there')
      const freed = await tx.update({ ...found, metadata: { ...found.metadata, finalizers: [] } }, null)
      await tx.remove(freed)
    })
    expect((await told('endpoint.delete')).map(({ reason, actor }) => [reason, actor.id])).toEqual([
      ['received', 'user:ann'],
      ['completed', 'system:control'],
    ])
  })

  test('that is only tried leaves nothing: a dry run, and one that is refused by a rule', async () => {
    const body = { metadata: { name: 'p2' }, spec: {} }
    expectStatus(await h.call('POST', `${projects}?dryRun=true`, { token: ann.token, body }), 201)
    expectStatus(
      await h.call('POST', projects, { token: ann.token, body: { metadata: { name: 'P 2' } } }),
      400,
    )
    expect(await told()).toEqual([])
  })

  test('MB5.42: a change whose audit row cannot be written does not happen', async () => {
    await eyes.query('alter table switchyard.audit_pending add constraint closed check (n < 0) not valid')
    try {
      const body = { metadata: { name: 'p3' }, spec: {} }
      const reply = await h.call('POST', projects, { token: ann.token, body })
      expect(reply.status).toBeGreaterThanOrEqual(400)
      await expect(
        h.database.store.write({ role: 'control' }, async tx => {
          const found = await tx.lock({ kind: 'Workspace', workspace: null, name: 'red' }, 'update')
          if (!found) throw new Error('it is there')
          await tx.audit({ workspace: 'red', action: 'ledger.adjust' })
        }),
      ).rejects.toMatchObject({ name: 'Fault' })
      expect(
        (
          await h.call('POST', '/api/v1/sessions', {
            token: null,
            body: { email: ann.email, password: ann.password },
          })
        ).status,
      ).toBeGreaterThanOrEqual(400)
    } finally {
      await eyes.query('alter table switchyard.audit_pending drop constraint closed')
    }
    expectStatus(await h.call('GET', `${projects}/p3`, { token: ann.token }), 404)
    const { rows } = await eyes.query("select from switchyard.changes where name = 'p3'")
    expect(rows).toEqual([])
  })

  test('of something that is no document is told in one line, in the transaction of the change', async () => {
    await h.database.store.write({ role: 'caller', principal: 'user:ann', scopes: ['*'] }, tx =>
      tx.audit({
        workspace: 'red',
        action: 'invoice.issue',
        resource: { kind: 'Invoice', name: 'N-1' },
        actor: 'user:other',
      }),
    )
    // A caller is who it is, whatever it says.
    expect(await told()).toMatchObject([
      { action: 'invoice.issue', actor: { id: 'user:ann' }, resource: { name: 'N-1' } },
    ])
  })
})

describe('secrets', () => {
  test('that are written are told by name, without a trace of the value; a rotation is told as one', async () => {
    const canary = 'canary-of-the-trail'
    const body = { metadata: { name: 'c1' }, spec: { value: canary } }
    expectStatus(await h.call('POST', '/api/v1/workspaces/red/credentials', { token: ann.token, body }), 201)
    const key = { metadata: { name: 'k1' }, spec: { owner: { kind: 'User', name: 'ann' } } }
    const made = expectStatus(
      await h.call('POST', '/api/v1/workspaces/red/apikeys', { token: ann.token, body: key }),
      201,
    )
    const turned = expectStatus(
      await h.call('POST', '/api/v1/workspaces/red/apikeys/k1/actions/rotate', {
        token: ann.token,
        body: {},
      }),
      200,
    )
    const all = await told()
    expect(new Set(all.map(({ action }) => action))).toEqual(
      new Set([
        'credential.create',
        'credential.secret_write',
        'api_key.create',
        'api_key.secret_write',
        'api_key.rotate',
      ]),
    )
    const text = JSON.stringify(all)
    for (const secret of [canary, made.body.secret ?? '', turned.body.secret ?? '', ann.token]) {
      expect(secret).not.toBe('')
      expect(text).not.toContain(secret)
    }
  })

  test('that are opened, by the server too, are told in the transaction that reads them, to each workspace its own', async () => {
    const body = { metadata: { name: 'c2' }, spec: { value: 'v', share: 'all' } }
    expectStatus(await h.call('POST', '/api/v1/credentials', { body }), 201)
    await h.database.openVault([h.masterKey]).read('Credential', 'gateway')
    expect(await told('credential.unseal')).toMatchObject([
      { workspace: 'red', actor: { id: 'system:secrets' }, reason: 'gateway', count: 1, documents: ['c1'] },
      { workspace: null, reason: 'gateway', count: 1, documents: ['c2'] },
    ])
  })
})

describe('signing in and out', () => {
  test('is told, with the failures and the account that was tried', async () => {
    const body = { email: ann.email, password: 'no such password here' }
    expectStatus(await h.call('POST', '/api/v1/sessions', { token: null, body }), 401)
    const session = expectStatus(
      await h.call('POST', '/api/v1/sessions', { token: null, body: { ...body, password: ann.password } }),
      201,
    )
    expectStatus(await h.call('DELETE', '/api/v1/sessions', { token: session.body.accessToken }), 204)
    expect(await told()).toMatchObject([
      {
        action: 'session.create',
        outcome: 'failed',
        reason: 'sign_in_failed',
        subject: `email:${ann.email}`,
      },
      {
        action: 'session.create',
        outcome: 'success',
        actor: { id: 'user:ann' },
        origin: { ip: '127.0.0.1' },
      },
      { action: 'session.end', reason: 'signed_out', actor: { id: 'user:ann', method: 'session' } },
    ])
  })

  test('is told when a used refresh token ends the session', async () => {
    const bob = await h.person('bob')
    const refresh = (refreshToken: string) =>
      h.call('POST', '/api/v1/sessions/refresh', { token: null, body: { refreshToken } })
    const next = expectStatus(await refresh(bob.refreshToken), 200)
    await eyes.query(
      "update switchyard.refresh_tokens set used_at = used_at - interval '1 minute' where used_at is not null",
    )
    expectStatus(await refresh(bob.refreshToken), 401)
    expectStatus(await refresh(next.body.refreshToken), 401)
    expect(await told('session.end')).toMatchObject([{ reason: 'token_reused', subject: 'user:bob' }])
  })
})

describe('a refusal', () => {
  test('is told with what was asked for, whether it says denied, unauthenticated or hides a workspace', async () => {
    expectStatus(
      await h.call('POST', '/api/v1/workspaces', { token: ann.token, body: workspaceDocument('blue') }),
      403,
    )
    expectStatus(await h.call('GET', projects, { token: 'nonsense' }), 401)
    expectStatus(await h.call('GET', '/api/v1/workspaces/hidden/projects', { token: ann.token }), 404)
    expect(await told()).toMatchObject([
      {
        action: 'workspace.create',
        outcome: 'denied',
        code: 'denied',
        rule: 'workspace:create',
        actor: { id: 'user:ann' },
        workspace: null,
      },
      {
        action: 'project.read',
        outcome: 'denied',
        code: 'unauthenticated',
        actor: { id: 'system:unknown' },
        workspace: 'red',
      },
      {
        action: 'project.read',
        outcome: 'denied',
        code: 'not_found',
        reason: 'workspace_not_found',
        workspace: 'hidden',
      },
    ])
  })

  test('is told whole twenty times in a minute of one address and action, and the rest as one with a count', async () => {
    for (let i = 0; i < 30; i++)
      expectStatus(await h.call('GET', '/api/v1/clusters', { token: 'nonsense' }), 401)
    expect(await told('cluster.read')).toHaveLength(20)
    h.clock.ahead += 61_000
    expectStatus(await h.call('GET', '/api/v1/clusters', { token: 'nonsense' }), 401)
    const all = await told('cluster.read')
    expect(all.slice(20).map(({ count }) => count)).toEqual([10, undefined])
    h.clock.ahead = 0
  })
})
