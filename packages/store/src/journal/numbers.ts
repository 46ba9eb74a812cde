// The numbers by which the records of a segment name what is told in it once.

/** Numbered at one time; then all of them are told again as they come. */
const most = 4096

interface Numbered {
  readonly number: number
}

interface Rules<Given, Kept> {
  /** Those that may be the same have the same key. */
  readonly keyOf: (given: Given) => string
  readonly same: (kept: Kept, given: Given) => boolean
  /** Tells it by its number, in a frame before the first that names it, and keeps no more of it than was told. */
  readonly tell: (number: number, given: Given) => Kept
}

export class Numbers<Given, Kept extends Numbered> {
  readonly #rules: Rules<Given, Kept>
  readonly #byKey = new Map<string, Kept[]>()
  #count = 0
  #next = 1

  constructor(rules: Rules<Given, Kept>) {
    this.#rules = rules
  }

  /** Nothing is known in a new segment. */
  clear(): void {
    this.#byKey.clear()
    this.#count = 0
  }

  of(given: Given): number {
    const { keyOf, same } = this.#rules
    const all = this.#byKey.get(keyOf(given))
    if (all) for (const one of all) if (same(one, given)) return one.number
    return this.#add(given)
  }

  #add(given: Given): number {
    if (this.#count >= most) this.clear()
    const kept = this.#rules.tell(this.#next++, given)
    const key = this.#rules.keyOf(given)
    const all = this.#byKey.get(key)
    if (all) all.push(kept)
    else this.#byKey.set(key, [kept])
    this.#count++
    return kept.number
  }
}
