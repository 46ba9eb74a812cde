// Where sealed values are kept, one row each: what the master keys' versions are counted and turned by. A table that keeps
// what is sealed and is no row here would lose it with the version that it was sealed under.
import { Fault } from '@switchyard/kinds'
import type { PoolClient } from 'pg'
import { type Envelope, type MasterKeys, type Place, type RandomBytes, rewrapped } from './envelope.ts'

type Wrapped = Pick<Envelope, 'keyId' | 'wrapped'>

export interface Shelf {
  /** What is kept there, for people. */
  readonly name: string
  readonly table: string
  /** What tells its rows apart. */
  readonly key: readonly string[]
  /** Further columns that say where a value belongs. */
  readonly more: readonly string[]
  placeOf(row: Readonly<Record<string, unknown>>): Place
}

interface WrappedRow extends Readonly<Record<string, unknown>> {
  readonly key_id: string
  readonly wrapped: Buffer
}

export interface SecretRow {
  readonly kind: string
  readonly resource_id: string
  readonly field: string
  readonly version: number | null
}

export const secretPlace = ({ kind, resource_id: id, field, version }: SecretRow): Place => ({
  id,
  field,
  ...(version !== null && { writing: { kind, version } }),
})

export const valuePlace = (name: string): Place => ({
  id: name,
  field: 'value',
  writing: { kind: 'installation', version: 1 },
})

/** What the trail tells of a person is under one key, and not under one for each value. */
export const personPlace = (id: string): Place => ({ id, field: 'person' })

/** No part of a place holds a slash but the last. */
export const responsePlace = (workspace: string, project: string | null, id: string): Place => ({
  id: `${workspace}/${project ?? ''}/${id}`,
  field: 'response',
})

// Why `as` in each: the columns are those that the row says, and the tables' own types.
export const shelves: readonly Shelf[] = [
  {
    name: 'secrets',
    table: 'sealed_secrets',
    key: ['resource_id', 'field'],
    more: ['kind', 'version'],
    placeOf: row => secretPlace(row as unknown as SecretRow),
  },
  {
    name: 'values',
    table: 'sealed_values',
    key: ['name'],
    more: [],
    placeOf: row => valuePlace(row.name as string),
  },
  {
    name: 'persons',
    table: 'audit_persons',
    key: ['id'],
    more: [],
    placeOf: row => personPlace(row.id as string),
  },
  {
    name: 'responses',
    table: 'responses',
    key: ['workspace', 'project', 'id'],
    more: [],
    placeOf: row => responsePlace(row.workspace as string, row.project as string, row.id as string),
  },
]

/** Values under each key, by its id and the shelf. */
export async function countUses(client: PoolClient): Promise<ReadonlyMap<string, Record<string, number>>> {
  const uses = new Map<string, Record<string, number>>()
  for (const { name, table } of shelves) {
    const { rows } = await client.query<{ key_id: string; count: string }>(
      `select key_id, count(*) from ${table} where key_id is not null group by key_id`,
    )
    for (const { key_id, count } of rows) uses.set(key_id, { ...uses.get(key_id), [name]: Number(count) })
  }
  return uses
}

/**
 * Brings at most `limit` rows under the first key; those that somebody holds just now are for the next time. Answers how many it
 * was, and how many are damaged of those that it looked at: they are found again by the next call, before which `limit` is to be
 * raised by as many.
 */
export async function turnBatch(
  client: PoolClient,
  { table, key, more, placeOf }: Shelf,
  keys: MasterKeys,
  random: RandomBytes,
  limit: number,
): Promise<{ readonly turned: number; readonly damaged: number }> {
  const { rows } = await client.query<WrappedRow>(
    `select ${[...key, ...more, 'key_id', 'wrapped'].join(', ')} from ${table}
     where key_id = any ($1) limit $2 for update skip locked`,
    [[...keys.byId.keys()].filter(id => id !== keys.first.id), limit],
  )
  let turned = 0
  for (const row of rows) {
    const wrapped = turn(keys, random, placeOf(row), { keyId: row.key_id, wrapped: row.wrapped })
    if (!wrapped) continue
    await client.query(
      `update ${table} set key_id = $1, wrapped = $2
       where ${key.map((column, at) => `${column} = $${at + 3}`).join(' and ')}`,
      [wrapped.keyId, wrapped.wrapped, ...key.map(column => row[column])],
    )
    turned += 1
  }
  return { turned, damaged: rows.length - turned }
}

/** Undefined for a damaged one, which stays as it is: whoever reads it is told. */
function turn(keys: MasterKeys, random: RandomBytes, place: Place, envelope: Wrapped): Wrapped | undefined {
  try {
    return rewrapped(keys, random, place, envelope)
  } catch (error) {
    if (error instanceof Fault) return undefined
    throw error
  }
}
