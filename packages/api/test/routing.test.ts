import { createHmac, randomBytes, randomUUID } from 'node:crypto'
import type { Vault } from '@switchyard/runtime'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type Call,
  endpointDocument,
  expectStatus,
  type Harness,
  type Person,
  start,
  workspaceDocument,
} from './harness.ts'

const canary = `canary-${randomUUID()}`
const otherCanary = `second-${randomUUID()}`
/** By the key of this installation, which is kept sealed. */
async function fingerprint(text: string): Promise<string> {
  const key = await vault.value('fingerprints')
  return createHmac('sha256', Buffer.from(key?.reveal() ?? '', 'base64'))
    .update(text)
    .digest('hex')
    .slice(0, 16)
}

let h: Harness
let vault: Vault
let lead: Person
let developer: Person
beforeAll(async () => {
  h = await start()
  vault = h.database.openVault([h.masterKey])
  for (const name of ['red', 'blue'])
    expectStatus(await h.call('POST', '/api/v1/workspaces', { body: workspaceDocument(name) }), 201)
  lead = await h.person('lea', { red: ['workspace-admin'] })
  developer = await h.person('dev', { red: ['developer'] })
})
afterAll(() => h[Symbol.asyncDispose]())

const at = (plural: string, name?: string, workspace: string | null = 'red') =>
  `/api/v1/${workspace === null ? '' : `workspaces/${workspace}/`}${plural}${name === undefined ? '' : `/${name}`}`
const make = (
  plural: string,
  name: string,
  spec: unknown,
  given: Call = {},
  workspace: string | null = 'red',
) => h.call('POST', at(plural, undefined, workspace), { body: { metadata: { name }, spec }, ...given })
const patch = (plural: string, name: string, spec: unknown, given: Call = {}) =>
  h.call('PATCH', at(plural, name), { body: { spec }, ...given })

