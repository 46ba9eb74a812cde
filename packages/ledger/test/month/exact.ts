// Whole numbers and nothing else: amounts are 10^-12 of a currency.
export const one = 10n ** 12n
/** A decimal as a whole number of 10^-12. */
export function decimal(text: string): bigint {
  const [, sign = '', whole = '0', rest = ''] = /^(-?)(\d+)(?:\.(\d{1,12}))?$/.exec(text) ?? []
  const size = BigInt(whole) * one + BigInt(rest.padEnd(12, '0'))
  return sign === '-' ? -size : size
}

/** The whole number nearest to a fraction; of two as near the even one, or the one further from nothing. */
export function nearest(top: bigint, bottom: bigint, half: 'half_even' | 'half_up' = 'half_even'): bigint {
  const negative = top < 0n
  const size = negative ? -top : top
  let whole = size / bottom
  const rest = 2n * (size - whole * bottom)
  if (rest > bottom || (rest === bottom && (half === 'half_up' || whole % 2n === 1n))) whole += 1n
  return negative ? -whole : whole
}

/** Whole parts next to `tops[i] / bottom` that add up to `all`; the largest remainders are rounded up. */
export function shared(tops: readonly bigint[], bottom: bigint, all: bigint): bigint[] {
  const parts = tops.map(top => {
    const rest = ((top % bottom) + bottom) % bottom
    return { whole: (top - rest) / bottom, rest }
  })
  let left = all - parts.reduce((sum, { whole }) => sum + whole, 0n)
  const order = parts.map((_, index) => index)
  order.sort((a, b) => {
    const [x, y] = [parts[a]?.rest ?? 0n, parts[b]?.rest ?? 0n]
    return x === y ? a - b : x > y ? -1 : 1
  })
  for (const index of order) {
    const part = parts[index]
    if (left <= 0n || !part) break
    part.whole += 1n
    left -= 1n
  }
  return parts.map(({ whole }) => whole)
}

export const total = (all: readonly bigint[]) => all.reduce((sum, each) => sum + each, 0n)
export const byWeight = (amount: bigint, weights: readonly bigint[]) =>
  total(weights) === 0n
    ? weights.map((_, index) => (index === 0 ? amount : 0n))
    : shared(
        weights.map(weight => weight * amount),
        total(weights),
        amount,
      )
