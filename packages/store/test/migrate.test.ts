// The schema goes up, down and up again on a filled database, by whoever may, and refuses what it does not know.
import { kinds } from '@switchyard/kinds'
import { migrate, openStore, readMigrations } from '@switchyard/store'
import { type TestDatabase, testDatabase } from '@switchyard/store/testing'
import { Client } from 'pg'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { document, operator, put } from './given.ts'
import { openWalls } from './walls.bed.ts'

let db: TestDatabase
let eyes: Client
beforeEach(async () => {
  db = await testDatabase()
  eyes = new Client({ connectionString: db.url })
  await eyes.connect()
})
afterEach(async () => {
  await eyes.end()
  await db.close()
})

/** Everything that the schema holds, as text. */
async function shape(of = eyes): Promise<readonly { readonly what: string; readonly said: string }[]> {
  const { rows } = await of.query<{ what: string; said: string }>(`
    select 'column' as what, table_name || '.' || column_name || ' ' || data_type as said
      from information_schema.columns where table_schema = 'switchyard'
    union all select 'policy', tablename || ' ' || policyname || ' ' || cmd || ' ' || roles::text || coalesce(qual, '') || coalesce(with_check, '')
      from pg_policies where schemaname = 'switchyard'
    union all select 'function', p.oid::regprocedure::text || coalesce(p.proacl, acldefault('f', p.proowner))::text
      from pg_proc p where pronamespace = 'switchyard'::regnamespace
    union all select 'trigger', tgrelid::regclass || ' ' || tgname from pg_trigger where not tgisinternal
    union all select 'index', indexdef from pg_indexes where schemaname = 'switchyard'
    union all select 'grant', grantee || ' ' || privilege_type || ' ' || table_name || '.' || column_name
      from information_schema.column_privileges where table_schema = 'switchyard'
    order by 1, 2`)
  return rows
}

