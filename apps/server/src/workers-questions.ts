// What a worker is asked and answers later, such as where a request would go: numbered, so that answers find their
// question, and ended with the worker.
import { type Code, Fault } from '@switchyard/kinds'

export type Answered<T> =
  | { readonly type: 'ok'; readonly value: T }
  | { readonly type: 'failed'; readonly code: Code; readonly message: string }

const mostAsked = 100
const answerMilliseconds = 5000

interface Open<T> {
  readonly settle: (answer: Answered<T>) => void
  readonly timer: NodeJS.Timeout
}

export class Questions<T> {
  readonly #open = new Map<number, Open<T>>()
  #last = 0

  /** `send` carries the question's number. Rejects with `unavailable` when nobody answers within 5 s. */
  async ask(send: (number: number) => void): Promise<T> {
    if (this.#open.size >= mostAsked) throw busy()
    const number = ++this.#last
    const { promise, resolve } = Promise.withResolvers<Answered<T>>()
    const failed = { type: 'failed', code: 'unavailable', message: busy().message } as const
    const timer = setTimeout(() => this.answered(number, failed), answerMilliseconds)
    this.#open.set(number, { settle: resolve, timer })
    send(number)
    const answer = await promise
    if (answer.type === 'ok') return answer.value
    throw new Fault(answer.code, answer.message)
  }

  answered(number: number, answer: Answered<T>): void {
    const open = this.#open.get(number)
    if (!open) return // it came too late
    this.#open.delete(number)
    clearTimeout(open.timer)
    open.settle(answer)
  }

  /** Nobody is left who could answer. */
  end(): void {
    const { message } = busy()
    for (const number of this.#open.keys())
      this.answered(number, { type: 'failed', code: 'unavailable', message })
  }
}

export const busy = () =>
  new Fault('unavailable', 'No gateway worker answers for now: try again in a moment.', {
    reason: 'no_gateway',
    retryAfterSeconds: 1,
  })
