// Usage of requests: sums for whoever may read them, and the way in from the gateways' journals.
import { Fault } from '@switchyard/kinds'
import type { RollupRow, UsageQuery, UsageRow, UsageStore } from '@switchyard/runtime'
import { usageUnits } from '@switchyard/runtime'
import type { PoolClient } from 'pg'
import { placedEntry } from './audit/denied.ts'
import { ingest, push, type Steps } from './ingest.ts'
import type { Database } from './postgres/pool.ts'
import { discardQuarantined, explainUsage, listQuarantine, retryQuarantined } from './quarantine.ts'
import { listRequests } from './requests.ts'
import { readTraffic } from './traffic.ts'
import { columnOf } from './usage-event.ts'

const groups: Readonly<Record<UsageQuery['by'][number], string>> = {
  workspace: 'workspace',
  project: 'project',
  key: 'key_name',
  model: 'model',
  upstream: 'upstream',
  hour: `to_char(date_trunc('hour', start), 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`,
  day: `to_char(start, 'YYYY-MM-DD')`,
}

const columns = usageUnits.map(columnOf)
const sums = columns.flatMap(column => [
  `sum(${column})::text as ${column}`,
  `trim_scale(sum(amount_${column}))::text as amount_${column}`,
])
const totalOf = (prefix: string) =>
  usageUnits
    .filter(unit => unit.startsWith(prefix))
    .map(unit => `coalesce(sum(${columnOf(unit)}), 0)`)
    .join(' + ')

/** The coarsest sums that a time divides into; undefined where it begins or ends within a minute. */
function grainOf({ from, to, by }: UsageQuery): 'minute' | 'hour' | 'day' | undefined {
  const fits = (milliseconds: number) =>
    [from, to].every(time => time === undefined || Date.parse(time) % milliseconds === 0)
  if (fits(86_400_000) && !by.includes('hour')) return 'day'
  if (fits(3_600_000)) return 'hour'
  return fits(60_000) ? 'minute' : undefined
}

const priced = usageUnits
  .map(unit => `rated_amounts[array_position(rated_units, '${unit}')] as amount_${columnOf(unit)}`)
  .join(', ')

/** Something was used whose cost has no price, and it was no kept answer, which costs nothing. */
const uncosted = `coalesce(cost is null and tier <> 'cache' and greatest(${columns.join(', ')}) > 0, false)`

/** Events as rows of sums, for a time that no sum begins or ends with. */
const events = `(
  select workspace, time as start, coalesce(project, '') as project, key_name, model, coalesce(currency, '') as currency,
    coalesce(provider, endpoint) as upstream, (${uncosted})::int as uncosted,
    (billable = 'caller')::int as requests, coalesce(amount, 0) as amount, coalesce(cost, 0) as cost,
    ${columns.map(column => `case billable when 'caller' then ${column} end as ${column}`).join(', ')}, ${priced}
  from usage_events where billable = 'caller' or cost is not null or ${uncosted}
) e`

export function usageOn(database: Database, steps: Steps): UsageStore {
  return {
    usage: (as, query) => database.transaction(as, { readOnly: true }, client => sum(client, query)),
    traffic: (as, query) => readTraffic(database, as, query),
    ingest: events => ingest(database, events, steps),
    push: (events, backfills) =>
      push(database, events, { ...steps, backfills: ({ data }) => backfills?.(data.workspace) === true }),
    rebuild: (as, { from, to }, mend) =>
      database.transaction(as, {}, async client => {
        const { rows } = await client.query<{ standing: RollupRow | null; folded: RollupRow | null }>(
          'select standing, folded from rebuild_usage($1, $2, $3)',
          [from ?? null, to ?? null, mend],
        )
        return rows.map(({ standing, folded }) => ({
          standing: standing ?? undefined,
          folded: folded ?? undefined,
        }))
      }),
    requests: (as, query) => listRequests(database, as, query),
    quarantine: (as, query) => listQuarantine(database, as, query),
    retry: (as, numbers) => retryQuarantined(database, steps, as, numbers),
    discard: (as, numbers, why) => discardQuarantined(database, as, numbers, why),
    explain: (as, workspace, request) => explainUsage(database, as, workspace, request),
    denied: denials =>
      database.transaction({ role: 'ingest' }, {}, async client => {
        await client.query('select audit_denied($1::jsonb)', [JSON.stringify(denials.map(placedEntry))])
      }),
    recovered: ({ journal, epoch }) =>
      database.transaction({ role: 'ingest' }, {}, async client => {
        await client.query('select journal_recovered($1, $2)', [journal, epoch])
      }),
  }
}

