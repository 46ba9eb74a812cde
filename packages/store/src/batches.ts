// Batches of usage events in the database. Whatever takes events holds a lock shared until its commit, and who closes a
// batch holds it alone, so that none gains an event afterwards.
import type { BatchStore } from '@switchyard/runtime'
import type { PoolClient } from 'pg'
import type { Database } from './postgres/pool.ts'

const sealing = { role: 'seal' } as const
const pageOfEvents = 5000

/** Looks without the lock first: it is asked for several times a second, and mostly nothing is due. */
const closing = `
select close_usage_batch()::text as closed from usage_batches b
where b.closed_at is null and (
  b.opened_at <= clock_timestamp() - make_interval(secs => $1)
  or $2 <= (select count(*) from (select from usage_events e where e.batch = b.number limit $2) counted))`

const unsealedOnes = `
select number::text from usage_batches where sealed_at is null and closed_at is not null order by number limit $1`

// Bytes, not words: the order is the same in every database.
const hashing = `
declare hashes no scroll cursor for select body_hash from usage_events where batch = $1
order by workspace collate "C", source collate "C", id collate "C"`

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
        for (let left = true; left; ) {
          const { rows } = await client.query<{ body_hash: Buffer }>(`fetch ${pageOfEvents} from hashes`)
          take(rows.map(row => row.body_hash))
          left = rows.length === pageOfEvents
        }
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
  }
}
