// The second wall for callers: what they see, write and give away through the store, and beside it.
import { randomUUID } from 'node:crypto'
import type { Document } from '@switchyard/kinds'
import type { Identity } from '@switchyard/runtime'
import { afterAll, describe, expect, test } from 'vitest'
import { allow, caller, control, deleted, document, operator, put } from './given.ts'
import { openWalls } from './walls.bed.ts'

const walls = await openWalls()
const { db, eyes, made, as, list } = walls
afterAll(walls.close)

describe('a caller', () => {
  const red = caller('red-admin')

  test('cannot put a row into another workspace, or move one there', async () => {
    await expect(put(db.store, document('Project', 'blue', 'p'), [], red)).rejects.toMatchObject({
      code: 'denied',
    })
    const settings = { principal: 'user:red-admin', scopes: '*' }
    for (const column of ['workspace', 'name', 'kind', 'id', 'version'])
      expect(await as('user', settings, `update resources set ${column} = ${column}`), column).toBe('denied')
    // Not even by way of the owner of the tables: the guard holds for every role.
    const e = made['red/e']
    await expect(
      eyes.query(
        `update resources set workspace = 'blue', metadata = jsonb_set(metadata, '{workspace}', '"blue"') where id = $1`,
        [e?.metadata.id],
      ),
    ).rejects.toMatchObject({ code: 'SY400' })
  })

  test('with a workspace grant never reaches platform documents, but those that are shared with it', async () => {
    expect(await list(red, 'Cluster')).toEqual(['open', 'some', 'red/c'])
    expect(await list(caller('blue-admin'), 'Cluster')).toEqual(['open', 'blue/c'])
    expect(await list(red, 'Workspace')).toEqual(['red'])
    expect(await list(red, 'User')).toEqual(['red-admin'])
    expect(await list(red, 'Role')).toContain('preset')
    expect(await list(red, 'RoleAssignment')).toHaveLength(1)
    const open = made.open as Document
    const change = db.store.write(red, tx =>
      tx.update({ ...open, spec: { type: 'local', share: 'none' } }, null),
    )
    await expect(change).rejects.toMatchObject({ code: 'denied' })
    await expect(put(db.store, document('Cluster', null, 'mine'), [], red)).rejects.toMatchObject({
      code: 'denied',
    })
    expect(await list(caller('stranger'), 'Cluster')).toEqual([])
  })

  test('is narrowed by the scopes and the workspace of a key, also when it is the operator', async () => {
    expect(await list(caller('red-admin', { scopes: ['endpoint:read'] }), 'Endpoint')).toEqual(['red/e'])
    expect(await list(caller('red-admin', { scopes: ['endpoint:read'] }), 'Cluster')).toEqual([])
    expect(await list(caller('red-admin', { scopes: ['*:read'] }), 'Cluster')).toEqual([
      'open',
      'some',
      'red/c',
    ])
    expect(await list(caller('red-admin', { workspace: 'blue' }), 'Endpoint')).toEqual([])
    const key: Identity = { role: 'caller', principal: 'system:operator', scopes: ['*'], workspace: 'red' }
    expect(await list(key, 'Endpoint')).toEqual(['red/e'])
    expect(await list(key, 'Cluster')).toEqual(['open', 'some', 'red/c'])
    expect(await list(operator, 'Endpoint')).toEqual(['blue/e', 'red/e'])
    // A scope that smuggles in others counts for nothing.
    expect(await list(caller('red-admin', { scopes: ['cluster:read *'] }), 'Endpoint')).toEqual([])
  })

  test('sees the same in the log as in lists', async () => {
    const { changes } = await db.store.changes(red, '0', 1000)
    const places = new Set(changes.map(({ document }) => document.metadata.workspace))
    expect(places).toEqual(new Set(['red', null]))
    const platform = changes.filter(({ document }) => document.metadata.workspace === null)
    expect(new Set(platform.map(({ document: { kind, metadata } }) => `${kind} ${metadata.name}`))).toEqual(
      new Set(['Workspace red', 'User red-admin', 'Cluster open', 'Cluster some', 'Role preset']),
    )
  })

  test('is told that a document went when it stops being shared with them, and came when it starts', async () => {
    const cluster = await put(
      db.store,
      document('Cluster', null, 'moving', { type: 'local', share: ['red'] }),
    )
    const after = cluster.metadata.resourceVersion
    const { documents } = await db.store.write(operator, tx =>
      tx.update({ ...cluster, spec: { type: 'local', share: ['blue'], secret: 'x' } }, null),
    )
    const seen = async (who: Identity) => (await db.store.changes(who, after, 10)).changes
    expect(await seen(red)).toMatchObject([{ type: 'DELETED', document: { spec: { share: ['red'] } } }])
    expect(JSON.stringify(await seen(red))).not.toContain('secret')
    expect((await seen(caller('blue-admin'))).map(({ type, before }) => [type, before])).toEqual([
      ['ADDED', undefined],
    ])
    expect(await seen(operator)).toMatchObject([{ type: 'MODIFIED', before: { spec: { share: ['red'] } } }])
    await db.store.write(operator, tx => tx.remove(documents.get(cluster.metadata.id) ?? cluster))
  })

  test('reads usage and events of their workspace alone', async () => {
    const rows = await db.usage.usage(red, { by: ['workspace'] })
    expect(rows.map(({ group }) => group.workspace)).toEqual(['red'])
    expect((await db.store.events(red, { limit: 10 })).map(({ message }) => message)).toEqual(['red'])
    expect(await db.usage.usage(caller('stranger'), { by: ['workspace'] })).toEqual([])
    expect(await db.store.events(caller('stranger'), { limit: 10 })).toEqual([])
  })

  test('writes spec, labels and names, and neither status nor what the server keeps', async () => {
    const e = await put(
      db.store,
      document('Endpoint', 'red', 'guarded', { replicas: 1 }, { finalizers: ['switchyard.dev/x'] }),
      [],
      red,
    )
    const attempts: readonly Partial<Document>[] = [
      { status: { replicas: { ready: 1 } } },
      { metadata: { ...e.metadata, createdBy: 'user:someone-else' } },
      { metadata: { ...e.metadata, creationTimestamp: '2020-01-01T00:00:00.000Z' } },
      {
        metadata: {
          ...e.metadata,
          ownerReferences: [
            { kind: 'Cluster', name: 'c', id: randomUUID(), controller: false, blocksDeletion: false },
          ],
        },
      },
      { metadata: { ...e.metadata, finalizers: [] } },
    ]
    for (const attempt of attempts)
      await expect(db.store.write(red, tx => tx.update({ ...e, ...attempt }, null))).rejects.toMatchObject({
        code: 'denied',
      })
    const { documents } = await db.store.write(red, tx =>
      tx.update(
        {
          ...e,
          spec: { replicas: 2 },
          status: { phase: 'Starting' },
          metadata: { ...e.metadata, labels: { a: 'b' }, generation: 2 },
        },
        null,
      ),
    )
    const going = await db.store.write(red, tx => tx.update(deleted(documents.get(e.metadata.id) ?? e), null))
    // Its finalizers hold the row; only force passes them, and red-admin has none.
    const last = going.documents.get(e.metadata.id) ?? e
    await expect(db.store.write(red, tx => tx.remove(last))).rejects.toMatchObject({
      code: 'conflict',
      reason: 'terminating',
    })
    await db.store.write(operator, tx => tx.remove(last))
  })

  test('needs delete for a deletion and update for a change', async () => {
    const e = await put(db.store, document('Endpoint', 'red', 'verbs', { n: 1 }))
    await allow(db.store, 'editor', 'red', ['endpoint:read', 'endpoint:update'])
    await allow(db.store, 'remover', 'red', ['endpoint:read', 'endpoint:delete'])
    await allow(db.store, 'reader', 'red', ['endpoint:read'])
    const change = { ...e, spec: { n: 2 } }
    for (const name of ['remover', 'reader'])
      await expect(db.store.write(caller(name), tx => tx.update(change, null))).rejects.toMatchObject({
        code: 'denied',
      })
    for (const name of ['editor', 'reader']) {
      await expect(db.store.write(caller(name), tx => tx.update(deleted(e), null))).rejects.toMatchObject({
        code: 'denied',
      })
      await expect(db.store.write(caller(name), tx => tx.remove(e))).rejects.toMatchObject({ code: 'denied' })
    }
    const { documents } = await db.store.write(caller('editor'), tx => tx.update(change, null))
    const current = documents.get(e.metadata.id) ?? e
    const gone = await db.store.write(caller('remover'), tx => tx.update(deleted(current), null))
    await db.store.write(caller('remover'), tx => tx.remove(gone.documents.get(e.metadata.id) ?? current))
  })

  test("may change only their own keys without api_key:any, and put no secret beside another's document", async () => {
    await allow(db.store, 'dev', 'red', [
      'api_key:create',
      'api_key:read',
      'api_key:update',
      'api_key:delete',
    ])
    const dev = caller('dev')
    const key = (owner: string) =>
      document('ApiKey', 'red', `k-${owner}`, { owner: { kind: 'User', name: owner } })
    const mine = await put(db.store, key('dev'), [], dev)
    await db.store.write(dev, tx => tx.putSecret(mine.metadata.id, { field: 'hash', hash: 'x' }))
    await expect(put(db.store, key('red-admin'), [], dev)).rejects.toMatchObject({ code: 'denied' })
    await expect(db.store.write(dev, tx => tx.remove(made['red/k'] as Document))).rejects.toMatchObject({
      code: 'not_found',
    })
    await db.store.write(red, tx => tx.remove(mine))
    const stolen = db.store.write(red, tx =>
      tx.putSecret(made['blue/k']?.metadata.id ?? '', { field: 'hash', hash: 'x' }),
    )
    await expect(stolen).rejects.toMatchObject({ code: 'denied' })
  })

  test('reads no key of someone else without api_key:any, in lists and in the log', async () => {
    await allow(db.store, 'peer', 'red', ['api_key:read', 'api_key:create'])
    expect(await list(caller('peer'), 'ApiKey')).toEqual([])
    const kinds = (await db.store.changes(caller('peer'), '0', 1000)).changes.map(
      ({ document }) => document.kind,
    )
    expect(kinds).not.toContain('ApiKey')
    expect(await list(red, 'ApiKey')).toEqual(['red/k'])
  })

  test('who may rotate may write the status of their key, and nothing else of it', async () => {
    const key = document('ApiKey', 'red', 'turns', {
      owner: { kind: 'User', name: 'turner' },
      scopes: ['a:b'],
    })
    const stored = await put(db.store, key)
    await allow(db.store, 'turner', 'red', ['api_key:read', 'api_key:rotate'])
    const turner = caller('turner')
    await db.store.write(turner, tx => tx.putSecret(stored.metadata.id, { field: 'hash', hash: 'new' }))
    const { documents } = await db.store.write(turner, tx =>
      tx.update({ ...stored, status: { last4: 'abcd' } }, null),
    )
    const current = documents.get(stored.metadata.id) ?? stored
    const wider = { ...current, spec: { ...(key.spec as object), scopes: ['*'] } }
    await expect(db.store.write(turner, tx => tx.update(wider, null))).rejects.toMatchObject({
      code: 'denied',
    })
    await db.store.write(operator, tx => tx.remove(current))
  })

  test('grants nothing that they do not hold there, by a role or by an assignment', async () => {
    const role = (...permissions: string[]) =>
      document('Role', 'red', `r-${randomUUID().slice(0, 8)}`, { permissions })
    await expect(put(db.store, role('*'), [], red)).rejects.toThrow(
      /cannot grant .* because you do not hold it here/,
    )
    await expect(put(db.store, role('endpoint:read', 'user:read'), [], red)).rejects.toThrow(
      /cannot grant user:read/,
    )
    const fine = await put(db.store, role('endpoint:*', 'api_key:any', 'cluster:read'), [], red)
    const wider = { ...fine, spec: { permissions: ['cluster:*'] } }
    await expect(db.store.write(red, tx => tx.update(wider, null))).rejects.toMatchObject({ code: 'denied' })
    const admin = await put(db.store, document('Role', null, 'all', { permissions: ['*'] }))
    const assign = (to: string) =>
      document('RoleAssignment', 'red', `a-${to.replace('/', '-')}`, {
        subject: { kind: 'User', name: 'ann' },
        role: to,
      })
    await expect(put(db.store, assign('platform/all'), [], red)).rejects.toMatchObject({ code: 'denied' })
    await put(db.store, assign(fine.metadata.name), [], red)
    expect(await db.store.grants('user:ann')).toContainEqual({ workspace: 'red', permission: 'endpoint:*' })
    await db.store.write(operator, tx => tx.remove(admin))
  })

  test('never makes what only control makes', async () => {
    await expect(put(db.store, document('Replica', 'red', 'r'))).rejects.toMatchObject({ code: 'denied' })
    const replica = await put(db.store, document('Replica', 'red', 'r', { n: 1 }), [], control)
    await expect(
      db.store.write(operator, tx => tx.update({ ...replica, spec: { n: 2 } }, null)),
    ).rejects.toMatchObject({ code: 'denied' })
    await db.store.write(operator, tx => tx.remove(replica))
  })
})
