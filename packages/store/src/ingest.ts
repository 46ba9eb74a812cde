// The way of usage events into the database: once each, whatever is sent twice, and nothing dropped. What
// cannot be used waits in quarantine; one bad event never holds up the others.
import { hash as digestOf } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'
import { type IngestAnswer, type UsageEvent, usageUnits } from '@switchyard/runtime'
import type { PoolClient } from 'pg'
import { canonicalJson } from './canonical.ts'
import { isTransient } from './postgres/faults.ts'
import type { Database } from './postgres/pool.ts'
import { columnOf, type Refusal, refuseEvent } from './usage-event.ts'

/** Looked at in one turn of the loop: a batch is sent by gateways too, and would hold up their requests for milliseconds. */
const itemsOfTurn = 64

interface Sent {
  readonly index: number
  readonly event: UsageEvent
}

/** An event that keeps the rules, with the hash by which it is known again. */
interface Item extends Sent {
  readonly hash: Buffer
}

interface Refused {
  readonly item: Sent
  readonly reason: Refusal
}

/** What is done with accepted events in the transaction that takes them. */
export type Accept = (client: PoolClient, events: readonly UsageEvent[]) => Promise<void>

export async function ingest(
  database: Database,
  events: readonly UsageEvent[],
  accept: Accept,
): Promise<readonly IngestAnswer[]> {
  if (events.length === 0) return []
  const items = events.map((event, index) => ({ index, event }))
  const answers = new Map<number, IngestAnswer>()
  await attempt(database, items, answers, accept)
  return items.map(({ index }) => answers.get(index) ?? 'quarantined')
}

/** One transaction; when the database refuses a row for what it is, halves find it, and it stands alone. */
async function attempt(
  database: Database,
  items: readonly Sent[],
  answers: Map<number, IngestAnswer>,
  accept: Accept,
): Promise<void> {
  try {
    const given = await database.transaction({ role: 'ingest' }, {}, client => take(client, items, accept))
    for (const [index, answer] of given) answers.set(index, answer)
  } catch (error) {
    if (isTransient(error)) throw error
    if (items.length > 1) {
      const middle = items.length >> 1
      await attempt(database, items.slice(0, middle), answers, accept)
      await attempt(database, items.slice(middle), answers, accept)
      return
    }
    await database.transaction({ role: 'ingest' }, {}, client =>
      quarantine(
        client,
        items.map(item => ({ item, reason: 'poison' as const })),
      ),
    )
    for (const { index } of items) answers.set(index, 'quarantined')
  }
}

async function take(
  client: PoolClient,
  items: readonly Sent[],
  accept: Accept,
): Promise<ReadonlyMap<number, IngestAnswer>> {
  const { rows } = await client.query<{ now: Date }>('select now() as now')
  const now = rows[0]?.now ?? new Date()
  const answers = new Map<number, IngestAnswer>()
  const refused: Refused[] = []
  const good: Item[] = []
  for (const [place, item] of items.entries()) {
    if (place % itemsOfTurn === itemsOfTurn - 1) await turn()
    const reason = refuseEvent(item.event, now)
    if (reason) refused.push({ item, reason })
    else good.push({ ...item, hash: hashOf(item.event) })
  }
  // The same event twice in one batch: the first is inserted, the others are compared with it.
  const firsts = new Map<string, Item>()
  for (const item of good) if (!firsts.has(identityOf(item.event))) firsts.set(identityOf(item.event), item)
  const inserted = await insert(client, [...firsts.values()])
  const again: Item[] = []
  for (const item of good) {
    const key = identityOf(item.event)
    if (firsts.get(key) === item && inserted.has(key)) answers.set(item.index, 'accepted')
    else again.push(item)
  }
  for (const { item, same } of await compare(client, again)) {
    if (same) answers.set(item.index, 'duplicate')
    else refused.push({ item, reason: 'conflict' })
  }
  await accept(
    client,
    good.filter(({ index }) => answers.get(index) === 'accepted').map(({ event }) => event),
  )
  await quarantine(client, refused)
  for (const { item } of refused) answers.set(item.index, 'quarantined')
  return answers
}

const identityOf = ({ source, id, data }: UsageEvent): string => `${data.workspace} ${source} ${id}`

