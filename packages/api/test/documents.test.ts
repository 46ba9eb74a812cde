import { kinds } from '@switchyard/kinds'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  endpointDocument,
  expectStatus,
  type Harness,
  type Reply,
  start,
  workspaceDocument,
} from './harness.ts'

let h: Harness
beforeAll(async () => {
  h = await start()
  expectStatus(await h.call('POST', '/api/v1/workspaces', { body: workspaceDocument('team') }), 201)
})
afterAll(() => h[Symbol.asyncDispose]())

const endpoints = '/api/v1/workspaces/team/endpoints'

describe('a document', () => {
  test('is created with defaults, an address and a version', async () => {
    const made = expectStatus(await h.call('POST', endpoints, { body: endpointDocument('first') }), 201)
    expect(made.headers.get('location')).toBe(`${endpoints}/first`)
    expect(made.headers.get('etag')).toBe(`"${made.body.metadata.resourceVersion}"`)
    expect(made.body.spec).toMatchObject({ cluster: 'platform/local', replicas: 1, paused: false })
    expect(made.body.metadata).toMatchObject({
      generation: 1,
      workspace: 'team',
      createdBy: 'system:operator',
      finalizers: ['switchyard.dev/endpoint'],
    })
    expect(made.body.status.phase).toBe('Pending')
    const read = expectStatus(await h.call('GET', `${endpoints}/first`), 200)
    expect(read.body).toEqual(made.body)
    const unchanged = await h.call('GET', `${endpoints}/first`, {
      headers: { 'if-none-match': read.headers.get('etag')! },
    })
    expect(unchanged.status).toBe(304)
  })

  test('keeps its version when a write changes nothing, and its generation when only labels change', async () => {
    const made = expectStatus(await h.call('POST', endpoints, { body: endpointDocument('steady') }), 201)
    const put = await h.call('PUT', `${endpoints}/steady`, {
      body: made.body,
      headers: { 'if-match': made.headers.get('etag')! },
    })
    expect(expectStatus(put, 200).body).toEqual(made.body)
    const labelled = expectStatus(
      await h.call('PATCH', `${endpoints}/steady`, { body: { metadata: { labels: { a: 'b' } } } }),
      200,
    )
    expect(labelled.body.metadata.generation).toBe(1)
    expect(labelled.body.metadata.resourceVersion).not.toBe(made.body.metadata.resourceVersion)
    const scaled = expectStatus(
      await h.call('PATCH', `${endpoints}/steady`, { body: { spec: { replicas: 2 } } }),
      200,
    )
    expect(scaled.body.metadata.generation).toBe(2)
    expect(scaled.body.spec.replicas).toBe(2)
  })

  test('is refused with a path for an unknown field, an immutable one, a reserved label and a wrong value', async () => {
    expectStatus(await h.call('POST', endpoints, { body: endpointDocument('strict') }), 201)
    const paths = (reply: Reply) => reply.body.error.details.map(({ path, rule }) => `${path} ${rule}`)
    const unknown = await h.call('POST', endpoints, {
      body: {
        extra: 1,
        metadata: { name: 'x', colour: 'red' },
        spec: { model: { name: 'platform/tiny', size: 1 }, replica: 2 },
      },
    })
    expectStatus(unknown, 400)
    expect(paths(unknown)).toEqual(
      expect.arrayContaining([
        'extra unknown_field',
        'metadata.colour unknown_field',
        'spec.model.size unknown_field',
        'spec.replica unknown_field',
      ]),
    )
    const immutable = expectStatus(
      await h.call('PATCH', `${endpoints}/strict`, { body: { spec: { cluster: 'platform/other' } } }),
      400,
    )
    expect(paths(immutable)).toEqual(['spec.cluster immutable'])
    const reserved = await h.call('PATCH', `${endpoints}/strict`, {
      body: { metadata: { labels: { 'switchyard.dev/x': 'y' } } },
    })
    expect(paths(expectStatus(reserved, 400))).toEqual(['metadata.labels.switchyard.dev/x reserved'])
    const wrong = expectStatus(
      await h.call('PATCH', `${endpoints}/strict`, { body: { spec: { replicas: -1 } } }),
      400,
    )
    expect(paths(wrong)).toEqual(['spec.replicas too_small'])
  })

  test('is not replaced without If-Match, nor by two who read the same version', async () => {
    const made = expectStatus(await h.call('POST', endpoints, { body: endpointDocument('raced') }), 201)
    const without = expectStatus(await h.call('PUT', `${endpoints}/raced`, { body: made.body }), 400)
    expect(without.body.error.reason).toBe('if_match_required')
    const etag = made.headers.get('etag')!
    const replies = await Promise.all(
      [3, 4].map(replicas =>
        h.call('PUT', `${endpoints}/raced`, {
          body: { ...made.body, spec: { ...made.body.spec, replicas } },
          headers: { 'if-match': etag },
        }),
      ),
    )
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([200, 412]))
    expect(replies.find(({ status }) => status === 412)!.body.error.code).toBe('stale')
  })

  test('is created or replaced by PUT with If-Match: *', async () => {
    const put = () =>
      h.call('PUT', `${endpoints}/either`, { body: endpointDocument('either'), headers: { 'if-match': '*' } })
    expect((await put()).status).toBe(201)
    expect((await put()).status).toBe(200)
  })

  test('leaves no trace of a dry run', async () => {
    const before = (await h.call('GET', endpoints)).body.metadata.resourceVersion
    const dry = expectStatus(
      await h.call('POST', `${endpoints}?dryRun=true`, { body: endpointDocument('dry') }),
      201,
    )
    expect(dry.body.spec.replicas).toBe(1)
    expect((await h.call('GET', `${endpoints}/dry`)).status).toBe(404)
    expectStatus(await h.call('POST', endpoints, { body: endpointDocument('wet') }), 201)
    const after = (await h.call('GET', `${endpoints}/wet`)).body.metadata.resourceVersion
    for (const [method, body] of [
      ['PATCH', { spec: { replicas: 9 } }],
      ['DELETE', undefined],
    ] as const)
      expect((await h.call(method, `${endpoints}/wet?dryRun=true`, { body })).status).toBeLessThan(300)
    expect((await h.call('GET', `${endpoints}/wet`)).body.metadata.resourceVersion).toBe(after)
    expect(before).not.toBe(after)
  })

  test('is deleted softly while a finalizer stands, again with the same answer, and its name stays taken', async () => {
    expectStatus(await h.call('POST', endpoints, { body: endpointDocument('leaving') }), 201)
    const deleted = expectStatus(await h.call('DELETE', `${endpoints}/leaving`), 202)
    expect(deleted.body.metadata.deletionTimestamp).toBeDefined()
    expect(deleted.body.status.phase).toBe('Deleting')
    expect((await h.call('DELETE', `${endpoints}/leaving`)).body).toEqual(deleted.body)
    const again = expectStatus(await h.call('POST', endpoints, { body: endpointDocument('leaving') }), 409)
    expect(again.body.error.reason).toBe('terminating')
    const frozen = expectStatus(
      await h.call('PATCH', `${endpoints}/leaving`, { body: { spec: { replicas: 2 } } }),
      409,
    )
    expect(frozen.body.error.reason).toBe('terminating')
    expectStatus(await h.call('DELETE', `${endpoints}/leaving?force=true`), 200)
    expect((await h.call('GET', `${endpoints}/leaving`)).status).toBe(404)
    const events = expectStatus(
      await h.call('GET', '/api/v1/workspaces/team/events?kind=Endpoint&name=leaving'),
      200,
    )
    expect(events.body.items.map(({ reason }) => reason)).toContain('Orphaned')
  })

  test('taken names are said to be taken', async () => {
    expectStatus(await h.call('POST', '/api/v1/workspaces', { body: workspaceDocument('twice') }), 201)
    const taken = expectStatus(
      await h.call('POST', '/api/v1/workspaces', { body: workspaceDocument('twice') }),
      409,
    )
    expect(taken.body.error).toMatchObject({ code: 'conflict', reason: 'taken' })
  })
})

