// Asks the engines of endpoints in use, every second, how many requests they have: others may send to them as well. An
// engine that does not say corrects nothing, which metrics and `route explain` tell.
import { type Signal, samples, signalOf } from '@switchyard/runtime'
import type { Health } from './health/health.ts'
import { Question } from './question.ts'
import type { Origin } from './route.ts'
import type { Upstreams } from './upstreams.ts'

/** A replica whose engine counts its requests. */
export interface Counted {
  /** Of the upstream. */
  readonly key: string
  /** Workspace and name of the endpoint. */
  readonly endpoint: string
  readonly origin: Origin
  readonly path: string
  readonly signals: readonly Signal[]
}

const headers = Object.freeze(['accept', 'text/plain', 'user-agent', 'switchyard'])

export class EngineCounts implements Disposable {
  readonly #upstreams: Upstreams
  readonly #health: Health
  readonly #clock: () => number
  readonly #counted: () => readonly Counted[]
  readonly #timer: NodeJS.Timeout
  /** By the upstream's key. */
  #asking = new Map<string, Question>()

  /** One round every `milliseconds`; an answer that takes longer is none. */
  constructor(
    upstreams: Upstreams,
    health: Health,
    {
      clock,
      counted,
      milliseconds,
    }: {
      readonly clock: () => number
      readonly counted: () => readonly Counted[]
      readonly milliseconds: number
    },
  ) {
    this.#upstreams = upstreams
    this.#health = health
    this.#clock = clock
    this.#counted = counted
    this.#timer = setInterval(this.#round, milliseconds).unref()
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    for (const question of this.#asking.values()) question.abandon()
    this.#asking.clear()
  }

  readonly #round = (): void => {
    const now = this.#clock()
    const before = this.#asking
    this.#asking = new Map()
    for (const [key, question] of before) if (question.abandon()) this.#health.counted(key, undefined, now)
    const all = this.#counted()
    const used = new Set(all.filter(({ key }) => this.#health.busy(key, now)).map(({ endpoint }) => endpoint))
    for (const one of all) if (used.has(one.endpoint)) this.#ask(one)
    for (const key of before.keys()) if (!this.#asking.has(key)) this.#health.uncounted(key)
  }

  #ask({ key, origin, path, signals }: Counted): void {
    const question = new Question(text => {
      const found = text === undefined ? undefined : samples(text)
      const running = found && signalOf('running', signals, found)
      const waiting = found && signalOf('waiting', signals, found)
      this.#health.counted(key, running === undefined ? undefined : running + (waiting ?? 0), this.#clock())
    })
    this.#asking.set(key, question)
    question.exchange = this.#upstreams.at(origin).client.request('GET', path, headers, undefined, question)
  }
}
