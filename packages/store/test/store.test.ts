// Documents in transactions: what is written, read, listed, refused and told in the log.
import { Fault } from '@switchyard/kinds'
import { type TestDatabase, testDatabase } from '@switchyard/store/testing'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { allow, caller, control, deleted, document, named, operator, put } from './given.ts'

let db: TestDatabase
beforeEach(async () => {
  db = await testDatabase()
})
afterEach(() => db.close())

// Why `unknown`: an asymmetric matcher is typed `any`.
const fault = (code: string, reason: string = code): unknown => expect.objectContaining({ code, reason })

test('what is inserted is read back whole, under the version of its commit', async () => {
  const given = document(
    'Cluster',
    'red',
    'local',
    { type: 'local', share: 'none' },
    { labels: { tier: 'a' } },
  )
  const { documents, version } = await db.store.write(operator, tx => tx.insert(given, []))
  const read = await db.store.read(operator, tx =>
    tx.get({ kind: 'Cluster', workspace: 'red', name: 'local' }),
  )
  expect(read).toEqual({ ...given, metadata: { ...given.metadata, resourceVersion: version } })
  expect(documents.get(given.metadata.id)).toEqual(read)
  expect(await db.store.version(operator)).toBe(version)
  // People read metadata in one order, whatever the database keeps.
  expect(Object.keys(read?.metadata ?? {})).toEqual(Object.keys(given.metadata))
})

test('a transaction reads its own writes, and nobody else does before the commit', async () => {
  await db.store.write(operator, async tx => {
    await tx.insert(document('Workspace', null, 'red'), [])
    expect((await tx.list({ kind: 'Workspace' })).items).toHaveLength(1)
    expect((await db.store.read(operator, other => other.list({ kind: 'Workspace' }))).items).toEqual([])
  })
  expect((await db.store.read(operator, tx => tx.list({ kind: 'Workspace' }))).items).toHaveLength(1)
})

test('several writes of one document are one change; made and removed in one transaction is none', async () => {
  const given = document('Project', 'red', 'p', { archived: false })
  const ghost = document('Project', 'red', 'ghost')
  const { version, documents } = await db.store.write(operator, async tx => {
    const first = await tx.insert(given, [])
    await tx.update({ ...first, spec: { archived: true } }, null)
    await tx.remove(await tx.insert(ghost, []))
  })
  const { changes, through } = await db.store.changes(operator, '0', 10)
  expect(changes.map(change => [change.type, change.version, change.document.spec])).toEqual([
    ['ADDED', version, { archived: true }],
  ])
  expect(through).toBe(version)
  expect(documents.get(given.metadata.id)?.metadata.resourceVersion).toBe(version)
})

test('an update and a removal are told with the state before', async () => {
  const made = await put(db.store, document('Project', 'red', 'p', { archived: false }))
  const { documents } = await db.store.write(operator, tx =>
    tx.update({ ...made, spec: { archived: true } }, null),
  )
  const changed = documents.get(made.metadata.id) ?? made
  await db.store.write(operator, tx => tx.remove(changed))
  const { changes } = await db.store.changes(operator, made.metadata.resourceVersion, 10)
  expect(changes).toMatchObject([
    { type: 'MODIFIED', before: { spec: { archived: false } }, document: { spec: { archived: true } } },
    { type: 'DELETED', document: { spec: { archived: true }, metadata: { name: 'p' } } },
  ])
  expect(changes[1]?.document.metadata.resourceVersion).toBe(changes[1]?.version)
})

test('a write that changes nothing leaves version and log as they are', async () => {
  const made = await put(db.store, document('Project', 'red', 'p'))
  const { version } = await db.store.write(operator, tx => tx.update(made, null))
  expect(version).toBeUndefined()
  expect(await db.store.version(operator)).toBe(made.metadata.resourceVersion)
})

test('a stale version, a taken name and a terminating name are refused, each in its own words', async () => {
  const made = await put(db.store, document('Project', 'red', 'p', { archived: false }))
  await db.store.write(operator, tx => tx.update({ ...made, spec: { archived: true } }, null))
  await expect(db.store.write(operator, tx => tx.update(made, null))).rejects.toEqual(fault('stale'))
  await expect(db.store.write(operator, tx => tx.remove(made))).rejects.toEqual(fault('stale'))
  await expect(put(db.store, document('Project', 'red', 'p'))).rejects.toEqual(fault('conflict', 'taken'))
  const standing = await db.store.read(operator, tx =>
    tx.get({ kind: 'Project', workspace: 'red', name: 'p' }),
  )
  await db.store.write(operator, tx => tx.update(deleted(standing ?? made), null))
  await expect(put(db.store, document('Project', 'red', 'p'))).rejects.toEqual(
    fault('conflict', 'terminating'),
  )
})