/** What callers used and we paid for it, at the moment of its admission; `to` is not included. */
async function sum(client: PoolClient, query: UsageQuery): Promise<readonly UsageRow[]> {
  const { workspace, from, to, project, key, model, upstream, by } = query
  for (const time of [from, to])
    if (time !== undefined && Number.isNaN(Date.parse(time)))
      throw new Fault('invalid', `${time} is no time: use RFC 3339, such as 2026-11-20T08:00:00Z.`)
  const grain = grainOf(query)
  const named = by.map((group, index) => `nullif(${groups[group]}, '') as g${index}`)
  const grouping = [...by.map((_, index) => `g${index}`), 'currency']
  const order = by.map((_, index) => `g${index} nulls first`)
  const { rows } = await client.query<Record<string, string | null>>(
    `select ${[...named, 'currency', 'sum(requests)::text as requests', ...sums].join(', ')},
       trim_scale(sum(amount))::text as amount, trim_scale(sum(cost))::text as cost,
       sum(uncosted)::text as uncosted,
       (${totalOf('tok.in.')})::text as input, (${totalOf('tok.out.')})::text as output
     from ${grain ? 'usage_rollups' : events}
     where ($1::text is null or workspace = $1)
       and ($2::timestamptz is null or start >= $2)
       and ($3::timestamptz is null or start < $3)
       and ($4::text is null or project = $4)
       and ($5::text is null or key_name = $5)
       and ($6::text is null or model = $6)
       and ($7::text is null or upstream = $7)
       ${grain ? `and grain = '${grain}'` : ''}
     group by ${grouping.join(', ')} having sum(requests) > 0 or sum(cost) > 0 or sum(uncosted) > 0
     order by ${[...order, 'currency'].join(', ')}`,
    [workspace, from, to, project, key, model, upstream].map(value => value ?? null),
  )
  return merged(
    rows.map(row => ({ group: by.map((_, index) => row[`g${index}`] ?? null), row })),
    by,
  )
}

type Sums = Readonly<Record<string, string | null>>

/** One row for each group, whatever currencies its amounts are in. */
function merged(
  rows: readonly { readonly group: readonly (string | null)[]; readonly row: Sums }[],
  by: UsageQuery['by'],
): readonly UsageRow[] {
  const groups = Map.groupBy(rows, ({ group }) => JSON.stringify(group))
  // One row for all is there also where nothing was used.
  const found = groups.size === 0 && by.length === 0 ? [[]] : [...groups.values()]
  return found.map(all => {
    const [first] = all
    const total = (name: string) => all.reduce((sum, { row }) => sum + BigInt(row[name] ?? 0), 0n).toString()
    return {
      group: Object.fromEntries(by.map((group, index) => [group, first?.group[index] ?? null])),
      requests: total('requests'),
      uncosted: total('uncosted'),
      quantities: Object.fromEntries(
        usageUnits.flatMap(unit =>
          all.some(({ row }) => row[columnOf(unit)] != null) ? [[unit, total(columnOf(unit))]] : [],
        ),
      ),
      tokens: { input: total('input'), output: total('output') },
      amounts: all.flatMap(({ row }) => (row.currency ? [amountsOf(row)] : [])),
    }
  })
}

function amountsOf(row: Sums): UsageRow['amounts'][number] {
  const units = usageUnits.flatMap(unit => {
    const amount = row[`amount_${columnOf(unit)}`]
    return amount == null ? [] : [[unit, amount] as const]
  })
  return {
    currency: row.currency ?? '',
    amount: row.amount ?? '0',
    cost: row.cost ?? '0',
    units: Object.fromEntries(units),
  }
}
