// What events have cost: rated by the books that held when each was admitted, in the transaction that takes them.
import { periodAt } from '@switchyard/kinds'
import {
  type CompilePrices,
  type RatedUsage,
  type UsageEvent,
  type UsagePrices,
  type UsageUnit,
  usageUnits,
} from '@switchyard/runtime'
import type { PoolClient } from 'pg'
import { readBooks } from './prices.ts'

type Rated = Extract<RatedUsage, { readonly type: 'rated' }>

/** What is known of an event's price; a side that has none is undefined. */
export interface Rating {
  readonly currency: string
  /** Whether somebody pays for it. */
  readonly pays: boolean
  readonly sale: RatedUsage | undefined
  readonly cost: Rated | undefined
}

/** By the event. One of a workspace that is gone is in none of them. */
export type Ratings = ReadonlyMap<UsageEvent, Rating>

export type Rate = (client: PoolClient, events: readonly UsageEvent[]) => Promise<Ratings>

interface Payer {
  readonly workspace: string
  readonly currency: string
  readonly timezone: string
  readonly pays: boolean
  /** Those that pay by themselves. */
  readonly projects: readonly string[]
}

/** The state of what is published, and those of the workspaces that stand. */
const payers = `
select p.version::text, w.* from price_state p left join (
  select name as workspace, coalesce(spec ->> 'currency', 'USD') as currency, coalesce(spec ->> 'timezone', 'UTC') as timezone,
    coalesce(spec #>> '{billing,mode}', 'none') <> 'none' as pays,
    array(select p.key from jsonb_each(spec #> '{billing,projects}') p where p.value ->> 'mode' <> 'none') as projects
  from resources where kind = 'Workspace' and place = '' and name = any ($1)
) w on true`

const noRatings: Ratings = new Map()
const nothing = () => 0n

/** Rates nothing. */
export const unrated: Rate = async () => noRatings

/** Keeps the prices made ready for as long as nothing else is published. */
export function rater(compile: CompilePrices): Rate {
  let known: { readonly version: string; readonly prices: UsagePrices } | undefined

  async function pricesAt(client: PoolClient, version: string): Promise<UsagePrices> {
    if (known?.version !== version) known = { version, prices: compile(await readBooks(client)) }
    return known.prices
  }

  return async (client, events) => {
    const { rows } = await client.query<Payer & { readonly version: string }>({
      name: 'payers',
      text: payers,
      values: [[...new Set(events.map(({ data }) => data.workspace))]],
    })
    const [first] = rows
    if (!first) return noRatings
    const prices = await pricesAt(client, first.version)
    const byName = new Map(rows.map(payer => [payer.workspace, payer]))
    const ratings = new Map<UsageEvent, Rating>()
    const serial: UsageEvent[] = []
    for (const event of events) {
      const payer = byName.get(event.data.workspace)
      if (!payer) continue
      const rating = ratingOf(event, payer, prices, nothing)
      ratings.set(event, rating)
      if (seriesIn(rating).length > 0) serial.push(event)
    }
    if (serial.length > 0) await rateInSeries(client, serial, byName, prices, ratings)
    return ratings
  }
}

function ratingOf(
  { time, data }: UsageEvent,
  { workspace, currency, pays, projects }: Payer,
  prices: UsagePrices,
  counted: (series: string) => bigint,
): Rating {
  const { model, billable, tier = 'standard', region } = data
  const circumstances = { tier, workspace, ...(region !== undefined && { region }) }
  const quantities = countsOf(data.quantities)
  const at = Date.parse(time)
  const isSold = billable === 'caller' && usageUnits.some(unit => (quantities[unit] ?? 0n) > 0n)
  const sale = isSold ? prices.sale(model, currency, at, circumstances)?.rate(quantities, counted) : free
  const charger = chargerOf(data)
  const costs =
    charger && prices.cost({ ...circumstances, ...charger }, currency, at)?.rate(quantities, counted)
  return {
    currency,
    pays: pays || projects.includes(data.project ?? ''),
    sale,
    cost: costs?.type === 'rated' ? costs : undefined,
  }
}

/** What asks us for it; undefined where nothing has answered, or an answer was kept. */
function chargerOf({ workspace, endpoint, provider, tier, upstreamModel }: UsageEvent['data']) {
  if (tier === 'cache') return undefined
  // What runs here goes by the name of its endpoint.
  if (provider === undefined)
    return endpoint === ''
      ? undefined
      : { model: upstreamModel ?? endpoint, endpoint: `${workspace}/${endpoint}` }
  return upstreamModel === undefined ? undefined : { model: upstreamModel, provider }
}

const free: Rated = { type: 'rated', amount: 0n, lines: [] }