describe('references', () => {
  test('keep their target: a delete names who refers to it', async () => {
    const models = '/api/v1/workspaces/team/models'
    expectStatus(
      await h.call('POST', models, {
        body: { metadata: { name: 'm' }, spec: { source: { registry: 'platform/bundled', path: 'm.gguf' } } },
      }),
      201,
    )
    expectStatus(
      await h.call('POST', endpoints, {
        body: { metadata: { name: 'uses-m' }, spec: { model: { name: 'm' } } },
      }),
      201,
    )
    const refused = expectStatus(await h.call('DELETE', `${models}/m`), 409)
    expect(refused.body.error.reason).toBe('in_use')
    expect(refused.body.error.message).toContain('Endpoint uses-m')
    const workspace = expectStatus(await h.call('DELETE', '/api/v1/workspaces/team'), 409)
    expect(workspace.body.error.reason).toBe('in_use')
    expectStatus(await h.call('DELETE', `${endpoints}/uses-m?force=true`), 200)
    expectStatus(await h.call('DELETE', `${models}/m`), 200)
  })

  test('must point at what is there', async () => {
    const refused = await h.call('POST', endpoints, {
      body: { metadata: { name: 'lost' }, spec: { model: { name: 'nothing' } } },
    })
    expect(expectStatus(refused, 400).body.error.details).toMatchObject([
      { path: 'spec.model.name', rule: 'reference' },
    ])
  })
})

