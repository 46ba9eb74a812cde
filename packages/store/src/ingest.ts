// The way of usage events into the database: once each, whatever is sent twice, and nothing dropped. What
// cannot be used waits in quarantine; one bad event never holds up the others.
import { hash as digestOf } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'
import { Fault } from '@switchyard/kinds'
import type { IngestAnswer, Pushed, UsageEvent } from '@switchyard/runtime'
import type { PoolClient } from 'pg'
import { canonicalJson } from './canonical.ts'
import { isTransient } from './postgres/faults.ts'
import type { Database } from './postgres/pool.ts'
import type { Rate, Rating, Ratings } from './rate.ts'
import { rollUp } from './rollups.ts'
import { type Refusal, refuseEvent } from './usage-event.ts'
import { insertionOf } from './usage-rows.ts'

/** Looked at in one turn of the loop: a batch is sent by gateways too, and would hold up their requests for milliseconds. */
const itemsOfTurn = 64

interface Sent {
  readonly index: number
  readonly event: UsageEvent
}

/** An event that keeps the rules, with the key and the hash by which it is known again. */
interface Item extends Sent {
  readonly key: string
  /** SHA-256 in hexadecimal. */
  readonly hash: string
}

interface Refused {
  readonly item: Sent
  readonly reason: Refusal
}

/** What events go through in the transaction that takes them. */
export interface Steps {
  readonly rate: Rate
  /** Posts what accepted events have cost. */
  readonly settle: (client: PoolClient, events: readonly UsageEvent[], ratings: Ratings) => Promise<void>
  /** An event that comes by itself under the id of another is refused, and kept nowhere. */
  readonly refuses?: boolean
  /** Whether an event that is too old is taken for all that; none when absent. */
  readonly backfills?: (event: UsageEvent) => boolean
  /** Milliseconds since 1970 by which events are too old or ahead of time; the clock of the database when absent. */
  readonly clock?: (() => number) | undefined
}

/** What became of one: why it was not taken, where it was not. */
type Outcome = Exclude<IngestAnswer, 'quarantined'> | Refusal

const isTaken = (outcome: Outcome) => outcome === 'accepted' || outcome === 'duplicate'

export async function ingest(
  database: Database,
  events: readonly UsageEvent[],
  steps: Steps,
): Promise<readonly IngestAnswer[]> {
  const outcomes = await takeAll(database, events, steps)
  return outcomes.map(outcome => (isTaken(outcome) ? outcome : 'quarantined'))
}

/** As `ingest`, and says why. An event by itself under the id of another is `conflict` (`event_differs`). */
export async function push(
  database: Database,
  events: readonly UsageEvent[],
  steps: Steps,
): Promise<readonly Pushed[]> {
  const refuses = events.length === 1
  const outcomes = await takeAll(database, events, { ...steps, refuses })
  if (refuses && outcomes[0] === 'conflict')
    throw new Fault(
      'conflict',
      'Another event has this id, and it stands as it came: give this one an id of its own, or send the same body again.',
      { reason: 'event_differs' },
    )
  return outcomes.map(outcome =>
    isTaken(outcome) ? { outcome } : { outcome: 'quarantined', reason: outcome },
  )
}

async function takeAll(
  database: Database,
  events: readonly UsageEvent[],
  steps: Steps,
): Promise<readonly Outcome[]> {
  if (events.length === 0) return []
  const items = events.map((event, index) => ({ index, event }))
  const answers = new Map<number, Outcome>()
  await attempt(database, items, answers, steps)
  return items.map(({ index }) => answers.get(index) ?? 'poison')
}

/** One transaction; when the database refuses a row for what it is, halves find it, and it stands alone. */
async function attempt(
  database: Database,
  items: readonly Sent[],
  answers: Map<number, Outcome>,
  steps: Steps,
): Promise<void> {
  try {
    const given = await database.transaction({ role: 'ingest' }, {}, client => take(client, items, steps))
    for (const [index, answer] of given) answers.set(index, answer)
  } catch (error) {
    if (isTransient(error)) throw error
    if (items.length > 1) {
      const middle = items.length >> 1
      await attempt(database, items.slice(0, middle), answers, steps)
      await attempt(database, items.slice(middle), answers, steps)
      return
    }
    await database.transaction({ role: 'ingest' }, {}, client =>
      quarantine(
        client,
        items.map(item => ({ item, reason: 'poison' as const })),
      ),
    )
    for (const { index } of items) answers.set(index, 'poison')
  }
}

