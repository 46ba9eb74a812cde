// Price books made ready: of a model and a moment, what it is sold for and what it costs.
import type { Quantities, Unit } from '@switchyard/dialects'
import {
  byExactness,
  familyOf,
  formatDecimal,
  isOfPeriod,
  matchOf,
  measuresTheSame,
  type PriceRate,
  type ServiceTier,
  units,
} from '@switchyard/kinds'
import { type BookVersion, mostFilled } from '@switchyard/runtime'
import { ceiling, chargeOf, highest } from './charges.ts'
import {
  type Bounds,
  bound,
  type Counted,
  mostOf,
  type Rated,
  type Rates,
  rate,
  rateAtMost,
} from './rating.ts'

/** What one model costs at one time. */
export interface Tariff {
  readonly currency: string
  /** What each unit costs, exactly. */
  rate(quantities: Quantities, counted: Counted): Rated
  /** What it costs by itself, as a decimal: exactly, where no price goes by a period; undefined where some of it has none. */
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

/** For whom and for what a price may be another one. */
export interface Circumstances {
  /** `standard` when absent. */
  readonly tier?: ServiceTier
  readonly region?: string
  /** Of the caller. */
  readonly workspace?: string
}

/** What asks a price. */
export interface Charger extends Circumstances {
  /** The name that it knows the model by. */
  readonly model: string
  /** `WORKSPACE/NAME` or `platform/NAME`. */
  readonly provider?: string
  /** `WORKSPACE/NAME`. */
  readonly endpoint?: string
}

export interface Prices {
  /** What callers pay for a public model; undefined where no book in that currency names it. `at` in ms since 1970. */
  sale(model: string, currency: string, at: number, circumstances?: Circumstances): Tariff | undefined
  /** What it costs us. */
  cost(charger: Charger, currency: string, at: number): Tariff | undefined
}

/** What holds from a moment on, until the next. */
interface Era {
  readonly from: number
  readonly tariff: Tariff | undefined
}

/** A rate with the time for which it holds. */
interface Dated extends PriceRate {
  readonly id: string
  readonly from: number
  readonly to: number
  /** Of its book, whose `from` is the moment. */
  readonly book: string
  readonly began: number
}

/** Models whose tariffs are kept. */
const mostModels = 10_000

export function compilePrices(books: readonly BookVersion[]): Prices {
  // The most exact first; of equals the one whose book began last, then that of the first name.
  const ordered = new Map(
    [...Map.groupBy(books, ({ spec }) => `${spec.side} ${spec.currency}`)].map(([key, all]) => [
      key,
      all
        .flatMap(datedOf)
        .toSorted(
          (one, other) =>
            byExactness(one, other) || other.began - one.began || (one.book < other.book ? -1 : 1),
        ),
    ]),
  )
  const known = new Map<string, readonly Era[]>()

  function find(side: 'sale' | 'cost', charger: Charger, currency: string, at: number): Tariff | undefined {
    const { model, provider, endpoint, tier, region, workspace } = charger
    const rows = ordered.get(`${side} ${currency}`)
    const unpriced = tier === 'cache' ? free(currency) : undefined
    if (!rows) return unpriced
    const key = `${side} ${currency} ${provider ?? ''} ${endpoint ?? ''} ${tier ?? ''} ${region ?? ''} ${workspace ?? ''} ${model}`
    let eras = known.get(key)
    if (!eras) {
      eras = erasOf(rows, charger, currency)
      if (known.size >= mostModels) known.clear()
      known.set(key, eras)
    }
    return eras.findLast(({ from }) => from <= at)?.tariff ?? unpriced
  }

  return Object.freeze({
    sale: (model, currency, at, circumstances) => find('sale', { ...circumstances, model }, currency, at),
    cost: (charger, currency, at) => find('cost', charger, currency, at),
  } satisfies Prices)
}

function datedOf({ name, spec, rates }: BookVersion): readonly Dated[] {
  const began = Date.parse(spec.from)
  return rates.flatMap(({ id, place, from, to = Infinity }) => {
    const its = spec.rates[place]
    return its ? [{ ...its, id, from, to, book: name, began }] : []
  })
}

/** By time. `rows` the most exact first. */
function erasOf(rows: readonly Dated[], charger: Charger, currency: string): readonly Era[] {
  const own = rows.filter(one => fits(one, charger))
  const others = variantsOf(rows, charger).map(other => rows.filter(one => fits(one, other)))
  const moments = new Set([own, ...others].flat().flatMap(({ from, to }) => [from, to]))
  return [...moments]
    .toSorted((one, other) => one - other)
    .map(from => {
      const bandsOfNow = (all: readonly Dated[]) =>
        bandsOf(all.filter(row => row.from <= from && from < row.to))
      const bands = bandsOfNow(own)
      if (bands.every(({ rates }) => Object.keys(rates).length === 0)) return { from, tariff: undefined }
      return { from, tariff: tariffOf(currency, bands, others.flatMap(bandsOfNow), charger.tier === 'cache') }
    })
}

/**
 * The tiers and regions in which a request may turn out to have been served, where prices go by them and the charger says
 * neither: which it was is known from its answer.
 */
function variantsOf(rows: readonly Dated[], charger: Charger): readonly Charger[] {
  if (charger.tier !== undefined || charger.region !== undefined) return []
  const loose = rows.filter(row => fits({ ...row, tier: undefined, region: undefined }, charger))
  const tiers = new Set([undefined, ...loose.map(({ tier }) => tier)])
  const regions = new Set([undefined, ...loose.map(({ region }) => region)])
  return [...tiers].flatMap(tier =>
    [...regions].flatMap(region =>
      tier === undefined && region === undefined
        ? []
        : [{ ...charger, ...(tier !== undefined && { tier }), ...(region !== undefined && { region }) }],
    ),
  )
}

/** Rates for requests with so many tokens in, or more. */
interface Band {
  readonly from: bigint
  readonly rates: Rates
}

/** From no token in on; one where no price goes by the context. */
function bandsOf(rows: readonly Dated[]): readonly Band[] {
  const edges = new Set([0, ...rows.flatMap(({ context }) => [context?.from ?? 0, context?.to ?? 0])])
  return [...edges]
    .toSorted((one, other) => one - other)
    .map(from => ({
      from: BigInt(from),
      rates: ratesOf(
        rows.filter(({ context }) => !context || (context.from <= from && from < (context.to ?? Infinity))),
      ),
    }))
}

/** Of several measures of one thing the one with the most exact rate is priced. */
function ratesOf(rows: readonly Dated[]): Rates {
  const found = new Map<Unit, Dated>()
  for (const row of rows)
    for (const unit of units)
      if ((row.unit === unit || row.unit === familyOf(unit)) && !taken(found, unit)) found.set(unit, row)
  return Object.freeze(
    Object.fromEntries(
      [...found].map(([unit, row]) => {
        const charge = chargeOf(row)
        const series = isOfPeriod(row) ? seriesOf(row) : undefined
        return [unit, Object.freeze({ id: row.id, charge, series, most: mostOf(charge) })]
      }),
    ),
  )
}

/** What is counted together goes on through the versions of a book. */
function seriesOf(row: Dated): string {
  const { from = 0, to = '' } = row.context ?? {}
  return `${row.book} ${row.unit} ${from}-${to} ${matchOf(row)}`
}

const taken = (found: ReadonlyMap<Unit, Dated>, unit: Unit) =>
  found.has(unit) || [...found.keys()].some(other => measuresTheSame(unit, other))

function fits(one: PriceRate, charger: Charger): boolean {
  if (one.provider !== undefined && one.provider !== charger.provider) return false
  if (one.endpoint !== undefined && one.endpoint !== charger.endpoint) return false
  // What is given from a cache has cost nobody anything: what holds for every tier does not hold for it.
  if (one.tier === undefined ? charger.tier === 'cache' : one.tier !== (charger.tier ?? 'standard'))
    return false
  if (one.region !== undefined && one.region !== charger.region) return false
  if (one.workspace !== undefined && one.workspace !== charger.workspace) return false
  return one.model.endsWith('*')
    ? charger.model.startsWith(one.model.slice(0, -1))
    : one.model === charger.model
}

const microUnit = 1_000_000n

/** Micro-units of an amount, rounded up; what no limit can hold stays above every limit. */
function micro(amount: bigint): bigint {
  const units = ceiling(amount, microUnit)
  const most = BigInt(mostFilled) + 1n
  return units < most ? units : most
}

const isMedia = (metered: Metered) => !metered.startsWith('tok.')

const million = 1_000_000n

/** Tokens in, of every class. */
function contextOf(quantities: Quantities): bigint {
  let sum = 0n
  for (const unit of units) if (familyOf(unit) === 'tok.in.*') sum += quantities[unit] ?? 0n
  return sum
}

/** Those that have a price. */
const pricedOf = (quantities: Quantities, rates: Rates): Quantities =>
  Object.fromEntries(Object.entries(quantities).filter(([unit]) => Object.hasOwn(rates, unit)))

const noBands: readonly Band[] = []
const free = (currency: string) => tariffOf(currency, noBands, noBands, true)

/** `others`: what it may come to in another tier or region; `lenient`: what has no price is free. */
function tariffOf(
  currency: string,
  bands: readonly Band[],
  others: readonly Band[],
  lenient: boolean,
): Tariff {
  const ratesFor = (quantities: Quantities): Rates => {
    const context = bands.length > 1 ? contextOf(quantities) : 0n
    return bands.findLast(({ from }) => from <= context)?.rates ?? {}
  }
  const sold = (quantities: Quantities, rates: Rates) => (lenient ? pricedOf(quantities, rates) : quantities)
  const rated = (quantities: Quantities, counted?: Counted) => {
    const rates = ratesFor(quantities)
    return rate(sold(quantities, rates), rates, counted)
  }
  const all = bands.map(({ rates }) => rates)
  const blended = rate({ 'tok.in.uncached': 3n * million, 'tok.out.text': million }, all[0] ?? {})
  const priced = (metered: Metered): boolean =>
    all.every(rates => {
      if (metered === 'tok.in.*') return rates['tok.in.uncached'] !== undefined
      return rates[metered === 'tok.out.*' ? 'tok.out.text' : metered] !== undefined
    })
  return Object.freeze({
    currency,
    rate: rated,
    quote(quantities) {
      const its = rated(quantities)
      return its.type === 'rated' ? formatDecimal(its.amount) : undefined
    },
    lacks(metered) {
      if (lenient) return undefined
      const lacking = metered.find(unit => !priced(unit))
      return metered.some(isMedia) && metered.some(priced) ? undefined : lacking
    },
    // Of which context, tier and region it will be is not known yet.
    reserve: bounds => micro(highest([...bands, ...others].map(({ rates }) => bound(bounds, rates)))),
    charge(quantities) {
      const rates = ratesFor(quantities)
      const its = rateAtMost(sold(quantities, rates), rates)
      return its.type === 'rated' ? micro(its.amount) : undefined
    },
    blend: blended.type === 'rated' ? blended.amount / 4n : undefined,
  } satisfies Tariff)
}
