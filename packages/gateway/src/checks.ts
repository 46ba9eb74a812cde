// Asks every replica, every few seconds, whether it is well: one that is not gets nothing before its next good answers.
import type { Health } from './health/health.ts'
import { Question } from './question.ts'
import type { Origin } from './route.ts'
import type { Upstreams } from './upstreams.ts'

/** A replica, by the name under which its health is kept. */
export interface Checked {
  readonly key: string
  readonly origin: Origin
}

const headers = Object.freeze(['accept', '*/*', 'user-agent', 'switchyard'])
const path = '/health'

export class ActiveChecks implements Disposable {
  readonly #upstreams: Upstreams
  readonly #health: Health
  readonly #replicas: () => readonly Checked[]
  readonly #timer: NodeJS.Timeout
  readonly #milliseconds: number
  readonly #asking = new Map<string, Question>()

  /** One round every `milliseconds`; an answer that takes longer is a bad one. */
  constructor(
    upstreams: Upstreams,
    health: Health,
    replicas: () => readonly Checked[],
    milliseconds: number,
  ) {
    this.#upstreams = upstreams
    this.#health = health
    this.#replicas = replicas
    this.#milliseconds = milliseconds
    this.#timer = setInterval(this.#round, milliseconds).unref()
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    for (const question of this.#asking.values()) question.abandon()
    this.#asking.clear()
  }

  readonly #round = (): void => {
    for (const [key, question] of this.#asking) {
      if (performance.now() - question.startedAt < this.#milliseconds) continue
      question.abandon()
      this.#told(key, false)
    }
    for (const { key, origin } of this.#replicas()) {
      if (this.#asking.has(key)) continue
      const pool = this.#upstreams.at(origin)
      const question = new Question(text => this.#told(key, text !== undefined))
      this.#asking.set(key, question)
      question.exchange = pool.client.request('GET', path, headers, undefined, question)
    }
  }

  #told(key: string, good: boolean): void {
    if (this.#asking.delete(key)) this.#health.checked(key, good)
  }
}
