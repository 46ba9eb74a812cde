// What is under way, by its id. A Map of the values would do, but V8 lets the table that a Map has outgrown point to
// the next one. Once one such table has grown old, all that come after it, and what is in them, live through every
// collection of the young. So the table holds numbers, and the values stand beside it.
import { Ids } from './ids.ts'

export class Slots<T> {
  readonly #places = new Ids<number>()
  readonly #values: (T | undefined)[] = []
  readonly #free: number[] = []

  get size(): number {
    return this.#places.size
  }

  set(id: string, value: T): void {
    const free = this.#free.at(-1) ?? this.#values.length
    const place = this.#places.add(id, free)
    if (place === free) this.#free.pop()
    this.#values[place] = value
  }

  delete(id: string): void {
    const place = this.#places.delete(id)
    if (place === undefined) return
    this.#values[place] = undefined
    this.#free.push(place)
  }

  /** In the order of `Ids`. */
  *values(): Generator<T> {
    for (const [, place] of this.#places) yield this.#values[place] as T // what is placed is there
  }
}
