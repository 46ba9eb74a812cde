// What the soak says of memory: a slope is found, and what only wanders is not taken for one.
import { expect, test } from 'vitest'
import { fewestJudged, judgedTogether, slope } from '../slope.ts'

/** From 0 up to 1, the same for each seed. */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

/** Each sample keeps four fifths of how far the one before it was off. */
function wandering(seed: number, count: number, up: number) {
  const next = random(seed)
  let off = 0
  return Array.from({ length: count }, (_, at) => {
    off = 0.8 * off + next() - 0.5
    return { at, value: 200 + at * up + off }
  })
}

test('a line is found without doubt', () => {
  const found = slope(wandering(1, 300, 0).map(({ at }) => ({ at, value: 100 + at / 4 })))
  expect(found.up).toBeCloseTo(0.25, 9)
  expect(found.doubt).toBeLessThan(1e-9)
  expect(found.level).toBeCloseTo(100 + 299 / 8, 9)
})

test('what wanders about one level is rarely taken for a slope', () => {
  const runs = Array.from({ length: 200 }, (_, seed) => slope(wandering(seed, 390, 0)))
  const wrong = runs.filter(({ up, doubt }) => Math.abs(up) > doubt)
  // Twice the standard error is left by one in twenty; neighbours that are alike still add to that.
  expect(wrong.length).toBeLessThan(30)
})

test('what goes up while it wanders is found', () => {
  const runs = Array.from({ length: 200 }, (_, seed) => slope(wandering(seed, 390, 0.02)))
  expect(runs.filter(({ up, doubt }) => up - doubt > 0).length).toBeGreaterThan(190)
})

test('too few samples tell nothing', () => {
  expect(slope(wandering(1, fewestJudged * judgedTogether - 1, 1)).doubt).toBe(Number.POSITIVE_INFINITY)
})
