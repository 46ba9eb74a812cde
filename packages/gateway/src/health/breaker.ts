// Keeps requests from an upstream that fails, and lets one at a time find out whether it still does.
//
//   closed --- half of >= 10 calls bad in 10 s, or 5 not reached in a row ---> open
//   open ----- 5 s, doubled to 60 s, give or take a tenth -------------------> half open
//   half open - 3 good --> closed          half open - 1 bad --> open
import type { OutcomeRow } from './outcome.ts'
import { Window } from './window.ts'

export type BreakerState = 'closed' | 'half_open' | 'open'

const leastCalls = 10
const mostUnreached = 5
const goodToClose = 3
const shortest = 5_000
const longest = 60_000
const columns = { calls: 0, fault: 1, slow: 2 } as const

export class Breaker {
  /** Goes up when the breaker opens or closes: what began before says nothing about what is now. */
  epoch = 0
  readonly #random: () => number
  readonly #window = new Window(3)
  #state: BreakerState = 'closed'
  #unreached = 0
  #openings = 0
  #until = 0
  #good = 0
  #probing = false

  /** `random` is uniform in [0, 1). */
  constructor(random: () => number) {
    this.#random = random
  }

  /** Whether a call may begin now. */
  admits(now: number): boolean {
    if (this.#state === 'closed') return true
    return now >= this.#until && !this.#probing
  }

  state(now: number): BreakerState {
    return this.#state === 'open' && now >= this.#until ? 'half_open' : this.#state
  }

  /** When an open breaker lets a probe through, in milliseconds; 0 when it does not wait for a time. */
  get until(): number {
    return this.#state === 'open' ? this.#until : 0
  }

  calls(now: number): number {
    return this.#window.sum(columns.calls, now)
  }

  faults(now: number): number {
    return this.#window.sum(columns.fault, now)
  }

  slow(now: number): number {
    return this.#window.sum(columns.slow, now)
  }

  /** A call begins, admitted or not; true when it is the probe. */
  begin(now: number): boolean {
    if (this.#state === 'closed' || now < this.#until || this.#probing) return false
    if (this.#state === 'open') {
      this.#state = 'half_open'
      this.#good = 0
    }
    this.#probing = true
    return true
  }

  /** A call that began in `epoch` is judged. */
  end({ counts, reached }: OutcomeRow, epoch: number, probe: boolean, now: number): void {
    if (epoch !== this.epoch) return
    if (probe) this.#probing = false
    if (reached !== undefined) this.#unreached = reached ? 0 : this.#unreached + 1
    if (counts === undefined) return
    const good = counts === 'good'
    if (this.#state === 'closed') {
      this.#window.add(columns.calls, now)
      if (good) return
      this.#window.add(columns[counts], now)
      if (this.#unreached >= mostUnreached || this.#trips(now)) this.#open(now)
    } else if (good) this.#better()
    else if (this.#state === 'half_open') this.#open(now)
  }

  /** Forgets the window, as after an ejection. */
  forget(): void {
    this.#window.clear()
    this.#unreached = 0
  }

  #trips(now: number): boolean {
    const calls = this.calls(now)
    return calls >= leastCalls && (this.faults(now) + this.slow(now)) * 2 >= calls
  }

  #open(now: number): void {
    const nominal = Math.min(longest, shortest * 2 ** this.#openings)
    this.#until = now + nominal * (0.9 + 0.2 * this.#random())
    this.#openings = Math.min(this.#openings + 1, 8)
    this.#change('open')
  }

  /** Good while open is a call that was let through because the whole pool looked ill: it is a probe that went well. */
  #better(): void {
    this.#good = this.#state === 'open' ? 1 : this.#good + 1
    this.#state = 'half_open'
    this.#until = 0
    if (this.#good < goodToClose) return
    this.#openings = 0
    this.#change('closed')
  }

  #change(state: BreakerState): void {
    this.#state = state
    this.#probing = false
    this.epoch++
    this.forget()
  }
}
