// Keys to look at again for a reason outside of the store; several before anybody listens become one batch.
import type { Key } from '@switchyard/runtime'

export class Wakes {
  readonly #keys = new Map<string, Key>()
  #wake: (() => void) | undefined
  #failure: { readonly error: unknown } | undefined

  add(...keys: readonly Key[]): void {
    for (const key of keys) this.#keys.set(`${key.kind}/${key.workspace ?? ''}/${key.name}`, key)
    this.#wake?.()
  }

  /** What was listened to has broken: whoever listens hears of it. */
  fail(error: unknown): void {
    this.#failure = { error }
    this.#wake?.()
  }

  async *listen(signal: AbortSignal): AsyncIterable<readonly Key[]> {
    while (!signal.aborted) {
      if (this.#keys.size === 0 && !this.#failure) await this.#next(signal)
      if (this.#failure) throw this.#failure.error
      const keys = [...this.#keys.values()]
      this.#keys.clear()
      if (keys.length > 0) yield keys
    }
  }

  #next(signal: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      const wake = () => {
        signal.removeEventListener('abort', wake)
        this.#wake = undefined
        resolve()
      }
      this.#wake = wake
      signal.addEventListener('abort', wake, { once: true })
      if (signal.aborted) wake()
    })
  }
}