describe('an endpoint', () => {
  const create = (spec: object) =>
    h.call('POST', `${endpoints}?dryRun=true`, {
      body: { metadata: { name: 'args' }, spec: { model: { name: 'platform/tiny' }, ...spec } },
    })
  const newest = { name: 'platform/llama-cpp', version: '1.10.0' }
  test.each([
    ['an unknown argument', { arguments: { nope: 1 } }, 'spec.arguments.nope', 'unknown_argument'],
    ['a value out of range', { arguments: { threads: 65 } }, 'spec.arguments.threads', 'too_big'],
    ['a managed argument', { arguments: { host: 'x' } }, 'spec.arguments.host', 'managed_argument'],
    [
      'an argument of a later version',
      { arguments: { mode: 'fast' } },
      'spec.arguments.mode',
      'not_in_version',
    ],
    [
      'an argument of an earlier version',
      { engine: newest, arguments: { old: true } },
      'spec.arguments.old',
      'not_in_version',
    ],
    [
      'a version that the engine does not have',
      { engine: { name: 'platform/llama-cpp', version: '9' } },
      'spec.engine.version',
      'unknown_version',
    ],
    ['a library to preload', { env: { LD_PRELOAD: '/x' } }, 'spec.env.LD_PRELOAD', 'refused_name'],
    ['another program path', { env: { PATH: '/x' } }, 'spec.env.PATH', 'refused_name'],
  ])('is refused with %s', async (_what, spec, path, rule) => {
    expect(expectStatus(await create(spec), 400).body.error.details).toMatchObject([{ path, rule }])
  })
  test('is accepted with what its engine knows', async () => {
    expectStatus(
      await create({
        engine: newest,
        arguments: { mode: 'exact', threads: 4 },
        env: { OMP_NUM_THREADS: '2' },
      }),
      201,
    )
  })
})

describe('what comes with Switchyard', () => {
  test('is neither changed nor deleted', async () => {
    const changed = expectStatus(
      await h.call('PATCH', '/api/v1/roles/viewer', { body: { spec: { permissions: ['*'] } } }),
      403,
    )
    expect(changed.body.error.reason).toBe('builtin')
    expect(expectStatus(await h.call('DELETE', '/api/v1/roles/viewer'), 403).body.error.reason).toBe(
      'builtin',
    )
  })
  test('is left alone by a second start', async () => {
    const { bootstrapDocuments } = await import('@switchyard/api')
    const outcomes = await h.api.ship(bootstrapDocuments())
    expect(new Set(outcomes.map(({ outcome }) => outcome))).toEqual(new Set(['unchanged']))
  })
})

