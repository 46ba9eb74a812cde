// What is under way, by its id. A Map of the values would do, but V8 lets the table that a Map has outgrown point to
// the next one. Once one such table has grown old, all that come after it, and what is in them, live through every
// collection of the young. So the Map holds numbers, and the values stand beside it.

export class Slots<T> {
  readonly #places = new Map<string, number>()
  readonly #values: (T | undefined)[] = []
  readonly #free: number[] = []

  get size(): number {
    return this.#places.size
  }

  set(id: string, value: T): void {
    let place = this.#places.get(id)
    if (place === undefined) {
      place = this.#free.pop() ?? this.#values.length
      this.#places.set(id, place)
    }
    this.#values[place] = value
  }

  delete(id: string): void {
    const place = this.#places.get(id)
    if (place === undefined) return
    this.#places.delete(id)
    this.#values[place] = undefined
    this.#free.push(place)
  }

  /** In the order in which they came. */
  *values(): Generator<T> {
    for (const place of this.#places.values()) yield this.#values[place] as T // what is placed is there
  }
}
