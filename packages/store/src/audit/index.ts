// The trail in the database: recording, reading under the caller's rights, and the log that the sequencer fills.
import type { AuditHead, AuditStore, SequencedAudit, TileGrowth } from '@switchyard/runtime'
import type { PoolClient } from 'pg'
import type { Database } from '../postgres/pool.ts'
import { addCounts, addEntries, addTiles } from './add.ts'
import { listAudit } from './list.ts'
import { recordAudit } from './record.ts'
import { claimLog, sequence } from './sequence.ts'
import { standingOf } from './standing.ts'

const as = { role: 'audit' } as const
const reading = { readOnly: true } as const

interface HeadRow {
  readonly size: string
  readonly sequenced_at: string | null
  readonly archived: string
  readonly pruned: string
}

interface RetentionRow {
  readonly days: number
  readonly waiting: number | null
  readonly until: string | null
}

export function auditOn(database: Database): AuditStore {
  const read = <T>(work: (client: PoolClient) => Promise<T>) => database.transaction(as, reading, work)
  const write = <T>(work: (client: PoolClient) => Promise<T>) => database.transaction(as, {}, work)
  return {
    record: entry => write(client => recordAudit(client, entry)),
    list: (identity, query) => database.transaction(identity, reading, client => listAudit(client, query)),
    head: () =>
      read(async client => {
        const { rows } = await client.query<HeadRow>(
          `select size, ${timeText('sequenced_at')} as sequenced_at, archived, pruned from audit_head`,
        )
        const [row] = rows
        if (!row) throw new TypeError('the log has a head')
        return { ...headOf(row), archived: Number(row.archived), pruned: Number(row.pruned) }
      }),
    standing: () => read(standingOf),
    claim: epoch => write(client => claimLog(client, epoch)),
    sequence: (epoch, limit, number) => write(client => sequence(client, epoch, limit, number)),
    tile: (level, n) =>
      read(async client => {
        const { rows } = await client.query<{ hashes: Buffer }>(
          'select hashes from audit_tiles where level = $1 and n = $2',
          [level, n],
        )
        return rows[0]?.hashes
      }),
    entries: (from, to) =>
      read(async client => {
        const { rows } = await client.query<{ entry: string }>(
          'select entry from audit_log where seq >= $1 and seq < $2 order by seq',
          [from, to],
        )
        return rows.map(({ entry }) => entry)
      }),
    checkpoint: () =>
      read(async client => {
        const { rows } = await client.query<{ size: string; note: string }>(
          'select size, note from audit_checkpoints order by size desc limit 1',
        )
        return rows[0] && { size: Number(rows[0].size), note: rows[0].note }
      }),
    keepCheckpoint: ({ size, note }) =>
      write(async client => {
        await client.query(
          'insert into audit_checkpoints (size, note) values ($1, $2) on conflict do nothing',
          [size, note],
        )
      }),
    markArchived: size =>
      write(async client => {
        await client.query('update audit_head set archived = $1 where archived < $1 and size >= $1', [size])
      }),
    restore: (epoch, entries, tiles) => write(client => restore(client, epoch, entries, tiles)),
    retain: days =>
      write(async client => {
        const { rows } = await client.query<RetentionRow>(
          `select days, waiting, ${timeText('waits_until')} as until from audit_retain($1)`,
          [days],
        )
        const [row] = rows
        if (!row) throw new TypeError('a retention holds')
        const { waiting, until } = row
        const waits = waiting !== null && until !== null
        return { days: row.days, waiting: waits ? { days: waiting, from: until } : undefined }
      }),
    prune: keepDays =>
      write(async client => {
        const { rows } = await client.query<{ gone: string }>('select audit_prune($1) as gone', [keepDays])
        await client.query('select audit_forget()')
        return Number(rows[0]?.gone ?? 0)
      }),
  }
}

const timeText = (column: string) =>
  `case when isfinite(${column}) then to_char(${column}, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') end`

const headOf = ({ size, sequenced_at }: Pick<HeadRow, 'size' | 'sequenced_at'>): AuditHead => ({
  size: Number(size),
  sequencedAt: sequenced_at ?? undefined,
})

async function restore(
  client: PoolClient,
  epoch: bigint,
  entries: readonly SequencedAudit[],
  tiles: readonly TileGrowth[],
): Promise<boolean> {
  const [first] = entries
  const last = entries.at(-1)
  if (!first || !last) return true
  const { rowCount } = await client.query(
    `update audit_head set size = $3, sequenced_at = greatest(sequenced_at, $4::timestamptz)
     where epoch = $1 and size = $2`,
    [String(epoch), first.seq, last.seq + 1, last.sequencedAt],
  )
  if (rowCount === 0) return false
  await addEntries(client, entries)
  await addTiles(client, tiles)
  await addCounts(
    client,
    new Map(entries.map(({ workspace, workspaceSeq }) => [workspace ?? '', workspaceSeq + 1])),
  )
  // An older copy of the database brings back keys that were destroyed since.
  const erased = entries.flatMap(({ action, kind, name }) =>
    action === 'audit.erase' && kind === 'Person' && name !== null ? [name] : [],
  )
  if (erased.length > 0) await client.query('select audit_erased($1::uuid[])', [erased])
  return true
}
