// The bars of the bench: what counts as met, and that ratios are of medians.
import { expect, test } from 'vitest'
import { type Bar, bars, verdict } from '../bars.ts'
import kept from '../results/gateway.json' with { type: 'json' }
import { median, type Results, ratio } from '../results.ts'

const row = (bar: Bar['bar'], value: number, allowed?: number): Bar => ({
  measure: 'a measure',
  bar,
  unit: 'x',
  value,
  ...(allowed === undefined ? {} : { allowed }),
})

test.each([
  ['a value at the most that is allowed is met', row({ most: 2 }, 2), 'met'],
  ['a value above the most is missed', row({ most: 2 }, 2.01), 'missed'],
  ['a value that should be below its bar and is at it is missed', row({ below: 1 }, 1), 'missed'],
  ['a value at the least is met', row({ least: 20 }, 20), 'met'],
  ['a value under the least is missed', row({ least: 20 }, 19.9), 'missed'],
  ['nothing measured is neither met nor missed', row({ most: 2 }, Number.NaN), 'not measured'],
  [
    'all that a small machine allows is called that and not met',
    row({ least: 20_000 }, 19_700, 19_700),
    'as many as the machine allows',
  ],
  ['fewer than the machine allows is missed', row({ least: 20_000 }, 19_699, 19_700), 'missed'],
] as const)('%s', (_, bar, expected) => {
  expect(verdict(bar)).toBe(expected)
})

test('a median of an even count lies between the middle two', () => {
  expect(median([4, 1, 3, 2])).toBe(2.5)
  expect(median([9, 1, 2])).toBe(2)
})

test('a ratio is of medians, so that one bad round of either side does not decide', () => {
  const cells = (...costs: number[]) => costs.map(cost => ({ cost }))
  expect(ratio(cells(2, 2, 90), cells(1, 1, 1), ({ cost }) => cost)).toBe(2)
  expect(ratio(cells(2, 2, 2), undefined, ({ cost }) => cost)).toBeNaN()
})

test('E6: the run that is kept has measured every bar beside its references', () => {
  const all = bars(kept as unknown as Results) // written by a run
  expect(all.length).toBeGreaterThanOrEqual(17)
  expect(all.filter(bar => verdict(bar) === 'not measured').map(({ measure }) => measure)).toEqual([])
})
