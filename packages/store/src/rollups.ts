// Sums of usage by minute, hour and day: what a batch adds is folded here, and added in its own transaction.
import { formatDecimal } from '@switchyard/kinds'
import { type UsageEvent, type UsageUnit, usageUnits } from '@switchyard/runtime'
import type { PoolClient } from 'pg'
import type { Ratings } from './rate.ts'
import { columnOf } from './usage-event.ts'

const grains = { minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const

interface Sum {
  readonly key: readonly string[]
  requests: bigint
  amount: bigint
  cost: bigint
  /** Events whose cost is not known. */
  uncosted: bigint
  readonly quantities: Map<UsageUnit, bigint>
  readonly amounts: Map<UsageUnit, bigint>
}

const keys = ['workspace', 'grain', 'start', 'project', 'key', 'key_name', 'model', 'upstream', 'currency']
const totals = ['requests', 'amount', 'cost', 'uncosted'] as const

/** Of a minute or more: an event is added once, and each grain from the one below it. */
function fold(events: readonly UsageEvent[], ratings: Ratings): readonly Sum[] {
  const minutes = new Map<string, Sum>()
  const startOfMinute = startsOf('minute')
  for (const event of events) {
    const { billable, quantities } = event.data
    const rating = ratings.get(event)
    const sale = rating?.sale?.type === 'rated' && rating.sale.lines.length > 0 ? rating.sale : undefined
    const cost = rating?.cost
    const uncosted = !cost && isUsed(event)
    if (billable === 'cost' && !cost && !uncosted) continue
    const sum = sumAt(minutes, keyOf(event, startOfMinute, sale || cost ? (rating?.currency ?? '') : ''))
    sum.cost += cost?.amount ?? 0n
    if (uncosted) sum.uncosted += 1n
    if (billable === 'cost') continue
    sum.requests += 1n
    sum.amount += sale?.amount ?? 0n
    for (const unit of usageUnits) {
      const quantity = quantities[unit]
      if (quantity !== undefined) add(sum.quantities, unit, BigInt(quantity))
    }
    for (const { unit, amount } of sale?.lines ?? []) add(sum.amounts, unit, amount)
  }
  const hours = coarser([...minutes.values()], 'hour')
  return [...minutes.values(), ...hours, ...coarser(hours, 'day')]
}

/** Of what was kept nobody asks us anything. */
const isUsed = ({ data: { tier, quantities } }: UsageEvent): boolean =>
  tier !== 'cache' && Object.values(quantities).some(quantity => !/^0+$/.test(quantity))

/** Writing a moment out takes longer than finding the one before. */
function startsOf(grain: keyof typeof grains): (time: string) => string {
  const starts = new Map<number, string>()
  return time => {
    const start = Math.floor(Date.parse(time) / grains[grain]) * grains[grain]
    const known = starts.get(start)
    if (known !== undefined) return known
    const text = new Date(start).toISOString()
    starts.set(start, text)
    return text
  }
}

const keyOf = ({ time, data }: UsageEvent, startOf: (time: string) => string, currency: string) => [
  data.workspace,
  'minute',
  startOf(time),
  data.project ?? '',
  data.key,
  data.keyName,
  data.model,
  data.provider ?? data.endpoint,
  currency,
]

function sumAt(sums: Map<string, Sum>, key: readonly string[]): Sum {
  const text = key.join('\0')
  let sum = sums.get(text)
  if (!sum) {
    sum = { key, requests: 0n, amount: 0n, cost: 0n, uncosted: 0n, quantities: new Map(), amounts: new Map() }
    sums.set(text, sum)
  }
  return sum
}

function add(to: Map<UsageUnit, bigint>, unit: UsageUnit, value: bigint): void {
  to.set(unit, (to.get(unit) ?? 0n) + value)
}

function coarser(finer: readonly Sum[], grain: keyof typeof grains): readonly Sum[] {
  const sums = new Map<string, Sum>()
  const startOf = startsOf(grain)
  for (const one of finer) {
    const [workspace = '', , start = '', ...rest] = one.key
    const sum = sumAt(sums, [workspace, grain, startOf(start), ...rest])
    sum.requests += one.requests
    sum.amount += one.amount
    sum.cost += one.cost
    sum.uncosted += one.uncosted
    for (const [unit, quantity] of one.quantities) add(sum.quantities, unit, quantity)
    for (const [unit, amount] of one.amounts) add(sum.amounts, unit, amount)
  }
  return [...sums.values()]
}

const isTotal = (name: string) => totals.some(total => total === name)

/** The last of a batch's writes: rows that many batches add to are held for as short a time as can be. */
export async function rollUp(
  client: PoolClient,
  events: readonly UsageEvent[],
  ratings: Ratings,
): Promise<void> {
  const sums = fold(events, ratings)
  if (sums.length === 0) return
  const used = usageUnits.filter(unit => sums.some(({ quantities }) => quantities.has(unit)))
  const priced = usageUnits.filter(unit => sums.some(({ amounts }) => amounts.has(unit)))
  const columns: readonly (readonly [name: string, type: string, values: readonly (string | null)[]])[] = [
    ...keys.map(
      (name, at) =>
        [name, name === 'start' ? 'timestamptz' : 'text', sums.map(({ key }) => key[at] ?? '')] as const,
    ),
    ['requests', 'numeric', sums.map(({ requests }) => String(requests))],
    ['amount', 'numeric', sums.map(({ amount }) => formatDecimal(amount))],
    ['cost', 'numeric', sums.map(({ cost }) => formatDecimal(cost))],
    ['uncosted', 'numeric', sums.map(({ uncosted }) => String(uncosted))],
    ...used.map(
      unit =>
        [columnOf(unit), 'numeric', sums.map(one => one.quantities.get(unit)?.toString() ?? null)] as const,
    ),
    ...priced.map(unit => {
      const amounts = sums.map(one => one.amounts.get(unit))
      const texts = amounts.map(amount => (amount === undefined ? null : formatDecimal(amount)))
      return [`amount_${columnOf(unit)}`, 'numeric', texts] as const
    }),
  ]
  const names = columns.map(([name]) => name)
  const added = names
    .slice(keys.length)
    .map(name =>
      isTotal(name)
        ? `${name} = r.${name} + excluded.${name}`
        : `${name} = case when r.${name} is null then excluded.${name} else r.${name} + coalesce(excluded.${name}, 0) end`,
    )
  await client.query(
    `insert into usage_rollups as r (${names.join(', ')})
     select * from unnest(${columns.map(([, type], at) => `$${at + 1}::${type}[]`).join(', ')})
     order by 1, 2, 3, 4, 5, 6, 7, 8, 9
     on conflict (${keys.join(', ')}) do update set ${added.join(', ')}`,
    columns.map(([, , values]) => values),
  )
}
