// What of an answer has been delivered that no upstream reports: streams that are left, cut, or say nothing of usage.
import type { Tap } from './carriage.ts'
import type { Usage } from './exchange.ts'

/**
 * How the tokens of outside providers are estimated, who often put several into a delta: four bytes of UTF-8 are taken
 * for one, and no delta for less. Another way of doing it has another name.
 */
const estimator = 'utf8-4.v1'
const bytesPerToken = 4

/** What a tap has seen of an answer. */
interface Delivered {
  readonly deltas: number
  readonly textBytes: number
}

export function tokensDelivered({ deltas, textBytes }: Delivered): number {
  return Math.max(deltas, Math.ceil(textBytes / bytesPerToken))
}

/** Of engines each delta is a token; of others it is estimated. */
export function deliveredUsage(delivered: Delivered): Usage {
  const quantities = { 'tok.out.text': BigInt(tokensDelivered(delivered)) }
  return delivered.textBytes === 0
    ? { quantities, source: 'counted', flags: ['usage_missing'] }
    : { quantities, source: 'estimated', flags: ['usage_missing', `estimator:${estimator}`] }
}

/** What is reported, and what was delivered of output where that is more. */
export function usageSoFar(tap: Pick<Tap, 'deltas' | 'textBytes' | 'usage' | 'terminal'>): Usage | undefined {
  const { usage, deltas, terminal } = tap
  if (deltas === 0 || (usage && terminal)) return usage
  const delivered = deliveredUsage(tap)
  if (!usage) return delivered
  let output = 0n
  for (const unit of outputUnits) output += usage.quantities[unit] ?? 0n
  // Who reports with every delta knows best.
  if (output >= BigInt(deltas)) return usage
  const missing = BigInt(tokensDelivered(tap)) - output + (usage.quantities['tok.out.text'] ?? 0n)
  return {
    ...usage,
    quantities: { ...usage.quantities, 'tok.out.text': missing },
    source: delivered.source,
    flags: [...usage.flags, ...delivered.flags],
  }
}

const outputUnits = ['tok.out.text', 'tok.out.reasoning', 'tok.out.audio', 'tok.out.image'] as const

const quote = 0x22
const backslash = 0x5c
const letterU = 0x75
const space = 0x20
const colon = 0x3a

/** UTF-8 bytes of the text of a JSON string; `start` is behind its quote, and it ends with the other one or at `end`. */
export function textBytesIn(bytes: Uint8Array, start: number, end: number): number {
  let count = 0
  for (let at = start; at < end && bytes[at] !== quote; count++) {
    if (bytes[at] !== backslash) at++
    else if (bytes[at + 1] !== letterU) at += 2
    else {
      count += escapedBytes(bytes, at + 2) - 1
      at += 6
    }
  }
  return count
}

/** UTF-8 bytes of what four hexadecimal digits stand for: half of a pair has two. */
function escapedBytes(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0
  const second = bytes[at + 1] ?? 0
  if (first !== 0x30) return (first | 0x20) === 0x64 && second >= 0x38 ? 2 : 3
  if (second >= 0x38) return 3
  return second === 0x30 && (bytes[at + 2] ?? 0) < 0x38 ? 1 : 2
}

/** The same of the first member of one of those names that is a string; each stands in its quotes. */
export function memberBytes(data: Buffer, names: readonly Buffer[]): number {
  for (const name of names) {
    let at = data.indexOf(name)
    if (at < 0) continue
    at += name.length
    while (data[at] === space) at++
    if (data[at++] !== colon) continue
    while (data[at] === space) at++
    if (data[at] === quote) return textBytesIn(data, at + 1, data.length)
  }
  return 0
}
