// When endpoints that may sleep were last asked for, on the database's clock.
import type { Demand, Wanted } from '@switchyard/runtime'
import type { Database } from './postgres/pool.ts'

const gateway = { role: 'gateway' } as const
const control = { role: 'control' } as const

const marking = `
insert into demand (workspace, endpoint) select $1, unnest($2::text[])
on conflict (workspace, endpoint) do update set wanted_at = clock_timestamp()`

const seeing = `
insert into demand as d (workspace, endpoint, uid, generation) values ($1, $2, $3, $4)
on conflict (workspace, endpoint) do update
set wanted_at = clock_timestamp(), uid = excluded.uid, generation = excluded.generation
where (d.uid, d.generation) is distinct from (excluded.uid, excluded.generation)`

const reading = `
select extract(epoch from clock_timestamp() - wanted_at) * 1000 as quiet from demand
where workspace = $1 and endpoint = $2 and uid = $3 and generation = $4`

/** A mark may be seen after a later one, as a transaction takes its time. */
const following = `
select workspace, endpoint as name, m.now as through
from (select clock_timestamp()::text as now) m
left join demand on wanted_at > $1::timestamptz - interval '2 s'`

export function demandOn(database: Database): Demand {
  return {
    async mark(wanted) {
      for (const [workspace, all] of Map.groupBy(wanted, each => each.workspace))
        await database.transaction(gateway, { workspace }, async client => {
          // In one order, so that two gateways never wait for each other.
          const names = [...new Set(all.map(({ name }) => name))].toSorted()
          await client.query({ name: 'mark_demand', text: marking, values: [workspace, names] })
          await client.query('notify switchyard')
        })
    },
    quiet: ({ metadata: { workspace, name, id, generation } }) =>
      database.transaction(control, {}, async client => {
        const place = [workspace, name, id, generation]
        const read = () =>
          client.query<{ quiet: string }>({ name: 'read_demand', text: reading, values: place })
        const { rows } = await read()
        if (rows[0]) return Math.max(0, Number(rows[0].quiet))
        await client.query(seeing, place)
        return 0
      }),
    since: after =>
      database.transaction(control, { readOnly: true }, async client => {
        const { rows } = await client.query<{ readonly through: string } & (Wanted | Nobody)>({
          name: 'follow_demand',
          text: following,
          values: [after ?? 'infinity'],
        })
        const wanted = rows.filter(row => row.name !== null)
        return {
          wanted: wanted.map(({ workspace, name }) => ({ workspace, name })),
          through: rows[0]?.through ?? '',
        }
      }),
  }
}

interface Nobody {
  readonly workspace: null
  readonly name: null
}
