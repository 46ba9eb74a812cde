// When API keys were last used, on the database's clock where a gateway's runs ahead.
import type { KeyUses } from '@switchyard/runtime'
import type { Database } from './postgres/pool.ts'

const gateway = { role: 'gateway' } as const
const control = { role: 'control' } as const
const reading = { readOnly: true } as const

/** In one order, so that two gateways never wait for each other. A key that is gone is passed over. */
const telling = `
insert into key_uses (key_id, used_at)
select told.id, date_trunc('minute', least(to_timestamp(told.ms / 1000), clock_timestamp()))
from unnest($1::uuid[], $2::double precision[]) as told (id, ms)
where exists (select from resources r where r.id = told.id and r.kind = 'ApiKey')
order by told.id
on conflict (key_id) do update set used_at = excluded.used_at where key_uses.used_at < excluded.used_at`

const byKey = 'select key_id::text as name, used_at from key_uses where key_id = any ($1::uuid[])'

const byOwner = `
select r.owner as name, max(u.used_at) as used_at
from resources r join key_uses u on u.key_id = r.id
where r.kind = 'ApiKey' and r.owner = any ($1::text[]) group by r.owner`

export function keyUsesOn(database: Database): KeyUses {
  const read = async (text: string, names: readonly string[]): Promise<ReadonlyMap<string, string>> => {
    if (names.length === 0) return new Map()
    return database.transaction(control, reading, async client => {
      const { rows } = await client.query<{ name: string; used_at: Date }>(text, [names])
      return new Map(rows.map(({ name, used_at }) => [name, used_at.toISOString()]))
    })
  }
  return {
    async tell(uses) {
      if (uses.size === 0) return
      await database.transaction(gateway, {}, client =>
        client.query({
          name: 'tell_key_uses',
          text: telling,
          values: [[...uses.keys()], [...uses.values()]],
        }),
      )
    },
    lastUsed: ids => read(byKey, ids),
    lastUsedBy: owners => read(byOwner, owners),
  }
}
