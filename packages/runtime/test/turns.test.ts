// Work in turns goes on whatever a turn does, and for no longer than it may.
import { keepTurns, type Turns, takeTurns } from '@switchyard/runtime'
import { describe, expect, test } from 'vitest'
import { VirtualClock } from './virtual-clock.ts'

type Said = number | 'over' | 'fails' | undefined

/** Turns that say these, the last one over and over, and when each began. */
function counted(said: readonly Said[], options: Partial<Turns> = {}) {
  const clock = new VirtualClock()
  const at: number[] = []
  const failures: unknown[] = []
  const turns: Turns = {
    pause: 100,
    clock,
    failed: error => failures.push(error),
    async turn() {
      at.push(clock.monotonic())
      const now = said[Math.min(at.length, said.length) - 1]
      if (now === 'fails') throw new Error('away')
      return now
    },
    ...options,
  }
  return { clock, at, failures, turns }
}

describe('turns', () => {
  test.each<[string, readonly Said[], Partial<Turns>, readonly number[]]>([
    ['come one pause after the other', [undefined], {}, [0, 100, 200, 300]],
    ['begin after the first wait', [undefined], { first: 150 }, [150, 250]],
    ['come when the one before says', [250, undefined], {}, [0, 250]],
    ['are tried again after one that failed', ['fails', undefined], { retry: 30 }, [0, 30, 130, 230]],
    ['wait no other time for that when none is said', ['fails'], {}, [0, 100, 200, 300]],
    ['end when they are over', [undefined, 'over'], {}, [0, 100]],
  ])('%s', async (_, said, options, expected) => {
    const { clock, at, failures, turns } = counted(said, options)
    await using _kept = keepTurns(turns)
    await clock.pass(320)
    expect(at).toEqual(expected)
    expect(failures).toHaveLength(said.includes('fails') ? (said.length > 1 ? 1 : at.length) : 0)
  })

  test('end with the turn under way, which hears of it', async () => {
    const { promise: left, resolve: leave } = Promise.withResolvers<undefined>()
    let heard: AbortSignal | undefined
    const { clock, at, turns } = counted([], {
      turn: signal => {
        at.push(clock.monotonic())
        heard = signal
        return left
      },
    })
    const kept = keepTurns(turns)
    let ended = false
    const ending = kept[Symbol.asyncDispose]().then(() => {
      ended = true
    })
    await clock.pass(1000)
    expect([heard?.aborted, ended]).toEqual([true, false])
    leave(undefined)
    await ending
    expect(at).toEqual([0])
  })

  test('end when the lease is lost, also one whose turns fail', async () => {
    for (const said of [undefined, 'fails'] as const) {
      const { clock, at, turns } = counted([said])
      const current = () => (clock.monotonic() < 150 ? { lease: 'x', epoch: 1n } : undefined)
      const taken = takeTurns(turns, new AbortController().signal, { current })
      await clock.pass(1000)
      await taken
      expect(at).toEqual([0, 100])
    }
  })
})
