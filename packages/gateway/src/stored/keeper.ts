// Writes responses to where they are kept. Who waits for an answer waits for it to be kept, but not for ever: while the
// store is away the answer leaves, and is written as soon as the store is back.
import { Fault } from '@switchyard/kinds'
import type { ResponseScope, ResponseStore, StoredResponse } from '@switchyard/runtime'

export interface KeeperOptions {
  /** Milliseconds that an answer waits to be kept. */
  readonly patience: number
  /** Tries to write one; between them the pause doubles from `pause` milliseconds. */
  readonly tries: number
  readonly pause: number
  /** Bytes that may wait to be written: of what comes beyond them nothing is kept. */
  readonly bytes: number
}

const defaults: KeeperOptions = Object.freeze({
  patience: 2000,
  tries: 8,
  pause: 100,
  bytes: 64 * 1024 * 1024,
})

/** What a response takes beside its content, in bytes. */
const overhead = 512

export class Keeper implements Disposable {
  readonly store: ResponseStore
  readonly #options: KeeperOptions
  readonly #lost: (error: unknown) => void
  readonly #ending = new AbortController()
  #bytes = 0

  /** `lost` is told of a response that could not be kept. */
  constructor(store: ResponseStore, lost: (error: unknown) => void, options: Partial<KeeperOptions> = {}) {
    this.store = store
    this.#lost = lost
    this.#options = Object.freeze({ ...defaults, ...options })
  }

  /** Resolves when it is kept, when that takes too long, or when it cannot be. */
  async keep(scope: ResponseScope, response: StoredResponse): Promise<void> {
    const content = response.upstream === undefined ? response.content.reveal().length : 0
    const weight = content + overhead
    if (this.#bytes + weight > this.#options.bytes) {
      this.#lost(new Fault('exhausted', 'Too many responses wait to be kept.', { reason: 'responses_full' }))
      return
    }
    this.#bytes += weight
    const written = this.#write(scope, response).then(
      () => {
        this.#bytes -= weight
      },
      (error: unknown) => {
        this.#bytes -= weight
        this.#lost(error)
      },
    )
    let timer: NodeJS.Timeout | undefined
    const patience = new Promise<void>(resolve => {
      timer = setTimeout(resolve, this.#options.patience)
    })
    await Promise.race([written, patience])
    clearTimeout(timer)
  }

  /** Nothing more is tried again. */
  [Symbol.dispose](): void {
    this.#ending.abort()
  }

  async #write(scope: ResponseScope, response: StoredResponse): Promise<void> {
    const { tries, pause } = this.#options
    for (let tried = 1; ; tried++)
      try {
        await this.store.keep(scope, response)
        return
      } catch (error) {
        const again = error instanceof Fault && error.code === 'unavailable' && tried < tries
        if (!again || this.#ending.signal.aborted) throw error
        await this.#sleep(pause * 2 ** (tried - 1))
      }
  }

  #sleep(milliseconds: number): Promise<void> {
    const { signal } = this.#ending
    return new Promise(resolve => {
      const done = () => {
        clearTimeout(timer)
        signal.removeEventListener('abort', done)
        resolve()
      }
      const timer = setTimeout(done, milliseconds)
      signal.addEventListener('abort', done)
    })
  }
}
