// Deleting with all that hangs on it: what goes, in which order, who may, and that nothing waits for the server.
import type { Document } from '@switchyard/kinds'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { endpointDocument, expectStatus, type Harness, start, workspaceDocument } from './harness.ts'

let h: Harness
beforeAll(async () => {
  h = await start()
})
afterAll(() => h[Symbol.asyncDispose]())

const of = (workspace: string) => `/api/v1/workspaces/${workspace}`
const post = async (path: string, body: unknown, token = h.operator) =>
  expectStatus(await h.call('POST', path, { body, token }), 201)

/** A workspace with one document of each kind that people make, each referring to the next. */
async function fill(name: string): Promise<void> {
  await post('/api/v1/workspaces', workspaceDocument(name))
  await post(`${of(name)}/projects`, { metadata: { name: 'p' }, spec: {} })
  await post(`${of(name)}/modelregistries`, {
    metadata: { name: 'files', project: 'p' },
    spec: { type: 'files', url: 'file:///srv' },
  })
  await post(`${of(name)}/models`, {
    metadata: { name: 'm' },
    spec: { source: { registry: 'files', path: 'm.gguf' } },
  })
  await post(`${of(name)}/endpoints`, {
    metadata: { name: 'e', project: 'p' },
    spec: { model: { name: 'm' } },
  })
  await post(`${of(name)}/serviceaccounts`, { metadata: { name: 'robot' }, spec: {} })
  await post(`${of(name)}/roles`, { metadata: { name: 'caller' }, spec: { permissions: ['inference:call'] } })
  await post(`${of(name)}/roleassignments`, {
    metadata: { name: 'robot-calls' },
    spec: { subject: { kind: 'ServiceAccount', name: 'robot' }, role: 'caller' },
  })
  await post(`${of(name)}/apikeys`, {
    metadata: { name: 'k' },
    spec: { owner: { kind: 'ServiceAccount', name: 'robot' }, scopes: ['inference:call'] },
  })
}

/** What control does when it has seen that nothing of an endpoint is left outside. */
async function finish(workspace: string, name = 'e'): Promise<void> {
  await h.database.store.write({ role: 'control' }, async tx => {
    const found = (await tx.lock({ kind: 'Endpoint', workspace, name }, 'update')) as Document
    await tx.remove(await tx.update({ ...found, metadata: { ...found.metadata, finalizers: [] } }, null))
  })
}

const statusOf = async (path: string) => (await h.call('GET', path)).status

