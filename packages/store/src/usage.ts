// Usage of requests: sums for whoever may read them, and the way in from the gateways' journals.
import { Fault } from '@switchyard/kinds'
import type { UsageQuery, UsageRow, UsageStore } from '@switchyard/runtime'
import { usageUnits } from '@switchyard/runtime'
import type { PoolClient } from 'pg'
import { type Accept, ingest } from './ingest.ts'
import type { Database } from './postgres/pool.ts'
import { columnOf } from './usage-event.ts'

const groups: Readonly<Record<UsageQuery['by'][number], string>> = {
  workspace: 'workspace',
  project: 'project',
  key: 'key_name',
  model: 'model',
  hour: `to_char(date_trunc('hour', time), 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`,
  day: `to_char(time, 'YYYY-MM-DD')`,
}

const sums = usageUnits.map(unit => `sum(${columnOf(unit)})::text as ${columnOf(unit)}`).join(', ')
const totalOf = (prefix: string) =>
  usageUnits
    .filter(unit => unit.startsWith(prefix))
    .map(unit => `coalesce(sum(${columnOf(unit)}), 0)`)
    .join(' + ')

export function usageOn(database: Database, accept: Accept): UsageStore {
  return {
    usage: (as, query) => database.transaction(as, { readOnly: true }, client => sum(client, query)),
    ingest: events => ingest(database, events, accept),
    recovered: ({ journal, epoch }) =>
      database.transaction({ role: 'ingest' }, {}, async client => {
        await client.query('select journal_recovered($1, $2)', [journal, epoch])
      }),
  }
}

/** Events that callers are billed for, at the moment of their admission; `to` is not included. */
async function sum(client: PoolClient, query: UsageQuery): Promise<readonly UsageRow[]> {
  const { workspace, from, to, project, key, model, by } = query
  for (const time of [from, to])
    if (time !== undefined && Number.isNaN(Date.parse(time)))
      throw new Fault('invalid', `${time} is no time: use RFC 3339, such as 2026-11-20T08:00:00Z.`)
  const named = by.map((group, index) => `${groups[group]} as g${index}`)
  const order = by.map((_, index) => `g${index} nulls first`)
  const { rows } = await client.query<Record<string, string | null>>(
    `select ${[...named, 'count(*)::text as requests', sums].join(', ')},
       (${totalOf('tok.in.')})::text as input, (${totalOf('tok.out.')})::text as output
     from usage_events
     where billable = 'caller'
       and ($1::text is null or workspace = $1)
       and ($2::timestamptz is null or time >= $2)
       and ($3::timestamptz is null or time < $3)
       and ($4::text is null or project = $4)
       and ($5::text is null or key_name = $5)
       and ($6::text is null or model = $6)
     ${by.length > 0 ? `group by ${by.map((_, index) => `g${index}`).join(', ')} order by ${order.join(', ')}` : ''}`,
    [workspace ?? null, from ?? null, to ?? null, project ?? null, key ?? null, model ?? null],
  )
  return rows.map(row => ({
    group: Object.fromEntries(by.map((group, index) => [group, row[`g${index}`] ?? null])),
    requests: row.requests ?? '0',
    quantities: Object.fromEntries(
      usageUnits.flatMap(unit => {
        const quantity = row[columnOf(unit)]
        return quantity == null ? [] : [[unit, quantity]]
      }),
    ),
    tokens: { input: row.input ?? '0', output: row.output ?? '0' },
  }))
}
