// What happened to a document, in sentences; the same again within ten minutes only counts up.
import type { EventRecord, NewEvent, Store } from '@switchyard/runtime'
import type { PoolClient } from 'pg'

export async function recordEvent(
  client: PoolClient,
  { object, type, reason, message }: NewEvent,
): Promise<void> {
  const values = [object.id, type, reason, message]
  const { rowCount } = await client.query(
    `update events set count = count + 1, last_at = clock_timestamp()
     where object_id = $1 and type = $2 and reason = $3 and message = $4
       and last_at > clock_timestamp() - interval '10 minutes'`,
    values,
  )
  if (rowCount !== 0) return
  await client.query(
    `insert into events (object_id, type, reason, message, kind, workspace, name)
     values ($1, $2, $3, $4, $5, $6, $7)`,
    [...values, object.kind, object.workspace, object.name],
  )
}

interface Row {
  readonly id: string
  readonly object_id: string
  readonly kind: string
  readonly workspace: string | null
  readonly name: string
  readonly type: NewEvent['type']
  readonly reason: string
  readonly message: string
  readonly first_at: Date
  readonly last_at: Date
  readonly count: number
}

/** Newest first. */
export async function readEvents(
  client: PoolClient,
  { workspace, object = {}, limit }: Parameters<Store['events']>[1],
): Promise<readonly EventRecord[]> {
  const { rows } = await client.query<Row>(
    `select * from events
     where ($1::text is null or workspace = $1)
       and ($2::text is null or kind = $2)
       and ($3::text is null or name = $3)
       and (not $4::boolean or workspace is not distinct from $5)
     order by last_at desc, id desc limit $6`,
    [
      workspace ?? null,
      object.kind ?? null,
      object.name ?? null,
      object.workspace !== undefined,
      object.workspace ?? null,
      limit,
    ],
  )
  return rows.map(row => ({
    id: row.id,
    object: { kind: row.kind, workspace: row.workspace, name: row.name, id: row.object_id },
    type: row.type,
    reason: row.reason,
    message: row.message,
    firstAt: row.first_at.toISOString(),
    lastAt: row.last_at.toISOString(),
    count: row.count,
  }))
}
