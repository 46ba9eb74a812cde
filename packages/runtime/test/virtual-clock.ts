// Time that passes when a test says so.
import type { Clock } from '@switchyard/runtime'

export class VirtualClock implements Clock {
  #time = 0
  readonly #sleepers = new Set<{ readonly due: number; readonly wake: () => void }>()

  now(): number {
    return 1_700_000_000_000 + this.#time
  }
  monotonic(): number {
    return this.#time
  }
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve()
    return new Promise(resolve => {
      const wake = () => {
        this.#sleepers.delete(sleeper)
        signal?.removeEventListener('abort', wake)
        resolve()
      }
      const sleeper = { due: this.#time + Math.max(0, milliseconds), wake }
      this.#sleepers.add(sleeper)
      signal?.addEventListener('abort', wake, { once: true })
    })
  }
  /** Lets time pass, and everything that was waiting for it happen, in order. */
  async pass(milliseconds: number): Promise<void> {
    const end = this.#time + milliseconds
    for (;;) {
      await settle()
      const [next] = [...this.#sleepers].filter(({ due }) => due <= end).sort((a, b) => a.due - b.due)
      if (!next) break
      this.#time = Math.max(this.#time, next.due)
      next.wake()
    }
    this.#time = end
    await settle()
  }
}

const settle = () => new Promise<void>(resolve => setImmediate(resolve))