describe('the secret of a Credential', () => {
  test('is kept and told by its fingerprint, and never given back', async () => {
    const made = expectStatus(
      await make(
        'credentials',
        'openai',
        { value: canary, headers: { 'X-Org': otherCanary } },
        { token: lead.token },
      ),
      201,
    )
    expect(made.body.spec).toEqual({ type: 'bearer', share: 'none' })
    expect(made.body.status).toMatchObject({
      phase: 'Ready',
      fingerprint: await fingerprint(canary),
      set: ['headers', 'value'],
      rotatedAt: made.body.metadata.creationTimestamp,
    })
    const { secrets } = await vault.read('Credential')
    expect(secrets.get(made.body.metadata.id)?.reveal()).toEqual({
      value: canary,
      headers: JSON.stringify({ 'X-Org': otherCanary }),
    })
  })

  test('is in no read, list, history, event, log of changes, answer or table', async () => {
    await patch('credentials', 'openai', { value: `${canary} ` }) // refused: it ends with a blank
    await patch('credentials', 'openai', { value: canary, headers: { 'x-a': `${canary}\n` } })
    await make('credentials', 'openai', { value: canary }) // taken
    await make('credentials', 'keyed', { value: canary }, { headers: { 'idempotency-key': 'once' } })
    await make('credentials', 'keyed', { value: canary }, { headers: { 'idempotency-key': 'once' } })
    const texts = [
      ...(await Promise.all(
        [
          at('credentials'),
          at('credentials', 'openai'),
          `${at('events')}?limit=100`,
          '/api/v1/credentials',
        ].map(async path => (await h.call('GET', path)).text),
      )),
      (
        await make('credentials', 'bad', {
          value: `${canary}\n`,
          headers: { 'x-a': 7, 'x-b': `${canary}\r` },
        })
      ).text,
      (await make('credentials', 'bad', { value: { deep: canary } })).text,
      (await make('credentials', 'bad', { type: 'basic', value: canary })).text,
      JSON.stringify(h.observations),
    ]
    const eyes = new Client({ connectionString: h.database.url, options: '-c search_path=switchyard' })
    await eyes.connect()
    const { rows: tables } = await eyes.query<{ name: string }>(
      `select relname as name from pg_class where relnamespace = 'switchyard'::regnamespace and relkind in ('r', 'p')`,
    )
    for (const { name } of tables) {
      const { rows } = await eyes.query<{ text: string }>(`select t::text as text from ${name} t`)
      texts.push(...rows.map(({ text }) => text))
    }
    await eyes.end()
    expect(tables.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['changes', 'answers', 'sealed_secrets']),
    )
    for (const word of [canary, otherCanary])
      for (const text of texts) expect(text.includes(word), text.slice(0, 200)).toBe(false)
  })

  test('stays when a change leaves it out or sends the marker of a read, and is told anew when it turns', async () => {
    const seen = await h.call('GET', at('credentials', 'openai'))
    const { id } = seen.body.metadata
    const replaced = expectStatus(
      await h.call('PUT', at('credentials', 'openai'), {
        headers: { 'if-match': '*' },
        body: { metadata: { labels: { a: 'b' } }, spec: { value: { set: true } } },
      }),
      200,
    )
    expect(replaced.body.status).toEqual(seen.body.status)
    expect((await vault.read('Credential')).secrets.get(id)?.reveal()).toMatchObject({ value: canary })
    h.clock.ahead += 60_000
    const turned = expectStatus(await patch('credentials', 'openai', { value: 'new-key', headers: {} }), 200)
    h.clock.ahead = 0
    expect(turned.body.status).toMatchObject({ fingerprint: await fingerprint('new-key'), set: ['value'] })
    expect(turned.body.status.rotatedAt).not.toBe(seen.body.status.rotatedAt)
    expect((await vault.read('Credential')).secrets.get(id)?.reveal()).toEqual({ value: 'new-key' })
  })

  test('is kept where it is left out or marked, and taken away by null where it may be absent', async () => {
    const name = 'nulls'
    const made = expectStatus(await make('credentials', name, { value: 'v', headers: { 'x-a': 'h' } }), 201)
    const { id } = made.body.metadata
    const held = async () => (await vault.read('Credential')).secrets.get(id)?.reveal()
    const replace = (spec: object) =>
      h.call('PUT', at('credentials', name), { headers: { 'if-match': '*' }, body: { spec } })
    const both = { value: 'v', headers: '{"x-a":"h"}' }
    // What one way says of null, the other says too.
    for (const write of [replace, (spec: object) => patch('credentials', name, spec)]) {
      for (const spec of [{}, { value: { set: true }, headers: { set: true } }]) {
        expect(expectStatus(await write(spec), 200).body.status.set).toEqual(['headers', 'value'])
        expect(await held()).toEqual(both)
      }
      expect(expectStatus(await write({ value: null }), 400).body.error).toMatchObject({
        details: [{ path: 'spec.value', rule: 'required' }],
      })
      expect(await held()).toEqual(both)
      const dry = await h.call('PATCH', `${at('credentials', name)}?dryRun=true`, {
        headers: { 'content-type': 'application/merge-patch+json' },
        body: { spec: { headers: null } },
      })
      expect(expectStatus(dry, 200).body.status.set).toEqual(['value'])
      expect(await held()).toEqual(both)
      expect(expectStatus(await write({ headers: null }), 200).body.status.set).toEqual(['value'])
      expect(await held()).toEqual({ value: 'v' })
      expectStatus(await write({ headers: null }), 200)
      expectStatus(await write({ headers: { 'x-a': 'h' } }), 200)
    }
    // A patch cannot merge into what it cannot read.
    expect(
      expectStatus(await patch('credentials', name, { headers: { 'x-a': null } }), 400).body.error,
    ).toMatchObject({ details: [{ path: 'spec.headers', rule: 'replaced_whole' }] })
    expect(await held()).toEqual(both)
    // Nothing to take away yet, and nothing required: that is no mistake.
    expectStatus(await make('credentials', 'fresh', { value: 'v', headers: null }), 201)
    expectStatus(await make('credentials', 'empty', { value: null }), 400)
  })

  test('is asked for at the start, in the form of its type', async () => {
    const required = { reason: 'invalid', details: [expect.objectContaining({ rule: 'required' })] }
    expect(expectStatus(await make('credentials', 'none', {}), 400).body.error).toMatchObject(required)
    expect(expectStatus(await make('credentials', 'none', { type: 'custom' }), 400).body.error).toMatchObject(
      required,
    )
    expectStatus(
      await make('credentials', 'none', { type: 'custom', value: 'x', headers: { 'x-a': 'b' } }),
      400,
    )
    const made = expectStatus(
      await make('credentials', 'both', { type: 'custom', headers: { 'x-a': 'b' } }),
      201,
    )
    expect(made.body.status).toMatchObject({
      fingerprint: await fingerprint('{"x-a":"b"}'),
      set: ['headers'],
    })
    expectStatus(await patch('credentials', 'both', { headers: {} }), 400)
  })

  test('is not written by a dry run, nor on a server that cannot seal', async () => {
    const dry = await h.call('POST', `${at('credentials')}?dryRun=true`, {
      body: { metadata: { name: 'dry' }, spec: { value: canary } },
    })
    expect(dry.text).not.toContain(canary)
    expectStatus(await h.call('GET', at('credentials', 'dry')), 404)
    await using bare = await start({ vault: undefined })
    const refused = await bare.call('POST', '/api/v1/credentials', {
      body: { metadata: { name: 'x' }, spec: { value: 'y' } },
    })
    expect([refused.status, refused.body.error.reason]).toEqual([501, 'no_vault'])
  })
})

