// Entries that a caller may read, by what one looks for.
import type { AuditQuery, AuditRow } from '@switchyard/runtime'
import type { PoolClient } from 'pg'

interface Row {
  readonly seq: string
  readonly leaf: Buffer
  readonly entry: string
}

export async function listAudit(client: PoolClient, query: AuditQuery): Promise<readonly AuditRow[]> {
  const values: unknown[] = []
  const given = (value: unknown) => `$${values.push(value)}`
  const conditions: string[] = []
  const where = (
    value: string | number | readonly string[] | undefined,
    condition: (place: string) => string,
  ) => {
    if (value !== undefined) conditions.push(condition(given(value)))
  }
  const { action, ascending = false } = query
  where(query.workspace, place => `workspace = ${place}`)
  where(query.from, place => `time >= ${place}::timestamptz`)
  where(query.to, place => `time < ${place}::timestamptz`)
  where(query.actor, place => `actor = any (${place}::text[])`)
  if (action?.endsWith('*')) where(action.slice(0, -1), place => `starts_with(action, ${place})`)
  else where(action, place => `action = ${place}`)
  where(query.kind, place => `kind = ${place}`)
  where(query.name, place => `name = any (${place}::text[])`)
  where(query.outcome, place => `outcome = ${place}`)
  where(query.beyond, place => `seq ${ascending ? '>' : '<'} ${place}::bigint`)
  const { rows } = await client.query<Row>(
    `select seq, leaf, entry from audit_log ${conditions.length > 0 ? `where ${conditions.join(' and ')}` : ''}
     order by seq ${ascending ? 'asc' : 'desc'} limit ${given(query.limit)}`,
    values,
  )
  return rows.map(({ seq, leaf, entry }) => ({ seq: Number(seq), leaf, entry }))
}
