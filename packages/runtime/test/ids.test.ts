import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Ids } from '../src/ids.ts'

/** The first three end alike, so that they have one number. */
const ids = ['a-0123456789', 'b-0123456789', 'c-0123456789', 'd', 'e', ''] as const

test('hold what a Map would under any changes, also of ids that have one number', () => {
  const change = fc.record({ id: fc.constantFrom(...ids), value: fc.option(fc.integer()), add: fc.boolean() })
  fc.assert(
    fc.property(fc.array(change, { maxLength: 60 }), changes => {
      const held = new Ids<number>()
      const map = new Map<string, number>()
      for (const { id, value, add } of changes)
        if (value === null) {
          expect(held.delete(id)).toBe(map.get(id))
          map.delete(id)
        } else if (add) {
          expect(held.add(id, value)).toBe(!map.has(id))
          if (!map.has(id)) map.set(id, value)
        } else {
          held.set(id, value)
          map.set(id, value)
        }
      for (const id of ids) {
        expect(held.get(id)).toBe(map.get(id))
        expect(held.has(id)).toBe(map.has(id))
      }
      expect([...held]).toEqual([...map])
      expect([...held.values()]).toEqual([...map.values()])
      expect(held.size).toBe(map.size)
    }),
  )
})

test('tell the oldest first, and may be dropped while they are told', () => {
  const held = new Ids<number>()
  for (let i = 0; i < 100; i++) held.set(`request-${i}`, i)
  for (const [id, value] of held) {
    if (value === 60) break
    held.delete(id)
  }
  expect([...held].map(([, value]) => value)).toEqual(Array.from({ length: 40 }, (_, i) => i + 60))
})

test('dropped while they are told, those of one number are told once each', () => {
  const held = new Ids<number>()
  for (const [at, id] of ids.entries()) held.set(id, at)
  const told: string[] = []
  for (const [id] of held) {
    told.push(id)
    held.delete(id)
  }
  expect(told).toHaveLength(ids.length)
  expect(new Set(told)).toEqual(new Set(ids))
  expect(held.size).toBe(0)
  held.set('a-0123456789', 1)
  held.clear()
  expect(held.has('a-0123456789')).toBe(false)
})

test('in the order in which they came, whatever leaves while they are told and however many they are', () => {
  const held = new Ids<number>()
  for (let i = 0; i < 1000; i++) held.set(`request-${i}`, i)
  const told: number[] = []
  for (const [, value] of held) {
    told.push(value)
    // The one that was told, the one before it and the one after it.
    if (value % 3 === 1) for (const near of [value - 1, value, value + 1]) held.delete(`request-${near}`)
  }
  expect(told).toEqual(Array.from({ length: 1000 }, (_, i) => i).filter(i => i % 3 !== 2))
  expect([...held.values()]).toEqual([999])
  for (let i = 0; i < 1000; i++) held.set(`request-${i}`, i)
  expect([...held.values()]).toEqual([999, ...Array.from({ length: 999 }, (_, i) => i)])
})

test('what has left is garbage of the young, also after a collection of everything', () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const oldBytes = () =>
    getHeapSpaceStatistics().find(({ space_name }) => space_name === 'old_space')?.space_used_size ?? 0
  const held = new Ids<readonly number[]>()
  let before = 0
  let most = 0
  for (let i = 0; i < 210_000; i++) {
    held.set(
      `request-${i}`,
      Array.from({ length: 20 }, () => i),
    )
    held.delete(`request-${i - 16}`)
    if (i === 10_000) {
      collect()
      before = oldBytes()
    }
    if (i > 10_000 && i % 1000 === 0) most = Math.max(most, oldBytes() - before)
  }
  // 50 MB in all; where a table that has grown old points to those after it, that is what is kept.
  expect(most).toBeLessThan(10_000_000)
  expect(held.size).toBe(16)
})
