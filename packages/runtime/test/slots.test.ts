import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Slots } from '../src/slots.ts'

test('slots hold what a Map would, in its order, under any changes', () => {
  const change = fc.record({ id: fc.constantFrom('a', 'b', 'c', 'd'), value: fc.option(fc.integer()) })
  fc.assert(
    fc.property(fc.array(change, { maxLength: 60 }), changes => {
      const slots = new Slots<number>()
      const map = new Map<string, number>()
      for (const { id, value } of changes)
        if (value === null) {
          slots.delete(id)
          map.delete(id)
        } else {
          slots.set(id, value)
          map.set(id, value)
        }
      expect([...slots.values()]).toEqual([...map.values()])
      expect(slots.size).toBe(map.size)
    }),
  )
})
