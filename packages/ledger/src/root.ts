// The Merkle root (RFC 6962) over leaves that come one after the other: holds one hash for each level, however many come.
import { hash } from 'node:crypto'
import { emptyRoot, hashLeaf, hashNode } from './audit/hash.ts'

interface Whole {
  /** Leaves below it: a power of two. */
  readonly leaves: number
  readonly hash: Uint8Array
}

export class Root {
  /** Whole trees from the left, each smaller than the one before. */
  readonly #whole: Whole[] = []
  #leaves = 0n

  get leaves(): bigint {
    return this.#leaves
  }

  /** A text is a leaf by its UTF-8. */
  add(leaf: string | Uint8Array): void {
    const own = typeof leaf === 'string' ? hash('sha256', `\0${leaf}`, 'buffer') : hashLeaf(leaf)
    let last: Whole = { leaves: 1, hash: own }
    for (let before = this.#whole.at(-1); before?.leaves === last.leaves; before = this.#whole.at(-1)) {
      this.#whole.pop()
      last = { leaves: last.leaves * 2, hash: hashNode(before.hash, last.hash) }
    }
    this.#whole.push(last)
    this.#leaves += 1n
  }

  /** 32 bytes, of all that came so far. */
  bytes(): Uint8Array {
    const [last = emptyRoot, ...before] = this.#whole.toReversed().map(whole => whole.hash)
    return before.reduce((right, left) => hashNode(left, right), last)
  }

  /** Lower-case. */
  hex(): string {
    return Buffer.from(this.bytes()).toString('hex')
  }
}
