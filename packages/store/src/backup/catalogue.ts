// What there is to back up, as the catalogue of the database says it: a table that is added tomorrow is among it.
import { Fault } from '@switchyard/kinds'
import type { ClientBase } from 'pg'

export interface Table {
  readonly name: string
  /** Without those that are generated. */
  readonly columns: readonly string[]
}

export interface Partition {
  readonly name: string
  readonly parent: string
  /** `FOR VALUES FROM … TO …`. */
  readonly bound: string
}

export interface ForeignKey {
  readonly table: string
  readonly name: string
  readonly definition: string
}

export interface SequenceState {
  readonly name: string
  readonly last: string
  readonly called: boolean
}

/** Tells which schema this is, and is not part of what it holds. */
const schemaTable = 'migrations'

/** By name. A table that is divided stands for its parts. */
export async function tablesOf(client: ClientBase): Promise<readonly Table[]> {
  const { rows } = await client.query<Table>(
    `select c.relname as name, array_agg(a.attname::text order by a.attnum) as columns
     from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
     where c.relnamespace = 'switchyard'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
       and c.relname <> $1
     group by c.relname order by c.relname`,
    [schemaTable],
  )
  return rows
}

export async function partitionsOf(client: ClientBase): Promise<readonly Partition[]> {
  const { rows } = await client.query<Partition>(
    `select c.relname as name, p.relname as parent, pg_get_expr(c.relpartbound, c.oid) as bound
     from pg_class c join pg_inherits i on i.inhrelid = c.oid join pg_class p on p.oid = i.inhparent
     where c.relnamespace = 'switchyard'::regnamespace and c.relkind in ('r', 'p') and c.relispartition
     order by c.oid`,
  )
  return rows
}

export async function foreignKeysOf(client: ClientBase): Promise<readonly ForeignKey[]> {
  const { rows } = await client.query<ForeignKey>(
    `select c.relname as table, k.conname as name, pg_get_constraintdef(k.oid) as definition
     from pg_constraint k join pg_class c on c.oid = k.conrelid
     where k.connamespace = 'switchyard'::regnamespace and k.contype = 'f' and k.conparentid = 0
     order by c.relname, k.conname`,
  )
  return rows
}

export async function sequencesOf(client: ClientBase): Promise<readonly SequenceState[]> {
  const { rows: names } = await client.query<{ name: string }>(
    `select relname as name from pg_class where relnamespace = 'switchyard'::regnamespace and relkind = 'S' order by 1`,
  )
  const states: SequenceState[] = []
  for (const { name } of names) {
    const { rows } = await client.query<{ last: string; called: boolean }>(
      `select last_value::text as last, is_called as called from ${quoted(name)}`,
    )
    for (const { last, called } of rows) states.push({ name, last, called })
  }
  return states
}

/** Throws when the owner would be shown a part of a table: a copy of that would look whole. */
export async function checkWhole(client: ClientBase): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `select c.relname as name from pg_class c
     where c.relnamespace = 'switchyard'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
       and c.relrowsecurity and c.relforcerowsecurity
       and (not exists (select from pg_policy p where p.polrelid = c.oid and p.polpermissive and p.polcmd = '*'
              and p.polroles @> array['switchyard_owner'::regrole::oid] and pg_get_expr(p.polqual, p.polrelid) = 'true')
         or exists (select from pg_policy p where p.polrelid = c.oid and not p.polpermissive
              and p.polroles && array[0::oid, 'switchyard_owner'::regrole::oid]))
     order by 1`,
  )
  if (rows.length === 0) return
  const names = rows.map(({ name }) => name).join(', ')
  throw new Fault(
    'internal',
    `The owner of the schema does not see all of ${names}: give it the policy owner_all there, and repeat.`,
    { reason: 'backup_partial' },
  )
}

export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`
