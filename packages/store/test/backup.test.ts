// A backup holds what was committed at one moment, restores to the same to the last bit, and is refused where it is not whole.
import { createHash, randomUUID } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { examine } from '@switchyard/runtime'
import { migrate, type OpenedStore, openStore, readMigrations, rootKeyOf } from '@switchyard/store'
import { type BackupProgress, createBackup, restoreBackup } from '@switchyard/store/backup'
import { Client } from 'pg'
import { afterAll, describe, expect, test } from 'vitest'
import { document, operator, put } from './given.ts'
import { openWalls } from './walls.bed.ts'

const walls = await openWalls()
const { db, eyes } = walls
const place = mkdtempSync(join(tmpdir(), 'backup-'))
afterAll(async () => {
  await walls.close()
  rmSync(place, { recursive: true, force: true })
})

const version = '1.2.3'
let folders = 0
const folder = () => join(place, String(++folders))

async function taken(url = db.url): Promise<string> {
  const directory = folder()
  await createBackup({ url, directory, version })
  return directory
}

/** URL of a database in which nothing is. */
async function empty(user?: string): Promise<string> {
  const name = `empty_${randomUUID().replaceAll('-', '')}`
  await eyes.query(`create database ${name}${user === undefined ? '' : ` owner ${user}`}`)
  return db.url.replace(/test_\d+/, name)
}

async function looking<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url, options: '-c search_path=switchyard -c timezone=UTC' })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

