// What the books ask for a period: each event rated by the price of its moment, and what goes by the whole period rated
// once all of it is counted, so that the order of events has no part in it.
import type { Quantities, Unit } from '@switchyard/dialects'
import { Fault, formatDecimal, parseDecimal } from '@switchyard/kinds'
import type { BilledEvent, BookVersion } from '@switchyard/runtime'
import { type Charge, totalOf } from '../charges.ts'
import type { Prices } from '../prices.ts'
import { nothing, type Rate, type RatedLine } from '../rating.ts'
import { apportion, wholes } from './apportion.ts'
import { type Asked, keyText, type LineKey, type Part, Tally } from './charges.ts'
import type { Span } from './terms.ts'

/** Who is asked, and in what. */
export interface Payer {
  readonly workspace: string
  readonly currency: string
}

/** What was counted under one rate that goes by the period. */
interface Counted {
  readonly rate: Rate
  readonly by: Map<string, { readonly key: LineKey; quantity: bigint }>
}

/** Holds one entry for each line, however many events are added. */
export class Asking {
  readonly #prices: Prices
  readonly #payer: Payer
  readonly #tally = new Tally()
  /** By series, then by rate. */
  readonly #series = new Map<string, Map<string, Counted>>()

  constructor(prices: Prices, payer: Payer) {
    this.#prices = prices
    this.#payer = payer
  }

  /** `conflict` (`unpriced`), which names model and unit, for a quantity that has no price. */
  add({ id, time, project, model, quantities, tier, region }: BilledEvent): void {
    const used = countsOf(quantities)
    const { workspace, currency } = this.#payer
    const circumstances = { workspace, tier: tier ?? 'standard', ...(region != null && { region }) }
    const tariff = this.#prices.sale(model, currency, Date.parse(time), circumstances)
    const rated = tariff?.rate(used, nothing)
    if (rated?.type === 'rated') for (const line of rated.lines) this.#count(project, model, line)
    else {
      const unit = rated?.unit ?? Object.entries(used).find(([, quantity]) => quantity !== 0n)?.[0]
      if (unit !== undefined) throw unpriced(model, unit, currency, time, id)
    }
  }

  #count(project: string | null, model: string, { unit, rate, quantity, amount }: RatedLine): void {
    const key = { project, model, unit, rate: rate.id, step: null, price: priceOf(rate.charge, 0) }
    if (rate.series === undefined) {
      this.#tally.add({ key, quantity, amount })
      return
    }
    const series = this.#series.get(rate.series) ?? new Map<string, Counted>()
    this.#series.set(rate.series, series)
    const counted: Counted = series.get(rate.id) ?? { rate, by: new Map() }
    series.set(rate.id, counted)
    const text = keyText(key)
    const sum = counted.by.get(text)
    if (sum) sum.quantity += quantity
    else counted.by.set(text, { key, quantity })
  }

  /** `books` in the order in which their rates follow each other. */
  asked(books: readonly BookVersion[], period: Span): Asked {
    const place = new Map(books.flatMap(({ rates }) => rates).map(({ id }, index) => [id, index]))
    const ofPeriod = [...this.#series.values()].flatMap(series => {
      let before = 0n
      return [...series.values()]
        .toSorted((one, other) => (place.get(one.rate.id) ?? 0) - (place.get(other.rate.id) ?? 0))
        .flatMap(counted => {
          const parts = spread(counted, before)
          before += counted.by.values().reduce((sum, { quantity }) => sum + quantity, 0n)
          return parts
        })
    })
    for (const part of ofPeriod) this.#tally.add(part)
    this.#series.clear()
    return { parts: this.#tally.parts(), ...feesOf(books, period, this.#payer.workspace) }
  }
}

function unpriced(model: string, unit: string, currency: string, time: string, event: string): Fault {
  return new Fault(
    'conflict',
    `${model} has no price for ${unit} in ${currency} at ${time} (event ${event}): publish a price book that has one, "0" if it is free.`,
    { reason: 'unpriced' },
  )
}

function countsOf(quantities: BilledEvent['quantities']): Quantities {
  const counts: Partial<Record<Unit, bigint>> = {}
  // Why `as`: the units of the store and of the dialects are the same.
  for (const [unit, count] of Object.entries(quantities)) counts[unit as Unit] = BigInt(count)
  return counts
}

/** What people read beside a line. */
function priceOf(charge: Charge, step: number): string {
  const price = 'steps' in charge ? (charge.steps[step]?.price ?? 0n) : charge.price
  return `${formatDecimal(price)} / ${charge.per}`
}

