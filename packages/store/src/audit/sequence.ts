// One batch of the log, in one transaction that an older sequencer's cannot be: it names the epoch and the size that
// it goes on from, and what somebody else has moved it does not touch.
import type { AuditNumbering, PendingAudit, SequencedAudit, TileGrowth } from '@switchyard/runtime'
import type { PoolClient } from 'pg'

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

const take = `
with taken as (
  delete from audit_pending where n in (select n from audit_pending order by n limit $1) returning n, entry
)
select n, entry from taken order by n`

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
  const { rows: pending } = await client.query<PendingAudit>({
    name: 'audit-take',
    text: take,
    values: [limit],
  })
  if (pending.length === 0) return 0
  const size = Number(held.size)
  const places = [...new Set(pending.map(({ entry }) => placeOf(entry.workspace)))]
  const counted = await client.query<{ place: string; size: string }>(
    'select place, size from audit_counts where place = any ($1)',
    [places],
  )
  const entries: SequencedAudit[] = []
  let writing = Promise.resolve()
  const tiles = await number(
    {
      size,
      sequencedAt: held.last ?? undefined,
      counts: new Map(counted.rows.map(row => [row.place, Number(row.size)])),
      edge: await edgeOf(client, size),
      at: held.at,
    },
    pending,
    some => {
      entries.push(...some)
      writing = writing.then(() => addEntries(client, some))
      writing.catch(() => undefined) // told below, where it is waited for
    },
  )
  await writing
  await growTiles(client, tiles)
  await countsOf(client, entries)
  await client.query('update audit_head set size = $1, sequenced_at = $2', [size + entries.length, held.at])
  return entries.length
}

const placeOf = (workspace: unknown): string => (typeof workspace === 'string' ? workspace : '')

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

// The entries come as one text: canonical JSON has no line breaks, and in an array of texts each quotation mark of them
// would be escaped and unescaped. The hashes come as one row of bytes, and what needs no escaping as arrays that are
// written here: the driver looks at each character of each text.
const addition = `
insert into audit_log (seq, workspace, workspace_seq, id, time, sequenced_at, actor, action, outcome, kind, name, leaf, entry)
select seq, workspace, workspace_seq, id, time, sequenced_at, actor, action, outcome, kind, name,
  substring($12::bytea from 32 * (place::int - 1) + 1 for 32), entry
from rows from (unnest($1::bigint[], $2::text[], $3::bigint[], $4::uuid[], $5::timestamptz[], $6::timestamptz[], $7::text[],
  $8::text[], $9::text[], $10::text[], $11::text[]), string_to_table($13, e'\\n')) with ordinality
  as given(seq, workspace, workspace_seq, id, time, sequenced_at, actor, action, outcome, kind, name, entry, place)`

export async function addEntries(client: PoolClient, entries: readonly SequencedAudit[]): Promise<void> {
  const column = <T>(of: (entry: SequencedAudit) => T) => entries.map(of)
  // Numbers, ids and times: a quotation mark in one would end its row, and is refused by the type of the column.
  const written = (of: (entry: SequencedAudit) => number | string) => `{${entries.map(of).join(',')}}`
  await client.query({
    name: 'audit-add',
    text: addition,
    values: [
      written(({ seq }) => seq),
      column(({ workspace }) => workspace),
      written(({ workspaceSeq }) => workspaceSeq),
      written(({ id }) => id),
      written(({ time }) => time),
      written(({ sequencedAt }) => sequencedAt),
      column(({ actor }) => actor),
      column(({ action }) => action),
      column(({ outcome }) => outcome),
      column(({ kind }) => kind),
      column(({ name }) => name),
      Buffer.concat(entries.map(({ leaf }) => leaf)),
      column(({ entry }) => entry).join('\n'),
    ],
  })
}

/** A tile is gone on with only where it ends as expected. */
export async function growTiles(client: PoolClient, tiles: readonly TileGrowth[]): Promise<void> {
  for (const { level, n, offset, hashes } of tiles) {
    const grown = await client.query(
      `insert into audit_tiles as t (level, n, hashes) values ($1, $2, $3)
       on conflict (level, n) do update set hashes = t.hashes || excluded.hashes where length(t.hashes) = $4`,
      [level, n, Buffer.from(hashes), offset * 32],
    )
    if (grown.rowCount !== 1) throw new TypeError(`tile ${n} of level ${level} does not end at ${offset}`)
  }
}

export async function countsOf(client: PoolClient, entries: readonly SequencedAudit[]): Promise<void> {
  const sizes = new Map(entries.map(({ workspace, workspaceSeq }) => [placeOf(workspace), workspaceSeq + 1]))
  await client.query(
    `insert into audit_counts (place, size) select * from unnest($1::text[], $2::bigint[])
     on conflict (place) do update set size = excluded.size`,
    [[...sizes.keys()], [...sizes.values()]],
  )
}
