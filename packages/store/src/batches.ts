// Batches of usage events in the database. Whatever takes events holds a lock shared until its commit, and who closes a
// batch holds it alone, so that none gains an event afterwards.
import { type BatchStanding, type BatchStore, type SealedBatch, usageUnits } from '@switchyard/runtime'
import type { PoolClient } from 'pg'
import type { Database } from './postgres/pool.ts'
import { onlyRow } from './postgres/row.ts'
import { columnOf, quantitiesText } from './usage-event.ts'

const sealing = { role: 'seal' } as const
const pageOfEvents = 5000
const pageOfLines = 500

/** Looks without the lock first: it is asked for several times a second, and mostly nothing is due. */
const closing = `
select close_usage_batch()::text as closed from usage_batches b
where b.closed_at is null and (
  b.opened_at <= clock_timestamp() - make_interval(secs => $1)
  or $2 <= (select count(*) from (select from usage_events e where e.batch = b.number limit $2) counted))`

const unsealedOnes = `
select number::text from usage_batches where sealed_at is null and closed_at is not null order by number limit $1`

const moment = (column: string) => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`

const unarchivedOnes = `
select number::text, events::text, encode(root, 'hex') as root, ${moment('opened_at')} as "openedAt",
  ${moment('closed_at')} as "closedAt"
from usage_batches where archived_at is null and sealed_at is not null order by number limit $1`

// Bytes, not words: the order is the same in every database.
const ordered = 'order by e.workspace collate "C", e.source collate "C", e.id collate "C"'

const hashing = `
declare page no scroll cursor for select e.body_hash as hash from usage_events e where e.batch = $1 ${ordered}`

/** Columns that are told otherwise than as they stand. */
const retold = [
  'body_hash, time, ended_at, received_at, batch, amount, cost, rated_rates, rated_amounts, cost_rates, cost_amounts',
  ...usageUnits.map(columnOf),
]
const lining = `
declare page no scroll cursor for select e.body_hash as hash, jsonb_strip_nulls(to_jsonb(e) - '{${retold.join(',')}}'::text[]
  || jsonb_build_object('hash', encode(e.body_hash, 'hex'), 'time', ${moment('e.time')}, 'ended_at', ${moment('e.ended_at')},
    'received_at', ${moment('e.received_at')}, 'amount', e.amount::text, 'cost', e.cost::text, 'rated_rates', e.rated_rates::text[],
    'rated_amounts', e.rated_amounts::text[], 'cost_rates', e.cost_rates::text[], 'cost_amounts', e.cost_amounts::text[],
    'quantities', ${quantitiesText}::jsonb))::text as text
from usage_events e where e.batch = $1 ${ordered}`

const since = (time: string) =>
  `coalesce(greatest(extract(epoch from clock_timestamp() - (${time})), 0), 0)::float8`
const standing = `
select ${since(`select min(e.received_at) from usage_events e
    where e.batch = (select min(number) from usage_batches where sealed_at is null)`)} as unsealed,
  ${since('select min(closed_at) from usage_batches where archived_at is null and sealed_at is not null')} as unarchived,
  (select extract(epoch from sealed_at)::float8 from usage_batches where number < (select min(number) from usage_batches where sealed_at is null)
    order by number desc limit 1) as "sealedAt",
  (select extract(epoch from archived_at)::float8 from usage_batches where number < (select min(number) from usage_batches where archived_at is null)
    order by number desc limit 1) as "archivedAt"`

export function batchesOn(database: Database): BatchStore {
  const run = <T>(work: (client: PoolClient) => Promise<T>) => database.transaction(sealing, {}, work)
  return {
    close: ({ seconds, events }) =>
      run(async client => {
        const { rows } = await client.query<{ closed: string | null }>(closing, [seconds, events])
        return rows[0]?.closed ?? undefined
      }),

    unsealed: limit =>
      run(async client => {
        const { rows } = await client.query<{ number: string }>(unsealedOnes, [limit])
        return rows.map(({ number }) => number)
      }),

    hashes: (batch, take) =>
      run(async client => {
        await client.query(hashing, [batch])
        for await (const page of fetched<{ hash: Buffer }>(client, pageOfEvents))
          take(page.map(({ hash }) => hash))
      }),

    seal: (batch, { events, root }) =>
      run(async client => {
        const { rowCount } = await client.query(
          `update usage_batches set events = $2, root = $3, sealed_at = clock_timestamp()
           where number = $1 and closed_at is not null and sealed_at is null`,
          [batch, String(events), root],
        )
        return rowCount === 1
      }),

    unarchived: limit => run(async client => (await client.query<SealedBatch>(unarchivedOnes, [limit])).rows),

    events: (batch, take) =>
      run(async client => {
        await client.query(lining, [batch])
        for await (const page of fetched<{ hash: Buffer; text: string }>(client, pageOfLines))
          await take(page)
      }),

    standing: () => run(async client => onlyRow(await client.query<BatchStanding>(standing))),

    markArchived: batch =>
      run(async client => {
        await client.query('update usage_batches set archived_at = clock_timestamp() where number = $1', [
          batch,
        ])
      }),
  }
}

/** What the cursor `page` has, so many rows at a time. */
async function* fetched<T extends object>(client: PoolClient, size: number): AsyncGenerator<readonly T[]> {
  for (let left = true; left; ) {
    const { rows } = await client.query<T>(`fetch ${size} from page`)
    yield rows
    left = rows.length === size
  }
}