test('a deletion cannot be taken back and freezes the spec', async () => {
  const made = await put(db.store, document('Project', 'red', 'p', {}, { finalizers: ['switchyard.dev/x'] }))
  const { documents } = await db.store.write(operator, tx => tx.update(deleted(made), null))
  const going = documents.get(made.metadata.id) ?? made
  const { deletionTimestamp: _, ...alive } = going.metadata
  for (const attempt of [
    { ...going, metadata: alive },
    { ...going, spec: { archived: true } },
  ])
    await expect(db.store.write(operator, tx => tx.update(attempt, null))).rejects.toEqual(
      fault('conflict', 'terminating'),
    )
})

test("a user's e-mail is unique whatever its case", async () => {
  await put(db.store, document('User', null, 'ann', { email: 'ann@example.org' }))
  const again = put(db.store, document('User', null, 'other', { email: 'Ann@Example.org' }))
  await expect(again).rejects.toThrow(/name or e-mail of User other is taken/)
})

test('a dry run answers what would be and leaves no row, version or event', async () => {
  const given = document('Workspace', null, 'red')
  const before = await db.store.version(operator)
  const { value } = await db.store.write(
    operator,
    async tx => {
      await tx.event({
        object: { kind: 'Workspace', workspace: null, name: 'red', id: given.metadata.id },
        type: 'Normal',
        reason: 'Made',
        message: 'made',
      })
      return tx.insert(given, [])
    },
    { dryRun: true },
  )
  expect(value.metadata.name).toBe('red')
  expect(await db.store.version(operator)).toBe(before)
  expect((await db.store.read(operator, tx => tx.list({ kind: 'Workspace' }))).items).toEqual([])
  expect(await db.store.events(operator, { limit: 10 })).toEqual([])
})

test('work that throws leaves nothing behind, and its own error rises', async () => {
  const boom = new Error('boom')
  const work = db.store.write(operator, async tx => {
    await tx.insert(document('Workspace', null, 'red'), [])
    throw boom
  })
  await expect(work).rejects.toBe(boom)
  expect((await db.store.read(operator, tx => tx.list({ kind: 'Workspace' }))).items).toEqual([])
})

test('a document in use is not removed: ten readable referrers are named and the others counted', async () => {
  const target = await put(db.store, document('ModelRegistry', null, 'files', { share: 'all' }))
  for (let n = 10; n < 22; n++)
    await put(db.store, document('Model', n < 12 ? 'blue' : 'red', `m${n}`), [
      { path: 'spec.source.registry', id: target.metadata.id },
    ])
  const remove = db.store.write(operator, tx => tx.remove(target))
  await expect(remove).rejects.toEqual(fault('conflict', 'in_use'))
  await expect(remove).rejects.toThrow(/Model blue\/m10, Model blue\/m11, Model red\/m12,.* and 2 more/)
  // Who reads only one workspace is told the names of that one, and the same count.
  await allow(db.store, 'ann', null, ['model_registry:*'])
  await allow(db.store, 'ann', 'blue', ['model:read'])
  const hers = db.store.write(caller('ann'), tx => tx.remove(target))
  await expect(hers).rejects.toThrow('by Model blue/m10, Model blue/m11 and 10 more')
})

test('a reference that is replaced or whose document goes stands no more', async () => {
  const [a, b] = await Promise.all(
    ['a', 'b'].map(name => put(db.store, document('ModelRegistry', 'red', name))),
  )
  if (!a || !b) throw new Error('they were not made')
  const from = await put(db.store, document('Model', 'red', 'm'), [
    { path: 'spec.source.registry', id: a.metadata.id },
  ])
  const moved = await db.store.write(operator, tx =>
    tx.update({ ...from, spec: { n: 1 } }, [{ path: 'spec.source.registry', id: b.metadata.id }]),
  )
  await db.store.write(operator, tx => tx.remove(a))
  await expect(db.store.write(operator, tx => tx.remove(b))).rejects.toEqual(fault('conflict', 'in_use'))
  await db.store.write(operator, tx => tx.remove(moved.documents.get(from.metadata.id) ?? from))
  await db.store.write(operator, tx => tx.remove(b))
})

