// A prompt as a chain of hashes: two prompts share a prefix of blocks exactly as far as their hashes are equal.
import { hashBlock, hashed, hashText } from './hash.ts'

const small = 64
const large = 1024
const most = 256
const smallBytes = most * small

/** What a large block weighs in work, a small one being 1. */
const largeWork = large / small

/** The whole blocks of a prompt: 256 of 64 bytes, then 256 of 1 KiB; what is beyond or left over is not looked at. */
export class Blocks {
  readonly count: number
  readonly #high: Int32Array
  readonly #low: Int32Array

  constructor(high: Int32Array, low: Int32Array) {
    this.count = high.length
    this.#high = high
    this.#low = low
  }

  high(block: number): number {
    return this.#high[block]!
  }

  low(block: number): number {
    return this.#low[block]!
  }

  /** Work of the first `count` blocks, in blocks of 64 bytes. */
  work(count: number): number {
    return count <= most ? count : most + (count - most) * largeWork
  }
}

/**
 * Reads the prompt's bytes (system, tools, turns, in the order in which the engine reads them) as if they were one.
 * The chain is seeded by workspace and model, so that nobody's prompt is told from another workspace's routing.
 */
export function blocksOf(parts: readonly Uint8Array[], workspace: string, model: string): Blocks {
  let bytes = 0
  for (const part of parts) bytes += part.length
  const count = countOf(bytes)
  const highs = new Int32Array(count)
  const lows = new Int32Array(count)
  hashed.high = hashText(workspace)
  hashed.low = hashText(model)
  let part = 0
  let at = 0
  for (let block = 0; block < count; block++) {
    const length = block < most ? small : large
    while (at === parts[part]!.length) {
      part++
      at = 0
    }
    const bytes = parts[part]!
    if (bytes.length - at >= length) {
      hashBlock(viewOf(bytes), at, length, hashed.high, hashed.low)
      at += length
    } else {
      for (let filled = 0; filled < length; ) {
        const from = parts[part]!
        const some = Math.min(length - filled, from.length - at)
        straddling.set(from.subarray(at, at + some), filled)
        filled += some
        at += some
        if (filled === length) break
        part++
        at = 0
      }
      hashBlock(straddlingView, 0, length, hashed.high, hashed.low)
    }
    highs[block] = hashed.high
    lows[block] = hashed.low
  }
  return new Blocks(highs, lows)
}

/** A block that begins in one part and ends in another is put together here. */
const straddling = new Uint8Array(large)
const straddlingView = new DataView(straddling.buffer)

let viewed: Uint8Array = straddling
let view: DataView = straddlingView

function viewOf(bytes: Uint8Array): DataView {
  if (bytes !== viewed) {
    viewed = bytes
    view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  }
  return view
}

function countOf(bytes: number): number {
  if (bytes <= smallBytes) return Math.floor(bytes / small)
  return most + Math.min(most, Math.floor((bytes - smallBytes) / large))
}
