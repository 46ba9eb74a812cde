import { randomBytes, randomUUID } from 'node:crypto'
import { compileSnapshot, type Snapshot } from '@switchyard/gateway'
import { type Document, limitsSchema, mcpServer } from '@switchyard/kinds'
import { Sealed, systemClock, systemRandom, type Vault } from '@switchyard/runtime'
import { type TestDatabase, testDatabase } from '@switchyard/store/testing'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { followSnapshot, type SnapshotObservation } from '../src/snapshot.ts'
import type { SnapshotInputs } from '../src/snapshot-store.ts'

const operator = { role: 'caller', principal: 'system:operator', scopes: ['*'] } as const

let db: TestDatabase
let vault: Vault
beforeAll(async () => {
  db = await testDatabase()
  vault = db.openVault([randomBytes(32)])
})
afterAll(() => db.close())

function document(kind: string, name: string, spec: unknown): Document {
  const now = new Date().toISOString()
  return {
    apiVersion: 'switchyard.dev/v1',
    kind,
    metadata: {
      id: randomUUID(),
      name,
      workspace: kind === 'Workspace' ? null : 'red',
      project: null,
      labels: {},
      annotations: {},
      generation: 1,
      resourceVersion: '0',
      creationTimestamp: now,
      updateTimestamp: now,
      createdBy: 'user:someone',
      updatedBy: 'user:someone',
      ownerReferences: [],
      finalizers: [],
    },
    spec,
    status: {},
  }
}

/** Inserts a document and its secrets in one transaction. */
async function put(given: Document, secrets: Readonly<Record<string, string>> = {}, by = vault) {
  await db.store.write(operator, async tx => {
    await tx.insert(given, [])
    for (const [field, value] of Object.entries(secrets))
      await by.put(tx, { kind: 'Credential', id: given.metadata.id, field }, new Sealed(value))
  })
  return given.metadata.id
}

test('a gateway is given what it routes by, and credentials in clear that nothing prints', async () => {
  await put(document('Workspace', 'red', {}))
  const first = await put(document('Credential', 'first', {}), {
    value: 'canary-1',
    headers: '{"x-a":"canary-2"}',
  })
  for (const kind of ['Provider', 'Guardrail', 'Route']) await put(document(kind, 'one', {}))
  const limits = limitsSchema.parse({ requests: { perSecond: 5 } })
  const ending = new AbortController()
  const observed: SnapshotObservation[] = []
  const seen: SnapshotInputs[] = []
  let noticed = Promise.withResolvers<SnapshotInputs>()
  const following = await followSnapshot({
    store: db.store,
    secrets: db.secrets,
    prices: db.prices,
    vault,
    limits,
    swap: inputs => {
      seen.push(inputs)
      noticed.resolve(inputs)
    },
    observe: observation => observed.push(observation),
    clock: systemClock,
    random: systemRandom,
    signal: ending.signal,
  })
  const [loaded] = seen
  expect(loaded?.limits).toEqual(limits)
  expect(loaded?.documents.map(({ kind }) => kind)).toEqual(
    expect.arrayContaining(['Workspace', 'Credential', 'Provider', 'Guardrail', 'Route']),
  )
  expect(loaded?.credentials.get(first)?.reveal()).toEqual({
    value: 'canary-1',
    headers: { 'x-a': 'canary-2' },
  })
  expect(JSON.stringify([loaded?.documents, [...(loaded?.credentials ?? [])]])).not.toContain('canary')

  // A credential that is written later comes with the change that tells of it.
  noticed = Promise.withResolvers()
  const second = await put(document('Credential', 'second', {}), { value: 'later' })
  expect((await noticed.promise).credentials.get(second)?.reveal()).toEqual({ value: 'later' })

  // One that does not open is told and left out; the rest goes on.
  noticed = Promise.withResolvers()
  const foreign = db.openVault([randomBytes(32)])
  await foreign.keys.adopt()
  const stranger = await put(document('Credential', 'stranger', {}), { value: 'x' }, foreign)
  const { credentials } = await noticed.promise
  expect([credentials.has(stranger), credentials.has(first)]).toEqual([false, true])
  expect(observed).toContainEqual({ type: 'credentials_failed', ids: [stranger] })
  expect(JSON.stringify(observed)).not.toContain('canary')
  ending.abort()
  await following.done
})

test('E2: a change that cannot be served is refused and named, the last good one stays, and the next good one is taken', async () => {
  const ending = new AbortController()
  const observed: SnapshotObservation[] = []
  let served: Snapshot | undefined
  const following = await followSnapshot({
    store: db.store,
    secrets: db.secrets,
    prices: db.prices,
    vault,
    limits: undefined,
    swap: inputs => {
      const sound = inputs.documents.filter(({ kind }) => kind === 'Workspace' || kind === 'McpServer')
      served = compileSnapshot({ ...inputs, documents: sound })
    },
    observe: observation => observed.push(observation),
    clock: systemClock,
    random: systemRandom,
    signal: ending.signal,
  })
  const servers = () => [...(served?.mcp.get('red')?.keys() ?? [])]
  const good = (name: string) =>
    document('McpServer', name, mcpServer.spec.parse({ urls: ['https://tools.example.com/mcp'] }))
  await put(good('first'))
  await vi.waitFor(() => expect(servers()).toEqual(['first']), { timeout: 10_000 })
  const last = served

  // As a newer version of the program might have written it.
  const bad = document('McpServer', 'bad', { urls: 'nowhere' })
  await put(bad)
  const failures = () => observed.filter(({ type }) => type === 'snapshot_failed')
  await vi.waitFor(() => expect(failures()).toHaveLength(1), { timeout: 10_000 })
  expect(failures()).toMatchObject([
    { from: 'store', changes: ['McpServer red/bad'], error: expect.any(Error) as unknown },
  ])
  expect(served).toBe(last)

  await db.store.write(operator, async tx => {
    const found = await tx.lock({ kind: 'McpServer', workspace: 'red', name: 'bad' }, 'update')
    if (found) await tx.remove(found)
  })
  await put(good('second'))
  await vi.waitFor(() => expect(servers()).toEqual(['first', 'second']), { timeout: 10_000 })
  ending.abort()
  await following.done
})