function countsOf(quantities: UsageEvent['data']['quantities']): Partial<Record<UsageUnit, bigint>> {
  const counts: Partial<Record<UsageUnit, bigint>> = {}
  for (const unit of usageUnits) {
    const count = quantities[unit]
    if (count !== undefined) counts[unit] = BigInt(count)
  }
  return counts
}

const linesOf = ({ sale, cost }: Rating) => [
  ...(sale?.type === 'rated' ? sale.lines : []),
  ...(cost?.lines ?? []),
]

const seriesIn = (rating: Rating) => linesOf(rating).flatMap(({ rate }) => rate.series ?? [])

interface Counter {
  readonly workspace: string
  readonly series: string
  readonly period: string
}

/**
 * Rates what goes by the period, one event after the other. The counters are locked first, in one order, so that whoever
 * else counts the same waits; what is in already counts no second time.
 */
async function rateInSeries(
  client: PoolClient,
  events: readonly UsageEvent[],
  payers: ReadonlyMap<string, Payer>,
  prices: UsagePrices,
  ratings: Map<UsageEvent, Rating>,
): Promise<void> {
  const counterOf = (event: UsageEvent, payer: Payer, series: string): Counter => {
    const { startsAt } = periodAt('month', payer.timezone, Date.parse(event.time))
    return { workspace: payer.workspace, series, period: new Date(startsAt).toISOString() }
  }
  const counters = new Map<string, Counter>()
  for (const event of events) {
    const payer = payers.get(event.data.workspace)
    const rating = ratings.get(event)
    if (payer && rating)
      for (const series of seriesIn(rating)) {
        const counter = counterOf(event, payer, series)
        counters.set(keyOf(counter), counter)
      }
  }
  const counts = await lockCounters(client, [...counters.values()])
  const standing = await standingOf(client, events)
  for (const event of events) {
    const payer = payers.get(event.data.workspace)
    if (!payer || standing.has(idOf(event))) continue
    const keyIn = (series: string) => keyOf(counterOf(event, payer, series))
    const rating = ratingOf(event, payer, prices, series => counts.get(keyIn(series)) ?? 0n)
    ratings.set(event, rating)
    if (rating.sale?.type === 'unpriced') continue // it goes no further
    for (const { rate, quantity } of linesOf(rating))
      if (rate.series !== undefined) {
        const key = keyIn(rate.series)
        counts.set(key, (counts.get(key) ?? 0n) + quantity)
      }
  }
  await client.query(
    `update usage_counters c set quantity = g.quantity
     from unnest($1::text[], $2::text[], $3::timestamptz[], $4::numeric[]) as g(workspace, series, period, quantity)
     where (c.workspace, c.series, c.period) = (g.workspace, g.series, g.period)`,
    [...columnsOf([...counters.values()]), [...counters.keys()].map(key => String(counts.get(key) ?? 0n))],
  )
}

const keyOf = ({ workspace, series, period }: Counter) => `${workspace} ${period} ${series}`
const idOf = ({ source, id, data }: UsageEvent) => `${data.workspace} ${source} ${id}`
const columnsOf = (counters: readonly Counter[]) => [
  counters.map(({ workspace }) => workspace),
  counters.map(({ series }) => series),
  counters.map(({ period }) => period),
]

async function lockCounters(client: PoolClient, counters: readonly Counter[]): Promise<Map<string, bigint>> {
  const given = 'unnest($1::text[], $2::text[], $3::timestamptz[]) as g(workspace, series, period)'
  await client.query(
    `insert into usage_counters (workspace, series, period)
     select workspace, series, period from ${given} order by workspace, series, period on conflict do nothing`,
    columnsOf(counters),
  )
  const { rows } = await client.query<{ workspace: string; series: string; period: Date; quantity: string }>(
    `select c.workspace, c.series, c.period, c.quantity::text
     from usage_counters c join ${given} using (workspace, series, period)
     order by c.workspace, c.series, c.period for update of c`,
    columnsOf(counters),
  )
  return new Map(
    rows.map(({ workspace, series, period, quantity }) => [
      keyOf({ workspace, series, period: period.toISOString() }),
      BigInt(quantity),
    ]),
  )
}

/** Those of them that are in already. */
async function standingOf(client: PoolClient, events: readonly UsageEvent[]): Promise<ReadonlySet<string>> {
  const { rows } = await client.query<{ key: string }>(
    `select e.workspace || ' ' || e.source || ' ' || e.id as key
     from usage_events e join unnest($1::text[], $2::text[], $3::text[]) as g(workspace, source, id)
       using (workspace, source, id)`,
    [
      events.map(({ data }) => data.workspace),
      events.map(({ source }) => source),
      events.map(({ id }) => id),
    ],
  )
  return new Set(rows.map(({ key }) => key))
}
