// One GET that an engine is asked, and the text of its answer.
import type { Exchange, Hearer } from './wire/client.ts'

/** An engine tells of itself in a few KiB. */
const mostBytes = 256 * 1024

export class Question implements Hearer {
  readonly startedAt = performance.now()
  exchange: Exchange | undefined
  readonly #told: (text: string | undefined) => void
  #status = 0
  #text = ''
  #over = false

  /** `told` once, of an answer 200 its text, of anything else nothing; never after `abandon`. */
  constructor(told: (text: string | undefined) => void) {
    this.#told = told
  }

  /** False when it was answered before. */
  abandon(): boolean {
    if (this.#over) return false
    this.#over = true
    this.exchange?.abort()
    return true
  }

  onHead(status: number): void {
    this.#status = status
  }

  onData(bytes: Buffer): void {
    this.#text += bytes.toString('latin1')
    if (this.#text.length > mostBytes && this.abandon()) this.#told(undefined)
  }

  onEnd(): void {
    this.#end(this.#status === 200 ? this.#text : undefined)
  }

  onError(): void {
    this.#end(undefined)
  }

  #end(text: string | undefined): void {
    if (this.#over) return
    this.#over = true
    this.#told(text)
  }
}
