import { expect, test } from 'vitest'
import { fineNow } from '../src/telemetry-clock.ts'

test('the fine clock has fractions, and follows the wall clock when that is set', () => {
  let [wall, steady] = [1_000_000, 5000]
  const now = fineNow({ now: () => Math.floor(wall), monotonic: () => steady })
  expect(now()).toBe(1_000_000)
  steady += 0.25
  wall += 0.25
  expect(now()).toBe(1_000_000.25)
  wall += 3_600_000
  steady += 1000
  expect(now()).toBe(4_600_000)
  wall -= 7_200_000
  steady += 1000
  expect(now()).toBe(Math.floor(wall))
})

test('it goes back no more than it must where both clocks agree', () => {
  let steady = 0
  const now = fineNow({ now: () => Math.floor(1_000_000 + steady), monotonic: () => steady })
  let before = now()
  for (let i = 0; i < 10_000; i++) {
    steady += 0.7
    const at = now()
    expect(at).toBeGreaterThan(before)
    before = at
  }
})
