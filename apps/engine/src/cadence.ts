// Continuous batching in step: everyone who decodes hands in its next piece, then one batch runs for all.
//
// The library joins what was handed in during one turn of the event loop. Left alone, sequences drift apart
// (whoever is sampled last misses the next batch) and a loop that never empties keeps the context locked, so
// that a newcomer cannot clear its slot. Here a round starts only when every member is at the line:
//
//   member A  turn ──┐            ┌─ token ── turn ──┐
//   member B  turn ──┤ one batch  ├─ token ── turn ──┤ one batch …
//   member C  turn ──┘            └─ 96 prompt tokens┘
//
// Prompts are cut so that a round lasts about 100 ms: that bounds the pause of the others, and how long a
// request whose caller went away still holds its slot.

const roundMs = 100
const leastPiece = 32

export interface Beat extends Disposable {
  /** Waits for the next round; resolves to how many of the `wanted` tokens may be decoded in it. */
  turn(wanted: number): Promise<number>
}

interface Waiting {
  readonly wanted: number
  readonly go: (granted: number) => void
}

export class Cadence {
  readonly #members = new Set<object>()
  readonly #waiting = new Map<object, Waiting>()
  readonly #now: () => number
  readonly #batchSize: number
  #round: { readonly startedAt: number; readonly tokens: number } | undefined
  /** Prompt tokens per round that took about roundMs, learned as rounds pass. */
  #budget = 64
  #opening = false

  /** @param now milliseconds, monotone. */
  constructor(batchSize: number, now: () => number) {
    this.#batchSize = batchSize
    this.#now = now
  }

  join(): Beat {
    const member = {}
    this.#members.add(member)
    return {
      turn: wanted =>
        new Promise(go => {
          this.#waiting.set(member, { wanted, go })
          this.#openWhenComplete()
        }),
      [Symbol.dispose]: () => {
        this.#members.delete(member)
        this.#waiting.delete(member)
        this.#openWhenComplete()
      },
    }
  }

  #openWhenComplete(): void {
    if (this.#opening || this.#waiting.size === 0 || this.#waiting.size < this.#members.size) return
    this.#opening = true
    setImmediate(() => {
      this.#opening = false
      // Someone may have joined since; it joins this very round if it is at the line, else it is awaited.
      if (this.#waiting.size === this.#members.size) this.#open()
    })
  }

  #open(): void {
    this.#learn()
    const waiting = [...this.#waiting.values()]
    this.#waiting.clear()
    const prompts = waiting.filter(({ wanted }) => wanted > 1).length
    const room = Math.min(this.#budget, this.#batchSize - (waiting.length - prompts))
    const share = Math.max(leastPiece, Math.floor(room / Math.max(1, prompts)))
    const granted = waiting.map(({ wanted }) => Math.min(wanted, share))
    this.#round = { startedAt: this.#now(), tokens: granted.reduce((sum, count) => sum + count, 0) }
    for (const [index, { go }] of waiting.entries()) go(granted[index] ?? 1)
  }

  #learn(): void {
    if (!this.#round || this.#round.tokens < leastPiece) return
    const elapsed = Math.max(0.1, this.#now() - this.#round.startedAt)
    const fitting = (this.#round.tokens * roundMs) / elapsed
    // Half way each time: one round that was slowed by a neighbour does not set the pace alone.
    const next = (this.#budget + Math.min(fitting, 4 * this.#budget)) / 2
    this.#budget = Math.round(Math.min(this.#batchSize, Math.max(leastPiece, next)))
  }
}
