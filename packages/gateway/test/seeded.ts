// Randomness that a failure can be run again with.

/** Printed in the title of a test: `SEED=… npx vitest run …` runs it again. */
export const seed = Number(process.env.SEED ?? Date.now() % 1_000_000)

/** Uniform in [0, 1), the same for the same seed: mulberry32. */
export function seeded(given: number): () => number {
  let state = given
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let word = Math.imul(state ^ (state >>> 15), 1 | state)
    word = (word + Math.imul(word ^ (word >>> 7), 61 | word)) ^ word
    return ((word ^ (word >>> 14)) >>> 0) / 2 ** 32
  }
}
