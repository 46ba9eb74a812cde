// Price books made ready: of a model and a moment, what it is sold for and what it costs.
import type { Quantities, Unit } from '@switchyard/dialects'
import {
  type DocumentOf,
  familyOf,
  formatDecimal,
  measuresTheSame,
  type PriceRate,
  parseDecimal,
  type priceBook,
  units,
} from '@switchyard/kinds'
import { mostFilled } from '@switchyard/runtime'
import { type Bounds, bound, ceiling, type Rates, rate, rateAtMost } from './rating.ts'

type Book = DocumentOf<typeof priceBook>

/** What one model costs at one time. */
export interface Tariff {
  readonly currency: string
  /** Exactly what it costs, as a decimal; undefined where some of it has no price. */
  quote(quantities: Quantities): string | undefined
  /**
   * What a request may use and has no price, of the units that its operation is metered by; undefined when all is
   * priced. Where they are more than tokens, such as images, a price for one of them is enough.
   */
  lacks(metered: readonly Metered[]): Metered | undefined
  /** Micro-units, rounded up, that a request within the bounds costs at most; what has no price counts nothing. */
  reserve(bounds: Bounds): bigint
  /** Micro-units, rounded up: what has no price takes the dearest of its direction; undefined where there is none. */
  charge(quantities: Quantities): bigint | undefined
  /** 10^-12 of the currency, rounded down, for a million tokens, three of input to one of output; undefined without both prices. */
  readonly blend: bigint | undefined
}

/** Of tokens the direction. */
type Metered = keyof Bounds

/** What asks a price. */
export interface Charger {
  /** The name that it knows the model by. */
  readonly model: string
  /** `WORKSPACE/NAME` or `platform/NAME`. */
  readonly provider?: string
  /** `WORKSPACE/NAME`. */
  readonly endpoint?: string
}

export interface Prices {
  /** What callers pay for a public model; undefined where no book in that currency names it. `at` in ms since 1970. */
  sale(model: string, currency: string, at: number): Tariff | undefined
  /** What it costs us. */
  cost(charger: Charger, currency: string, at: number): Tariff | undefined
}

/** What holds from a moment on, until the next. */
interface Era {
  readonly from: number
  readonly tariff: Tariff | undefined
}

/** A rate with the time for which its book holds. */
interface Dated extends PriceRate {
  readonly from: number
  readonly to: number
}

/** Models whose tariffs are kept. */
const mostModels = 10_000

export function compilePrices(books: readonly Book[]): Prices {
  const rows = Map.groupBy(
    books.flatMap(({ metadata, spec }) => {
      const from = Date.parse(spec.from)
      const to = spec.to === undefined ? Infinity : Date.parse(spec.to)
      const key = `${spec.side} ${spec.currency}`
      return spec.rates.map(one => ({ ...one, from, to, key, book: metadata.name }))
    }),
    ({ key }) => key,
  )
  // The most exact first; of equals the one whose book began last, then that of the first name.
  const ordered = new Map(
    [...rows].map(([key, all]) => [
      key,
      all.toSorted(
        (one, other) => byExactness(one, other) || other.from - one.from || (one.book < other.book ? -1 : 1),
      ),
    ]),
  )
  const known = new Map<string, readonly Era[]>()

  function find(side: 'sale' | 'cost', charger: Charger, currency: string, at: number): Tariff | undefined {
    const key = `${side} ${currency} ${charger.provider ?? ''} ${charger.endpoint ?? ''} ${charger.model}`
    let eras = known.get(key)
    if (!eras) {
      const fitting = ordered.get(`${side} ${currency}`)?.filter(one => fits(one, charger)) ?? []
      eras = erasOf(fitting, currency)
      if (known.size >= mostModels) known.clear()
      known.set(key, eras)
    }
    return eras.findLast(({ from }) => from <= at)?.tariff
  }

  return Object.freeze({
    sale: (model, currency, at) => find('sale', { model }, currency, at),
    cost: (charger, currency, at) => find('cost', charger, currency, at),
  } satisfies Prices)
}

