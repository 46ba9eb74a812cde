// A response that its caller no longer hears: its upstream is told to end it, and tells what it has used by then.
import { RealtimeTap, type Usage } from '@switchyard/dialects'
import type { WebSocket } from 'ws'

/** Milliseconds that the upstream has for its last word. */
const mostMilliseconds = 5000

export class LastCount {
  readonly #upstream: WebSocket
  readonly #tap: RealtimeTap
  readonly #until: number
  readonly #told: (usage: Usage | undefined) => void
  #over = false

  /** `told` is called once, without usage where nothing was told. `now` in milliseconds of any clock. */
  constructor(upstream: WebSocket, tap: RealtimeTap, now: number, told: (usage: Usage | undefined) => void) {
    this.#upstream = upstream
    this.#tap = tap
    this.#until = now + mostMilliseconds
    this.#told = told
    upstream.on('message', this.#heard)
    upstream.once('close', this.#closed)
    upstream.send(RealtimeTap.cancel)
  }

  /** Called every 100 ms while it is waited for. */
  tick(now: number): void {
    if (now >= this.#until) this.#end(undefined)
  }

  readonly #heard = (message: unknown, isBinary: boolean): void => {
    const usage = isBinary ? undefined : this.#tap.push(message as Buffer)
    if (!this.#tap.responding) this.#end(usage)
  }

  readonly #closed = (): void => this.#end(undefined)

  #end(usage: Usage | undefined): void {
    if (this.#over) return
    this.#over = true
    this.#upstream.off('message', this.#heard)
    this.#upstream.off('close', this.#closed)
    this.#told(usage)
  }
}
