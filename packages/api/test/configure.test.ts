// One change of many documents: all or none, and only what the file made.

import type { Configuration, Wanted } from '@switchyard/api'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Harness, start } from './harness.ts'

let it: Harness
beforeAll(async () => {
  it = await start()
})
afterAll(() => it[Symbol.asyncDispose]())

const wanted = (kind: string, name: string, spec: object, workspace: string | null = 'team'): Wanted => ({
  kind,
  name,
  workspace,
  manifest: { apiVersion: 'switchyard.dev/v1', kind, metadata: { name, workspace }, spec },
})
const team = wanted('Workspace', 'team', {}, null)
const credential = (value: string) => wanted('Credential', 'key', { value })
const provider = wanted('Provider', 'openai', { type: 'openai', credential: 'key' })
const route = (names: readonly string[], name = 'chat', more: object = {}) =>
  wanted('Route', name, { names, tiers: [{ targets: [{ provider: 'openai' }] }], ...more })
const told = ({ documents }: Configuration) => documents.map(({ name, outcome }) => `${name} ${outcome}`)
const refused = ({ objections }: Configuration) =>
  objections.map(({ document, fault }) => `${document.kind} ${document.name}: ${fault.message}`)

const whole = [team, credential('sk-1'), provider, route(['gpt'])]

test('a change makes what is not there, carries the label that only the server writes, and is idle when repeated', async () => {
  expect(told(await it.api.configure(whole))).toEqual([
    'team created',
    'key created',
    'openai created',
    'chat created',
  ])
  const read = await it.call('GET', '/api/v1/workspaces/team/credentials/key')
  expect(read.body.metadata.labels).toEqual({ 'switchyard.dev/managed-by': 'config' })
  expect(read.text).not.toContain('sk-1')
  expect(told(await it.api.configure(whole))).toEqual([
    'team unchanged',
    'key unchanged',
    'openai unchanged',
    'chat unchanged',
  ])
  const again = await it.call('GET', '/api/v1/workspaces/team/credentials/key')
  expect(again.body.metadata.resourceVersion).toBe(read.body.metadata.resourceVersion)
  const forged = await it.call('POST', '/api/v1/workspaces/team/projects', {
    body: { metadata: { name: 'p', labels: { 'switchyard.dev/managed-by': 'config' } }, spec: {} },
  })
  expect(forged.status).toBe(400)
})

test('a new secret is kept, and a dry run changes nothing', async () => {
  const other = [team, credential('sk-2'), provider, route(['gpt'])]
  expect(told(await it.api.configure(other, { dryRun: true }))[1]).toBe('key configured')
  expect(told(await it.api.configure(other))[1]).toBe('key configured')
  const kept = await it.database.openVault([it.masterKey]).read('Credential')
  expect([...kept.secrets.values()].map(secret => secret.reveal())).toEqual([{ value: 'sk-2' }])
  expect(told(await it.api.configure(other))[1]).toBe('key unchanged')
})

test('one bad document refuses them all, each reason is told once, and what stood stands', async () => {
  const bad = await it.api.configure([
    team,
    credential('sk-3'),
    wanted('Provider', 'openai', { type: 'openai', credential: 'nokey' }),
    route(['gpt', 'gpt2']),
    wanted('Route', 'other', { names: ['x'], tiers: [{ targets: [{ endpoint: 'none' }] }] }),
  ])
  expect(bad.documents).toEqual([])
  expect(refused(bad)).toEqual([
    'Provider openai: spec.credential: there is no Credential nokey that may be used here.',
    'Route other: spec.tiers.0.targets.0.endpoint: there is no Endpoint none that may be used here.',
  ])
  const read = await it.call('GET', '/api/v1/workspaces/team/routes/chat')
  expect(read.body.spec.names).toEqual(['gpt'])
})

test('routes may swap their names in one change', async () => {
  const two = [team, credential('sk-2'), provider]
  await it.api.configure([...two, route(['gpt']), route(['next'], 'canary')])
  const swapped = await it.api.configure([...two, route(['next']), route(['gpt'], 'canary')])
  expect(told(swapped).slice(3)).toEqual(['chat configured', 'canary configured'])
})

test('what left the file goes, in the order of references, and a name moves to another document', async () => {
  const moved = await it.api.configure([team, credential('sk-2'), provider, route(['gpt'], 'fresh')])
  expect(told(moved).toSorted()).toEqual([
    'canary deleted',
    'chat deleted',
    'fresh created',
    'key unchanged',
    'openai unchanged',
    'team unchanged',
  ])
  // The provider is let go of in the same change that deletes it.
  const endpoint = wanted('Route', 'fresh', {
    names: ['gpt'],
    tiers: [{ targets: [{ provider: 'other' }] }],
  })
  const other = wanted('Provider', 'other', { type: 'openai', credential: 'key' })
  expect(told(await it.api.configure([team, credential('sk-2'), other, endpoint]))).toContain(
    'openai deleted',
  )
})

