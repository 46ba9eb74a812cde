// Time and chance as arguments: what decides receives these, apps pass the system's, tests pass their own.
import { randomUUIDv7 } from 'node:crypto'
// The global of this name is a getter, which costs as much again as what is asked.
import { performance } from 'node:perf_hooks'
import { setTimeout as wait } from 'node:timers/promises'

export interface Clock {
  /** Milliseconds since 1970, the wall clock: for what people read. */
  now(): number
  /** Milliseconds from an arbitrary start, never going back: for measuring. */
  monotonic(): number
  /** Resolves after `milliseconds`, or at once when the signal is or becomes aborted. Never rejects. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>
}

export interface Random {
  /** Uniform in [0, 1). */
  fraction(): number
  /** A fresh UUIDv7. */
  id(): string
}

export const systemClock: Clock = Object.freeze({
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: async (milliseconds: number, signal?: AbortSignal) => {
    try {
      await wait(milliseconds, undefined, signal ? { signal } : {})
    } catch (error) {
      if (!signal?.aborted) throw error
    }
  },
})

export const systemRandom: Random = Object.freeze({
  fraction: () => Math.random(),
  id: () => randomUUIDv7(),
})

/** RFC 3339 UTC with milliseconds. */
export const timestamp = (milliseconds: number): string => new Date(milliseconds).toISOString()
