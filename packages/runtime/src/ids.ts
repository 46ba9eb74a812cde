// What stands under an id that is new each time, as those of requests are, and of our own making. A Map would do, but
// for two things of V8. It makes every string that a Map is asked for one of its unique strings first, and an id that is
// asked for twice in its life does not earn that back. And it lets the table that a Map has outgrown point to the next
// one: once one such table has grown old, all that come after it, and what is in them, live through every collection of
// the young. So the table is our own, and what has left points to nothing.

interface Entry<T> {
  readonly id: string
  readonly number: number
  /** How many came before it, ever. */
  readonly age: number
  value: T
  held: boolean
  /** Another in the same bucket. */
  next: Entry<T> | undefined
  older: Entry<T> | undefined
  newer: Entry<T> | undefined
}

/** Of an id: what differs in ids of one moment stands at their end. */
const hashedCharacters = 8
/** A power of two, as is every later number of buckets. */
const fewestBuckets = 8

export class Ids<T> {
  #buckets = bucketsOf<T>(fewestBuckets)
  #size = 0
  #added = 0
  #oldest: Entry<T> | undefined
  #newest: Entry<T> | undefined

  get size(): number {
    return this.#size
  }

  get(id: string): T | undefined {
    return this.#find(id, numberOf(id))?.value
  }

  has(id: string): boolean {
    return this.#find(id, numberOf(id)) !== undefined
  }

  set(id: string, value: T): void {
    const number = numberOf(id)
    const entry = this.#find(id, number)
    if (entry) entry.value = value
    else this.#insert(id, number, value)
  }

  /** False, and nothing is changed, when something stands there. */
  add(id: string, value: T): boolean {
    const number = numberOf(id)
    if (this.#find(id, number)) return false
    this.#insert(id, number, value)
    return true
  }

  /** What stood there. */
  delete(id: string): T | undefined {
    const number = numberOf(id)
    const entry = this.#find(id, number)
    if (!entry) return undefined
    const place = number & (this.#buckets.length - 1)
    let before = this.#buckets[place]
    if (before === entry) this.#buckets[place] = entry.next
    else {
      while (before && before.next !== entry) before = before.next
      if (before) before.next = entry.next
    }
    if (entry.older) entry.older.newer = entry.newer
    else this.#oldest = entry.newer
    if (entry.newer) entry.newer.older = entry.older
    else this.#newest = entry.older
    entry.held = false
    entry.next = undefined
    entry.older = undefined
    entry.newer = undefined
    this.#size--
    return entry.value
  }

  clear(): void {
    while (this.#oldest) this.delete(this.#oldest.id)
  }

  /** In the order in which they came; any may be dropped meanwhile. */
  *[Symbol.iterator](): Generator<readonly [id: string, value: T]> {
    let entry = this.#oldest
    while (entry) {
      yield [entry.id, entry.value]
      entry = entry.held ? entry.newer : this.#after(entry.age)
    }
  }

  /** In the same order. */
  *values(): Generator<T> {
    for (const [, value] of this) yield value
  }

  #after(age: number): Entry<T> | undefined {
    let entry = this.#oldest
    while (entry && entry.age <= age) entry = entry.newer
    return entry
  }

  #find(id: string, number: number): Entry<T> | undefined {
    let entry = this.#buckets[number & (this.#buckets.length - 1)]
    while (entry && (entry.number !== number || entry.id !== id)) entry = entry.next
    return entry
  }

  #insert(id: string, number: number, value: T): void {
    if (this.#size === this.#buckets.length) this.#grow()
    const place = number & (this.#buckets.length - 1)
    const next = this.#buckets[place]
    const older = this.#newest
    const entry: Entry<T> = {
      id,
      number,
      age: this.#added++,
      value,
      held: true,
      next,
      older,
      newer: undefined,
    }
    this.#buckets[place] = entry
    if (older) older.newer = entry
    else this.#oldest = entry
    this.#newest = entry
    this.#size++
  }

  #grow(): void {
    const buckets = bucketsOf<T>(this.#buckets.length * 2)
    for (let entry = this.#oldest; entry; entry = entry.newer) {
      const place = entry.number & (buckets.length - 1)
      entry.next = buckets[place]
      buckets[place] = entry
    }
    this.#buckets = buckets
  }
}

const bucketsOf = <T>(length: number): (Entry<T> | undefined)[] => {
  const buckets: (Entry<T> | undefined)[] = []
  for (let i = 0; i < length; i++) buckets.push(undefined)
  return buckets
}

function numberOf(id: string): number {
  let number = id.length
  for (let at = Math.max(0, id.length - hashedCharacters); at < id.length; at++)
    number = (Math.imul(number, 31) + id.charCodeAt(at)) & 0x3fff_ffff
  return number
}
