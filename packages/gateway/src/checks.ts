// Asks every replica, every few seconds, whether it is well: one that is not gets nothing before its next good answers.
import type { Health } from './health/health.ts'
import type { Origin } from './route.ts'
import type { Upstreams } from './upstreams.ts'
import type { Exchange, Hearer } from './wire/client.ts'

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
  readonly #asking = new Map<string, Check>()

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
    for (const check of this.#asking.values()) check.abandon()
    this.#asking.clear()
  }

  readonly #round = (): void => {
    for (const [key, check] of this.#asking) {
      if (performance.now() - check.startedAt < this.#milliseconds) continue
      check.abandon()
      this.#told(key, false)
    }
    for (const { key, origin } of this.#replicas()) {
      if (this.#asking.has(key)) continue
      const pool = this.#upstreams.at(origin)
      const check = new Check(good => this.#told(key, good))
      this.#asking.set(key, check)
      check.exchange = pool.client.request('GET', path, headers, undefined, check)
    }
  }

  #told(key: string, good: boolean): void {
    if (this.#asking.delete(key)) this.#health.checked(key, good)
  }
}

class Check implements Hearer {
  readonly startedAt = performance.now()
  exchange: Exchange | undefined
  readonly #told: (good: boolean) => void
  #status = 0

  constructor(told: (good: boolean) => void) {
    this.#told = told
  }

  abandon(): void {
    this.exchange?.abort()
  }

  onHead(status: number): void {
    this.#status = status
  }

  onData(): void {}

  onEnd(): void {
    this.#told(this.#status === 200)
  }

  onError(): void {
    this.#told(false)
  }
}
