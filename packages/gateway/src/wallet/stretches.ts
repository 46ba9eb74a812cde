// A stream holds money for a stretch of its answer at a time: more is held before a stretch is used up, and where there
// is no more, it ends.
import { Fault } from '@switchyard/kinds'
import type { Hold } from './wallet.ts'

/** Tokens of output that are held for at once. */
export const stretchTokens = 4096

/** Milliseconds for which a stream waits for more money. */
const mostShort = 1000

export interface StretchesOptions {
  readonly hold: Hold
  /** Tokens that are held for. */
  readonly reserved: number
  /** Tokens that the answer may have. */
  readonly most: number
  /** Tokens of another stretch, and what they cost at most. */
  readonly stretch: number
  readonly price: bigint
}

export class Stretches {
  readonly #options: StretchesOptions
  #reserved: number
  #asking = false
  /** More was refused before the stretch had ended, or then. */
  #refused: 'early' | 'last' | undefined
  /** Since when the answer waits for more; undefined while it goes on. */
  #shortSince: number | undefined

  constructor(options: StretchesOptions) {
    this.#options = options
    this.#reserved = options.reserved
  }

  /** The answer waits for more. */
  get short(): boolean {
    return this.#shortSince !== undefined
  }

  /** What an answer of so many tokens is to do; `resume` once, when it has waited. `now` in milliseconds of any clock. */
  pace(tokens: number, now: number): 'go' | 'wait' | 'resume' | 'cut' {
    const verdict = this.#at(tokens)
    if (verdict === 'wait') {
      this.#shortSince ??= now
      return now - this.#shortSince < mostShort ? 'wait' : 'cut'
    }
    if (verdict === 'cut' || this.#shortSince === undefined) return verdict
    this.#shortSince = undefined
    return 'resume'
  }

  /** Whether an answer of so many tokens goes on: `wait` is until more is held, or is not. */
  #at(tokens: number): 'go' | 'wait' | 'cut' {
    for (;;) {
      if (tokens * 5 < this.#reserved * 4 || this.#reserved >= this.#options.most) return 'go'
      const ended = tokens >= this.#reserved
      if (this.#asking) return ended ? 'wait' : 'go'
      // Asked once before the stretch ends, and once more when it has.
      if (this.#refused === 'last' || (this.#refused === 'early' && !ended)) return ended ? 'cut' : 'go'
      this.#ask(ended)
    }
  }

  #ask(ended: boolean): void {
    const { hold, price } = this.#options
    const granted = hold.extend(price)
    if (!(granted instanceof Promise)) {
      this.#answered(granted, ended)
      return
    }
    this.#asking = true
    granted.then(
      late => this.#answered(late, ended),
      // What cannot be asked is not granted.
      () => this.#answered(false, ended),
    )
  }

  #answered(granted: boolean, ended: boolean): void {
    this.#asking = false
    this.#refused = granted ? undefined : ended ? 'last' : 'early'
    if (granted) this.#reserved += this.#options.stretch
  }
}

export const usedUp = () =>
  new Fault(
    'exhausted',
    'The balance is used up: the answer ends here. Ask its administrator to pay in, or ask for less output.',
    { reason: 'insufficient_quota' },
  )
