// Keys waiting for a worker. Queued twice runs once; added while running runs once more after; never two
// workers on one key.
//
//          add            take             done
//   (out) ─────▶ ready ─────────▶ running ──────▶ (out)
//     │            ▲                 │ add            ▲
//     └─▶ later ───┘ when due        └─▶ again ─ done ─▶ ready
import type { Clock } from './clock.ts'

export class Queue implements Disposable {
  readonly #clock: Clock
  readonly #ready = new Set<string>()
  readonly #running = new Set<string>()
  readonly #again = new Set<string>()
  readonly #later = new Map<string, { readonly due: number; readonly cancel: AbortController }>()
  readonly #takers: ((key: string | undefined) => void)[] = []
  #closed = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Keys ready or running; those that wait for their time are not counted. */
  get size(): number {
    return this.#ready.size + this.#running.size
  }

  /** Adds a key, `delayMs` from now; of two delays the earlier counts. */
  add(key: string, delayMs = 0): void {
    if (this.#closed) return
    if (delayMs > 0) this.#addLater(key, delayMs)
    else if (this.#running.has(key)) this.#again.add(key)
    else {
      const taker = this.#takers.shift()
      if (taker) {
        this.#running.add(key)
        taker(key)
      } else this.#ready.add(key)
    }
  }

  /** The next key, held until `done`; undefined once closed. */
  take(): Promise<string | undefined> {
    if (this.#closed) return Promise.resolve(undefined)
    const [key] = this.#ready
    if (key === undefined) return new Promise(resolve => this.#takers.push(resolve))
    this.#ready.delete(key)
    this.#running.add(key)
    return Promise.resolve(key)
  }

  done(key: string): void {
    this.#running.delete(key)
    if (this.#again.delete(key)) this.add(key)
  }

  /** Wakes every taker with undefined and forgets what waits. Twice is fine. */
  close(): void {
    this.#closed = true
    for (const { cancel } of this.#later.values()) cancel.abort()
    this.#later.clear()
    this.#ready.clear()
    this.#again.clear()
    for (const taker of this.#takers.splice(0)) taker(undefined)
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #addLater(key: string, delayMs: number): void {
    const due = this.#clock.monotonic() + delayMs
    const waiting = this.#later.get(key)
    if (waiting && waiting.due <= due) return
    waiting?.cancel.abort()
    const cancel = new AbortController()
    this.#later.set(key, { due, cancel })
    void this.#clock.sleep(delayMs, cancel.signal).then(() => {
      if (cancel.signal.aborted) return
      this.#later.delete(key)
      this.add(key)
    })
  }
}
