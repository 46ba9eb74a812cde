// What a backup says of itself: `manifest.json`, written last, without which there is no backup.
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { Fault } from '@switchyard/kinds'
import type { Migration } from '../migrate.ts'
import type { Partition, SequenceState, Table } from './catalogue.ts'

export const manifestFile = 'manifest.json'
const formatNumber = 1

export interface TableFile extends Table {
  /** Relative to the folder. */
  readonly file: string
  readonly rows: number
  /** Of the file, compressed. */
  readonly bytes: number
  /** Of the file as it is, lower-case hex. */
  readonly sha256: string
}

export interface Manifest {
  readonly format: typeof formatNumber
  /** Of the Switchyard that made it. */
  readonly version: string
  /** RFC 3339: what was committed by then is in it, and nothing that came later. */
  readonly madeAt: string
  /** `18.4` */
  readonly postgres: string
  readonly migrations: readonly Pick<Migration, 'number' | 'name' | 'checksum'>[]
  /** Ids of the root keys that open what is sealed in it. */
  readonly rootKeys: readonly string[]
  readonly tables: readonly TableFile[]
  readonly partitions: readonly Partition[]
  readonly sequences: readonly SequenceState[]
}

export const writtenManifest = (manifest: Omit<Manifest, 'format'>): string =>
  `${JSON.stringify({ format: formatNumber, ...manifest }, undefined, 2)}\n`

export function damaged(message: string, cause?: unknown): Fault {
  return new Fault('invalid', message, { reason: 'backup_damaged', cause })
}

export async function readManifest(directory: string): Promise<Manifest> {
  const path = join(directory, manifestFile)
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    throw damaged(
      `There is no whole backup in ${directory}: ${manifestFile} is missing or cannot be read.`,
      cause,
    )
  }
  let told: unknown
  try {
    told = JSON.parse(text)
  } catch (cause) {
    throw damaged(`${path} is not whole: take another copy of the backup.`, cause)
  }
  const format = typeof told === 'object' && told !== null && 'format' in told ? told.format : undefined
  if (format !== formatNumber)
    throw new Fault(
      'invalid',
      `${path} is of the format ${String(format)}: use the Switchyard that made it.`,
      {
        reason: 'backup_format',
      },
    )
  return told as Manifest // whoever wrote this format wrote all of it
}

/** The number of the schema that the backup is of; refuses one that this program does not know. */
export function schemaOf({ migrations, version }: Manifest, known: readonly Migration[]): number {
  const newest = migrations.at(-1)
  if (migrations.length > known.length)
    throw new Fault(
      'conflict',
      `The backup is of Switchyard ${version} with the schema ${newest?.name}, and this program knows ${known.at(-1)?.name}: restore with that version or a newer one.`,
      { reason: 'schema_newer' },
    )
  for (const [index, { number, name, checksum }] of migrations.entries())
    if (known[index]?.number !== number || known[index].checksum !== checksum)
      throw new Fault(
        'conflict',
        `Migration ${name} of the backup is not the ${known[index]?.name} of this program: restore with Switchyard ${version}.`,
        { reason: 'schema_differs' },
      )
  return migrations.length
}

/** Reads every file once; `done` is called with the bytes of each. */
export async function checkDigests(
  directory: string,
  { tables }: Manifest,
  done: (table: TableFile) => void,
  signal?: AbortSignal,
): Promise<void> {
  for (const table of tables) {
    const hash = createHash('sha256')
    try {
      await pipeline(createReadStream(join(directory, table.file)), hash, signal ? { signal } : {})
    } catch (cause) {
      signal?.throwIfAborted()
      throw damaged(
        `${table.file} of the backup is missing or cannot be read: take another copy of it.`,
        cause,
      )
    }
    if (hash.digest('hex') !== table.sha256)
      throw damaged(`${table.file} of the backup was altered or is not whole: take another copy of it.`)
    done(table)
  }
}
