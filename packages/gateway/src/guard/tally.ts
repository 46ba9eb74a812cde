// What the rules of one request or reply have found so far, and whether one of them refuses.
import type { Side } from './compile.ts'
import type { Blocked, Finding, GuardFailure } from './rule.ts'

export class Tally {
  blocked: Blocked | undefined
  readonly #side: Side
  readonly #counts: number[] = []
  readonly #failures: (GuardFailure | undefined)[] = []

  constructor(side: Side) {
    this.#side = side
  }

  count(rule: number, times = 1): void {
    this.#counts[rule] = (this.#counts[rule] ?? 0) + times
  }

  block(rule: number): void {
    this.count(rule)
    this.blocked ??= Object.freeze({ rule: this.#side.rules[rule]?.name ?? '' })
  }

  /** The rule could not be asked: it refuses when it is closed, and else lets pass. */
  fail(rule: number, failure: GuardFailure): void {
    const compiled = this.#side.rules[rule]
    this.#failures[rule] ??= failure
    if (compiled?.onFailure === 'closed') this.blocked ??= Object.freeze({ rule: compiled.name, failure })
  }

  findings(): readonly Finding[] {
    return Object.freeze(
      this.#side.rules.flatMap(({ name, kind, action }, index) => {
        const count = this.#counts[index] ?? 0
        const failure = this.#failures[index]
        if (count === 0 && failure === undefined) return []
        const found = { rule: name, kind, action, count }
        return [Object.freeze(failure === undefined ? found : { ...found, failure })]
      }),
    )
  }
}