test('selectors, search and the count look at the same documents', async () => {
  const tiers = ['gold', 'silver', undefined]
  for (const [n, tier] of tiers.entries())
    await put(
      db.store,
      document(
        'Endpoint',
        'red',
        `e${n}`,
        { paused: n === 0, model: { name: `m${n}` } },
        {
          labels: tier ? { tier } : {},
          displayName: n === 2 ? 'Größe ÄÖ' : 'plain',
        },
      ),
    )
  const find = async (query: object) => {
    const page = await db.store.read(operator, tx => tx.list({ kind: 'Endpoint', count: true, ...query }))
    expect(page.count).toBe(page.items.length)
    return page.items.map(({ metadata }) => metadata.name)
  }
  const label = (operator: 'in' | 'notin' | 'exists' | 'absent', ...values: string[]) => ({
    labels: [{ key: 'tier', operator, values }],
  })
  expect(await find(label('in', 'gold', 'bronze'))).toEqual(['e0'])
  expect(await find(label('notin', 'gold'))).toEqual(['e1', 'e2'])
  expect(await find(label('exists'))).toEqual(['e0', 'e1'])
  expect(await find(label('absent'))).toEqual(['e2'])
  expect(await find({ fields: [{ key: 'spec.model.name', operator: 'in', values: ['m1'] }] })).toEqual(['e1'])
  expect(await find({ fields: [{ key: 'spec.paused', operator: 'in', values: ['true'] }] })).toEqual(['e0'])
  expect(await find({ fields: [{ key: 'metadata.name', operator: 'notin', values: ['e0'] }] })).toEqual([
    'e1',
    'e2',
  ])
  expect(await find({ q: 'GRÖSSE'.replace('SS', 'ß') })).toEqual(['e2'])
  expect(await find({ q: 'E1' })).toEqual(['e1'])
  expect(await find({ q: '%' })).toEqual([])
  expect(await find({ workspace: null })).toEqual([])
})

test('pages in both orders hold every document once, also while others are written', async () => {
  for (let n = 0; n < 25; n++)
    await put(db.store, document('Project', n % 3 === 0 ? 'a' : 'b', `p${String(n).padStart(2, '0')}`))
  for (const sort of ['name', '-creationTimestamp'] as const) {
    const seen: string[] = []
    let after: string | undefined
    do {
      const page = await db.store.read(operator, tx =>
        tx.list({ kind: 'Project', sort, limit: 4, ...(after === undefined ? {} : { after }) }),
      )
      seen.push(...named(page.items).filter(name => !name.includes('new')))
      after = page.next
      await put(db.store, document('Project', 'a', `new-${sort === 'name' ? 'n' : 'c'}-${seen.length}`))
    } while (after !== undefined)
    expect(new Set(seen).size).toBe(25)
    expect(seen).toHaveLength(25)
    if (sort === 'name') expect(seen).toEqual([...seen].sort())
  }
})

test('a position that is none of ours is refused', async () => {
  for (const after of ['', 'e30', 'bm9wZQ', Buffer.from('["a"]').toString('base64url')])
    await expect(db.store.read(operator, tx => tx.list({ kind: 'Project', after }))).rejects.toEqual(
      fault('invalid', 'bad_position'),
    )
})

test('a version before what was pruned, and one from the future, are expired', async () => {
  for (let n = 0; n < 10; n++) await put(db.store, document('Project', 'red', `p${n}`))
  const newest = await db.store.version(operator)
  // Kept by age, then by number: either keeps it.
  await db.prune({ changeRows: 3, changeSeconds: 3600 })
  await db.prune({ changeRows: 100, changeSeconds: 0 })
  expect((await db.store.changes(operator, '0', 100)).changes).toHaveLength(10)
  await db.prune({ changeRows: 3, changeSeconds: 0 })
  await expect(db.store.changes(operator, '1', 100)).rejects.toEqual(fault('expired', 'version_expired'))
  const safe = String(BigInt(newest) - 3n)
  expect((await db.store.changes(operator, safe, 100)).changes).toHaveLength(3)
  await expect(db.store.changes(operator, String(BigInt(newest) + 1n), 1)).rejects.toEqual(
    fault('expired', 'version_expired'),
  )
})

