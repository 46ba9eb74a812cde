// A whole answer as it left for its first caller: bytes, where each part of them ended, and when.
import type { Usage } from '@switchyard/dialects'

/** How an answer begins. */
export interface ReplyHead {
  readonly status: number
  readonly contentType: string
}

export interface StoredReply extends ReplyHead {
  /** Every part, one after another. */
  readonly bytes: Buffer
  /** Where each part ends in `bytes`. A part is whole events that left together, or a whole body. */
  readonly ends: readonly number[]
  /** Milliseconds after the first part at which each part left. */
  readonly times: readonly number[]
  /** What the answer cost when it was made; undefined when nobody said. */
  readonly usage: Usage | undefined
  /** Milliseconds since 1970. */
  readonly storedAt: number
}

/**
 * Copies the parts into memory of their own: a part that has come from a socket would keep 64 KiB alive.
 * `at` are the times of the parts by any clock in milliseconds, one for each.
 */
export function storeReply(
  { status, contentType }: ReplyHead,
  parts: readonly Buffer[],
  at: readonly number[],
  usage: Usage | undefined,
  now: number,
): StoredReply {
  const ends: number[] = []
  let length = 0
  for (const part of parts) {
    length += part.length
    ends.push(length)
  }
  const bytes = Buffer.allocUnsafeSlow(length)
  let from = 0
  for (const part of parts) from += part.copy(bytes, from)
  const began = at[0] ?? now
  const times: number[] = []
  for (const time of at) times.push(Math.max(times.at(-1) ?? 0, time - began))
  return Object.freeze({
    status,
    contentType,
    bytes,
    ends: Object.freeze(ends),
    times: Object.freeze(times),
    usage,
    storedAt: now,
  })
}

/** Whole seconds for the `age` header. */
export function ageSeconds({ storedAt }: StoredReply, now: number): number {
  return Math.max(0, Math.floor((now - storedAt) / 1000))
}

const entryOverhead = 1024
const partOverhead = 16

/** Bytes of memory that a reply takes, its key and its place in the cache included. */
export function weightOf({ bytes, ends }: StoredReply): number {
  return bytes.length + ends.length * partOverhead + entryOverhead
}
