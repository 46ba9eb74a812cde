// What was asked over a time, from the events themselves: sums do not hold how a request ended, nor how long it took, and
// percentiles of parts are not those of the whole.
import {
  type Identity,
  type Traffic,
  type TrafficAnswer,
  type TrafficQuery,
  usageUnits,
} from '@switchyard/runtime'
import type { Database } from './postgres/pool.ts'
import { columnOf } from './usage-event.ts'

const totalOf = (prefix: string) =>
  usageUnits
    .filter(unit => unit.startsWith(prefix))
    .map(unit => `coalesce(sum(${columnOf(unit)}) filter (where billable = 'caller'), 0)`)
    .join(' + ')

const server = "(status >= 500 or end_reason in ('upstream_error', 'our_timeout', 'drained', 'gateway_lost'))"
const gone = "(end_reason in ('client_gone', 'caller_deadline') or status = 499)"

/**
 * A request is counted once: its call, whoever pays for it. Attempts whose answer nobody had, shadows and what the cache
 * embeds for itself are costs that ended well, or that no caller saw a status of.
 */
export const isRequest = `(billable = 'caller' or (id like '%:call' and status > 0 and end_reason <> 'done'))`

const traffic = `
select date_bin(make_interval(secs => $3), time, 'epoch') as start, count(*)::text as requests,
  count(*) filter (where ${gone})::text as gone,
  count(*) filter (where ${server} and not ${gone})::text as server,
  count(*) filter (where status between 400 and 499 and not ${server} and not ${gone})::text as client,
  (${totalOf('tok.in.')})::text as input, (${totalOf('tok.out.')})::text as output,
  percentile_disc(array[0.5, 0.95]) within group (order by extract(epoch from ended_at - time)::float8)
    filter (where end_reason = 'done' and status < 400) as seconds,
  percentile_disc(array[0.5, 0.95]) within group (order by first_token_ms / 1000.0::float8) as first_token
from usage_events
where time >= $1 and time < $2
  and ${isRequest}
  and ($4::text is null or workspace = $4)
  and ($5::text is null or endpoint = $5)
  and ($6::text is null or model = $6)
  and ($7::text is null or key_name = $7)
  and ($8::text is null or project = $8)
group by grouping sets ((), (1))
order by 1 nulls first`

type Percentiles = readonly [p50: number, p95: number] | null

interface Row {
  /** Null is the total. */
  readonly start: Date | null
  readonly requests: string
  readonly client: string
  readonly server: string
  readonly gone: string
  readonly input: string
  readonly output: string
  readonly seconds: Percentiles
  readonly first_token: Percentiles
}

const percentilesOf = (told: Percentiles): Traffic['seconds'] =>
  told ? { p50: told[0], p95: told[1] } : undefined

const trafficOf = ({ requests, client, server, gone, input, output, ...row }: Row): Traffic => ({
  requests,
  errors: { client, server, gone },
  tokens: { input, output },
  seconds: percentilesOf(row.seconds),
  firstToken: percentilesOf(row.first_token),
})

export async function readTraffic(
  database: Database,
  as: Identity,
  { from, to, step, workspace, endpoint, model, key, project }: TrafficQuery,
): Promise<TrafficAnswer> {
  const given = [workspace, endpoint, model, key, project].map(value => value ?? null)
  const { rows } = await database.transaction(as, { readOnly: true }, client =>
    client.query<Row>(traffic, [from, to, step, ...given]),
  )
  const [total] = rows
  if (!total) throw new TypeError('a sum over all has a row')
  return {
    total: trafficOf(total),
    steps: rows.flatMap(row => (row.start ? [{ start: row.start.toISOString(), ...trafficOf(row) }] : [])),
  }
}
