// A head as it came last, with the place of its length: a peer mostly sends the same again but for that, and what is
// the same is not read twice.

/** More is not worth keeping for each connection. */
const mostKeptBytes = 2 * 1024
/** A peer whose heads have differed so often in turn is no longer compared. */
const mostMisses = 8
/** Digits of a length: below 2^53. */
export const mostDigits = 15

/** Offsets in a head of the length's first digit, and of what follows the last; both -1 without a length. */
export interface LengthPlace {
  readonly from: number
  readonly to: number
}

interface Kept<Head> extends LengthPlace {
  readonly head: Head
  readonly bytes: Buffer
  readonly length: number
}

export class KeptHead<Head> {
  #kept: Kept<Head> | undefined
  #misses = 0
  /** The length that the last match had, and how it was written; '' where that is as it was. */
  length = -1
  text = ''

  /** What was kept, after a match. */
  get head(): Head | undefined {
    return this.#kept?.head
  }

  /** Where the kept head ends when it stands there once more, with whatever length; else -1. */
  end(bytes: Buffer, at: number): number {
    const kept = this.#kept
    if (!kept) return -1
    const { bytes: own, from, to } = kept
    const start = at + (from < 0 ? own.length : from)
    if (bytes.length < start || own.compare(bytes, at, start, 0, start - at) !== 0) return -1
    let end = start
    let length = -1
    if (from >= 0) {
      length = 0
      for (; end - start <= mostDigits; end++) {
        const digit = (bytes[end] ?? 0) - 0x30
        if (digit < 0 || digit > 9) break
        length = length * 10 + digit
      }
      if (end === start || end - start > mostDigits) return -1
      const rest = own.length - to
      if (bytes.length - end < rest || own.compare(bytes, end, end + rest, to) !== 0) return -1
    }
    const same = length === kept.length && end - start === to - from
    this.length = length
    this.text = same ? '' : bytes.toString('latin1', start, end)
    this.#misses = 0
    return from < 0 ? start : end + own.length - to
  }

  /** Keeps the head that stands there, unless that is not worth it. */
  keep(head: Head, bytes: Buffer, at: number, end: number, { from, to }: LengthPlace): void {
    this.#kept = undefined
    if (end - at > mostKeptBytes || ++this.#misses > mostMisses) return
    // Exactly its own bytes: a slice of node's pool would keep the whole of that alive.
    const own = Buffer.allocUnsafeSlow(end - at)
    bytes.copy(own, 0, at, end)
    const length = from < 0 ? -1 : Number(own.toString('latin1', from, to))
    this.#kept = { head, from, to, bytes: own, length }
  }
}

/** Names and values in turn, with another length. */
export function withLength(headers: readonly string[], length: string): readonly string[] {
  const changed = headers.slice()
  for (let i = 0; i < changed.length; i += 2) {
    const name = changed[i] as string // names and values stand in turn
    if (name.length === 14 && name.toLowerCase() === 'content-length') changed[i + 1] = length
  }
  return changed
}