describe('a Provider', () => {
  test('is made with a credential that stays while it is used', async () => {
    expectStatus(
      await make('providers', 'main', { type: 'openai', credential: 'openai' }, { token: lead.token }),
      201,
    )
    const refused = expectStatus(await h.call('DELETE', at('credentials', 'openai')), 409)
    expect(refused.body.error.reason).toBe('in_use')
    expect(refused.body.error.message).toContain('Provider main')
    expectStatus(await make('providers', 'absent', { type: 'openai', credential: 'nobody' }), 400)
  })

  test('needs an address where its type has none', async () => {
    const refused = expectStatus(await make('providers', 'azure', { type: 'azure-openai' }), 400)
    expect(refused.body.error.message).toContain('https://RESOURCE.openai.azure.com/openai/v1')
    expectStatus(
      await make('providers', 'azure', {
        type: 'azure-openai',
        baseUrl: 'https://r.openai.azure.com/openai/v1/',
      }),
      201,
    )
  })

  test('is not pointed into a private range without the right to open it, which no workspace gives', async () => {
    const spec = { type: 'vllm', baseUrl: 'http://10.0.0.5:8000/v1', allowCidrs: ['10.0.0.0/24'] }
    expectStatus(await make('providers', 'inner', { ...spec, allowCidrs: [] }, { token: lead.token }), 400)
    const refused = expectStatus(await make('providers', 'inner', spec, { token: lead.token }), 403)
    expect(refused.body.error.message).toContain('provider:private on the platform')
    expectStatus(await make('providers', 'inner', spec), 201)
    // What is opened stays open to those who may change the rest, and is not widened by them.
    expectStatus(await patch('providers', 'inner', { models: [{ name: 'm' }] }, { token: lead.token }), 200)
    expectStatus(
      await patch('providers', 'inner', { allowCidrs: ['10.0.0.0/8'] }, { token: lead.token }),
      403,
    )
  })

  test('is pointed elsewhere only by one who may use its credential', async () => {
    const role = { permissions: ['provider:update', 'provider:read', 'credential:read', 'workspace:read'] }
    expectStatus(await make('roles', 'pointer', role), 201)
    const mover = await h.person('mover')
    const assignment = { subject: { kind: 'User', name: 'mover' }, role: 'pointer' }
    expectStatus(await make('roleassignments', 'mover', assignment), 201)
    const refused = expectStatus(
      await patch('providers', 'main', { baseUrl: 'https://evil.example/v1' }, { token: mover.token }),
      403,
    )
    expect(refused.body.error.message).toContain('credential:use')
    expectStatus(await patch('providers', 'main', { models: [{ name: 'x' }] }, { token: mover.token }), 200)
  })

  test('of the platform is used where it is shared, with its own credential', async () => {
    expectStatus(await make('credentials', 'house', { value: 'k' }, {}, null), 201)
    const spec = { type: 'anthropic', credential: 'house', share: ['red'] }
    expectStatus(await make('providers', 'house', spec, {}, null), 201)
    const tiers = [{ targets: [{ provider: 'platform/house', model: 'claude' }] }]
    expectStatus(await make('routes', 'lent', { names: ['claude'], tiers }, { token: developer.token }), 201)
    expectStatus(await make('routes', 'lent', { names: ['claude'], tiers }, {}, 'blue'), 400)
    // The credential itself is lent to nobody.
    expectStatus(
      await make(
        'providers',
        'own',
        { type: 'anthropic', credential: 'platform/house' },
        { token: lead.token },
      ),
      400,
    )
  })
})

