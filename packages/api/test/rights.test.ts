import { readFile } from 'node:fs/promises'
import { kinds, permissions, presets } from '@switchyard/kinds'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { decide, holds } from '../src/authorize.ts'
import {
  endpointDocument,
  expectStatus,
  type Harness,
  type Person,
  start,
  workspaceDocument,
} from './harness.ts'
import { callerWith, golden, page } from './rights-page.ts'

describe('the matrix of presets, kinds, verbs, places and routes', () => {
  test('names every kind in the golden file', async () => {
    const golden = await readFile(new URL('./rights.golden.txt', import.meta.url), 'utf8')
    for (const { noun } of kinds) expect(golden).toContain(`| ${noun} |`)
  })

  test('a grant of a workspace reaches neither another workspace nor the platform', () => {
    for (const preset of Object.keys(presets))
      for (const permission of permissions) {
        const caller = callerWith(preset, 'red')
        expect(holds(caller, permission, 'blue')).toBe(false)
        expect(holds(caller, permission, null)).toBe(false)
      }
  })

  test('a key never does more than its owner, its scopes and its workspace allow', () => {
    for (const preset of Object.keys(presets))
      for (const permission of permissions) {
        const key = callerWith(preset, null, { scopes: ['endpoint:*', 'inference:call'], workspace: 'red' })
        const may =
          holds(callerWith(preset, null), permission, 'red') && /^(endpoint:|inference:call)/.test(permission)
        expect([permission, holds(key, permission, 'red')]).toEqual([permission, may])
        expect(holds(key, permission, 'blue')).toBe(false)
        expect(holds(key, permission, null)).toBe(false)
      }
  })

  test('what one reaches is denied by name, what one does not reach is not found', () => {
    const viewer = callerWith('viewer', 'red')
    expect(decide(viewer, 'endpoint:create', 'red')).toEqual({
      allowed: false,
      code: 'denied',
      level: 'role',
    })
    expect(decide(viewer, 'endpoint:read', 'blue')).toEqual({ allowed: false, code: 'not_found' })
  })

  test('who is refused is told whether a role, the scopes of the key or its workspace refused', () => {
    const operator = callerWith('operator', null, { scopes: ['endpoint:*'], workspace: 'red' })
    const level = (permission: string, place: string | null) => {
      const decision = decide(operator, permission, place)
      return !decision.allowed && decision.code === 'denied' ? decision.level : decision
    }
    expect(level('endpoint:create', 'red')).toEqual({ allowed: true })
    expect(level('user:read', 'red')).toBe('role')
    expect(level('cluster:read', 'red')).toBe('scope')
    expect(level('endpoint:create', null)).toBe('workspace')
  })
})

