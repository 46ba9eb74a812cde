// Brings a backup into an empty database: its files are checked first, and either all of it stands then or nothing.
import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { Fault } from '@switchyard/kinds'
import { Client } from 'pg'
import { migrate, readMigrations } from '../migrate.ts'
import { connectionOf } from '../postgres/connection.ts'
import { faultOf } from '../postgres/faults.ts'
import { foreignKeysOf, partitionsOf, quoted, tablesOf } from './catalogue.ts'
import type { BackupOptions } from './create.ts'
import { checkDigests, damaged, type Manifest, readManifest, schemaOf, type TableFile } from './manifest.ts'

export interface Restored {
  readonly tables: number
  readonly rows: number
  readonly madeAt: string
  readonly rootKeys: readonly string[]
}

const insertedBytes = 4 * 1024 * 1024

/** Its user needs what a first start needs: CREATE on the database, and CREATEROLE where the roles are not there. */
export async function restoreBackup(options: Omit<BackupOptions, 'version'>): Promise<Restored> {
  const { url, directory, observe = () => {}, signal } = options
  const manifest = await readManifest(directory)
  const schema = schemaOf(manifest, await readMigrations())
  const bytes = manifest.tables.reduce((sum, table) => sum + table.bytes, 0)
  let checked = 0
  await checkDigests(
    directory,
    manifest,
    table => {
      checked += table.bytes
      observe({ doing: 'checking', table: table.name, done: checked, total: bytes })
    },
    signal,
  )
  const client = new Client(connectionOf(url, 'switchyard-restore', '-c timezone=UTC -c jit=off'))
  client.on('error', () => {}) // a lost connection fails the query that runs
  try {
    await client.connect()
    await checkEmpty(client)
    await migrate(url, schema)
    await client.query('begin; set local role switchyard_owner; set local search_path = switchyard, pg_temp')
    const rows = await load(client, manifest, options)
    await client.query('commit')
    for (const { name } of manifest.tables) await client.query(`analyze switchyard.${quoted(name)}`)
    return { tables: manifest.tables.length, rows, madeAt: manifest.madeAt, rootKeys: manifest.rootKeys }
  } catch (error) {
    throw faultOf(error)
  } finally {
    await client.end()
  }
}

/** A schema in which nobody has ever written anything is empty too: a restore that failed leaves one. */
async function checkEmpty(client: Client): Promise<void> {
  const { rows } = await client.query<{ there: boolean }>(
    "select to_regclass('switchyard.log_state') is not null as there",
  )
  if (!rows[0]?.there) return
  await client.query(
    'begin read only; set local role switchyard_owner; set local search_path = switchyard, pg_temp',
  )
  const { rows: written } = await client.query<{ any: boolean }>(
    'select exists (select from resources) or exists (select from changes) or newest_version()::bigint > 0 as any',
  )
  await client.query('commit')
  if (written[0]?.any)
    throw new Fault(
      'conflict',
      'The database is not empty: a backup is restored into a new one. Name another database or data folder, or drop what is there yourself.',
      { reason: 'database_not_empty' },
    )
}

async function load(
  client: Client,
  manifest: Manifest,
  { directory, observe = () => {}, signal }: Omit<BackupOptions, 'version'>,
): Promise<number> {
  const tables = await tablesOf(client)
  checkSame(tables, manifest.tables)
  const standing = new Set((await partitionsOf(client)).map(({ name }) => name))
  for (const { name, parent, bound } of manifest.partitions)
    if (!standing.has(name))
      await client.query(
        `create table ${quoted(name)} partition of ${quoted(parent)} ${bound};
         alter table ${quoted(name)} enable row level security, force row level security`,
      )
  // What triggers would do is in the rows already, and tables refer to each other in no order: keys come back at the end,
  // and are checked by that. The owner may do all this; turning off checks themselves would take a superuser.
  const keys = await foreignKeysOf(client)
  for (const { table, name } of keys)
    await client.query(`alter table ${quoted(table)} drop constraint ${quoted(name)}`)
  const names = tables.map(({ name }) => quoted(name))
  for (const name of names) await client.query(`alter table ${name} disable trigger user`)
  await client.query(`truncate ${names.join(', ')}`)
  const total = manifest.tables.reduce((sum, { rows }) => sum + rows, 0)
  let done = 0
  for (const table of manifest.tables)
    await loadTable(client, directory, table, rows => {
      signal?.throwIfAborted()
      done += rows
      observe({ doing: 'loading', table: table.name, done, total })
    })
  for (const { name, last, called } of manifest.sequences)
    await client.query('select setval($1::regclass, $2, $3)', [quoted(name), last, called])
  for (const { table, name, definition } of keys)
    await client.query(`alter table ${quoted(table)} add constraint ${quoted(name)} ${definition}`)
  for (const name of names) await client.query(`alter table ${name} enable trigger user`)
  await client.query(
    `select audit(null, 'backup.restore', jsonb_build_object('kind', 'Backup'),
       jsonb_build_object('actor', 'system:operator', 'reason', $1::text)) where to_regproc('audit') is not null`,
    [`of ${manifest.madeAt}`],
  )
  return done
}

function checkSame(tables: Awaited<ReturnType<typeof tablesOf>>, files: readonly TableFile[]): void {
  const shape = (all: readonly Pick<TableFile, 'name' | 'columns'>[]) =>
    all.map(({ name, columns }) => `${name} (${columns.toSorted().join(', ')})`).join('\n')
  if (shape(tables) !== shape(files))
    throw new Fault(
      'conflict',
      'The tables of the backup are not those of the schema that it names: the database that it was made of had been changed by hand.',
      { reason: 'schema_differs' },
    )
}

async function loadTable(
  client: Client,
  directory: string,
  { name, columns, file, rows }: TableFile,
  loaded: (rows: number) => void,
): Promise<void> {
  const list = columns.map(quoted).join(', ')
  const text = `insert into ${quoted(name)} (${list}) overriding system value
    select ${list} from json_populate_recordset(null::${quoted(name)}, $1::json)`
  let lines: string[] = []
  let bytes = 0
  let count = 0
  const flush = async () => {
    if (lines.length === 0) return
    await client.query(text, [`[${lines.join(',')}]`])
    count += lines.length
    loaded(lines.length)
    lines = []
    bytes = 0
  }
  await pipeline(
    createReadStream(join(directory, file)),
    createGunzip(),
    async (source: AsyncIterable<Buffer>) => {
      for await (const line of linesOf(source)) {
        lines.push(line)
        bytes += line.length
        if (bytes >= insertedBytes) await flush()
      }
    },
  )
  await flush()
  if (count !== rows) throw damaged(`${file} of the backup holds ${count} rows of ${rows}.`)
}

/** Ended by line feeds alone: what else may end a line stands in texts as it is. */
async function* linesOf(source: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of source) {
    const lines = `${rest}${decoder.decode(chunk, { stream: true })}`.split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
  if (rest !== '') yield rest
}