test('the log can be read by kind, and goes on from where it is safe', async () => {
  await put(db.store, document('Project', 'red', 'p'))
  await put(db.store, document('Workspace', null, 'w'))
  const { changes, through } = await db.store.changes(control, '0', 10, ['Project'])
  expect(changes.map(({ document }) => document.kind)).toEqual(['Project'])
  expect(through).toBe(await db.store.version(control))
  const cut = await db.store.changes(control, '0', 1)
  expect(cut.through).toBe(cut.changes[0]?.version)
})

test('the same event within ten minutes only counts up', async () => {
  const made = await put(db.store, document('Endpoint', 'red', 'e'))
  const object = { kind: 'Endpoint', workspace: 'red', name: 'e', id: made.metadata.id }
  for (const message of ['a', 'a', 'b'])
    await db.store.write(control, tx => tx.event({ object, type: 'Warning', reason: 'CrashLoop', message }))
  const events = await db.store.events(operator, { workspace: 'red', object: { name: 'e' }, limit: 10 })
  expect(events.map(({ message, count }) => [message, count])).toEqual([
    ['b', 1],
    ['a', 2],
  ])
  expect(await db.store.events(operator, { object: { workspace: null }, limit: 10 })).toEqual([])
})

test('a secret is kept beside its document, and goes with it', async () => {
  const key = await put(db.store, document('ApiKey', 'red', 'k', { owner: { kind: 'User', name: 'ann' } }))
  const { id } = key.metadata
  const until = new Date(Date.now() + 60_000).toISOString()
  await db.store.write(operator, tx => tx.putSecret(id, { field: 'hash', hash: 'aa' }))
  await db.store.write(operator, tx =>
    tx.putSecret(id, { field: 'hash', hash: 'bb', previous: { hash: 'aa', until } }),
  )
  expect(await db.secrets.secret(id, 'hash')).toEqual({
    field: 'hash',
    hash: 'bb',
    previous: { hash: 'aa', until },
  })
  expect(await db.secrets.keyHashes()).toMatchObject([{ id, hash: 'bb' }])
  await db.store.write(operator, tx => tx.remove(key))
  expect(await db.secrets.keyHashes()).toEqual([])
})

test('a lock waits for the other writer and then shows what it wrote', async () => {
  const made = await put(db.store, document('Project', 'red', 'p', { archived: false }))
  const key = { kind: 'Project', workspace: 'red', name: 'p' }
  let second: Promise<unknown> | undefined
  await db.store.write(operator, async tx => {
    await tx.lock(key, 'update')
    second = db.store.write(operator, async other => (await other.lock(key, 'share'))?.spec)
    await tx.update({ ...made, spec: { archived: true } }, null)
  })
  expect(await second).toMatchObject({ value: { archived: true } })
})

test('no refusal of the database shows SQL, a table or a value', async () => {
  const bad = [
    document('Project', 'red', 'p', { text: 'a\0b' }),
    document('Project', 'red', 'NOT A NAME'),
    document('Nothing', 'red', 'p'),
    document('Workspace', 'red', 'p'),
    document('Project', null, 'p'),
  ]
  for (const given of bad) {
    const refused: unknown = await put(db.store, given).catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(Fault)
    expect(String(refused)).not.toMatch(/select|insert|resources|violat|constraint|column|relation/i)
  }
})

test('a lost database is unavailable, and the next call finds it again', async () => {
  await put(db.store, document('Workspace', null, 'red'))
  const cut = db.store.write(operator, async tx => {
    await tx.insert(document('Workspace', null, 'blue'), [])
    await killOthers()
    await tx.list({ kind: 'Workspace' })
  })
  await expect(cut).rejects.toEqual(fault('unavailable', 'database_away'))
  expect(named((await db.store.read(operator, tx => tx.list({ kind: 'Workspace' }))).items)).toEqual(['red'])
})

async function killOthers(): Promise<void> {
  const { Client } = await import('pg')
  const client = new Client({ connectionString: db.url })
  await client.connect()
  await client.query(
    'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
  )
  await client.end()
}
