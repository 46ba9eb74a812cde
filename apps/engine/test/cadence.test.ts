import { setImmediate as turnOfTheLoop } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { Cadence } from '../src/cadence.ts'

describe('the cadence', () => {
  test('a round waits until every member is at the line, and grants to all at once', async () => {
    const cadence = new Cadence(512, () => 0)
    const [a, b] = [cadence.join(), cadence.join()]
    const granted: string[] = []
    void a.turn(1).then(() => granted.push('a'))
    await turnOfTheLoop()
    expect(granted).toEqual([])
    void b.turn(1).then(() => granted.push('b'))
    await turnOfTheLoop()
    expect(granted).toEqual(['a', 'b'])
  })

  test('a member that leaves is not waited for', async () => {
    const cadence = new Cadence(512, () => 0)
    const [a, b] = [cadence.join(), cadence.join()]
    const turn = a.turn(1)
    b[Symbol.dispose]()
    expect(await turn).toBe(1)
  })

  test('prompts share one batch and never push out who generates', async () => {
    const cadence = new Cadence(512, () => 0)
    const beats = Array.from({ length: 4 }, () => cadence.join())
    const granted = await Promise.all(beats.map((beat, index) => beat.turn(index === 0 ? 1 : 10_000)))
    expect(granted[0]).toBe(1)
    expect(granted.every(count => count >= 1)).toBe(true)
    expect(granted.reduce((sum, count) => sum + count)).toBeLessThanOrEqual(512)
  })

  test('pieces of a prompt grow while rounds are fast and shrink when they are slow', async () => {
    let time = 0
    const cadence = new Cadence(512, () => time)
    const beat = cadence.join()
    const pieces: number[] = []
    for (let round = 0; round < 20; round++) {
      const tokens = await beat.turn(10_000)
      pieces.push(tokens)
      time += tokens * (round < 10 ? 0.05 : 2)
    }
    expect(pieces[9]).toBe(512)
    expect(pieces[19]).toBeLessThan(64) // 50 tokens take 100 ms by then
  })
})
