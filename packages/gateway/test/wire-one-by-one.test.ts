// The turns in which large bodies move.
import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { inTurn } from '../src/wire/one-by-one.ts'

test('one body moves in each turn of the loop, in the order in which they asked', async () => {
  const moved: string[] = []
  const seen: string[] = []
  for (const name of ['a', 'b', 'c'])
    inTurn(() => {
      moved.push(name)
      if (name === 'a') inTurn(() => moved.push('a again'))
    })
  while (moved.length < 4) {
    await turn()
    seen.push(moved.join(', '))
  }
  expect(seen).toEqual(['a', 'a, b', 'a, b, c', 'a, b, c, a again'])
})
