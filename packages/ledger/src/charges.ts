// The models of a price: what a quantity costs by itself, and what it adds to what a period has counted. Exact, and from
// nothing but the price and quantities. Amounts are in 10^-12 of a currency.
import { type PriceRate, parseDecimal } from '@switchyard/kinds'

interface Step {
  /** Units of a period, that one included; undefined in the last. */
  readonly upTo: bigint | undefined
  readonly price: bigint
  readonly flat: bigint
}

/** A price made ready. `per` units cost the price. */
export type Charge =
  | (Plain & { readonly type: 'per_unit' })
  | (Plain & { readonly type: 'package' })
  | (Stepped & { readonly type: 'graduated' })
  | (Stepped & { readonly type: 'volume' })

interface Plain {
  readonly price: bigint
  readonly per: bigint
}

interface Stepped {
  readonly steps: readonly Step[]
  readonly per: bigint
}

export function chargeOf({ charge = 'per_unit', price = '0', per, steps = [] }: PriceRate): Charge {
  if (charge === 'graduated' || charge === 'volume')
    return Object.freeze({
      type: charge,
      per: BigInt(per),
      steps: Object.freeze(
        steps.map(({ upTo, price: its, flat = '0' }) =>
          Object.freeze({
            upTo: upTo === undefined ? undefined : BigInt(upTo),
            price: amountIn(its),
            flat: amountIn(flat),
          }),
        ),
      ),
    })
  return Object.freeze({ type: charge, price: amountIn(price), per: BigInt(per) })
}

function amountIn(text: string): bigint {
  const parsed = parseDecimal(text)
  if (parsed === undefined) throw new TypeError(`a price that no book can hold: ${text}`)
  return parsed
}

/** What a quantity of a whole period costs. Whole for every quantity, so that its differences add up to it. */
export function totalOf(charge: Charge, quantity: bigint): bigint {
  if (quantity === 0n) return 0n
  if (charge.type === 'graduated') return graduated(charge, quantity)
  if (charge.type === 'volume') return volume(charge, quantity)
  const { type, price, per } = charge
  return type === 'package' ? ceiling(quantity, per) * price : halfEven(quantity * price, per)
}

function graduated({ steps, per }: Stepped, quantity: bigint): bigint {
  let flats = 0n
  let priced = 0n
  let below = 0n
  for (const { upTo, price, flat } of steps) {
    if (quantity <= below) break
    const upper = upTo === undefined || upTo > quantity ? quantity : upTo
    priced += (upper - below) * price
    flats += flat
    below = upper
  }
  return halfEven(priced, per) + flats
}

function volume({ steps, per }: Stepped, quantity: bigint): bigint {
  const reached = steps.find(({ upTo }) => upTo === undefined || quantity <= upTo)
  if (!reached) throw new TypeError('a last step that ends')
  return halfEven(quantity * reached.price, per) + reached.flat
}

/**
 * What a quantity costs that comes after `before` units of its period. Each unit's price depends on nothing else; of the
 * others the amounts of a period add up to its total, whatever the order. Under `volume` it may be below 0: what came
 * before gets cheaper too.
 */
export function amountOf(charge: Charge, before: bigint, quantity: bigint): bigint {
  if (charge.type === 'per_unit') return halfEven(quantity * charge.price, charge.per)
  return totalOf(charge, before + quantity) - totalOf(charge, before)
}

/** Divides, rounded to the nearest, and to the even one of two as near. Neither is below 0. */
export function halfEven(amount: bigint, over: bigint): bigint {
  const whole = amount / over
  const twice = (amount % over) * 2n
  return twice > over || (twice === over && whole % 2n === 1n) ? whole + 1n : whole
}

export const ceiling = (amount: bigint, over: bigint): bigint => (amount + over - 1n) / over

/** 0 where there is none above it. */
export function highest(amounts: readonly bigint[]): bigint {
  let top = 0n
  for (const amount of amounts) if (amount > top) top = amount
  return top
}
