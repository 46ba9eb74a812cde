// Money that is held for requests, as metrics tell it: how much was paid, how much of that nobody had held, and how often
// more was asked for. Amounts in 10^-12 of a currency.
import { Fault } from '@switchyard/kinds'
import type { Hold } from './wallet.ts'

/** Whose money it is, by what may be a label. */
export interface Purse {
  readonly kind: 'prepaid' | 'postpaid'
  readonly currency: string
}

/** Where what happens to held money is counted. */
export interface HoldSums {
  /** Where a request was held for. */
  opened(purse: Purse, from: 'slice' | 'row'): void
  /** More was asked for. */
  extended(purse: Purse, granted: boolean): void
  /** `over` of it was not held. */
  paid(purse: Purse, amount: bigint, over: bigint): void
  refused(purse: Purse, reason: string): void
}

/** The hold, counted; nothing is counted where nothing is held. */
export function counted(hold: Hold, held: bigint, purse: Purse, sums: HoldSums): Hold {
  const { from } = hold
  if (from === undefined) return hold
  sums.opened(purse, from === 'row' ? 'row' : 'slice')
  return new CountedHold(hold, held, purse, sums)
}

/** Counts why nothing was held, and passes it on. */
export function countRefusal(error: unknown, purse: Purse, sums: HoldSums): never {
  if (error instanceof Fault) sums.refused(purse, error.reason ?? error.code)
  throw error
}

class CountedHold implements Hold {
  readonly #hold: Hold
  readonly #purse: Purse
  readonly #sums: HoldSums
  #held: bigint

  constructor(hold: Hold, held: bigint, purse: Purse, sums: HoldSums) {
    this.#hold = hold
    this.#held = held
    this.#purse = purse
    this.#sums = sums
  }

  get from(): string | undefined {
    return this.#hold.from
  }

  extend(amount: bigint): boolean | Promise<boolean> {
    const granted = this.#hold.extend(amount)
    if (granted instanceof Promise) return granted.then(late => this.#extended(late, amount))
    return this.#extended(granted, amount)
  }

  #extended(granted: boolean, amount: bigint): boolean {
    this.#sums.extended(this.#purse, granted)
    if (granted) this.#held += amount
    return granted
  }

  settle(actual: bigint): void {
    this.#sums.paid(this.#purse, actual, actual > this.#held ? actual - this.#held : 0n)
    this.#hold.settle(actual)
  }

  void(): void {
    this.#hold.void()
  }
}
