// What each line of usage should be: rated by the published books, shared by whoever used it.
import { byWeight, decimal, nearest, shared, total } from './exact.ts'
import type { PublishedBook } from './month.ts'
import type { Counted } from './truth.ts'

type Rate = PublishedBook['spec']['rates'][number]

/** A line as it should be; `id` says of what, the same in every document. */
export interface Line {
  readonly id: string
  readonly kind: string
  readonly service: string
  readonly correction: boolean
  quantity: bigint
  exact: bigint
  tax: Tax | undefined
  rounded: bigint
  net: bigint
  taxed: bigint
}

export interface Tax {
  readonly name: string
  readonly percent: string
}

/** A book with the time for which it holds: until the next version of its name begins. */
export interface Held {
  readonly book: PublishedBook
  readonly from: number
  readonly to: number
}

export function heldBooks(books: readonly PublishedBook[], currency: string): readonly Held[] {
  const own = books.filter(({ spec }) => spec.currency === currency)
  return own.map(book => {
    const later = own.filter(({ name, version }) => name === book.name && version > book.version)
    return {
      book,
      from: Date.parse(book.spec.from),
      to: Math.min(...later.map(({ spec }) => Date.parse(spec.from)), Infinity),
    }
  })
}

export const fitsName = (pattern: string, name: string) =>
  pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : pattern === name

interface Priced {
  readonly held: Held
  readonly place: number
  readonly rate: Rate
}

/** The rate of a unit: what says more, then the longer name, then the unit before its direction. */
function rateOf(held: readonly Held[], event: Counted, unit: string): Priced | undefined {
  const at = Date.parse(event.at)
  const context = Object.entries(event.quantities)
    .filter(([name]) => name.startsWith('tok.in.'))
    .reduce((sum, [, count]) => sum + Number(count), 0)
  const fitting = held
    .filter(({ from, to }) => from <= at && at < to)
    .flatMap(each => each.book.spec.rates.map((rate, place) => ({ held: each, place, rate })))
    .filter(
      ({ rate }) =>
        fitsName(rate.model, event.model) &&
        fitsName(rate.unit, unit) &&
        (rate.workspace === undefined || rate.workspace === event.workspace) &&
        (rate.context === undefined ||
          ((rate.context.from ?? 0) <= context && context < (rate.context.to ?? Infinity))),
    )
  const weight = ({ rate }: Priced) => [
    (rate.model === '*' ? 0 : 1) + (rate.context ? 1 : 0) + (rate.workspace ? 1 : 0),
    rate.model.endsWith('*') ? rate.model.length : 1000,
    rate.unit.endsWith('*') ? 0 : 1,
  ]
  return fitting.toSorted((a, b) => {
    const [x, y] = [weight(a), weight(b)]
    const place = x.findIndex((value, index) => value !== y[index])
    return place < 0 ? 0 : (y[place] ?? 0) - (x[place] ?? 0)
  })[0]
}

/** What the first so many units of a period cost. */
function upTo(rate: Rate, quantity: bigint): bigint {
  const per = BigInt(rate.per)
  if (quantity === 0n) return 0n
  if (rate.charge === 'package') return ((quantity + per - 1n) / per) * decimal(rate.price ?? '')
  const steps = (rate.steps ?? []).map(({ upTo: end, price, flat }) => ({
    end: end === undefined ? undefined : BigInt(end),
    price: decimal(price),
    flat: decimal(flat ?? '0'),
  }))
  if (rate.charge === 'volume') {
    const step = steps.find(({ end }) => end === undefined || quantity <= end)
    return nearest(quantity * (step?.price ?? 0n), per) + (step?.flat ?? 0n)
  }
  let [top, flats, below] = [0n, 0n, 0n]
  for (const { end, price, flat } of steps) {
    if (below >= quantity) break
    const end_ = end === undefined || end > quantity ? quantity : end
    top += (end_ - below) * price
    flats += flat
    below = end_
  }
  return nearest(top, per) + flats
}

export const line = (
  id: string,
  kind: string,
  service: string,
  quantity: bigint,
  exact: bigint,
  tax: Tax | undefined,
): Line => ({
  id,
  kind,
  service,
  correction: false,
  quantity,
  exact,
  tax,
  rounded: 0n,
  net: 0n,
  taxed: 0n,
})

