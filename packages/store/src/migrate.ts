// Brings a database to the schema that this program knows: numbered files with checksums, one at a time,
// under a lock, on a connection of its own that works as the owner.
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { Fault } from '@switchyard/kinds'
import { Client, DatabaseError } from 'pg'
import { syncKinds } from './kinds.ts'
import { connectionOf } from './postgres/connection.ts'
import { faultOf, isTransient } from './postgres/faults.ts'
import { ensureRoles } from './postgres/roles.ts'

export interface Migration {
  readonly number: number
  /** `0001_resources`. */
  readonly name: string
  readonly up: string
  readonly down: string
  /** SHA-256 of the file that goes up. */
  readonly checksum: string
}

interface Applied {
  readonly number: number
  readonly name: string
  readonly checksum: string
}

const folder = new URL('../migrations/', import.meta.url)
const oldest = 15
const connectMilliseconds = 10_000

export async function readMigrations(): Promise<readonly Migration[]> {
  const files = (await readdir(folder)).filter(file => file.endsWith('.up.sql')).sort()
  return Promise.all(
    files.map(async (file, index) => {
      const name = file.slice(0, -'.up.sql'.length)
      const number = Number(name.slice(0, 4))
      if (number !== index + 1) throw new TypeError(`migrations must be numbered without gaps: ${file}`)
      const up = await readFile(new URL(file, folder), 'utf8')
      const down = await readFile(new URL(`${name}.down.sql`, folder), 'utf8')
      return { number, name, up, down, checksum: createHash('sha256').update(up).digest('hex') }
    }),
  )
}

/** Goes up (or down) to migration `to`, by default to the newest; answers the names of those that ran. */
export async function migrate(url: string, to?: number): Promise<readonly string[]> {
  const known = await readMigrations()
  const target = to ?? known.length
  const client = new Client({
    ...connectionOf(url, 'switchyard-migrate', ''),
    connectionTimeoutMillis: connectMilliseconds,
  })
  client.on('error', () => {}) // a lost connection fails the query that runs
  try {
    await client.connect()
  } catch (cause) {
    const reason = isTransient(cause) ? 'database_away' : 'database_unreachable'
    throw new Fault('unavailable', connectMessage(cause), { reason, cause })
  }
  try {
    await checkVersion(client)
    await client.query("select pg_advisory_lock(hashtextextended('switchyard.migrate', 0))")
    await prepare(client)
    const { rows: applied } = await client.query<Applied>(
      'select number, name, checksum from switchyard.migrations order by number',
    )
    checkApplied(applied, known)
    const ran: string[] = []
    for (const migration of known.slice(applied.length, target)) {
      await step(client, migration, 'up')
      ran.push(migration.name)
    }
    for (const migration of known.slice(target, applied.length).reverse()) {
      await step(client, migration, 'down')
      ran.push(migration.name)
    }
    if (target > 0) await asOwner(client, () => syncKinds(client))
    return ran
  } catch (error) {
    throw faultOf(error)
  } finally {
    await client.end()
  }
}

async function checkVersion(client: Client): Promise<void> {
  const { rows } = await client.query<{ server_version_num: string }>('show server_version_num')
  const major = Math.floor(Number(rows[0]?.server_version_num) / 10_000)
  if (major < oldest)
    throw new Fault(
      'unavailable',
      `The database is PostgreSQL ${major} and Switchyard needs ${oldest} or later: upgrade it, or name another with --database-url.`,
      { reason: 'database_too_old' },
    )
}

async function prepare(client: Client): Promise<void> {
  await ensureRoles(client)
  const { rowCount } = await client.query("select from pg_namespace where nspname = 'switchyard'")
  if (rowCount === 0) {
    try {
      await client.query('create schema switchyard authorization switchyard_owner')
    } catch (cause) {
      if (!(cause instanceof DatabaseError) || cause.code !== '42501') throw cause
      throw new Fault(
        'unavailable',
        'The database user may not make a schema: grant it CREATE on the database, or let it own the database.',
        { reason: 'schema_denied', cause },
      )
    }
  }
  await asOwner(client, () =>
    client.query(`create table if not exists switchyard.migrations (
      number integer primary key, name text not null, checksum text not null,
      applied_at timestamptz not null default clock_timestamp())`),
  )
}

function checkApplied(applied: readonly Applied[], known: readonly Migration[]): void {
  applied.forEach((row, index) => {
    const migration = known[index]
    if (!migration)
      throw new Fault(
        'unavailable',
        `The database was migrated by a newer Switchyard (${row.name}): start that version, or restore a backup from before it.`,
        { reason: 'schema_newer' },
      )
    if (row.number !== migration.number || row.checksum !== migration.checksum)
      throw new Fault(
        'unavailable',
        `Migration ${row.name} in the database is not the ${migration.name} of this Switchyard: start the version that made the database.`,
        { reason: 'schema_differs' },
      )
  })
}

async function step(client: Client, migration: Migration, way: 'up' | 'down'): Promise<void> {
  await asOwner(client, async () => {
    await client.query(migration[way])
    if (way === 'up')
      await client.query('insert into switchyard.migrations (number, name, checksum) values ($1, $2, $3)', [
        migration.number,
        migration.name,
        migration.checksum,
      ])
    else await client.query('delete from switchyard.migrations where number = $1', [migration.number])
  })
}

async function asOwner(client: Client, work: () => Promise<unknown>): Promise<void> {
  await client.query('begin; set local role switchyard_owner; set local search_path = switchyard, pg_temp')
  try {
    await work()
    await client.query('commit')
  } catch (error) {
    await client.query('rollback')
    throw error
  }
}

function connectMessage(cause: unknown): string {
  const state = cause instanceof DatabaseError ? cause.code : undefined
  if (state === '28P01' || state === '28000')
    return 'The database refuses this user and password: correct them in --database-url.'
  if (state === '3D000') return 'The database does not exist: create it, or name another in --database-url.'
  return 'The database cannot be reached: start it, or correct host and port in --database-url.'
}