/** All rows of all tables, but for what was told of the backup itself. */
const contents = (url: string) =>
  looking(url, async client => {
    const { rows: tables } = await client.query<{ name: string }>(
      `select relname as name from pg_class where relnamespace = 'switchyard'::regnamespace and relkind in ('r', 'p')
       and relname <> 'migrations' order by 1`,
    )
    const all: Record<string, readonly string[]> = {}
    for (const { name } of tables) {
      const { rows } = await client.query<{ text: string }>(`select t::text as text from ${name} t`)
      all[name] = rows
        .map(({ text }) => text)
        .filter(text => !/"action": "backup\./.test(text.replaceAll('""', '"')))
        .sort()
    }
    return all
  })

/** What of the schema a restore takes apart and puts together. */
const shape = (url: string) =>
  looking(url, async client => {
    const { rows } = await client.query<{ what: string; said: string }>(`
      select 'constraint' as what, conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) || convalidated as said
        from pg_constraint where connamespace = 'switchyard'::regnamespace
      union all select 'trigger', tgrelid::regclass || ' ' || tgname || ' ' || tgenabled::text from pg_trigger where not tgisinternal
      union all select 'table', concat_ws(' ', relname, relrowsecurity, relforcerowsecurity, relowner::regrole) from pg_class
        where relnamespace = 'switchyard'::regnamespace and relkind in ('r', 'p')
      order by 1, 2`)
    return rows
  })

test('what is restored is what was there, in every table of the catalogue, and the schema is as strict as before', async () => {
  // What a line could be cut at, and what a number could lose.
  const odd = 'a\u2028b\u2029c\r\nd"\\\ud83d\ude80\u007f'
  await put(db.store, document('Project', 'red', 'odd', { text: odd, large: 'x'.repeat(300_000) }))
  await put(db.store, document('Project', 'red', 'numbers', { n: 12345678901234567890n.toString() }))
  const before = await contents(db.url)
  const seen: BackupProgress[] = []
  const directory = folder()
  const made = await createBackup({ url: db.url, directory, version, observe: each => seen.push(each) })
  const { done, total } = seen.at(-1) ?? { done: 0, total: -1 }
  expect([done, total]).toEqual([made.rows, made.rows])
  expect(Object.keys(before)).toHaveLength(made.tables)
  expect(Object.values(before).filter(rows => rows.length > 0).length).toBeGreaterThan(35)

  const url = await empty()
  const restored = await restoreBackup({ url, directory })
  expect(restored).toMatchObject({ tables: made.tables, rows: made.rows, rootKeys: made.rootKeys })
  expect(await contents(url)).toEqual(before)
  expect(await shape(url)).toEqual(await shape(db.url))
  // It goes on where it was: numbers that were given are not given again.
  await migrate(url)
  await using opened = openStore({ url })
  const next = await put(opened.store, document('Project', 'red', 'later'))
  expect(BigInt(next.metadata.resourceVersion)).toBeGreaterThan(BigInt(await db.store.version(operator)))
  expect(
    await looking(url, async client => {
      const { rows } = await client.query<{ action: string }>(
        "select entry ->> 'action' as action from audit_pending where entry ->> 'action' like 'backup.%' order by n",
      )
      return rows.map(({ action }) => action)
    }),
  ).toEqual(['backup.create', 'backup.restore'])
})

test('CP5.30: what is sealed or hashed stays so in its files, which are for the one who made them alone', async () => {
  const directory = await taken()
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter(file => file.isFile())
  expect(files.length).toBeGreaterThan(40)
  for (const file of files) {
    const path = join(file.parentPath, file.name)
    expect(statSync(path).mode & 0o077).toBe(0)
    const bytes = readFileSync(path)
    const text = (file.name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString()
    for (const secret of ['red-value', 'blue-value'])
      for (const form of [
        secret,
        Buffer.from(secret).toString('hex'),
        Buffer.from(secret).toString('base64'),
      ])
        expect([file.name, text.includes(form)]).toEqual([file.name, false])
  }
})

test('money that moves meanwhile is whole in it, and whoever looks finds all in order', async () => {
  const ending = new AbortController()
  const pay = async (workspace: string) => {
    let paid = 0
    for (; !ending.signal.aborted; paid++)
      await db.ledger.record(operator, {
        workspace,
        project: '',
        cause: 'top_up',
        amount: '0.01',
        priority: 1,
        expiresAt: null,
        reason: null,
        key: randomUUID(),
        fingerprint: 'f',
      })
    return paid
  }
  const change = async () => {
    for (let n = 0; !ending.signal.aborted; n++) await put(db.store, document('Project', 'blue', `live-${n}`))
  }
  const writers = [pay('red'), pay('blue'), change()]
  const began = await db.store.version(operator)
  await expect.poll(async () => BigInt(await db.store.version(operator))).toBeGreaterThan(BigInt(began) + 5n)
  const directory = await taken()
  const ended = await db.store.version(operator)
  ending.abort()
  await Promise.all(writers)

  const url = await empty()
  await restoreBackup({ url, directory })
  await using opened = openStore({ url })
  const version = await opened.store.version(operator)
  expect(BigInt(version)).toBeGreaterThan(BigInt(began) + 5n)
  expect(BigInt(version)).toBeLessThanOrEqual(BigInt(ended))
  await looking(url, async client => {
    const { rows } = await client.query<{ sum: string; lost: string }>(
      `select (select coalesce(sum(amount), 0) from ledger_entries) as sum,
         (select max(version) - min(version) + 1 - count(distinct version) from changes) as lost`,
    )
    expect(rows.map(({ sum, lost }) => [Number(sum), Number(lost)])).toEqual([[0, 0]])
  })
  const standing = async (store: OpenedStore) => {
    const checks = store.checks(store.openVault(store.openKeys([rootKeyOf(walls.root)])), Date.now)
    const rows = await examine(checks, () => performance.now())
    return rows.map(({ name, status }) => `${name} ${status}`)
  }
  const found = await standing(opened)
  expect(found).toEqual(await standing(db))
  for (const name of ['sealed_values', 'walls', 'grants', 'ledger_sums', 'balances', 'audit_dense'])
    expect(found).toContain(`${name} pass`)
})

describe('a restore', () => {
  const refused = (directory: string, url: string) => expect(restoreBackup({ url, directory })).rejects

  test('into a database that holds anything is refused, and one that failed can be done again', async () => {
    const directory = await taken()
    await refused(directory, db.url).toMatchObject({ code: 'conflict', reason: 'database_not_empty' })
    const url = await empty()
    const ending = new AbortController()
    const stopped = restoreBackup({
      url,
      directory,
      signal: ending.signal,
      observe: ({ doing, done }) => {
        if (doing === 'loading' && done > 20) ending.abort(new Error('enough'))
      },
    })
    await expect(stopped).rejects.toThrow('enough')
    expect((await looking(url, client => client.query('select from resources'))).rowCount).toBe(0)
    await restoreBackup({ url, directory })
    await refused(directory, url).toMatchObject({ reason: 'database_not_empty' })
  })

  test('of files that were altered, cut off or lost is refused before anything is written', async () => {
    const directory = await taken()
    const url = await empty()
    const path = join(directory, 'tables/resources.ndjson.gz')
    const whole = readFileSync(path)
    const altered = gzipSync(gunzipSync(whole).toString().replace('"red"', '"rad"'))
    for (const bytes of [altered, whole.subarray(0, -9), Buffer.alloc(0)]) {
      writeFileSync(path, bytes)
      await refused(directory, url).toMatchObject({ reason: 'backup_damaged' })
    }
    rmSync(path)
    await refused(directory, url).toThrow('tables/resources.ndjson.gz of the backup is missing')
    rmSync(join(directory, 'manifest.json'))
    await refused(directory, url).toThrow('There is no whole backup in')
    await expect(looking(url, client => client.query('select from log_state'))).rejects.toThrow(
      'does not exist',
    )
  })

  test('of a schema that this program does not know is refused, and one of an older schema goes up after', async () => {
    const directory = await taken()
    const path = join(directory, 'manifest.json')
    const text = readFileSync(path, 'utf8')
    const manifest = JSON.parse(text) as {
      migrations: object[]
      tables: { columns: string[] }[]
      format: number
    }
    const url = await empty()
    const future = { number: 999, name: '0999_future', checksum: 'x' }
    for (const [more, reason] of [
      [{ migrations: [...manifest.migrations, future] }, 'schema_newer'],
      [{ migrations: [{ ...manifest.migrations[0], checksum: 'x' }] }, 'schema_differs'],
      [{ tables: manifest.tables.slice(1) }, 'schema_differs'],
      [{ format: 2 }, 'backup_format'],
    ] as const) {
      writeFileSync(path, JSON.stringify({ ...manifest, ...more }))
      await refused(directory, url).toMatchObject({ reason })
    }

    const old = await empty()
    const newest = (await readMigrations()).length
    await migrate(old, newest - 1)
    const older = await taken(old)
    const back = await empty()
    await restoreBackup({ url: back, directory: older })
    expect(await migrate(back)).toHaveLength(1)
    expect(await shape(back)).toEqual(await shape(db.url))
  })

  test('and the backup before it need no superuser: the user of the server is enough', async () => {
    const { roles } = await import('../src/postgres/roles.ts')
    await eyes.query("create role keeper login password 'p'")
    for (const role of roles) await eyes.query(`grant ${role} to keeper`)
    const as = (url: string) => url.replace(/\/\/switchyard:[0-9a-f]+@/, '//keeper:p@')
    const directory = await taken(as(db.url))
    const url = await empty('keeper')
    await restoreBackup({ url: as(url), directory })
    const { resources } = await contents(url)
    expect(resources).toEqual((await contents(db.url)).resources)
    await eyes.query('create role stranger login')
    await expect(taken(db.url.replace(/\/\/switchyard:[0-9a-f]+@/, '//stranger:p@'))).rejects.toMatchObject({
      name: 'Fault',
    })
  })
})

test('a folder that holds something is not written into, and a backup that was broken off is none', async () => {
  const directory = await taken()
  const digest = () =>
    createHash('sha256')
      .update(readFileSync(join(directory, 'manifest.json')))
      .digest('hex')
  const before = digest()
  await expect(createBackup({ url: db.url, directory, version })).rejects.toMatchObject({
    reason: 'folder_not_empty',
  })
  expect(digest()).toBe(before)
  await expect(taken(await empty())).rejects.toMatchObject({ code: 'not_found', reason: 'database_empty' })
  const broken = folder()
  const ending = new AbortController()
  const observe = () => ending.abort(new Error('enough'))
  await expect(
    createBackup({ url: db.url, directory: broken, version, signal: ending.signal, observe }),
  ).rejects.toThrow('enough')
  await expect(restoreBackup({ url: await empty(), directory: broken })).rejects.toThrow('no whole backup')
})