/** 0002 takes from everyone what 0001 lets them call; who goes down to 0001 is not given it again. */
const withoutCallers = ({ what, said }: { readonly what: string; readonly said: string }) =>
  what === 'function' ? said.replace(/\{.*$/, '') : `${what} ${said}`

test('CP4.23: each migration goes down and up and down again on a database in which every table is filled', async () => {
  const walls = await openWalls()
  const { db: filled, eyes: see, tables } = walls
  try {
    const names = (await readMigrations()).map(({ name }) => name)
    const newest = await shape(see)
    const rows = async () => {
      const counts = new Map<string, number>()
      for (const table of await tables("c.relname <> 'migrations' and not c.relispartition")) {
        const { rows: counted } = await see.query<{ n: string }>(`select count(*) as n from ${table}`)
        counts.set(table, Number(counted[0]?.n))
      }
      return counts
    }
    const before = await rows()
    expect([...before].filter(([, n]) => n > 0).length).toBeGreaterThan(35)
    for (let to = names.length - 1; to >= 0; to--) {
      const [name = ''] = names.slice(to)
      const above = (await shape(see)).map(withoutCallers)
      expect(await migrate(filled.url, to)).toEqual([name])
      const kept = to > 0 ? await rows() : new Map<string, number>()
      expect(await migrate(filled.url, to + 1)).toEqual([name])
      expect((await shape(see)).map(withoutCallers), name).toEqual(above)
      // What stood before it stands after it.
      for (const [table, n] of await rows())
        if (kept.has(table) && table !== 'grants' && table !== 'permissions' && table !== 'kinds')
          expect([name, table, n]).toEqual([name, table, kept.get(table)])
      expect(await migrate(filled.url, to)).toEqual([name])
    }
    expect(await tables("c.relname <> 'migrations'")).toEqual([])
    expect(await migrate(filled.url)).toEqual(names)
    expect(await shape(see)).toEqual(newest)
  } finally {
    await walls.close()
  }
}, 240_000)

test('a second run does nothing, and two at once do it once', async () => {
  expect(await migrate(db.url)).toEqual([])
  await migrate(db.url, 0)
  const [a, b] = await Promise.all([migrate(db.url), migrate(db.url)])
  expect([...a, ...b]).toEqual((await readMigrations()).map(({ name }) => name))
})

test('every kind has its row, and a renamed permission is taken over with the next start', async () => {
  await eyes.query("update switchyard.kinds set noun = 'old', system = true where kind = 'Endpoint'")
  await migrate(db.url)
  const { rows } = await eyes.query<{ kind: string; noun: string; system: boolean }>(
    'select kind, noun, system from switchyard.kinds',
  )
  expect(new Map(rows.map(({ kind, noun, system }) => [kind, `${noun} ${system}`]))).toEqual(
    new Map(kinds.map(({ kind, noun, system }) => [kind, `${noun} ${system}`])),
  )
})

test('a newer schema and an edited migration stop the start with a sentence', async () => {
  await eyes.query(
    "insert into switchyard.migrations (number, name, checksum) values (99, '0099_future', 'x')",
  )
  await expect(migrate(db.url)).rejects.toThrow(/newer Switchyard \(0099_future\): start that version/)
  await eyes.query(
    "delete from switchyard.migrations where number = 99; update switchyard.migrations set checksum = 'x' where number = 2",
  )
  await expect(migrate(db.url)).rejects.toThrow(/0002_access in the database is not/)
})

test('a wrong password, database and address each end in a sentence', async () => {
  await expect(migrate(db.url.replace(/:[0-9a-f]{48}@/, ':wrong@'))).rejects.toThrow(
    /refuses this user and password/,
  )
  await expect(migrate(db.url.replace(/test_\d+/, 'absent'))).rejects.toThrow(/does not exist: create it/)
  for (const url of ['nonsense', 'http://example.org/x', ''])
    await expect(migrate(url)).rejects.toThrow(/write it as postgresql:/)
  await expect(migrate('postgresql://a:b@127.0.0.1:1/c')).rejects.toThrow(/cannot be reached: start it/)
})

test('an ordinary user that owns its database and may create roles is enough; one without is told what to do', async () => {
  await eyes.query("create role plain login password 'p' createrole; create role poor login password 'p'")
  await eyes.query('create database plain owner plain')
  await eyes.query('create database poor owner poor')
  const url = (name: string) =>
    db.url.replace(/\/\/switchyard:[0-9a-f]+@/, `//${name}:p@`).replace(/test_\d+/, name)
  await expect(migrate(url('poor'))).rejects.toThrow(
    /give it CREATEROLE, or make the roles switchyard_owner, .* and grant each/,
  )
  // The roles stand already here and belong to another: an administrator grants them once.
  const { roles } = await import('../src/postgres/roles.ts')
  for (const role of roles) await eyes.query(`grant ${role} to plain with admin option`)
  await migrate(url('plain'))
  await using opened = openStore({ url: url('plain') })
  await put(opened.store, document('Workspace', null, 'red'))
  expect((await opened.store.read(operator, tx => tx.list({ kind: 'Workspace' }))).items).toHaveLength(1)
  expect(
    (
      await opened.store.read({ role: 'caller', principal: 'user:x', scopes: ['*'] }, tx =>
        tx.list({ kind: 'Workspace' }),
      )
    ).items,
  ).toEqual([])
})

test('the ordinary user makes the roles itself on a server that has none', async () => {
  const { mkdtemp, rm } = await import('node:fs/promises')
  const { tmpdir } = await import('node:os')
  const { startEmbedded } = await import('@switchyard/store/embedded')
  const directory = await mkdtemp(`${tmpdir()}/switchyard-roles-`)
  try {
    await using embedded = await startEmbedded({ directory, durable: false })
    const admin = new Client({ connectionString: embedded.url })
    await admin.connect()
    await admin.query("create role plain login password 'p' createrole")
    await admin.query('create database plain owner plain')
    await admin.end()
    const url = embedded.url
      .replace(/\/\/switchyard:[0-9a-f]+@/, '//plain:p@')
      .replace('/switchyard?', '/plain?')
    await migrate(url)
    await using opened = openStore({ url })
    await put(opened.store, document('Workspace', null, 'red'))
    expect(await opened.store.version(operator)).toBe('1')
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
})
