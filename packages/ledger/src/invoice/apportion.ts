// Whole shares that add up to a whole sum: by largest remainder, so that no share is off by a whole step.

/**
 * Integers next to `values / over` that add up to `total`: each is rounded down, and what is left goes to the largest
 * remainders, of equals to the first. `over` is above 0. A RangeError for a total that integers next to them cannot
 * add up to.
 */
export function wholes(values: readonly bigint[], over: bigint, total: bigint): readonly bigint[] {
  const parts = values.map((value, index) => {
    const remainder = ((value % over) + over) % over
    return { index, quotient: (value - remainder) / over, remainder }
  })
  const left = total - parts.reduce((sum, { quotient }) => sum + quotient, 0n)
  if (left < 0n || left > BigInt(parts.length))
    throw new RangeError(`${parts.length} shares cannot be rounded to add up to ${total}`)
  const raised = new Set(
    parts
      .toSorted((one, other) => compare(other.remainder, one.remainder) || one.index - other.index)
      .slice(0, Number(left)) // a count of parts
      .map(({ index }) => index),
  )
  return parts.map(({ index, quotient }) => (raised.has(index) ? quotient + 1n : quotient))
}

const compare = (one: bigint, other: bigint) => (one < other ? -1 : one > other ? 1 : 0)

/** Shares of an amount by weights, none below 0; all of it is the first's where they add up to 0. */
export function apportion(amount: bigint, weights: readonly bigint[]): readonly bigint[] {
  const sum = weights.reduce((total, weight) => total + weight, 0n)
  if (sum === 0n) return weights.map((_, index) => (index === 0 ? amount : 0n))
  return wholes(
    weights.map(weight => amount * weight),
    sum,
    amount,
  )
}