describe('over HTTP', () => {
  let h: Harness
  let admin: Person
  let lead: Person
  let developer: Person
  let viewer: Person
  beforeAll(async () => {
    h = await start()
    for (const name of ['red', 'blue'])
      expectStatus(await h.call('POST', '/api/v1/workspaces', { body: workspaceDocument(name) }), 201)
    admin = await h.person('ada', { platform: ['admin'] })
    lead = await h.person('lea', { red: ['workspace-admin'] })
    developer = await h.person('dev', { red: ['developer'] })
    viewer = await h.person('vic', { red: ['viewer'] })
    expectStatus(
      await h.call('POST', '/api/v1/workspaces/blue/endpoints', { body: endpointDocument('secret-plan') }),
      201,
    )
  })
  afterAll(() => h[Symbol.asyncDispose]())

  const assign = (
    token: string,
    workspace: string | null,
    role: string,
    subject = { kind: 'User', name: 'vic' },
  ) =>
    h.call(
      'POST',
      workspace === null ? '/api/v1/roleassignments' : `/api/v1/workspaces/${workspace}/roleassignments`,
      {
        token,
        body: { metadata: { name: `x-${Math.random().toString(36).slice(2)}` }, spec: { subject, role } },
      },
    )

  test('the matrix is the reviewed golden file, and docs/permissions.md says it', async () => {
    await expect(golden(h.api.routes)).toMatchFileSnapshot('./rights.golden.txt')
    await expect(page(h.api.routes)).toMatchFileSnapshot('../../../docs/permissions.md')
  })

  test("CP6.33: another workspace's document is not found by get, list, watch, search, reference or text", async () => {
    const { token } = developer
    const get = await h.call('GET', '/api/v1/workspaces/blue/endpoints/secret-plan', { token })
    expect(get.status).toBe(404)
    expect(get.text).not.toContain('secret-plan')
    expect((await h.call('GET', '/api/v1/workspaces/blue/endpoints', { token })).status).toBe(404)
    expect((await h.call('GET', '/api/v1/workspaces/blue/endpoints?watch=true', { token })).status).toBe(404)
    const all = expectStatus(await h.call('GET', '/api/v1/endpoints?count=true&q=secret', { token }), 200)
    expect([all.body.items.length, all.body.metadata.count]).toEqual([0, 0])
    const created = await h.call('POST', '/api/v1/endpoints', {
      token,
      body: { ...endpointDocument('x'), metadata: { name: 'x', workspace: 'blue' } },
    })
    expect(created.status).toBe(404)
    // A name means one's own workspace, and never tells whether another has it.
    const route = { model: 'm', tiers: [{ targets: [{ endpoint: 'secret-plan' }] }] }
    const known = await h.call('POST', '/api/v1/workspaces/red/routes', {
      token,
      body: { metadata: { name: 'r' }, spec: route },
    })
    const unknown = await h.call('POST', '/api/v1/workspaces/red/routes', {
      token,
      body: {
        metadata: { name: 'r' },
        spec: { ...route, tiers: [{ targets: [{ endpoint: 'no-such-one' }] }] },
      },
    })
    expect(expectStatus(known, 400).body.error.details).toEqual(
      JSON.parse(
        JSON.stringify(expectStatus(unknown, 400).body.error.details).replaceAll(
          'no-such-one',
          'secret-plan',
        ),
      ),
    )
    expect((await h.call('GET', '/api/v1/workspaces/blue', { token })).status).toBe(404)
    expect((await h.call('GET', '/api/v1/workspaces/red', { token })).status).toBe(200)
    const listed = await h.call('GET', '/api/v1/workspaces', { token })
    expect(listed.body.items.map(({ metadata }) => metadata.name)).toEqual(['red'])
  })

  test('a platform document that is lent is read and used, and not changed', async () => {
    const { token } = developer
    expect((await h.call('GET', '/api/v1/engines/llama-cpp', { token })).status).toBe(200)
    const changed = await h.call('PATCH', '/api/v1/engines/llama-cpp', { token, body: {} })
    expect([changed.status, changed.body.error.message]).toEqual([
      403,
      expect.stringContaining('engine:update'),
    ])
    expectStatus(
      await h.call('POST', '/api/v1/workspaces/red/endpoints', { token, body: endpointDocument('mine') }),
      201,
    )
    const raw = await h.call('PATCH', '/api/v1/workspaces/red/endpoints/mine', {
      token,
      body: { spec: { extraArgs: ['--x'] } },
    })
    expect([raw.status, raw.body.error.message]).toEqual([403, expect.stringContaining('engine:raw')])
    // A lent place of someone else is not.
    expectStatus(
      await h.call('POST', '/api/v1/clusters', {
        body: { metadata: { name: 'far' }, spec: { type: 'local', share: ['blue'] } },
      }),
      201,
    )
    const far = {
      ...endpointDocument('far'),
      spec: { model: { name: 'platform/tiny' }, cluster: 'platform/far' },
    }
    const refused = await h.call('POST', '/api/v1/workspaces/red/endpoints', { token, body: far })
    expect(expectStatus(refused, 400).body.error.details).toMatchObject([
      { path: 'spec.cluster', rule: 'reference' },
    ])
    expectStatus(await h.call('POST', '/api/v1/workspaces/blue/endpoints', { body: far }), 201)
  })

  test('who may read and not change is told which permission is missing', async () => {
    const reply = await h.call('DELETE', '/api/v1/workspaces/red/endpoints/mine', { token: viewer.token })
    expect([reply.status, reply.body.error.code, reply.body.error.message]).toEqual([
      403,
      'denied',
      expect.stringContaining('endpoint:delete'),
    ])
  })

  test('who is refused by their key is told so, and not that a role is missing', async () => {
    const made = await h.call('POST', '/api/v1/workspaces/red/apikeys', {
      token: h.operator,
      body: {
        metadata: { name: 'reads-alone' },
        spec: { owner: { kind: 'User', name: 'ada' }, scopes: ['endpoint:*'] },
      },
    })
    const token = expectStatus(made, 201).body.secret!
    const told = async (method: string, path: string) => {
      const { status, body } = await h.call(method, path, { token })
      return [status, body.error.reason, body.error.message]
    }
    expect(await told('GET', '/api/v1/workspaces/red/models')).toEqual([
      403,
      'scope_missing',
      expect.stringContaining('The scopes of this key leave out model:read, which its owner holds'),
    ])
    expect(await told('GET', '/metrics')).toEqual([403, 'scope_missing', expect.any(String)])
    expect(await told('GET', '/api/v1/workspaces/blue/endpoints')).toEqual([
      404,
      'workspace_not_found',
      expect.any(String),
    ])
    expectStatus(await h.call('DELETE', '/api/v1/workspaces/red/apikeys/reads-alone'), 200)
  })

  test('CP6.32: a preset is changed and deleted by nobody', async () => {
    for (const name of Object.keys(presets)) {
      const path = `/api/v1/roles/${name}`
      const changed = await h.call('PATCH', path, { body: { spec: { permissions: ['*'] } } })
      expect([changed.status, changed.body.error?.reason]).toEqual(
        name === 'admin' ? [200, undefined] : [403, 'builtin'],
      )
      expect((await h.call('DELETE', path)).body.error.reason).toBe('builtin')
    }
  })

  test('CP6.32: a workspace admin grants what they hold there, and nothing else anywhere', async () => {
    expectStatus(await assign(lead.token, 'red', 'platform/developer'), 201)
    const admins = await assign(lead.token, 'red', 'platform/admin')
    expect([admins.status, admins.body.error.reason]).toEqual([403, 'grant_not_held'])
    expect((await assign(lead.token, 'red', 'platform/operator')).status).toBe(403)
    expect((await assign(lead.token, null, 'platform/viewer')).status).toBe(403)
    expect((await assign(lead.token, 'blue', 'platform/viewer')).status).toBe(404)
    const roles = '/api/v1/workspaces/red/roles'
    const role = (name: string, ...given: string[]) =>
      h.call('POST', roles, { token: lead.token, body: { metadata: { name }, spec: { permissions: given } } })
    expectStatus(await role('mild', 'endpoint:*', 'model:read'), 201)
    expect((await role('wild', '*')).body.error.reason).toBe('grant_not_held')
    expect((await role('forcing', 'endpoint:read', 'system:force')).status).toBe(403)
    expect(expectStatus(await role('odd', 'endpoint:fly'), 400).body.error.details[0]?.rule).toBe(
      'unknown_permission',
    )
    const grown = await h.call('PATCH', `${roles}/mild`, {
      token: lead.token,
      body: { spec: { permissions: ['*'] } },
    })
    expect(grown.body.error.reason).toBe('grant_not_held')
    const key = (owner: object, scopes: string[]) =>
      h.call('POST', '/api/v1/workspaces/red/apikeys', {
        token: lead.token,
        body: { metadata: { name: `k-${Math.random().toString(36).slice(2)}` }, spec: { owner, scopes } },
      })
    const bySomeoneElse = await key({ kind: 'User', name: 'ada' }, ['*'])
    expect([bySomeoneElse.status, bySomeoneElse.body.error.reason]).toEqual([403, 'grant_not_held'])
    expectStatus(await key({ kind: 'User', name: 'lea' }, ['*']), 201)
    expectStatus(
      await h.call('POST', '/api/v1/workspaces/red/serviceaccounts', {
        token: lead.token,
        body: { metadata: { name: 'bot' }, spec: {} },
      }),
      201,
    )
    expectStatus(await key({ kind: 'ServiceAccount', name: 'bot' }, ['inference:call']), 201)
    expect(
      expectStatus(await key({ kind: 'ServiceAccount', name: 'ghost' }, ['inference:call']), 400).body.error
        .details,
    ).toMatchObject([{ path: 'spec.owner', rule: 'reference' }])
  })

  test("a developer makes own keys, sees no one else's, and makes none for others", async () => {
    const keys = '/api/v1/workspaces/red/apikeys'
    const mine = { metadata: { name: 'of-dev' }, spec: { owner: { kind: 'User', name: 'dev' } } }
    expectStatus(await h.call('POST', keys, { token: developer.token, body: mine }), 201)
    const other = { metadata: { name: 'of-vic' }, spec: { owner: { kind: 'User', name: 'vic' } } }
    const refused = await h.call('POST', keys, { token: developer.token, body: other })
    expect([refused.status, refused.body.error.message]).toEqual([
      403,
      expect.stringContaining('api_key:any'),
    ])
    expectStatus(await h.call('POST', keys, { token: lead.token, body: other }), 201)
    const listed = await h.call('GET', keys, { token: developer.token })
    expect(listed.body.items.map(({ metadata }) => metadata.name)).toEqual(['of-dev'])
    expect((await h.call('GET', `${keys}/of-vic`, { token: developer.token })).status).toBe(404)
    expect((await h.call('DELETE', `${keys}/of-vic`, { token: developer.token })).status).toBe(404)
    expect((await h.call('GET', '/api/v1/apikeys', { token: developer.token })).body.items.length).toBe(1)
  })

  test('a narrowed key makes no wider key', async () => {
    const keys = '/api/v1/workspaces/red/apikeys'
    const body = (name: string, scopes: string[]) => ({
      metadata: { name },
      spec: { owner: { kind: 'User', name: 'dev' }, scopes },
    })
    const made = expectStatus(
      await h.call('POST', keys, {
        token: developer.token,
        body: body('narrow', ['api_key:create', 'api_key:read']),
      }),
      201,
    )
    const token = made.body.secret!
    expect((await h.call('POST', keys, { token, body: body('wide', ['*']) })).body.error.reason).toBe(
      'grant_not_held',
    )
    expectStatus(await h.call('POST', keys, { token, body: body('narrower', ['api_key:read']) }), 201)
    expect((await h.call('GET', '/api/v1/workspaces/red/endpoints', { token })).status).toBe(403)
  })

  test('CP6.32: nobody takes over a stronger account: not by its password or address, not by turning its key', async () => {
    const users = { metadata: { name: 'user-keeper' }, spec: { permissions: ['user:*'] } }
    expectStatus(await h.call('POST', '/api/v1/roles', { body: users }), 201)
    const keeper = await h.person('kim', { red: ['workspace-admin'] })
    const spec = { subject: { kind: 'User', name: 'kim' }, role: 'platform/user-keeper' }
    expectStatus(
      await h.call('POST', '/api/v1/roleassignments', { body: { metadata: { name: 'kim-keeps' }, spec } }),
      201,
    )
    const { token } = keeper
    const password = (name: string) =>
      h.call('PATCH', `/api/v1/users/${name}`, { token, body: { spec: { password: 'taken over by kim' } } })
    expect((await password('ada')).body.error.reason).toBe('grant_not_held')
    expectStatus(await password('vic'), 200)
    const email = (name: string) =>
      h.call('PATCH', `/api/v1/users/${name}`, {
        token,
        body: { spec: { email: `kim-${name}@example.org` } },
      })
    expect((await email('ada')).body.error.reason).toBe('grant_not_held')
    expectStatus(await email('vic'), 200)
    const body = {
      metadata: { name: 'of-ada' },
      spec: { owner: { kind: 'User', name: 'ada' }, scopes: ['*'] },
    }
    expectStatus(await h.call('POST', '/api/v1/workspaces/red/apikeys', { token: admin.token, body }), 201)
    const turned = await h.call('POST', '/api/v1/workspaces/red/apikeys/of-ada/actions/rotate', {
      token,
      body: {},
    })
    expect(turned.body.error.reason).toBe('grant_not_held')
  })

  test('the last administrator is kept: not deleted, not disabled, not unassigned', async () => {
    const { token } = admin
    expectStatus(await h.call('DELETE', '/api/v1/workspaces/red/apikeys/of-ada', { token }), 200)
    const attempts = [
      () => h.call('DELETE', '/api/v1/users/ada', { token }),
      () => h.call('PATCH', '/api/v1/users/ada', { token, body: { spec: { disabled: true } } }),
      () => h.call('DELETE', '/api/v1/roleassignments/ada-admin', { token }),
      () =>
        h.call('PATCH', '/api/v1/roleassignments/ada-admin', {
          token,
          body: { spec: { expiresAt: '2099-01-01T00:00:00Z' } },
        }),
    ]
    for (const attempt of attempts) expect((await attempt()).body.error.reason).toBe('last_admin')
    await h.person('eve', { platform: ['admin'] })
    // Two who remove each other at once: one stays.
    const both = await Promise.all(
      ['ada', 'eve'].map(name => h.call('DELETE', `/api/v1/roleassignments/${name}-admin`, {})),
    )
    expect(both.map(({ status }) => status)).toEqual(expect.arrayContaining([200, 409]))
  })
})
