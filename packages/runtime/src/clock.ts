// Time and chance as arguments: what decides receives these, apps pass the system's, tests pass their own.
import { randomBytes } from 'node:crypto'
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
  id: () => uuidv7(Date.now(), randomBytes(10)),
})

/** RFC 9562 section 5.7: 48 bits of milliseconds, version, 74 bits of `entropy` (10 bytes). */
export function uuidv7(milliseconds: number, entropy: Uint8Array): string {
  const bytes = new Uint8Array(16)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(milliseconds) << 16n)
  bytes.set(entropy.subarray(0, 10), 6)
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x70
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  const hex = Buffer.from(bytes).toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

/** RFC 3339 UTC with milliseconds. */
export const timestamp = (milliseconds: number): string => new Date(milliseconds).toISOString()
