import { readFile } from 'node:fs/promises'
import { kinds, permissions, presets } from '@switchyard/kinds'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Caller, decide, holds } from '../src/authorize.ts'
import {
  endpointDocument,
  expectStatus,
  type Harness,
  type Person,
  start,
  workspaceDocument,
} from './harness.ts'

const places = { own: 'red', other: 'blue', platform: null } as const

function callerWith(preset: string, workspace: string | null, narrowed: Partial<Caller> = {}): Caller {
  return {
    principal: 'user:someone',
    grants: (presets[preset] ?? []).map(permission => ({ workspace, permission })),
    scopes: ['*'],
    credential: { type: 'operator', hash: '' },
    ...narrowed,
  }
}

describe('the matrix of presets, kinds, verbs and places', () => {
  test('is the reviewed golden file', async () => {
    const verbsOf = (noun: string) =>
      permissions.filter(p => p.startsWith(`${noun}:`)).map(p => p.split(':')[1]!)
    const nouns = [...new Set(permissions.map(permission => permission.split(':')[0]!))]
    const lines = Object.keys(presets).flatMap(preset =>
      (['red', null] as const).flatMap(assigned =>
        nouns.map(noun => {
          const caller = callerWith(preset, assigned)
          const cells = Object.entries(places).map(([name, place]) => {
            const held = verbsOf(noun).filter(verb => holds(caller, `${noun}:${verb}`, place))
            return `${name}: ${held.join(' ') || '-'}`
          })
          return `${preset} ${assigned === null ? 'on the platform' : 'in own'} | ${noun} | ${cells.join(' | ')}`
        }),
      ),
    )
    await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot('./rights.golden.txt')
  })

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
    expect(decide(viewer, 'endpoint:create', 'red')).toEqual({ allowed: false, code: 'denied' })
    expect(decide(viewer, 'endpoint:read', 'blue')).toEqual({ allowed: false, code: 'not_found' })
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

  test('the HTTP route agrees with the matrix for every preset, kind and verb', async () => {
    const people: Record<string, Person> = { 'workspace-admin': lead, developer, viewer }
    for (const preset of ['operator', 'billing', 'auditor', 'admin'])
      people[preset] = await h.person(`p-${preset}`, { red: [preset] })
    const methods = { create: 'POST', read: 'GET', update: 'PATCH', delete: 'DELETE' } as const
    for (const [preset, { token }] of Object.entries(people))
      for (const kind of kinds.filter(({ scope }) => scope !== 'platform'))
        for (const [verb, method] of Object.entries(methods)) {
          if (kind.system && (verb === 'create' || verb === 'update')) continue
          const permission = `${kind.noun}:${verb}`
          for (const workspace of ['red', 'blue']) {
            const path = `/api/v1/workspaces/${workspace}/${kind.plural}${verb === 'create' ? '' : '/absent'}`
            const reply = await h.call(method, path, {
              token,
              ...(method === 'GET' || method === 'DELETE' ? {} : { body: {} }),
            })
            const may = holds(callerWith(preset, 'red'), permission, workspace)
            // Allowed is told by what comes after the decision: an invalid body, or that the document is not there.
            const expected = workspace === 'blue' ? 404 : !may ? 403 : verb === 'create' ? 400 : 404
            expect([preset, permission, workspace, reply.status], reply.text).toEqual([
              preset,
              permission,
              workspace,
              expected,
            ])
          }
        }
  })

  test("another workspace's document is not found by get, list, watch, search, reference or text", async () => {
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

  test('a workspace admin grants what they hold there, and nothing else anywhere', async () => {
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

  test('nobody takes over a stronger account: not by its password, not by turning its key', async () => {
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
