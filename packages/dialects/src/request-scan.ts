// Reads a large body as it comes: what `readRequest` would find in the whole is known when its last byte has come.
import { duplicate, firstBadByte, invalidJson, nameAt, type Places, placesOf } from './ask.ts'
import type { CallerName } from './exchange.ts'
import { type Governed, governed, type Rules } from './governed.ts'
import { type Members, PartsScan } from './scan-parts.ts'

export class RequestScan implements Members {
  readonly #rules: Governed
  readonly #scan = new PartsScan(this)
  readonly #top: Level
  /** Of the member in which limits stand one level down. */
  readonly #inner: Level | undefined

  constructor(caller: CallerName) {
    this.#rules = governed[caller]
    this.#top = new Level(this.#rules)
    this.#inner = this.#rules.inside && new Level(this.#rules.inside)
  }

  /** Where large values end, by where they start. */
  get ends(): ReadonlyMap<number, number> {
    return this.#scan.ends
  }

  /** The next part. Nothing is thrown before the body is whole, so that cutting it otherwise changes no verdict. */
  push(part: Buffer): void {
    this.#scan.push(part)
  }

  /** Of the members that govern, once the whole has come; throws what `readRequest` does. */
  places(bytes: Buffer): Places {
    if (!this.#scan.isUtf8) throw invalidJson(firstBadByte(bytes))
    this.#scan.finish()
    this.#top.check()
    if (!this.#scan.isObject) throw invalidJson(this.#scan.wrong)
    return this.#top.places
  }

  /** Of those one level down, where there are any. */
  inside(): Places | undefined {
    this.#inner?.check()
    return this.#inner?.places
  }

  // ---- what the scan finds

  named(bytes: Uint8Array, length: number, depth: number): void {
    if (depth === 1) this.#top.named(bytes, length)
    else if (this.#inner && this.#top.current === this.#rules.inside?.outer) this.#inner.named(bytes, length)
  }

  scanned(start: number, end: number, depth: number): void {
    if (depth === 1) this.#top.scanned(start, end)
    else if (this.#inner && this.#top.current === this.#rules.inside?.outer) this.#inner.scanned(start, end)
  }
}

/** The governed members of one object. */
class Level {
  readonly places: Places
  /** Index of the member under way; -1 for one that does not govern. */
  current = -1
  readonly #rules: Rules
  /** The first that stands twice or is written with escapes. */
  #twice: string | undefined

  constructor(rules: Rules) {
    this.#rules = rules
    this.places = placesOf(rules)
  }

  check(): void {
    if (this.#twice !== undefined) throw duplicate(this.#twice)
  }

  named(bytes: Uint8Array, length: number): void {
    const name = nameAt(bytes, 0, length, this.#rules)
    if (name < -1) this.#refuse(-2 - name)
    this.current = Math.max(-1, name)
  }

  scanned(start: number, end: number): void {
    const { current } = this
    if (current < 0) return
    const { starts, ends } = this.places
    if (starts[current] !== -1) this.#refuse(current)
    starts[current] = start
    ends[current] = end
  }

  #refuse(name: number): void {
    const { path, list } = this.#rules
    this.#twice ??= `${path}${list[name] ?? ''}`
  }
}
