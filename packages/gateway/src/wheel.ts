// One coarse timer for everything that waits: each live call is asked every 100 ms whether its time is over.
import { type Placed, Roster } from '@switchyard/runtime'

export interface Ticking extends Placed {
  tick(now: number): void
}

const milliseconds = 100

export class Wheel implements Disposable {
  readonly #live = new Roster<Ticking>()
  readonly #clock: () => number
  readonly #each: (now: number) => void
  #timer: NodeJS.Timeout | undefined
  /** The time of the last tick: what is good enough for deadlines costs no call of the clock. */
  now: number

  /** `each` runs before the calls are asked. */
  constructor(clock: () => number, each: (now: number) => void) {
    this.#clock = clock
    this.#each = each
    this.now = clock()
  }

  add(one: Ticking): void {
    if (this.#live.size === 0) this.now = this.#clock()
    this.#live.add(one)
    this.#timer ??= setInterval(this.#tick, milliseconds)
  }

  delete(one: Ticking): void {
    this.#live.delete(one)
  }

  get size(): number {
    return this.#live.size
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  readonly #tick = (): void => {
    this.now = this.#clock()
    this.#each(this.now)
    for (const one of this.#live) one.tick(this.now)
    if (this.#live.size === 0) this[Symbol.dispose]()
  }
}
