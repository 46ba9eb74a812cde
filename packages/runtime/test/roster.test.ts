import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Placed, Roster } from '../src/roster.ts'

interface One extends Placed {
  readonly name: string
}

test('a roster holds what a Set would, under any changes', () => {
  const change = fc.record({ at: fc.nat(5), leaves: fc.boolean() })
  fc.assert(
    fc.property(fc.array(change, { maxLength: 60 }), changes => {
      const all: readonly One[] = Array.from('abcdef', name => ({ name, place: -1 }))
      const roster = new Roster<One>()
      const set = new Set<One>()
      for (const { at, leaves } of changes) {
        const one = all[at] as One
        if (leaves) {
          roster.delete(one)
          set.delete(one)
        } else {
          roster.add(one)
          set.add(one)
        }
      }
      expect(new Set(roster)).toEqual(set)
      expect(roster.size).toBe(set.size)
    }),
  )
})

test('who leaves while a roster is walked through hides nobody', () => {
  const roster = new Roster<One>()
  for (const name of 'abcdef') roster.add({ name, place: -1 })
  const met = new Set<string>()
  for (const one of roster) {
    met.add(one.name)
    roster.delete(one)
  }
  expect(met.size).toBe(6)
  expect(roster.size).toBe(0)
})