/** By time. `rows` fit one charger, the most exact first. */
function erasOf(rows: readonly Dated[], currency: string): readonly Era[] {
  const moments = [...new Set(rows.flatMap(({ from, to }) => [from, to]))].toSorted(
    (one, other) => one - other,
  )
  return moments.map(from => {
    const holding = rows.filter(row => row.from <= from && from < row.to)
    return { from, tariff: holding.length === 0 ? undefined : tariffOf(currency, ratesOf(holding)) }
  })
}

/** Of several measures of one thing the one with the most exact rate is priced. */
function ratesOf(rows: readonly PriceRate[]): Rates {
  const found = new Map<Unit, PriceRate>()
  for (const row of rows)
    for (const unit of units)
      if ((row.unit === unit || row.unit === familyOf(unit)) && !taken(found, unit)) found.set(unit, row)
  return Object.freeze(
    Object.fromEntries(
      [...found].map(([unit, row]) => [unit, Object.freeze({ price: priceOf(row), per: BigInt(row.per) })]),
    ),
  )
}

const taken = (found: ReadonlyMap<Unit, PriceRate>, unit: Unit) =>
  found.has(unit) || [...found.keys()].some(other => measuresTheSame(unit, other))

function priceOf({ price }: PriceRate): bigint {
  const parsed = parseDecimal(price)
  if (parsed === undefined) throw new TypeError(`a price that no book can hold: ${price}`)
  return parsed
}

function fits(one: PriceRate, { model, provider, endpoint }: Charger): boolean {
  if (one.provider !== undefined && one.provider !== provider) return false
  if (one.endpoint !== undefined && one.endpoint !== endpoint) return false
  return one.model.endsWith('*') ? model.startsWith(one.model.slice(0, -1)) : one.model === model
}

/** Who asks the price is more than for which model, and that more than for which unit. */
function byExactness(one: PriceRate, other: PriceRate): number {
  return (
    named(other) - named(one) ||
    exactness(other.model) - exactness(one.model) ||
    exactness(other.unit) - exactness(one.unit)
  )
}

const named = ({ provider, endpoint }: PriceRate) =>
  provider === undefined && endpoint === undefined ? 0 : 1

/** Of patterns that fit the same name: the whole name above its longest beginning. */
const exactness = (pattern: string) => (pattern.endsWith('*') ? pattern.length : whole)
const whole = 1000 // longer than any pattern

const microUnit = 1_000_000n

/** Micro-units of an amount, rounded up; what no limit can hold stays above every limit. */
function micro(amount: bigint): bigint {
  const units = ceiling(amount, microUnit)
  const most = BigInt(mostFilled) + 1n
  return units < most ? units : most
}

const isMedia = (metered: Metered) => !metered.startsWith('tok.')

const million = 1_000_000n

function tariffOf(currency: string, rates: Rates): Tariff {
  const blended = rate({ 'tok.in.uncached': 3n * million, 'tok.out.text': million }, rates)
  const priced = (metered: Metered): boolean => {
    if (metered === 'tok.in.*') return rates['tok.in.uncached'] !== undefined
    return rates[metered === 'tok.out.*' ? 'tok.out.text' : metered] !== undefined
  }
  return Object.freeze({
    currency,
    quote(quantities) {
      const rated = rate(quantities, rates)
      return rated.type === 'rated' ? formatDecimal(rated.amount) : undefined
    },
    lacks(metered) {
      const lacking = metered.find(unit => !priced(unit))
      return metered.some(isMedia) && metered.some(priced) ? undefined : lacking
    },
    reserve: bounds => micro(bound(bounds, rates)),
    charge(quantities) {
      const rated = rateAtMost(quantities, rates)
      return rated.type === 'rated' ? micro(rated.amount) : undefined
    },
    blend: blended.type === 'rated' ? blended.amount / 4n : undefined,
  } satisfies Tariff)
}
