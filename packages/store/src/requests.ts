// What was asked, request by request, newest first: a page of those that the identity may read.
import { Fault, type ServiceTier } from '@switchyard/kinds'
import type {
  AttemptTimes,
  EndReason,
  Identity,
  RequestPage,
  RequestQuery,
  RequestRow,
} from '@switchyard/runtime'
import { usageUnits } from '@switchyard/runtime'
import { readPosition, writePosition } from './position.ts'
import type { Database } from './postgres/pool.ts'
import { isRequest } from './traffic.ts'
import { columnOf } from './usage-event.ts'

interface Row {
  readonly id: string
  readonly request: string
  readonly workspace: string
  readonly project: string | null
  readonly key_name: string
  readonly model: string
  readonly operation: string
  readonly streamed: boolean
  readonly time: Date
  readonly ended_at: Date
  readonly first_token_ms: number | null
  readonly attempts: readonly AttemptTimes[] | null
  readonly end_reason: EndReason
  readonly status: number
  readonly attempt: number
  readonly upstream: string | null
  readonly tier: ServiceTier
  readonly input: string
  readonly output: string
  readonly currency: string | null
  readonly amount: string | null
  readonly cost: string | null
  readonly position: readonly string[]
}

const tokens = (prefix: string) =>
  usageUnits
    .filter(unit => unit.startsWith(prefix))
    .map(unit => `coalesce(${columnOf(unit)}, 0)`)
    .join(' + ')

/**
 * The index is by workspace and time: each workspace gives its newest, and the newest of those are the page. Workspaces
 * are stepped through by the index too, and not looked for in every event. A request is looked for around the moment that
 * its UUIDv7 tells. Costs are of all attempts, the rest of the call that is shown.
 */
const page = `
  with recursive seen (workspace) as (
    select min(workspace) from usage_events where $1::text is null
    union all
    select (select min(e.workspace) from usage_events e where e.workspace > s.workspace)
    from seen s where s.workspace is not null
  ), places (workspace) as (
    select $1::text where $1::text is not null
    union all
    select workspace from seen where workspace is not null
  ), found as (
    select f.* from places p cross join lateral (
      select e.* from usage_events e
      where e.workspace = p.workspace and ${isRequest}
        and ($2::text is null or project = $2)
        and ($3::text is null or key_name = $3)
        and ($4::text is null or model = $4)
        and ($5::text is null or coalesce(provider, endpoint) = $5)
        and ($6::integer is null or status between $6 and $7)
        and ($8::text is null or end_reason = $8)
        and ($9::timestamptz is null or time >= $9)
        and ($10::timestamptz is null or time < $10)
        and ($11::uuid is null or (request = $11 and time between $12 and $13))
        and ($14::integer is null or first_token_ms >= $14)
        and ($15::timestamptz is null or (time <= $15 and (time, id) < ($15, $16)))
      order by time desc, id desc limit $17
    ) f
    order by f.time desc, f.id desc limit $17
  )
  select id, request, workspace, project, key_name, model, operation, streamed, time, ended_at, first_token_ms, attempts,
    end_reason, status,
    split_part(id, ':', 2)::integer as attempt, nullif(coalesce(provider, endpoint), '') as upstream, tier,
    (${tokens('tok.in.')})::text as input, (${tokens('tok.out.')})::text as output,
    currency, trim_scale(amount)::text as amount, trim_scale(c.cost)::text as cost,
    array[to_char(time at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), id] as position
  from found f cross join lateral (
    select sum(e.cost) as cost from usage_events e
    where e.workspace = f.workspace and e.time = f.time and e.request = f.request
  ) c
  order by time desc, id desc`

const day = 86_400_000

/** Milliseconds since 1970 of a UUIDv7. */
const mintedAt = (request: string) => Number.parseInt(request.replaceAll('-', '').slice(0, 12), 16)

/** Around when it was admitted; any time for none. */
function spanOf(request: string | undefined): readonly [from: Date | null, to: Date | null] {
  if (request === undefined) return [null, null]
  const at = mintedAt(request)
  return [new Date(at - day), new Date(at + day)]
}

export async function listRequests(
  database: Database,
  as: Identity,
  query: RequestQuery,
): Promise<RequestPage> {
  const { workspace, project, key, model, upstream, status, end, from, to, request, after, limit } = query
  const { firstTokenFrom } = query
  const [time, id] = after === undefined ? [] : readPosition(after, 2)
  if (time !== undefined && Number.isNaN(Date.parse(time)))
    throw new Fault('invalid', 'This is no position in a list: begin without one.', {
      reason: 'bad_position',
    })
  const given = [workspace, project, key, model, upstream, status?.[0], status?.[1], end, from, to, request]
  const values = [...given, ...spanOf(request), firstTokenFrom, time, id, limit + 1].map(
    value => value ?? null,
  )
  const { rows } = await database.transaction(as, { readOnly: true }, client =>
    client.query<Row>(page, values),
  )
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  return {
    items: shown.map(requestOf),
    ...(last && rows.length > limit && { next: writePosition(last.position) }),
  }
}

const requestOf = (row: Row): RequestRow => ({
  id: row.id,
  request: row.request,
  workspace: row.workspace,
  project: row.project,
  key: row.key_name,
  model: row.model,
  operation: row.operation,
  streamed: row.streamed,
  at: row.time.toISOString(),
  endedAt: row.ended_at.toISOString(),
  firstTokenMs: row.first_token_ms,
  attempts: row.attempts,
  end: row.end_reason,
  status: row.status,
  attempt: row.attempt,
  upstream: row.upstream,
  tier: row.tier,
  tokens: { input: row.input, output: row.output },
  currency: row.currency,
  amount: row.amount,
  cost: row.cost,
})
