// Which blocks an upstream has read lately, as far as was sent there from here: a bounded LRU without garbage.
import type { Vitals } from '../health/vitals.ts'
import type { Blocks } from './blocks.ts'
import { mix } from './hash.ts'

const none = -1
const smallest = 1024

/**
 * Slots in typed arrays, linked by age and found by open addressing. A prompt is recorded from its last block to its
 * first, so that no block is ever older than one that follows it: what is remembered of a prompt is always its
 * beginning, and `match` may look for its end by halving.
 */
export class BlockMemory {
  readonly #most: number
  #capacity = 0
  #size = 0
  #high = new Int32Array(0)
  #low = new Int32Array(0)
  #newer = new Int32Array(0)
  #older = new Int32Array(0)
  /** Slot + 1 by hash, 0 is free; twice the capacity, so that runs stay short. */
  #table = new Int32Array(2)
  #newest = none
  #oldest = none

  /** `most` blocks are kept, rounded up to a power of two; 24 bytes each. */
  constructor(most: number) {
    this.#most = Math.max(16, 2 ** Math.ceil(Math.log2(most)))
  }

  get size(): number {
    return this.#size
  }

  /** How many of the prompt's first blocks are remembered. */
  match(blocks: Blocks): number {
    if (this.#size === 0) return 0
    let known = 0
    let unknown = blocks.count + 1
    // Mostly nothing is known at all.
    if (blocks.count > 0 && this.#find(blocks.high(0), blocks.low(0)) === none) return 0
    while (unknown - known > 1) {
      const middle = (known + unknown) >>> 1
      if (this.#find(blocks.high(middle - 1), blocks.low(middle - 1)) === none) unknown = middle
      else known = middle
    }
    return known
  }

  record(blocks: Blocks): void {
    for (let block = Math.min(blocks.count, this.#most) - 1; block >= 0; block--)
      this.#touch(blocks.high(block), blocks.low(block))
  }

  #touch(high: number, low: number): void {
    let slot = this.#find(high, low)
    if (slot === none) slot = this.#take(high, low)
    else if (slot === this.#newest) return
    else this.#unlink(slot)
    this.#older[slot] = this.#newest
    this.#newer[slot] = none
    if (this.#newest === none) this.#oldest = slot
    else this.#newer[this.#newest] = slot
    this.#newest = slot
  }

  /** A slot for a new block: a free one, or the oldest's. */
  #take(high: number, low: number): number {
    if (this.#size === this.#capacity && this.#capacity < this.#most) this.#grow()
    let slot = this.#size
    if (slot < this.#capacity) this.#size++
    else {
      slot = this.#oldest
      this.#unlink(slot)
      this.#remove(slot)
    }
    this.#high[slot] = high
    this.#low[slot] = low
    this.#insert(slot)
    return slot
  }

  #unlink(slot: number): void {
    const newer = this.#newer[slot]!
    const older = this.#older[slot]!
    if (newer === none) this.#newest = older
    else this.#older[newer] = older
    if (older === none) this.#oldest = newer
    else this.#newer[older] = newer
  }

  #find(high: number, low: number): number {
    const mask = this.#table.length - 1
    for (let at = mix(low) & mask; ; at = (at + 1) & mask) {
      const slot = this.#table[at]! - 1
      if (slot === none || (this.#low[slot] === low && this.#high[slot] === high)) return slot
    }
  }

  #insert(slot: number): void {
    const mask = this.#table.length - 1
    let at = mix(this.#low[slot]!) & mask
    while (this.#table[at] !== 0) at = (at + 1) & mask
    this.#table[at] = slot + 1
  }

  /** Takes a slot out of the table and moves back what its place had pushed on. */
  #remove(slot: number): void {
    const mask = this.#table.length - 1
    let hole = mix(this.#low[slot]!) & mask
    while (this.#table[hole] !== slot + 1) hole = (hole + 1) & mask
    for (let at = (hole + 1) & mask; this.#table[at] !== 0; at = (at + 1) & mask) {
      const home = mix(this.#low[this.#table[at]! - 1]!) & mask
      if (((at - home) & mask) < ((at - hole) & mask)) continue
      this.#table[hole] = this.#table[at]!
      hole = at
    }
    this.#table[hole] = 0
  }

  #grow(): void {
    const capacity = Math.min(this.#most, Math.max(smallest, this.#capacity * 2))
    const longer = (old: Int32Array) => {
      const made = new Int32Array(capacity)
      made.set(old)
      return made
    }
    this.#high = longer(this.#high)
    this.#low = longer(this.#low)
    this.#newer = longer(this.#newer)
    this.#older = longer(this.#older)
    this.#table = new Int32Array(capacity * 2)
    this.#capacity = capacity
    for (let slot = 0; slot < this.#size; slot++) this.#insert(slot)
  }
}

/** One memory for each upstream and model whose prompts are looked at; it goes when its vitals go. */
export class Memories {
  readonly #of = new WeakMap<Vitals, BlockMemory>()
  readonly #blocks: number

  /** `blocks` kept for each, 32 768 by default: 2 MiB of prompts in small blocks, 768 KiB of memory. */
  constructor(blocks = 32_768) {
    this.#blocks = blocks
  }

  at(vitals: Vitals): BlockMemory {
    let memory = this.#of.get(vitals)
    if (!memory) {
      memory = new BlockMemory(this.#blocks)
      this.#of.set(vitals, memory)
    }
    return memory
  }
}
