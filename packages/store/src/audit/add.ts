// What a batch of the log adds: its entries, the hashes of its tree, and how many each workspace has.
import type { SequencedAudit, TileGrowth } from '@switchyard/runtime'
import type { PoolClient } from 'pg'

// The entries come as one text: canonical JSON has no line breaks, and in an array of texts each quotation mark of them
// would be escaped and unescaped. The hashes come as one row of bytes, and the rest as arrays that are written here: the
// driver takes four times as long.
const addition = `
insert into audit_log (seq, workspace, workspace_seq, id, time, sequenced_at, actor, action, outcome, kind, name, leaf, entry)
select seq, workspace, workspace_seq, id, time, sequenced_at, actor, action, outcome, kind, name,
  substring($12::bytea from 32 * (place::int - 1) + 1 for 32), entry
from rows from (unnest($1::bigint[], $2::text[], $3::bigint[], $4::uuid[], $5::timestamptz[], $6::timestamptz[], $7::text[],
  $8::text[], $9::text[], $10::text[], $11::text[]), string_to_table($13, e'\\n')) with ordinality
  as given(seq, workspace, workspace_seq, id, time, sequenced_at, actor, action, outcome, kind, name, entry, place)`

export async function addEntries(client: PoolClient, entries: readonly SequencedAudit[]): Promise<void> {
  // Numbers, ids and times: a quotation mark in one would end its row, and is refused by the type of the column.
  const written = (of: (entry: SequencedAudit) => number | string) => `{${entries.map(of).join(',')}}`
  const texts = (of: (entry: SequencedAudit) => string | null) => written(entry => item(of(entry)))
  await client.query({
    name: 'audit-add',
    text: addition,
    values: [
      written(({ seq }) => seq),
      texts(({ workspace }) => workspace),
      written(({ workspaceSeq }) => workspaceSeq),
      written(({ id }) => id),
      written(({ time }) => time),
      written(({ sequencedAt }) => sequencedAt),
      texts(({ actor }) => actor),
      texts(({ action }) => action),
      texts(({ outcome }) => outcome),
      texts(({ kind }) => kind),
      texts(({ name }) => name),
      Buffer.concat(entries.map(({ leaf }) => leaf)),
      entries.map(({ entry }) => entry).join('\n'),
    ],
  })
}

/** Of an array of texts. */
const item = (text: string | null): string =>
  text === null ? 'null' : `"${special.test(text) ? text.replaceAll(/["\\]/g, '\\$&') : text}"`
const special = /["\\]/

// In one statement: a batch fills many tiles.
const growth = `
with given as (
  select level, n, before, decode(hashes, 'base64') as hashes
  from unnest($1::smallint[], $2::bigint[], $3::int[], $4::text[]) as tile(level, n, before, hashes)
), grown as (
  update audit_tiles t set hashes = t.hashes || given.hashes from given
  where before > 0 and t.level = given.level and t.n = given.n and length(t.hashes) = before
  returning 1
), made as (
  insert into audit_tiles (level, n, hashes) select level, n, hashes from given where before = 0
  on conflict do nothing returning 1
)
select (select count(*) from grown) + (select count(*) from made) as written`

/** A tile is gone on with only where it ends as expected. */
export async function addTiles(client: PoolClient, tiles: readonly TileGrowth[]): Promise<void> {
  const { rows } = await client.query<{ written: string }>(growth, [
    tiles.map(({ level }) => level),
    tiles.map(({ n }) => n),
    tiles.map(({ offset }) => offset * 32),
    tiles.map(({ hashes }) => Buffer.from(hashes).toString('base64')),
  ])
  if (Number(rows[0]?.written) !== tiles.length)
    throw new TypeError('a tile does not end where it is gone on with')
}

export async function addCounts(client: PoolClient, counts: ReadonlyMap<string, number>): Promise<void> {
  await client.query(
    `insert into audit_counts (place, size) select * from unnest($1::text[], $2::bigint[])
     on conflict (place) do update set size = excluded.size`,
    [[...counts.keys()], [...counts.values()]],
  )
}
