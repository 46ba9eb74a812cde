// Writes all that the database holds at one moment into a folder, while everything runs: one file a table, a line a row,
// as JSON. What is sealed stays sealed. Nothing of PostgreSQL's own programs is needed.
import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { Fault } from '@switchyard/kinds'
import { Client } from 'pg'
import { connectionOf } from '../postgres/connection.ts'
import { faultOf } from '../postgres/faults.ts'
import {
  checkWhole,
  partitionsOf,
  quoted,
  type SequenceState,
  sequencesOf,
  type Table,
  tablesOf,
} from './catalogue.ts'
import { type Manifest, manifestFile, type TableFile, writtenManifest } from './manifest.ts'

export interface BackupOptions {
  /** Of a user that may take the role switchyard_owner, as the server's may. */
  readonly url: string
  /** Made when absent, else empty. */
  readonly directory: string
  /** Of this Switchyard. */
  readonly version: string
  readonly observe?: (progress: BackupProgress) => void
  readonly signal?: AbortSignal
}

/** `total` is known from the start. */
export interface BackupProgress {
  readonly doing: 'checking' | 'writing' | 'loading'
  readonly table: string
  /** Rows; bytes where files are checked. */
  readonly done: number
  readonly total: number
}

export interface Backup {
  readonly tables: number
  readonly rows: number
  /** Of all files. */
  readonly bytes: number
  /** Of the manifest, which holds those of the files. */
  readonly sha256: string
  readonly rootKeys: readonly string[]
}

const folderOfTables = 'tables'
const fetchedBytes = 4 * 1024 * 1024
const fetchedRows = { first: 50, most: 5000 }

export async function createBackup(options: BackupOptions): Promise<Backup> {
  const { url, directory, version, observe = () => {}, signal } = options
  await makeFolder(directory)
  const client = new Client(connectionOf(url, 'switchyard-backup', '-c timezone=UTC -c jit=off'))
  client.on('error', () => {}) // a lost connection fails the query that runs
  try {
    await client.connect()
    await checkThere(client)
    await tell(client)
    await client.query(
      'begin isolation level repeatable read read only; set local role switchyard_owner; set local search_path = switchyard, pg_temp',
    )
    await checkWhole(client)
    const tables = await tablesOf(client)
    const counts = await countRows(client, tables)
    const total = [...counts.values()].reduce((sum, rows) => sum + rows, 0)
    const head = await headOf(client)
    const partitions = await partitionsOf(client)
    let done = 0
    const files: TableFile[] = []
    for (const table of tables) {
      const file = await writeTable(client, directory, table, rows => {
        signal?.throwIfAborted()
        done += rows
        observe({ doing: 'writing', table: table.name, done, total })
      })
      files.push(file)
    }
    // A sequence is in no transaction: read last, it is beyond all that was copied.
    const sequences: readonly SequenceState[] = await sequencesOf(client)
    await client.query('commit')
    const text = writtenManifest({ version, ...head, tables: files, partitions, sequences })
    await writeWhole(join(directory, manifestFile), text)
    return {
      tables: files.length,
      rows: done,
      bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
      sha256: createHash('sha256').update(text).digest('hex'),
      rootKeys: head.rootKeys,
    }
  } catch (error) {
    throw faultOf(error)
  } finally {
    await client.end()
  }
}

async function makeFolder(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  if ((await readdir(directory)).length > 0)
    throw new Fault('conflict', `${directory} is not empty: name a folder of its own for each backup.`, {
      reason: 'folder_not_empty',
    })
  await mkdir(join(directory, folderOfTables), { mode: 0o700 })
}

async function checkThere(client: Client): Promise<void> {
  const { rows } = await client.query<{ there: boolean }>(
    "select to_regclass('switchyard.migrations') is not null as there",
  )
  if (!rows[0]?.there)
    throw new Fault('not_found', 'The database holds no Switchyard: there is nothing to back up.', {
      reason: 'database_empty',
    })
}

/** Whoever takes everything away leaves a trace of it, before there is anything to take. */
async function tell(client: Client): Promise<void> {
  await client.query(`begin; set local role switchyard_owner; set local search_path = switchyard, pg_temp;
    select audit(null, 'backup.create', jsonb_build_object('kind', 'Backup'), '{"actor":"system:operator"}'); commit`)
}

async function countRows(client: Client, tables: readonly Table[]): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>()
  for (const { name } of tables) {
    const { rows } = await client.query<{ rows: string }>(`select count(*) as rows from ${quoted(name)}`)
    counts.set(name, Number(rows[0]?.rows))
  }
  return counts
}

async function headOf(
  client: Client,
): Promise<Pick<Manifest, 'madeAt' | 'postgres' | 'migrations' | 'rootKeys'>> {
  const { rows: migrations } = await client.query<Manifest['migrations'][number]>(
    'select number, name, checksum from migrations order by number',
  )
  const { rows: moment } = await client.query<{ at: Date; postgres: string }>(
    "select now() as at, split_part(current_setting('server_version'), ' ', 1) as postgres",
  )
  const { rows: known } = await client.query<{ there: boolean }>(
    "select to_regclass('secret_keys') is not null as there",
  )
  const { rows: roots } = known[0]?.there
    ? await client.query<{ root: string }>('select distinct root from secret_keys order by 1')
    : { rows: [] }
  return {
    madeAt: moment[0]?.at.toISOString() ?? '',
    postgres: moment[0]?.postgres ?? '',
    migrations,
    rootKeys: roots.map(({ root }) => root),
  }
}

async function writeTable(
  client: Client,
  directory: string,
  table: Table,
  took: (rows: number) => void,
): Promise<TableFile> {
  const file = `${folderOfTables}/${table.name}.ndjson.gz`
  const hash = createHash('sha256')
  let bytes = 0
  let rows = 0
  const digest = new Transform({
    transform(chunk: Buffer, _, done) {
      hash.update(chunk)
      bytes += chunk.length
      done(null, chunk)
    },
  })
  const lines = async function* () {
    for await (const { text, count } of rowsOf(client, table)) {
      rows += count
      took(count)
      yield text
    }
  }
  const output = createWriteStream(join(directory, file), { flags: 'wx', mode: 0o600, flush: true })
  await pipeline(lines, createGzip({ level: 4 }), digest, output)
  return { ...table, file, rows, bytes, sha256: hash.digest('hex') }
}

/** Each text is some lines; so many rows at once that they are a few MB, however large a row is. */
async function* rowsOf(
  client: Client,
  { name, columns }: Table,
): AsyncGenerator<{ readonly text: string; readonly count: number }> {
  await client.query(
    `declare whole no scroll cursor for
     select row_to_json(r)::text as line from (select ${columns.map(quoted).join(', ')} from ${quoted(name)}) r`,
  )
  let wanted = fetchedRows.first
  for (;;) {
    const { rows } = await client.query<{ line: string }>(`fetch ${wanted} from whole`)
    if (rows.length === 0) break
    const text = `${rows.map(({ line }) => line).join('\n')}\n`
    yield { text, count: rows.length }
    const each = text.length / rows.length
    wanted = Math.max(1, Math.min(fetchedRows.most, Math.floor(fetchedBytes / each)))
  }
  await client.query('close whole')
}

async function writeWhole(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}
