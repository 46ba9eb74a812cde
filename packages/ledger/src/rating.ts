// What usage costs: exact, and from nothing but quantities, rates and what their period has counted. Amounts are in
// 10^-12 of a currency.
import type { Quantities, Unit } from '@switchyard/dialects'
import { familyOf, measuresTheSame, type UnitFamily, units } from '@switchyard/kinds'
import { amountOf, type Charge, ceiling, highest } from './charges.ts'

/** The price of a unit. */
export interface Rate {
  /** Of the published rate. */
  readonly id: string
  readonly charge: Charge
  /** What is counted together in a period; undefined where each request is priced by itself. */
  readonly series: string | undefined
  /** `per` units cost at most so much, in 10^-12 of the currency; 0 is free. */
  readonly most: { readonly price: bigint; readonly per: bigint; readonly begun: bigint }
}

/** A unit without a rate has no price, which is not 0. */
export type Rates = Readonly<Partial<Record<Unit, Rate>>>

/** There is a quantity that has no price. */
interface Unpriced {
  readonly type: 'unpriced'
  readonly unit: Unit | UnitFamily
}

/** What one unit of an event costs. */
export interface RatedLine {
  readonly unit: Unit
  readonly rate: Rate
  readonly quantity: bigint
  readonly amount: bigint
}

export type Rated =
  | { readonly type: 'rated'; readonly amount: bigint; readonly lines: readonly RatedLine[] }
  | Unpriced

/** Units that a series has counted in the period before the event. */
export type Counted = (series: string) => bigint

export const nothing: Counted = () => 0n

/**
 * Each unit's price by its charge, and their sum. A unit without a rate is paid for by another measure of the same
 * thing, if that is there too and has one.
 */
export function rate(quantities: Quantities, rates: Rates, counted = nothing): Rated {
  const lines: RatedLine[] = []
  let amount = 0n
  for (const unit of units) {
    const quantity = quantities[unit] ?? 0n
    if (quantity === 0n) continue
    const its = rates[unit]
    if (its) {
      const before = its.series === undefined ? 0n : counted(its.series) + ofSeries(lines, its.series)
      const costs = amountOf(its.charge, before, quantity)
      lines.push({ unit, rate: its, quantity, amount: costs })
      amount += costs
    } else if (!isPaidOtherwise(unit, quantities, rates)) return { type: 'unpriced', unit }
  }
  return { type: 'rated', amount, lines }
}

/** What units of the same event have counted before. */
function ofSeries(lines: readonly RatedLine[], series: string): bigint {
  let sum = 0n
  for (const line of lines) if (line.rate.series === series) sum += line.quantity
  return sum
}

function isPaidOtherwise(unit: Unit, quantities: Quantities, rates: Rates): boolean {
  return units.some(
    other => measuresTheSame(unit, other) && rates[other] !== undefined && (quantities[other] ?? 0n) > 0n,
  )
}

/**
 * For a limit, which must hold and knows no period: what is priced by it is taken for its dearest, and what has no price
 * takes the dearest of its direction, if there is one.
 */
export function rateAtMost(
  quantities: Quantities,
  rates: Rates,
): { readonly type: 'rated'; readonly amount: bigint } | Unpriced {
  let amount = 0n
  for (const unit of units) {
    const quantity = quantities[unit] ?? 0n
    if (quantity === 0n) continue
    const family = familyOf(unit)
    const otherwise = rates[unit] === undefined && isPaidOtherwise(unit, quantities, rates)
    const its = rates[unit] ?? (family && !otherwise ? dearest(rates, family) : undefined)
    if (its?.charge.type === 'per_unit') amount += amountOf(its.charge, 0n, quantity)
    else if (its) amount += ceiling(quantity * its.most.price, its.most.per)
    else if (!otherwise) return { type: 'unpriced', unit }
  }
  return { type: 'rated', amount }
}

function dearest(rates: Rates, family: UnitFamily): Rate | undefined {
  let top: Rate | undefined
  for (const unit of units) {
    const its = rates[unit]
    if (!its || familyOf(unit) !== family) continue
    if (!top || its.most.price * top.most.per > top.most.price * its.most.per) top = its
  }
  return top
}

/** What a request may use at most: tokens by their direction, whatever classes they divide into. */
export type Bounds = Readonly<Partial<Record<Exclude<Unit, `tok.${string}`> | UnitFamily, bigint>>>

/** No usage within the bounds is rated above it; what has no price counts nothing. */
export function bound(bounds: Bounds, rates: Rates): bigint {
  let amount = 0n
  for (const [name, quantity] of Object.entries(bounds)) {
    if (quantity === 0n) continue
    // Why `as`: the keys of the type.
    const unit = name as keyof Bounds
    const its = isFamily(unit) ? dearest(rates, unit) : rates[unit]
    // Each unit of a direction may be rounded up by half. What is free stays free.
    if (its && its.most.price > 0n)
      amount += ceiling(quantity * its.most.price, its.most.per) + BigInt(units.length)
    amount += begun(rates, unit)
  }
  return amount
}

/** What is asked at once when a step or a package is begun. */
function begun(rates: Rates, unit: keyof Bounds): bigint {
  if (!isFamily(unit)) return rates[unit]?.most.begun ?? 0n
  let amount = 0n
  for (const one of units) if (familyOf(one) === unit) amount += rates[one]?.most.begun ?? 0n
  return amount
}

const isFamily = (unit: keyof Bounds): unit is UnitFamily => unit.endsWith('*')

/** What a charge asks at most, as a price of each unit and of what may be begun. */
export function mostOf(charge: Charge): Rate['most'] {
  const { per } = charge
  if (charge.type === 'per_unit' || charge.type === 'package')
    return { price: charge.price, per, begun: charge.type === 'package' ? charge.price : 0n }
  const price = highest(charge.steps.map(step => step.price))
  return { price, per, begun: charge.steps.reduce((sum, { flat }) => sum + flat, 0n) }
}
