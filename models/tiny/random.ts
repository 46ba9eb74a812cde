// One seeded source of chance for corpus, weights and batches, so that a seed names a file.

/** Draws from a fixed sequence; two draws with the same seed see the same numbers. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number
  /** Whole number in [0, bound). */
  below(bound: number): number
  /** One of the given, evenly; throws a TypeError when there is nothing to pick. */
  pick<T>(from: readonly T[]): T
  /** Normal with mean 0 and variance 1 (Box-Muller). */
  normal(): number
}

/** mulberry32: 32 bits of state, good enough for text and weights, the same on every machine. */
export function seeded(seed: number): Random {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
  const below = (bound: number) => Math.floor(next() * bound)
  return {
    next,
    below,
    pick: from => {
      const picked = from[below(from.length)]
      if (picked === undefined) throw new TypeError('pick needs a list with at least one element')
      return picked
    },
    normal: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
  }
}
