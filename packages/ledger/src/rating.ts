// What usage costs: exact, and from nothing but quantities and rates. Amounts are in 10^-12 of a currency.
import type { Quantities, Unit } from '@switchyard/dialects'
import { familyOf, measuresTheSame, type UnitFamily, units } from '@switchyard/kinds'

/** `per` units cost `price`. */
export interface Rate {
  /** In 10^-12 of the currency; 0 is free. */
  readonly price: bigint
  readonly per: bigint
}

/** A unit without a rate has no price, which is not 0. */
export type Rates = Readonly<Partial<Record<Unit, Rate>>>

export type Rated =
  | { readonly type: 'rated'; readonly amount: bigint }
  /** There is a quantity that has no price. */
  | { readonly type: 'unpriced'; readonly unit: Unit | UnitFamily }

/**
 * Each unit's quantity x price / per, rounded half-even, and their sum. A unit without a rate is paid for by another
 * measure of the same thing, if that is there too and has one.
 */
export function rate(quantities: Quantities, rates: Rates): Rated {
  let amount = 0n
  for (const unit of units) {
    const quantity = quantities[unit] ?? 0n
    if (quantity === 0n) continue
    const its = rates[unit]
    if (its) amount += halfEven(quantity * its.price, its.per)
    else if (!isPaidOtherwise(unit, quantities, rates)) return { type: 'unpriced', unit }
  }
  return { type: 'rated', amount }
}

function isPaidOtherwise(unit: Unit, quantities: Quantities, rates: Rates): boolean {
  return units.some(
    other => measuresTheSame(unit, other) && rates[other] !== undefined && (quantities[other] ?? 0n) > 0n,
  )
}

/** The same for a limit, which must hold: what has no price takes the dearest of its direction, if there is one. */
export function rateAtMost(quantities: Quantities, rates: Rates): Rated {
  const filled: Partial<Record<Unit, Rate>> = { ...rates }
  for (const unit of units) {
    const family = familyOf(unit)
    const its = rates[unit] ?? (family && !isPaidOtherwise(unit, quantities, rates) && dearest(rates, family))
    if (its) filled[unit] = its
  }
  return rate(quantities, filled)
}

export function dearest(rates: Rates, family: UnitFamily): Rate | undefined {
  let most: Rate | undefined
  for (const unit of units) {
    const its = rates[unit]
    if (its && familyOf(unit) === family && (!most || its.price * most.per > most.price * its.per)) most = its
  }
  return most
}

/** What a request may use at most: tokens by their direction, whatever classes they divide into. */
export type Bounds = Readonly<Partial<Record<Exclude<Unit, `tok.${string}`> | UnitFamily, bigint>>>

/** No usage within the bounds is rated above it; what has no price counts nothing. */
export function bound(bounds: Bounds, rates: Rates): bigint {
  let amount = 0n
  for (const [name, quantity] of Object.entries(bounds)) {
    // Why `as`: the keys of the type.
    const unit = name as keyof Bounds
    const its = isFamily(unit) ? dearest(rates, unit) : rates[unit]
    // Each unit of a direction may be rounded up by half. What is free stays free.
    if (its && quantity > 0n && its.price > 0n)
      amount += ceiling(quantity * its.price, its.per) + BigInt(units.length)
  }
  return amount
}

const isFamily = (unit: keyof Bounds): unit is UnitFamily => unit.endsWith('*')

/** Divides, rounded to the nearest, and to the even one of two as near. Neither is below 0. */
export function halfEven(amount: bigint, over: bigint): bigint {
  const whole = amount / over
  const twice = (amount % over) * 2n
  return twice > over || (twice === over && whole % 2n === 1n) ? whole + 1n : whole
}

export const ceiling = (amount: bigint, over: bigint): bigint => (amount + over - 1n) / over
