// Which of the endpoints that may sleep are in use: looked at now and then, so that no request does anything for it.
import type { Wanted } from '@switchyard/runtime'
import type { Health } from './health/health.ts'

/** A replica of an endpoint that may sleep. */
export interface Napping extends Wanted {
  /** Of the upstream. */
  readonly key: string
}

/** Between two looks: what a gateway says of an endpoint in use is older by no more. */
const lookMilliseconds = 5000

export class Use {
  readonly #health: Health
  readonly #wanted: (wanted: readonly Wanted[]) => void
  #lookAt = 0

  constructor(health: Health, wanted: (wanted: readonly Wanted[]) => void) {
    this.#health = health
    this.#wanted = wanted
  }

  look(napping: readonly Napping[], now: number): void {
    if (napping.length === 0 || now < this.#lookAt) return
    this.#lookAt = now + lookMilliseconds
    const used = napping.filter(({ key }) => this.#health.busy(key, now))
    const named = new Map(used.map(({ workspace, name }) => [`${workspace}/${name}`, { workspace, name }]))
    if (named.size > 0) this.#wanted([...named.values()])
  }
}