function hashOf({ data, subject, time, type }: UsageEvent): Buffer {
  return digestOf('sha256', canonicalJson({ data, subject, time, type }), 'buffer')
}

const fixed = `workspace text, source text, id text, body_hash bytea, time timestamptz, ended_at timestamptz,
  project text, key text, key_name text, model text, endpoint text, upstream text, request uuid, operation text,
  billable text, streamed boolean, end_reason text, status integer, usage_source text, flags text[], hold text`.split(
  /,\s+/,
)
const quantities = usageUnits.map(columnOf)
const names = [...fixed.map(column => column.slice(0, column.indexOf(' '))), ...quantities].join(', ')

// Rows go in by key, so that two batches with the same events wait for each other and never in a circle.
const insertion = `
insert into usage_events (${names})
select ${names} from jsonb_to_recordset($1::jsonb)
  as given(${[...fixed, ...quantities.map(column => `${column} bigint`)].join(', ')})
order by workspace, source, id
on conflict do nothing
returning workspace || ' ' || source || ' ' || id as key`

async function insert(client: PoolClient, items: readonly Item[]): Promise<ReadonlySet<string>> {
  if (items.length === 0) return new Set()
  const { rows } = await client.query<{ key: string }>({
    name: 'ingest',
    text: insertion,
    values: [await textOf(items)],
  })
  return new Set(rows.map(({ key }) => key))
}

async function textOf(items: readonly Item[]): Promise<string> {
  const parts: string[] = []
  for (let at = 0; at < items.length; at += itemsOfTurn) {
    if (at > 0) await turn()
    const some = items.slice(at, at + itemsOfTurn).map(rowOf)
    parts.push(JSON.stringify(some).slice(1, -1))
  }
  return `[${parts.join(',')}]`
}

const columns = new Map(usageUnits.map(unit => [unit, columnOf(unit)]))

function rowOf({ event: { source, id, time, data }, hash }: Item) {
  const row: Record<string, unknown> = {
    workspace: data.workspace,
    source,
    id,
    body_hash: `\\x${hash.toString('hex')}`,
    time,
    ended_at: data.endedAt,
    project: data.project,
    key: data.key,
    key_name: data.keyName,
    model: data.model,
    endpoint: data.endpoint,
    upstream: data.upstream,
    request: data.request,
    operation: data.operation,
    billable: data.billable,
    streamed: data.streamed,
    end_reason: data.end,
    status: data.status,
    usage_source: data.usageSource,
    flags: data.flags,
    hold: data.hold,
  }
  for (const [unit, column] of columns) {
    const quantity = data.quantities[unit]
    if (quantity !== undefined) row[column] = quantity
  }
  return row
}

/** A statement of its own: the insert's snapshot could not see the row of a rival that it waited for. */
async function compare(
  client: PoolClient,
  items: readonly Item[],
): Promise<readonly { readonly item: Item; readonly same: boolean }[]> {
  if (items.length === 0) return []
  const { rows } = await client.query<{ key: string; body_hash: Buffer }>(
    `select e.workspace || ' ' || e.source || ' ' || e.id as key, e.body_hash
     from unnest($1::text[], $2::text[], $3::text[]) as given(workspace, source, id)
     join usage_events e using (workspace, source, id)`,
    [
      items.map(({ event }) => event.data.workspace),
      items.map(({ event }) => event.source),
      items.map(({ event }) => event.id),
    ],
  )
  const standing = new Map(rows.map(({ key, body_hash }) => [key, body_hash]))
  return items.map(item => ({ item, same: standing.get(identityOf(item.event))?.equals(item.hash) ?? false }))
}

async function quarantine(client: PoolClient, refused: readonly Refused[]): Promise<void> {
  for (const { item, reason } of refused) {
    const raw = Buffer.from(JSON.stringify(item.event ?? null))
    const claimed: unknown = item.event?.data?.workspace
    await client.query(
      `insert into usage_quarantine (workspace, reason, raw, body_hash) values ($1, $2, $3, sha256($3))
       on conflict do nothing`,
      [typeof claimed === 'string' ? claimed.replaceAll('\0', '').slice(0, 63) : null, reason, raw],
    )
  }
}