describe('every kind', () => {
  test('answers a replace with what was read as unchanged', async () => {
    const owner = { kind: 'User', name: 'round' }
    const specs: Record<string, object> = {
      LegalEntity: { name: 'Round' },
      Workspace: {},
      Project: {},
      User: { email: 'round@example.org', password: 'round and round it goes' },
      ServiceAccount: {},
      Role: { permissions: ['endpoint:read'] },
      RoleAssignment: { subject: owner, role: 'platform/viewer' },
      ApiKey: { owner },
      Credential: { value: 'round-key', headers: { 'x-org': 'round' } },
      Issuer: {
        issuer: 'https://id.example.com',
        audiences: ['switchyard'],
        jwksUri: 'https://id.example.com/jwks',
        claims: { workspace: { claim: 'org' } },
      },
      IdentityProvider: { issuer: 'https://id.example.com/realms/main', clientId: 'switchyard' },
      Cluster: { type: 'local' },
      Engine: {
        tasks: ['chat'],
        formats: ['gguf'],
        versions: [{ version: '1' }],
        start: { command: ['x'] },
        probes: { alive: '/health' },
      },
      ModelRegistry: { type: 'files', url: 'file:///srv' },
      Model: { source: { registry: 'platform/bundled', path: 'x.gguf' } },
      Quota: { cohort: 'lab', replicas: { nominal: 900, borrow: 1, lend: 2 } },
      Endpoint: { model: { name: 'platform/tiny' } },
      Provider: { type: 'openai', credential: 'round' },
      Guardrail: { kind: 'keyword', words: ['round'] },
      McpServer: { urls: ['https://round.example.com/mcp'] },
      Route: { names: ['round'], tiers: [{ targets: [{ provider: 'round' }] }], guardrails: ['round'] },
      PriceBook: {
        side: 'sale',
        currency: 'USD',
        from: '2026-01-01T00:00:00Z',
        rates: [{ model: '*', unit: 'tok.in.*', price: '2.50' }],
      },
      Budget: { amount: '10' },
    }
    const written = kinds.filter(({ system }) => !system)
    expect(Object.keys(specs)).toEqual(written.map(({ kind }) => kind))
    for (const { kind, plural, scope } of written) {
      const collection = scope === 'platform' ? `/api/v1/${plural}` : `/api/v1/workspaces/team/${plural}`
      const metadata = { name: 'round', labels: { shape: 'round' }, description: '圆' }
      expectStatus(await h.call('POST', collection, { body: { metadata, spec: specs[kind] } }), 201)
      const read = expectStatus(await h.call('GET', `${collection}/round`), 200)
      const headers = { 'if-match': read.headers.get('etag')! }
      const put = await h.call('PUT', `${collection}/round`, { body: read.body, headers })
      expect([kind, expectStatus(put, 200).body]).toEqual([kind, read.body])
      expect(put.headers.get('etag')).toBe(read.headers.get('etag'))
    }
  })
})

describe('a status', () => {
  test('is written by the server alone, moves the version and not the generation, and leaves the spec', async () => {
    const made = expectStatus(await h.call('POST', endpoints, { body: endpointDocument('stated') }), 201)
    const body = { spec: { replicas: 7 }, status: { observedGeneration: 1 } }
    const headers = { 'if-match': made.headers.get('etag')! }
    const put = expectStatus(await h.call('PUT', `${endpoints}/stated/status`, { body, headers }), 200)
    expect(put.body.spec.replicas).toBe(1)
    expect(put.body.status).toMatchObject({ observedGeneration: 1, phase: 'Pending' })
    expect(put.body.metadata.generation).toBe(1)
    expect(put.body.metadata.resourceVersion).not.toBe(made.body.metadata.resourceVersion)
    expectStatus(await h.call('PUT', `${endpoints}/stated/status`, { body, headers }), 412)
    expectStatus(await h.call('PUT', `${endpoints}/stated/status`, { body }), 400)
  })
})

describe('a race', () => {
  test('of creating an endpoint and deleting its model leaves no dangling reference', async () => {
    const models = '/api/v1/workspaces/team/models'
    const source = { registry: 'platform/bundled', path: 'r.gguf' }
    const outcomes = new Set<string>()
    for (let round = 0; round < 40; round++) {
      const name = `race-${round}`
      expectStatus(await h.call('POST', models, { body: { metadata: { name }, spec: { source } } }), 201)
      const endpoint = { metadata: { name }, spec: { model: { name } } }
      const create = () => h.call('POST', endpoints, { body: endpoint })
      const remove = () => h.call('DELETE', `${models}/${name}`)
      const [made, removed] =
        round % 2
          ? await Promise.all([create(), remove()])
          : (await Promise.all([remove(), create()])).toReversed()
      outcomes.add(`${made!.status} ${removed!.status}`)
      const stands = (await h.call('GET', `${models}/${name}`)).status === 200
      expect([round, made!.status === 201]).toEqual([round, stands])
    }
    // Whoever is first wins; both cannot.
    expect([...outcomes].filter(outcome => outcome === '201 200')).toEqual([])
  })
})

describe('a patch', () => {
  test('that is nested without end is refused, not followed', async () => {
    const deep = `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`
    const reply = await h.call('PATCH', `${endpoints}/first`, { body: `{"spec":${deep}}` })
    expect(expectStatus(reply, 400).body.error.details[0]?.rule).toBe('too_deep')
  })
})
