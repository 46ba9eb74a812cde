// What happened in the last ten seconds, in buckets of one second: constant time and constant memory.

const seconds = 10

/** Counts in columns, each over the last 10 s. A clock that goes back counts into the newest second. */
export class Window {
  readonly #columns: number
  readonly #buckets: Uint32Array
  readonly #sums: Float64Array
  #second = 0

  constructor(columns: number) {
    this.#columns = columns
    this.#buckets = new Uint32Array(columns * seconds)
    this.#sums = new Float64Array(columns)
  }

  /** `now` in milliseconds. */
  add(column: number, now: number): void {
    this.#advance(now)
    this.#buckets[(this.#second % seconds) * this.#columns + column]! += 1
    this.#sums[column]! += 1
  }

  sum(column: number, now: number): number {
    this.#advance(now)
    return this.#sums[column]!
  }

  clear(): void {
    this.#buckets.fill(0)
    this.#sums.fill(0)
  }

  #advance(now: number): void {
    const second = Math.floor(now / 1000)
    if (second <= this.#second) return
    for (let next = Math.max(this.#second + 1, second - seconds + 1); next <= second; next++) {
      const at = (next % seconds) * this.#columns
      for (let column = 0; column < this.#columns; column++) {
        this.#sums[column]! -= this.#buckets[at + column]!
        this.#buckets[at + column] = 0
      }
    }
    this.#second = second
  }
}
