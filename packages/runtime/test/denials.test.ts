import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DenialTally } from '../src/index.ts'

test('every refusal is told once, whole or in a count, however many origins there are', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({ origin: fc.integer({ min: 0, max: 30 }), wait: fc.integer({ min: 0, max: 20_000 }) }),
        {
          maxLength: 300,
        },
      ),
      steps => {
        let now = 0
        const tally = new DenialTally<number>({ now: () => now, whole: 3, wholeOfAll: 20, most: 5 })
        let told = 0
        let open = 0
        const settle = (all: boolean) => {
          const due = tally.due(all)
          open = Math.max(open, due.length)
          for (const { count } of due) told += count
        }
        for (const { origin, wait } of steps) {
          now += wait
          if (tally.take(String(origin), 'a.b', origin)) told += 1
          settle(false)
        }
        settle(true)
        expect(told).toBe(steps.length)
        // Five that are told apart, and what is beyond them.
        expect(open).toBeLessThanOrEqual(6)
        expect(tally.counting).toBe(false)
      },
    ),
  )
})

test('what could not be told is told later, and origins beyond the bound together', () => {
  let now = 0
  const tally = new DenialTally<string>({ now: () => now, most: 2, common: () => 'somebody' })
  for (const origin of ['1', '2', '3', '4'])
    tally.missed({ origin, action: 'a.b', entry: `from ${origin}`, count: 2 })
  expect(tally.due()).toEqual([])
  now = 60_000
  expect(tally.due()).toEqual([
    { origin: '1', action: 'a.b', entry: 'from 1', count: 2 },
    { origin: '2', action: 'a.b', entry: 'from 2', count: 2 },
    { origin: '', action: 'a.b', entry: 'somebody', count: 4 },
  ])
})