async function take(
  client: PoolClient,
  items: readonly Sent[],
  steps: Steps,
): Promise<ReadonlyMap<number, Outcome>> {
  const now = steps.clock ? new Date(steps.clock()) : await timeOf(client)
  const answers = new Map<number, Outcome>()
  const refused: Refused[] = []
  const good: Item[] = []
  for (const [place, item] of items.entries()) {
    if (place % itemsOfTurn === itemsOfTurn - 1) await turn()
    const reason = refuseEvent(item.event, now)
    const isBackfilled = reason === 'too_old' && steps.backfills?.(item.event) === true
    if (reason && !isBackfilled) refused.push({ item, reason })
    else {
      const { index, event } = item
      good.push({ index, event, key: identityOf(event), hash: hashOf(event) })
    }
  }
  // The same event twice in one batch: the first is inserted, the others are compared with it.
  const firsts = new Map<string, Item>()
  for (const item of good) if (!firsts.has(item.key)) firsts.set(item.key, item)
  const ratings = await steps.rate(
    client,
    [...firsts.values()].map(({ event }) => event),
  )
  for (const [key, item] of firsts)
    if (isUnpriced(ratings.get(item.event))) {
      refused.push({ item, reason: 'unpriced' })
      firsts.delete(key)
    }
  const inserted = await insert(client, [...firsts.values()], ratings)
  const again: Item[] = []
  for (const item of good) {
    const first = firsts.get(item.key)
    if (first === item && inserted.has(item.key)) answers.set(item.index, 'accepted')
    else if (first) again.push(item)
  }
  for (const { item, same } of await compare(client, again)) {
    if (same) answers.set(item.index, 'duplicate')
    else refused.push({ item, reason: 'conflict' })
  }
  const accepted = good.filter(({ index }) => answers.get(index) === 'accepted').map(({ event }) => event)
  await quarantine(client, steps.refuses ? refused.filter(({ reason }) => reason !== 'conflict') : refused)
  await steps.settle(client, accepted, ratings)
  await rollUp(client, accepted, ratings)
  for (const { item, reason } of refused) answers.set(item.index, reason)
  return answers
}

async function timeOf(client: PoolClient): Promise<Date> {
  const { rows } = await client.query<{ now: Date }>('select now() as now')
  return rows[0]?.now ?? new Date()
}

/** Who pays is not charged nothing for what has no price: it waits until it has one. */
const isUnpriced = (rating: Rating | undefined): boolean =>
  rating?.pays === true && rating.sale?.type !== 'rated'

const identityOf = ({ source, id, data }: UsageEvent): string => `${data.workspace} ${source} ${id}`

function hashOf({ data, subject, time, type }: UsageEvent): string {
  return digestOf('sha256', canonicalJson({ data, subject, time, type }), 'hex')
}

async function insert(
  client: PoolClient,
  items: readonly Item[],
  ratings: Ratings,
): Promise<ReadonlySet<string>> {
  if (items.length === 0) return new Set()
  // By key, so that two batches with the same events wait for each other and never in a circle.
  const sorted = items.toSorted((one, other) => (one.key < other.key ? -1 : 1))
  const { text, values } = insertionOf(
    sorted.map(({ event, hash }) => ({ event, hash, rating: ratings.get(event) })),
  )
  const { rows } = await client.query<{ workspace: string; source: string; id: string }>(text, [...values])
  return new Set(rows.map(({ workspace, source, id }) => `${workspace} ${source} ${id}`))
}

/** A statement of its own: the insert's snapshot could not see the row of a rival that it waited for. */
async function compare(
  client: PoolClient,
  items: readonly Item[],
): Promise<readonly { readonly item: Item; readonly same: boolean }[]> {
  if (items.length === 0) return []
  const { rows } = await client.query<{ key: string; hash: string }>(
    `select e.workspace || ' ' || e.source || ' ' || e.id as key, encode(e.body_hash, 'hex') as hash
     from unnest($1::text[], $2::text[], $3::text[]) as given(workspace, source, id)
     join usage_events e using (workspace, source, id)`,
    [
      items.map(({ event }) => event.data.workspace),
      items.map(({ event }) => event.source),
      items.map(({ event }) => event.id),
    ],
  )
  const standing = new Map(rows.map(({ key, hash }) => [key, hash]))
  return items.map(item => ({ item, same: standing.get(item.key) === item.hash }))
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