describe('a Route', () => {
  const to = (endpoint: string) => [{ targets: [{ endpoint }] }]
  beforeAll(async () => {
    for (const name of ['one', 'two', 'three'])
      expectStatus(await h.call('POST', at('endpoints'), { body: endpointDocument(name) }), 201)
    expectStatus(await make('guardrails', 'words', { kind: 'keyword', words: ['plan'] }), 201)
    expectStatus(await make('projects', 'web', {}), 201)
    expectStatus(await make('routes', 'long', { names: ['long'], tiers: to('three') }), 201)
  })

  test('holds all that it refers to, in every list and place', async () => {
    const spec = {
      names: ['chat', 'chat-*'],
      tiers: [
        { strategy: 'least_load', targets: [{ endpoint: 'one' }, { endpoint: 'two', weight: 5 }] },
        { targets: [{ provider: 'main', model: 'gpt' }] },
      ],
      fallback: { onContextLength: 'long' },
      shadow: { target: { endpoint: 'three' } },
      guardrails: ['words'],
      access: { projects: ['web'] },
    }
    expectStatus(await make('routes', 'chat', spec, { token: lead.token }), 201)
    for (const [plural, name] of [
      ['endpoints', 'one'],
      ['endpoints', 'two'],
      ['endpoints', 'three'],
      ['providers', 'main'],
      ['routes', 'long'],
      ['guardrails', 'words'],
      ['projects', 'web'],
    ] as const) {
      const refused = expectStatus(await h.call('DELETE', at(plural, name)), 409)
      expect([name, refused.body.error.reason]).toEqual([name, 'in_use'])
      expect(refused.body.error.message).toContain('Route chat')
    }
    // What a change lets go of may go.
    expectStatus(
      await patch('routes', 'chat', { guardrails: [], tiers: to('one') }, { token: lead.token }),
      200,
    )
    expectStatus(await h.call('DELETE', at('guardrails', 'words')), 200)
    expectStatus(await h.call('DELETE', at('endpoints', 'one')), 409)
  })

  test('names what is wrong by its place', async () => {
    const tiers = [{ targets: [{ endpoint: 'one' }, { endpoint: 'nowhere' }] }]
    const refused = expectStatus(await make('routes', 'r', { names: ['r'], tiers }), 400)
    expect(refused.body.error).toMatchObject({
      reason: 'bad_reference',
      details: [{ path: 'spec.tiers.0.targets.1.endpoint', rule: 'reference' }],
    })
    const circle = await make('routes', 'r', {
      names: ['r'],
      tiers: to('one'),
      fallback: { onContentFilter: 'r' },
    })
    expect(expectStatus(circle, 400).body.error.details[0]?.path).toBe('spec.fallback.onContentFilter')
  })

  test('shares a name only with a route for other requests', async () => {
    const spec = { names: ['new', 'chat'], tiers: to('one') }
    const refused = expectStatus(await make('routes', 'same', spec), 409)
    expect(refused.body.error).toMatchObject({ reason: 'taken', details: [{ path: 'spec.names.1' }] })
    expectStatus(await make('routes', 'canary', { ...spec, match: { headers: { 'x-beta': '*' } } }), 201)
    expectStatus(await make('routes', 'first', { ...spec, priority: 5 }), 201)
    expectStatus(await patch('routes', 'first', { priority: 0 }), 409)
    expectStatus(await make('routes', 'same', spec, {}, 'blue'), 400) // another workspace: its endpoint is not there
  })
})

test('a Guardrail is checked by its kind, and lent like any document of the platform', async () => {
  expectStatus(await make('guardrails', 'bad', { kind: 'pii', words: ['x'] }), 400)
  expectStatus(
    await make('guardrails', 'pii', { kind: 'pii', types: ['email'], action: 'redact' }, {}, null),
    201,
  )
  const tiers = [{ targets: [{ endpoint: 'two' }] }]
  expectStatus(
    await make(
      'routes',
      'guarded',
      { names: ['guarded'], tiers, guardrails: ['platform/pii'] },
      { token: developer.token },
    ),
    201,
  )
  expectStatus(await make('guardrails', 'mine', { kind: 'injection' }, { token: developer.token }), 403)
})

test('an McpServer is opened and pointed by the rules of a Provider, and its credential stays', async () => {
  const spec = { urls: ['https://mcp.example/mcp'], credential: 'openai', tools: ['search'] }
  expectStatus(await make('mcpservers', 'far', spec, { token: developer.token }), 403)
  expectStatus(await make('mcpservers', 'far', spec, { token: lead.token }), 201)
  expectStatus(await h.call('DELETE', at('credentials', 'openai')), 409)
  const inner = { urls: ['http://10.0.0.5/mcp'], allowCidrs: ['10.0.0.0/24'] }
  expectStatus(await make('mcpservers', 'inner', { urls: inner.urls }, { token: lead.token }), 400)
  const refused = expectStatus(await make('mcpservers', 'inner', inner, { token: lead.token }), 403)
  expect(refused.body.error.message).toContain('provider:private on the platform')
  expectStatus(await make('mcpservers', 'inner', inner), 201)
  const role = { permissions: ['mcp_server:update', 'mcp_server:read', 'credential:read', 'workspace:read'] }
  expectStatus(await make('roles', 'tool-pointer', role), 201)
  const mover = await h.person('tool-mover')
  const assignment = { subject: { kind: 'User', name: 'tool-mover' }, role: 'tool-pointer' }
  expectStatus(await make('roleassignments', 'tool-mover', assignment), 201)
  const pointed = { urls: ['https://evil.example/mcp'] }
  const moved = expectStatus(await patch('mcpservers', 'far', pointed, { token: mover.token }), 403)
  expect(moved.body.error.message).toContain('credential:use')
  expectStatus(await patch('mcpservers', 'far', { tools: ['read_*'] }, { token: mover.token }), 200)
})

test('a master key is 32 bytes', () => {
  expect(() => h.database.openVault([randomBytes(31)])).toThrow('32 bytes')
})
