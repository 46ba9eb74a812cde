// A stream holds money for a stretch of its answer at a time: more is held before a stretch is used up, and where there
// is no more, it ends.
import type { Hold } from './wallet.ts'

/** Tokens of output that are held for at once. */
export const stretchTokens = 4096

export interface BudgetOptions {
  readonly hold: Hold
  /** Tokens that are held for. */
  readonly reserved: number
  /** Tokens that the answer may have. */
  readonly most: number
  /** Tokens of another stretch, and what they cost at most. */
  readonly stretch: number
  readonly price: bigint
}

export class Budget {
  readonly #options: BudgetOptions
  #reserved: number
  #asking = false
  /** More was refused before the stretch had ended, or then. */
  #refused: 'early' | 'last' | undefined

  constructor(options: BudgetOptions) {
    this.#options = options
    this.#reserved = options.reserved
  }

  /** Whether an answer of so many tokens goes on: `wait` is until more is held, or is not. */
  at(tokens: number): 'go' | 'wait' | 'cut' {
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
