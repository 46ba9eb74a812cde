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
  from (select n, entry from audit_pending where n > $2 order by n limit $1) first
), taken as (
  delete from audit_pending where n = any (array(select n from next where before < ${pieceBytes}))
  returning n, entry,
    case jsonb_typeof(entry -> 'workspace') when 'string' then entry ->> 'workspace' else '' end as place
)
select json_agg(entry order by n) as entries, max(n) as last,
  (select json_object_agg(place, size) from audit_counts where place in (select place from taken)) as counts
from taken`

interface Taken {
  /** null when there were none. */
  readonly entries: PendingAudit['entries'] | null
  readonly last: string | null
  readonly counts: Readonly<Record<string, number>> | null
}

/** So many are taken at once: while some are numbered here, the database takes others. */
const piece = 250
/** And so many are written at once: what fits between the two, so that neither waits for the other to read on. */
const handful = 125

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
  const { send, sent } = inOrder()
  let numbered = 0
  let last = '0'
  const takeSome = (most: number) => send(takePending(client, most, last))
  try {
    let asked = Math.min(piece, limit)
    for (let coming = takeSome(asked); asked > 0; ) {
      const pending = await coming
      const taken = pending.entries.length
      if (taken === 0) break
      numbered += taken
      last = pending.last
      // Fewer than were asked for may be all, or as many as fit.
      asked = Math.min(piece, limit - numbered)
      if (asked > 0) coming = takeSome(asked)
      for (let at = 0; at < taken; at += handful) {
        const some = { ...pending, entries: pending.entries.slice(at, at + handful) }
        const entries = await batch.add(some)
        for (const { workspace, workspaceSeq } of entries) counts.set(workspace ?? '', workspaceSeq + 1)
        void send(addEntries(client, entries))
      }
    }
    if (numbered > 0) {
      void send(addTiles(client, batch.grown()))
      void send(addCounts(client, counts))
      const head = [size + numbered, held.at]
      void send(client.query('update audit_head set size = $1, sequenced_at = $2', head))
    }
  } finally {
    await sent()
  }
  return numbered
}

/** Those after `last`: what was taken before stands there until the transaction ends, and would be gone through again. */
async function takePending(
  client: PoolClient,
  most: number,
  last: string,
): Promise<PendingAudit & { readonly last: string }> {
  const { rows } = await client.query<Taken>({ name: 'audit-take', text: take, values: [most, last] })
  const { entries, counts, last: end } = rows[0] ?? {}
  return { entries: entries ?? [], counts: new Map(Object.entries(counts ?? {})), last: end ?? last }
}

interface Sending {
  /** The connection answers in the order in which it was asked. */
  send<T>(statement: Promise<T>): Promise<T>
  /** Waits for all; throws what failed first, after which all else fails too. */
  sent(): Promise<void>
}

function inOrder(): Sending {
  const all: Promise<void>[] = []
  return {
    send(statement) {
      const done = statement.then(() => undefined)
      done.catch(() => undefined) // told by `sent`
      all.push(done)
      return statement
    },
    async sent() {
      for (const one of all) await one
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
