// What stands under an id that is new each time, as those of requests are, and of our own making. A Map would do, but
// V8 makes every string that a Map is asked for one of its unique strings first, and an id that is asked for twice in
// its life does not earn that back. So the Map holds numbers that are made of the ids' last characters.

interface Entry<T> {
  readonly id: string
  value: T
  /** Another id with the same number. */
  next: Entry<T> | undefined
}

/** Of an id: what differs in ids of one moment stands at their end. */
const hashedCharacters = 8

export class Ids<T> {
  readonly #entries = new Map<number, Entry<T>>()
  #size = 0

  get size(): number {
    return this.#size
  }

  get(id: string): T | undefined {
    return this.#find(id)?.value
  }

  has(id: string): boolean {
    return this.#find(id) !== undefined
  }

  set(id: string, value: T): void {
    this.#entry(id, value).value = value
  }

  /** Unless something stands there; what stands there then. */
  add(id: string, value: T): T {
    return this.#entry(id, value).value
  }

  #find(id: string): Entry<T> | undefined {
    let entry = this.#entries.get(numberOf(id))
    while (entry !== undefined && entry.id !== id) entry = entry.next
    return entry
  }

  #entry(id: string, value: T): Entry<T> {
    const number = numberOf(id)
    const first = this.#entries.get(number)
    let last: Entry<T> | undefined
    for (let entry = first; entry !== undefined; entry = entry.next) {
      if (entry.id === id) return entry
      last = entry
    }
    this.#size++
    const added: Entry<T> = { id, value, next: undefined }
    if (last === undefined) this.#entries.set(number, added)
    else last.next = added
    return added
  }

  /** What stood there. */
  delete(id: string): T | undefined {
    const number = numberOf(id)
    const first = this.#entries.get(number)
    if (first === undefined) return undefined
    let before: Entry<T> | undefined
    let entry: Entry<T> | undefined = first
    while (entry !== undefined && entry.id !== id) {
      before = entry
      entry = entry.next
    }
    if (entry === undefined) return undefined
    if (before !== undefined) before.next = entry.next
    else if (entry.next === undefined) this.#entries.delete(number)
    else this.#entries.set(number, entry.next)
    this.#size--
    return entry.value
  }

  clear(): void {
    this.#entries.clear()
    this.#size = 0
  }

  /** In the order in which they came, but that ids with one number stand together. */
  *[Symbol.iterator](): Generator<readonly [id: string, value: T]> {
    for (let entry of this.#entries.values())
      for (;;) {
        yield [entry.id, entry.value]
        if (entry.next === undefined) break
        entry = entry.next
      }
  }
}

function numberOf(id: string): number {
  let number = id.length
  for (let at = Math.max(0, id.length - hashedCharacters); at < id.length; at++)
    number = (Math.imul(number, 31) + id.charCodeAt(at)) & 0x3fff_ffff
  return number
}
