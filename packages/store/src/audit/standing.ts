// How far the log of the trail has come, of what stands in the database.
import type { AuditStanding } from '@switchyard/runtime'
import type { PoolClient } from 'pg'

const standing = `
select
  (select extract(epoch from clock_timestamp() - (entry ->> 'time')::timestamptz) from audit_pending order by n limit 1)::float8 as unnumbered,
  case when isfinite(h.sequenced_at) then extract(epoch from h.sequenced_at) end::float8 as numbered_at,
  (select extract(epoch from clock_timestamp() - l.sequenced_at) from audit_log l where l.seq = coalesce(c.size, 0))::float8 as unsigned,
  extract(epoch from c.at)::float8 as signed_at,
  (select extract(epoch from clock_timestamp() - l.sequenced_at) from audit_log l where l.seq = h.archived)::float8 as unarchived
from audit_head h left join (select size, at from audit_checkpoints order by size desc limit 1) c on true`

interface Row {
  readonly unnumbered: number | null
  readonly numbered_at: number | null
  readonly unsigned: number | null
  readonly signed_at: number | null
  readonly unarchived: number | null
}

export async function standingOf(client: PoolClient): Promise<AuditStanding> {
  const [row] = (await client.query<Row>(standing)).rows
  return {
    unnumbered: Math.max(0, row?.unnumbered ?? 0),
    numberedAt: row?.numbered_at ?? undefined,
    unsigned: Math.max(0, row?.unsigned ?? 0),
    signedAt: row?.signed_at ?? undefined,
    unarchived: Math.max(0, row?.unarchived ?? 0),
  }
}
