// Leases on the database's clock. Every change of holder, and every lapse, is a new epoch.
import type { Fence, Leases } from '@switchyard/runtime'
import type { Database } from './postgres/pool.ts'

const acquire = `
insert into leases as l (name, holder, epoch, expires_at)
values ($1, $2, 1, clock_timestamp() + make_interval(secs => $3))
on conflict (name) do update set
  holder = excluded.holder,
  epoch = case when l.holder = excluded.holder and l.expires_at > clock_timestamp() then l.epoch else l.epoch + 1 end,
  expires_at = excluded.expires_at
where l.holder is null or l.holder = excluded.holder or l.expires_at <= clock_timestamp()
returning epoch`

// The row stays: an epoch never comes twice.
const release = `
update leases set holder = null, expires_at = clock_timestamp() where name = $1 and holder = $2`

const releaseAll = `
update leases set holder = null, expires_at = clock_timestamp() where holder = $1`

export function leasesOn(database: Database): Leases {
  const as = { role: 'control' } as const
  return {
    acquire: (name, holder, seconds) =>
      database.transaction(as, {}, async (client): Promise<Fence | undefined> => {
        const { rows } = await client.query<{ epoch: string }>(acquire, [name, holder, seconds])
        return rows[0] && { lease: name, epoch: BigInt(rows[0].epoch) }
      }),
    release: (name, holder) =>
      database.transaction(as, {}, async client => {
        await client.query(release, [name, holder])
      }),
    releaseAll: holder =>
      database.transaction(as, {}, async client => {
        await client.query(releaseAll, [holder])
      }),
  }
}
