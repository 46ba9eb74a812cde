// Answers that are kept for a while, bounded in bytes, in entries and in time. The least recently used goes first.
import { type StoredReply, weightOf } from './reply.ts'

export interface ReplyCacheOptions {
  /** Bytes of memory of all replies, default 256 MiB. */
  readonly bytes: number
  /** Replies at one time, default 10 000. */
  readonly entries: number
  /** Bytes of one reply, default 1 MiB. */
  readonly entryBytes: number
  /** Milliseconds for which a reply is kept when `put` does not say, default 10 minutes. */
  readonly ttl: number
}

export const defaultReplyCache: ReplyCacheOptions = Object.freeze({
  bytes: 256 * 1024 * 1024,
  entries: 10_000,
  entryBytes: 1024 * 1024,
  ttl: 600_000,
})

/** How the cache served a request: the words of `x-switchyard-cache`. */
export type CacheResult = 'hit' | 'miss' | 'coalesced' | 'bypass'

export interface CacheCounts extends Readonly<Record<CacheResult, number>> {
  /** Replies that left before their time to make room. */
  readonly evictions: number
  /** Bytes of memory now. */
  readonly bytes: number
  readonly entries: number
}

interface Entry {
  readonly reply: StoredReply
  readonly weight: number
  readonly expiresAt: number
}

export class ReplyCache {
  readonly #options: ReplyCacheOptions
  /** The one used last stands last. */
  readonly #entries = new Map<string, Entry>()
  readonly #results: Record<CacheResult, number> = { hit: 0, miss: 0, coalesced: 0, bypass: 0 }
  #bytes = 0
  #evictions = 0
  #hand: MapIterator<[string, Entry]>

  constructor(options: Partial<ReplyCacheOptions> = {}) {
    this.#options = { ...defaultReplyCache, ...options }
    for (const [name, value] of Object.entries(this.#options))
      if (!(value > 0)) throw new TypeError(`the cache's ${name} must be above 0, not ${value}`)
    this.#hand = this.#entries.entries()
  }

  /** Bytes of the largest reply that is kept. */
  get entryBytes(): number {
    return this.#options.entryBytes
  }

  /** A reply that is not older than its time. It counts nothing: see `count`. */
  get(key: string, now: number): StoredReply | undefined {
    const entry = this.#entries.get(key)
    if (!entry) return undefined
    this.#remove(key, entry)
    if (entry.expiresAt <= now) return undefined
    this.#add(key, entry)
    return entry.reply
  }

  /** Keeps a reply in place of an older one; false when it is too large. `ttl` in milliseconds. */
  put(key: string, reply: StoredReply, now: number, ttl = this.#options.ttl): boolean {
    this.drop(key)
    const weight = weightOf(reply)
    const { bytes, entries, entryBytes } = this.#options
    if (reply.bytes.length > entryBytes || weight > bytes || !(ttl > 0)) return false
    for (const [oldest, entry] of this.#entries) {
      if (this.#bytes + weight <= bytes && this.#entries.size < entries) break
      this.#remove(oldest, entry)
      this.#evictions++
    }
    this.#add(key, Object.freeze({ reply, weight, expiresAt: now + ttl }))
    return true
  }

  drop(key: string): void {
    const entry = this.#entries.get(key)
    if (entry) this.#remove(key, entry)
  }

  clear(): void {
    this.#entries.clear()
    this.#bytes = 0
  }

  /** Drops what is too old among the next `most` replies: asked on a tick, it comes round to all of them. */
  sweep(now: number, most = 256): void {
    for (let seen = 0; seen < most; seen++) {
      const { done, value } = this.#hand.next()
      if (done) {
        this.#hand = this.#entries.entries()
        return
      }
      const [key, entry] = value
      if (entry.expiresAt <= now) this.#remove(key, entry)
    }
  }

  /** Every request of a route with a cache counts once, by how it was served. */
  count(result: CacheResult): void {
    this.#results[result]++
  }

  get counts(): CacheCounts {
    return Object.freeze({
      ...this.#results,
      evictions: this.#evictions,
      bytes: this.#bytes,
      entries: this.#entries.size,
    })
  }

  #add(key: string, entry: Entry): void {
    this.#entries.set(key, entry)
    this.#bytes += entry.weight
  }

  #remove(key: string, entry: Entry): void {
    this.#entries.delete(key)
    this.#bytes -= entry.weight
  }
}