/** Stretches of a rate's units by step. */
function stretches(
  rate: Rate,
  before: bigint,
  quantity: bigint,
): { step: string; units: bigint; amount: bigint }[] {
  const after = before + quantity
  const cost = (from: bigint, to: bigint) => upTo(rate, to) - upTo(rate, from)
  if (rate.charge === 'package') return [{ step: '', units: quantity, amount: cost(before, after) }]
  const ends = (rate.steps ?? []).map(({ upTo: end }) => (end === undefined ? undefined : BigInt(end)))
  if (rate.charge === 'volume') {
    const step = ends.findIndex(end => end === undefined || after <= end) + 1
    return [{ step: String(step), units: quantity, amount: cost(before, after) }]
  }
  const found: { step: string; units: bigint; amount: bigint }[] = []
  let from = before
  for (const [index, end] of ends.entries()) {
    const to = end === undefined || end > after ? after : end
    if (to <= from) continue
    found.push({ step: String(index + 1), units: to - from, amount: cost(from, to) })
    from = to
  }
  return found
}

interface Sum {
  readonly priced: Priced
  readonly users: Map<string, { readonly model: string; quantity: bigint; exact: bigint }>
}

/** Usage of a period, line by line. */
export function usageLines(
  events: readonly Counted[],
  held: readonly Held[],
  service: string,
  taxOf: TaxOf,
): Line[] {
  const sums = new Map<string, Sum>()
  for (const event of events)
    for (const [unit, text] of Object.entries(event.quantities)) {
      const quantity = BigInt(text)
      if (quantity === 0n) continue
      const priced = rateOf(held, event, unit)
      if (!priced) throw new Error(`nothing prices ${unit} of ${event.model}`)
      const rate = priced.held.book.rates[priced.place] ?? ''
      const sum: Sum = sums.get(rate) ?? { priced, users: new Map() }
      sums.set(rate, sum)
      const key = JSON.stringify([event.project ?? '', event.model, unit, rate])
      const user = sum.users.get(key) ?? { model: event.model, quantity: 0n, exact: 0n }
      sum.users.set(key, user)
      user.quantity += quantity
      if ((priced.rate.charge ?? 'per_unit') === 'per_unit')
        user.exact += nearest(quantity * decimal(priced.rate.price ?? ''), BigInt(priced.rate.per))
    }
  const lines: Line[] = []
  /** Counting goes on through the versions of a book, in their order. */
  const counted = new Map<string, bigint>()
  const inOrder = [...sums.values()].toSorted((a, b) => a.priced.held.from - b.priced.held.from)
  for (const { priced, users } of inOrder) {
    const { rate } = priced
    const all = [...users].toSorted(([a], [b]) => (keyed(a) < keyed(b) ? -1 : 1))
    if ((rate.charge ?? 'per_unit') === 'per_unit') {
      for (const [key, { model, quantity, exact }] of all)
        lines.push(line(idOf(key, ''), 'usage', service, quantity, exact, taxOf(model)))
      continue
    }
    const series = JSON.stringify([
      priced.held.book.name,
      rate.unit,
      rate.model,
      rate.context,
      rate.workspace,
    ])
    const before = counted.get(series) ?? 0n
    const whole = total(all.map(([, { quantity }]) => quantity))
    counted.set(series, before + whole)
    const left = all.map(([, { quantity }]) => quantity)
    for (const { step, units, amount } of stretches(rate, before, whole)) {
      const taken = shared(
        left.map(each => each * units),
        total(left),
        units,
      )
      const amounts = byWeight(amount, taken)
      for (const [index, [key, { model }]] of all.entries()) {
        const [quantity, exact] = [taken[index] ?? 0n, amounts[index] ?? 0n]
        left[index] = (left[index] ?? 0n) - quantity
        if (quantity !== 0n || exact !== 0n)
          lines.push(line(idOf(key, step), 'usage', service, quantity, exact, taxOf(model)))
      }
    }
  }
  return lines.toSorted((a, b) => (keyed(a.id) < keyed(b.id) ? -1 : 1))
}

const idOf = (key: string, step: string) => JSON.stringify([...(JSON.parse(key) as string[]), step])
const keyed = (id: string) =>
  (JSON.parse(id) as string[])
    .map((part, index) => (index === 4 ? part.padStart(9, '0') : part))
    .join('\u0001')

export type TaxOf = (model: string) => Tax | undefined
