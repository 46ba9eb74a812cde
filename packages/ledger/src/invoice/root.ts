// The Merkle root (RFC 6962) over texts that come one after the other: holds one hash for each level, however many come.
import { hash } from 'node:crypto'

interface Whole {
  /** Leaves below it: a power of two. */
  readonly leaves: number
  readonly hash: Buffer
}

const node = (left: Buffer, right: Buffer) =>
  hash('sha256', Buffer.concat([Buffer.of(1), left, right]), 'buffer')

export class Root {
  /** Whole trees from the left, each smaller than the one before. */
  readonly #whole: Whole[] = []
  #leaves = 0n

  get leaves(): bigint {
    return this.#leaves
  }

  add(text: string): void {
    let last: Whole = { leaves: 1, hash: hash('sha256', `\0${text}`, 'buffer') }
    for (let before = this.#whole.at(-1); before?.leaves === last.leaves; before = this.#whole.at(-1)) {
      this.#whole.pop()
      last = { leaves: last.leaves * 2, hash: node(before.hash, last.hash) }
    }
    this.#whole.push(last)
    this.#leaves += 1n
  }

  /** Lower-case hex, of all that came so far. */
  hex(): string {
    const [last, ...before] = this.#whole.toReversed().map(whole => whole.hash)
    const root = before.reduce((right, left) => node(left, right), last ?? hash('sha256', '', 'buffer'))
    return root.toString('hex')
  }
}
