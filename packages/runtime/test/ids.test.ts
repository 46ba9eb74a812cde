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
          if (!map.has(id)) map.set(id, value)
          expect(held.add(id, value)).toBe(map.get(id))
        } else {
          held.set(id, value)
          map.set(id, value)
        }
      for (const id of ids) {
        expect(held.get(id)).toBe(map.get(id))
        expect(held.has(id)).toBe(map.has(id))
      }
      expect(new Map(held)).toEqual(map)
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