interface Stretch {
  readonly quantity: bigint
  readonly amount: bigint
  /** From 1; null of a rate that has none. */
  readonly step: number | null
}

/** The units of one rate, which come after `before` others of its period, by the step that they are in. */
function stretchesOf(charge: Charge, before: bigint, quantity: bigint): readonly Stretch[] {
  const after = before + quantity
  const amount = (from: bigint, to: bigint) => totalOf(charge, to) - totalOf(charge, from)
  if (charge.type === 'volume') {
    const step = charge.steps.findIndex(({ upTo }) => upTo === undefined || after <= upTo)
    return [{ quantity, amount: amount(before, after), step: step + 1 }]
  }
  if (charge.type !== 'graduated') return [{ quantity, amount: amount(before, after), step: null }]
  let from = before
  return charge.steps.flatMap(({ upTo }, index) => {
    const to = upTo === undefined || upTo > after ? after : upTo
    if (to <= from) return []
    const stretch = { quantity: to - from, amount: amount(from, to), step: index + 1 }
    from = to
    return [stretch]
  })
}

/** Each project, model and unit has its share of every step: by what it used, and never more than that. */
function spread({ rate: { charge }, by }: Counted, before: bigint): readonly Part[] {
  const users = [...by].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([, user]) => user)
  let left = users.map(({ quantity }) => quantity)
  const total = left.reduce((sum, quantity) => sum + quantity, 0n)
  return stretchesOf(charge, before, total).flatMap(({ quantity, amount, step }) => {
    const rest = left.reduce((sum, each) => sum + each, 0n)
    const taken = wholes(
      left.map(each => each * quantity),
      rest,
      quantity,
    )
    left = left.map((each, index) => each - (taken[index] ?? 0n))
    const amounts = apportion(amount, taken)
    const price = priceOf(charge, (step ?? 1) - 1)
    return users.map(({ key }, index) => ({
      key: { ...key, step, price },
      quantity: taken[index] ?? 0n,
      amount: amounts[index] ?? 0n,
    }))
  })
}

/** Of books that hold for a part of the period, so much of it: by milliseconds, shares of one fee add up to it. */
function feesOf(books: readonly BookVersion[], period: Span, workspace: string): Omit<Asked, 'parts'> {
  const length = BigInt(period.endsAt - period.startsAt)
  const held = books.flatMap(({ name, spec, holds }) => {
    if (!holds) return []
    const ms = Math.min(holds.to ?? Infinity, period.endsAt) - Math.max(holds.from, period.startsAt)
    return ms > 0 ? [{ name, spec, ms: BigInt(ms) }] : []
  })
  const sums = new Map<string, { readonly name: string; readonly price: bigint; ms: bigint }>()
  const count = (kind: string, book: string, name: string, text: string, ms: bigint) => {
    const key = [kind, book, name, text].join('\u0001')
    const sum = sums.get(key) ?? { name, price: parseDecimal(text) ?? 0n, ms: 0n }
    sum.ms += ms
    sums.set(key, sum)
  }
  for (const { name, spec, ms } of held) {
    for (const fee of spec.fees ?? [])
      if (fee.workspace === undefined || fee.workspace === workspace)
        count('fee', name, fee.name, fee.price, ms)
    if (spec.minimum !== undefined) count('minimum', name, '', spec.minimum, ms)
    if (spec.cap !== undefined) count('cap', name, '', spec.cap, ms)
  }
  const shares = [...sums].map(([key, { name, price, ms }]) => ({
    of: key.split('\u0001').slice(0, 2).join('\u0001'),
    name,
    ms,
    amount: apportion(price, [ms, length - ms])[0] ?? 0n,
  }))
  const fees = shares.filter(({ of }) => of.startsWith('fee'))
  const bounds = (kind: string) =>
    [...Map.groupBy(shares, ({ of }) => of)].flatMap(([of, all]) => {
      if (!of.startsWith(kind)) return []
      const [ms, amount] = all.reduce(([a, b], each) => [a + each.ms, b + each.amount], [0n, 0n])
      // The most of a part of a period is no most of all of it.
      return kind === 'cap' && ms < length ? [] : [amount]
    })
  const [minimum] = bounds('minimum').toSorted((one, other) => (one > other ? -1 : 1))
  const [cap] = bounds('cap').toSorted((one, other) => (one < other ? -1 : 1))
  return {
    fees: fees.map(({ name, amount }) => ({ name, amount })).toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    ...(minimum !== undefined && { minimum }),
    ...(cap !== undefined && { cap }),
  }
}