describe('a workspace that is deleted with cascade', () => {
  test('goes with its last document, in the transaction of whoever takes that away', async () => {
    await fill('red')
    const refused = expectStatus(await h.call('DELETE', of('red')), 409)
    expect(refused.body.error.message).toMatch(/still holds .*cascade/)
    const before = (await h.call('GET', '/api/v1/workspaces?view=metadata')).body.metadata.resourceVersion

    const left = expectStatus(await h.call('DELETE', `${of('red')}?cascade=true`), 202)
    expect(left.body.metadata.deletionTimestamp).toBeDefined()
    expect(left.body.status.phase).toBe('Deleting')
    // What nothing holds is gone at once; what the endpoint uses waits for it.
    for (const gone of ['serviceaccounts/robot', 'apikeys/k', 'roles/caller', 'roleassignments/robot-calls'])
      expect([gone, await statusOf(`${of('red')}/${gone}`)]).toEqual([gone, 404])
    for (const waiting of ['endpoints/e', 'models/m', 'modelregistries/files', 'projects/p']) {
      const { body } = expectStatus(await h.call('GET', `${of('red')}/${waiting}`), 200)
      expect([waiting, body.status.phase]).toEqual([waiting, 'Deleting'])
    }
    expect((await h.call('DELETE', `${of('red')}?cascade=true`)).body).toEqual(left.body)

    await finish('red')
    expect(await statusOf(of('red'))).toBe(404)
    const { changes } = await h.database.store.changes({ role: 'control' }, before, 500)
    const deleted = changes.filter(({ type }) => type === 'DELETED').map(({ document }) => document.kind)
    expect(deleted.slice(-5)).toEqual(
      expect.arrayContaining(['Endpoint', 'Model', 'ModelRegistry', 'Project']),
    )
    expect(deleted.filter(kind => kind === 'Workspace')).toHaveLength(1)
    // The name is free again, and nothing of the old one comes back with it.
    await post('/api/v1/workspaces', workspaceDocument('red'))
    expect((await h.call('GET', `${of('red')}/models`)).body.items).toEqual([])
  })

  test('takes nothing in meanwhile', async () => {
    await fill('blue')
    expectStatus(await h.call('DELETE', `${of('blue')}?cascade=true`), 202)
    const late = await h.call('POST', `${of('blue')}/endpoints`, { body: endpointDocument('late') })
    expect([late.status, late.body.error.reason]).toEqual([409, 'terminating'])
    const again = await h.call('POST', '/api/v1/workspaces', { body: workspaceDocument('blue') })
    expect([again.status, again.body.error.reason]).toEqual([409, 'terminating'])
    const force = expectStatus(await h.call('DELETE', `${of('blue')}/endpoints/e?force=true`), 200)
    expect(force.body.metadata.name).toBe('e')
    expect(await statusOf(of('blue'))).toBe(404)
  })

  test('is gone at once when nothing in it waits, and unharmed by a dry run', async () => {
    await post('/api/v1/workspaces', workspaceDocument('green'))
    await post(`${of('green')}/projects`, { metadata: { name: 'p' }, spec: {} })
    const dry = expectStatus(await h.call('DELETE', `${of('green')}?cascade=true&dryRun=true`), 200)
    expect(dry.body.metadata.name).toBe('green')
    expect(await statusOf(`${of('green')}/projects/p`)).toBe(200)
    expectStatus(await h.call('DELETE', `${of('green')}?cascade=true`), 200)
    expect(await statusOf(of('green'))).toBe(404)
    const shipped = expectStatus(await h.call('DELETE', `${of('default')}?cascade=true`), 403)
    expect(shipped.body.error.reason).toBe('builtin')
  })

  test('needs the right to delete each kind in it, and says which is missing', async () => {
    await fill('grey')
    const role = (name: string, permissions: readonly string[]) =>
      post('/api/v1/roles', { metadata: { name }, spec: { permissions } })
    await role('closer', ['workspace:*', 'project:*', 'endpoint:*', '*:read'])
    await role('blind', ['workspace:*'])
    const assign = async (name: string) => {
      const person = await h.person(name)
      const spec = { subject: { kind: 'User', name }, role: `platform/${name}` }
      await post('/api/v1/roleassignments', { metadata: { name }, spec })
      return person.token
    }
    const [closer, blind] = [await assign('closer'), await assign('blind')]
    const denied = expectStatus(await h.call('DELETE', `${of('grey')}?cascade=true`, { token: closer }), 403)
    expect(denied.body.error.message).toMatch(/You need \w+:delete in workspace grey/)
    const hidden = expectStatus(await h.call('DELETE', `${of('grey')}?cascade=true`, { token: blind }), 403)
    expect(hidden.body.error.reason).toBe('cascade_hidden')
    // What one may not read is not deleted by a plain delete either.
    expectStatus(await h.call('DELETE', of('grey'), { token: blind }), 409)
    expect(await statusOf(`${of('grey')}/endpoints/e`)).toBe(200)
  })

  test('while others create in it never leaves a document without its workspace', async () => {
    for (let round = 0; round < 8; round++) {
      const name = `race-${round}`
      await post('/api/v1/workspaces', workspaceDocument(name))
      await post(`${of(name)}/projects`, { metadata: { name: 'first' }, spec: {} })
      const [deleted, ...made] = await Promise.all([
        h.call('DELETE', `${of(name)}?cascade=true`),
        ...[1, 2, 3].map(n =>
          h.call('POST', `${of(name)}/projects`, { body: { metadata: { name: `p${n}` }, spec: {} } }),
        ),
      ])
      expect([200, 409]).toContain(deleted.status)
      const { items } = await h.database.store.read({ role: 'control' }, tx =>
        tx.list({ kind: 'Project', workspace: name }),
      )
      if (deleted.status === 200) {
        expect(items).toEqual([])
        expect(await statusOf(of(name))).toBe(404)
      } else {
        expect(items).toHaveLength(1 + made.filter(({ status }) => status === 201).length)
        expectStatus(await h.call('DELETE', `${of(name)}?cascade=true`), 200)
      }
    }
  })
})

describe('a document that is deleted with cascade', () => {
  test('takes along what refers to it, and goes when the last of that is gone', async () => {
    await fill('gold')
    await post(`${of('gold')}/endpoints`, { metadata: { name: 'e2' }, spec: { model: { name: 'm' } } })
    expectStatus(await h.call('DELETE', `${of('gold')}/modelregistries/files`), 409)
    expectStatus(await h.call('DELETE', `${of('gold')}/modelregistries/files?cascade=true`), 202)
    for (const path of ['endpoints/e', 'endpoints/e2', 'models/m', 'modelregistries/files'])
      expect((await h.call('GET', `${of('gold')}/${path}`)).body.status.phase).toBe('Deleting')
    // Both go at once: whoever is later takes the rest along.
    await Promise.all([finish('gold', 'e'), finish('gold', 'e2')])
    for (const path of ['endpoints/e', 'endpoints/e2', 'models/m', 'modelregistries/files'])
      expect(await statusOf(`${of('gold')}/${path}`)).toBe(404)
    expect(await statusOf(`${of('gold')}/projects/p`)).toBe(200)
    expectStatus(await h.call('DELETE', `${of('gold')}/serviceaccounts/robot?cascade=true`), 200)
    expect(await statusOf(`${of('gold')}/apikeys/k`)).toBe(404)
    expect(await statusOf(`${of('gold')}/roles/caller`)).toBe(200)
  })

  test('is not deleted when something that hangs on it may not be, nor with force', async () => {
    const shipped = await h.call('DELETE', '/api/v1/modelregistries/bundled?cascade=true')
    expect([shipped.status, shipped.body.error.reason]).toEqual([403, 'builtin'])
    const both = await h.call('DELETE', `${of('gold')}/projects/p?cascade=true&force=true`)
    expect([both.status, both.body.error.details[0]?.path]).toEqual([400, 'force'])
    expectStatus(await h.call('DELETE', `${of('gold')}/projects/nothing?cascade=true`), 404)
  })
})