test('what was made elsewhere is neither taken over nor deleted, and keeps what it uses', async () => {
  const made = await it.call('POST', '/api/v1/workspaces/team/routes', {
    body: {
      metadata: { name: 'own' },
      spec: { names: ['own'], tiers: [{ targets: [{ provider: 'other' }] }] },
    },
  })
  expect(made.status).toBe(201)
  const taken = await it.api.configure([team, route(['own'], 'own')])
  expect(refused(taken)[0]).toBe(
    'Route own: There is a Route own already that was made elsewhere: take it out of the file, or delete it so that the file may make it.',
  )
  const left = await it.api.configure([team])
  expect(left.objections.map(({ index }) => index)).toEqual([undefined, undefined])
  expect(refused(left)[0]).toContain('Provider other: Provider other is in use by Route own.')
  expect((await it.call('GET', '/api/v1/workspaces/team/routes/own')).status).toBe(200)
  await it.call('DELETE', '/api/v1/workspaces/team/routes/own')
  expect(told(await it.api.configure([])).toSorted()).toEqual([
    'fresh deleted',
    'key deleted',
    'other deleted',
    'team deleted',
  ])
})

test('an endpoint that left the file is marked, and what it needs waits until it is gone', async () => {
  const endpoint = wanted('Endpoint', 'bot', { model: { name: 'platform/tiny' } })
  await it.api.configure([team, endpoint])
  const going = await it.api.configure([])
  expect(told(going)).toEqual(['bot leaving', 'team leaving'])
  await it.database.store.write({ role: 'control' }, async tx => {
    const stored = await tx.lock({ kind: 'Endpoint', workspace: 'team', name: 'bot' }, 'update')
    if (!stored) throw new TypeError('it was marked')
    await tx.remove(await tx.update({ ...stored, metadata: { ...stored.metadata, finalizers: [] } }, null))
  })
  expect(told(await it.api.configure([]))).toEqual(['team deleted'])
})

test('the check of the API tells what would change, and only to administrators', async () => {
  const body = { documents: [team.manifest, route(['gpt']).manifest] }
  const reply = await it.call('POST', '/api/v1/configuration/check', { body })
  expect(reply.body).toMatchObject({
    documents: [],
    problems: [{ index: 1, kind: 'Route', details: [{ path: 'spec.tiers.0.targets.0.provider' }] }],
  })
  const ada = await it.person('ada', { default: ['operator'] })
  expect((await it.call('POST', '/api/v1/configuration/check', { token: ada.token, body })).status).toBe(403)
  expect((await it.call('GET', '/api/v1/configuration')).body).toEqual({
    phase: 'none',
    documents: 0,
    problems: [],
  })
})

test('an explanation is asked of a gateway by those who may', async () => {
  const path = '/api/v1/workspaces/default/actions/explain-route'
  expect((await it.call('POST', path, { body: { model: 'x' } })).status).toBe(501)
  const eve = await it.person('eve', { default: ['viewer'] })
  expect((await it.call('POST', path, { token: eve.token, body: { model: 'x' } })).status).toBe(403)
})

test('what the database refuses is an objection like any other: a quota, and the last administrator', async () => {
  await using own = await start()
  const registry = wanted('ModelRegistry', 'files', { type: 'files', url: 'file:///srv' })
  const model = wanted('Model', 'm', { source: { registry: 'files', path: 'm.gguf' } })
  const quota = wanted('Quota', 'most', { replicas: { nominal: 1 } })
  const endpoint = (replicas: number) =>
    wanted('Endpoint', 'asks', { model: { name: 'm' }, cluster: 'platform/local', replicas })
  const more = [...whole, registry, model, quota]
  expect(told(await own.api.configure([...more, endpoint(1)]))).toContain('asks created')
  for (const dryRun of [true, false])
    expect(refused(await own.api.configure([...more, endpoint(2)], { dryRun }))).toEqual([
      expect.stringContaining(
        'Endpoint asks: Quota most lets the endpoints of workspace team have 1 replicas',
      ),
    ])
  const ada = wanted('User', 'ada', { email: 'ada@example.org' }, null)
  const admin = wanted(
    'RoleAssignment',
    'ada-admin',
    { subject: { kind: 'User', name: 'ada' }, role: 'platform/admin' },
    null,
  )
  expect(told(await own.api.configure([...whole, ada, admin]))).toContain('ada-admin created')
  expect(refused(await own.api.configure([...whole, ada]))).toEqual([
    'RoleAssignment ada-admin: This is the last administrator of the platform. Make another one first.',
  ])
  const other = await own.person('eve', { platform: ['admin'] })
  expect(other.name).toBe('eve')
  expect(told(await own.api.configure(whole))).toContain('ada-admin deleted')
})
