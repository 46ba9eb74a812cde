// One batch of the log, in one transaction that an older sequencer's cannot be: it names the epoch and the size that
// it goes on from, and what somebody else has moved it does not touch.
import type { AuditNumbering, PendingAudit } from '@switchyard/runtime'
import type { PoolClient } from 'pg'
import { addCounts, addEntries, addTiles } from './add.ts'

const tileHashes = 256

/** Takes the log for an epoch; false when a newer one has it. */
export async function claimLog(client: PoolClient, epoch: bigint): Promise<boolean> {
  const { rowCount } = await client.query('update audit_head set epoch = $1 where epoch <= $1', [
    String(epoch),
  ])
  return rowCount === 1
}

interface Held {
  readonly epoch: string
  readonly size: string
  readonly last: string | null
  readonly at: string
}

// The clock may be set back: what comes later is never earlier.
const hold = `
select epoch, size, to_char(sequenced_at, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as last,
  to_char(greatest(clock_timestamp(), sequenced_at), 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as at
from audit_head for update`

/** Bytes as they are stored, compressed to a 255th at most (lz4): what is read in one go stays below 512 MiB, and has one entry at least. */
const pieceBytes = 2 * 1024 * 1024

// In one row, which is read in one go.
const take = `
with next as (
  select n, sum(pg_column_size(entry)) over (order by n) - pg_column_size(entry) as before
  from (select n, entry from audit_pending order by n limit $1) first
), taken as (
  delete from audit_pending where n in (select n from next where before < ${pieceBytes})
  returning n, entry,
    case jsonb_typeof(entry -> 'workspace') when 'string' then entry ->> 'workspace' else '' end as place
)
select json_agg(entry order by n) as entries,
  (select json_object_agg(place, size) from audit_counts where place in (select place from taken)) as counts
from taken`

interface Taken {
  /** null when there were none. */
  readonly entries: PendingAudit['entries'] | null
  readonly counts: Readonly<Record<string, number>> | null
}

/** So many are taken at once, and written at once: while some are numbered here, the database writes and takes others. */
const piece = 500

export async function sequence(
  client: PoolClient,
  epoch: bigint,
  limit: number,
  number: AuditNumbering,
): Promise<number | 'stale'> {
  // Nothing to do is found without a lock, so that an idle log writes nothing.
  const waiting = await client.query('select from audit_pending limit 1')
  if (waiting.rowCount === 0) return 0
  const [held] = (await client.query<Held>(hold)).rows
  if (!held || BigInt(held.epoch) !== epoch) return 'stale'
  const size = Number(held.size)
  const batch = number({
    size,
    sequencedAt: held.last ?? undefined,
    edge: await edgeOf(client, size),
    at: held.at,
  })
  const counts = new Map<string, number>()
  const { inTurn, settled } = turns()
  let numbered = 0
  let asked = Math.min(piece, limit)
  const takeSome = () => inTurn(() => takePending(client, asked))
  try {
    for (let coming = takeSome(); asked > 0; ) {
      const pending = await coming
      const taken = pending.entries.length
      // Fewer than were asked for may be all, or as many as fit.
      asked = taken === 0 ? 0 : Math.min(piece, limit - numbered - taken)
      if (asked > 0) coming = takeSome()
      if (taken === 0) break
      const entries = await batch.add(pending)
      for (const { workspace, workspaceSeq } of entries) counts.set(workspace ?? '', workspaceSeq + 1)
      numbered += taken
      void inTurn(() => addEntries(client, entries))
    }
  } finally {
    await settled()
  }
  if (numbered === 0) return 0
  await addTiles(client, batch.grown())
  await addCounts(client, counts)
  await client.query('update audit_head set size = $1, sequenced_at = $2', [size + numbered, held.at])
  return numbered
}

async function takePending(client: PoolClient, most: number): Promise<PendingAudit> {
  const { rows } = await client.query<Taken>({ name: 'audit-take', text: take, values: [most] })
  const { entries, counts } = rows[0] ?? {}
  return { entries: entries ?? [], counts: new Map(Object.entries(counts ?? {})) }
}

interface Turns {
  /** After what was asked before; not at all when that failed. */
  inTurn<T>(work: () => Promise<T>): Promise<T>
  /** Waits for the last one; throws what failed first. */
  settled(): Promise<void>
}

/** A connection does one thing at a time. */
function turns(): Turns {
  let last: Promise<unknown> = Promise.resolve()
  return {
    inTurn(work) {
      const done = last.then(work)
      done.catch(() => undefined) // told by `settled`
      last = done
      return done
    },
    async settled() {
      await last
    },
  }
}

/** The tile of each level that is not full. */
async function edgeOf(client: PoolClient, size: number): Promise<readonly Uint8Array[]> {
  const levels: { readonly level: number; readonly n: number }[] = []
  for (let level = 0, held = size; held > 0; level += 1, held = Math.floor(held / tileHashes))
    levels.push({ level, n: Math.floor(held / tileHashes) })
  const { rows } = await client.query<{ level: number; hashes: Buffer }>(
    `select level, hashes from audit_tiles join unnest($1::smallint[], $2::bigint[]) as edge(level, n) using (level, n)`,
    [levels.map(({ level }) => level), levels.map(({ n }) => n)],
  )
  const edge = levels.map((): Uint8Array => new Uint8Array(0))
  for (const { level, hashes } of rows) edge[level] = hashes
  return edge
}
