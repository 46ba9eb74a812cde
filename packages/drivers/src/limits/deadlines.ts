// One timer for all that may take equally long: what came first is due first.

interface Waiting {
  readonly dueMs: number
  readonly late: (error: unknown) => void
}

export class Deadlines implements Disposable {
  readonly #milliseconds: number
  readonly #monotonic: () => number
  readonly #error: () => Error
  /** In the order in which they are due; those before the head have been. */
  readonly #waiting: Waiting[] = []
  #head = 0
  #timer: NodeJS.Timeout | undefined

  /** `error` makes what late work rejects with. */
  constructor(milliseconds: number, monotonic: () => number, error: () => Error) {
    this.#milliseconds = milliseconds
    this.#monotonic = monotonic
    this.#error = error
  }

  /** Ends as `work` does, or rejects when the time is over first; nobody waits for it then. */
  within<T>(work: Promise<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    this.#waiting.push({ dueMs: this.#monotonic() + this.#milliseconds, late: reject })
    work.then(resolve, reject)
    this.#timer ??= setTimeout(this.#wake, this.#milliseconds)
    return promise
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    for (const { late } of this.#waiting.splice(0).slice(this.#head)) late(this.#error())
    this.#head = 0
  }

  /** After a busy loop, answers that have arrived are read before anything is called late. */
  readonly #wake = (): void => {
    setImmediate(this.#expire)
  }

  readonly #expire = (): void => {
    const now = this.#monotonic()
    for (; this.#head < this.#waiting.length; this.#head++) {
      const { dueMs, late } = this.#waiting[this.#head]! // within its length
      if (dueMs > now) break
      late(this.#error())
    }
    if (this.#head * 2 > this.#waiting.length) {
      this.#waiting.splice(0, this.#head)
      this.#head = 0
    }
    const next = this.#waiting[this.#head]
    this.#timer = next && setTimeout(this.#wake, Math.max(1, next.dueMs - now))
  }
}
