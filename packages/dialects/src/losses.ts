// What a conversion could not say, collected while a body is written: named for the caller, or refused.
import type { Fault } from '@switchyard/kinds'
import type { Conversation, Converted } from './conversation.ts'
import { unsupportedParameter } from './raw.ts'

/** Members that say what holds without them, as JSON. */
const idle: Conversation['rest'] = { store: 'false', background: 'false', truncation: '"disabled"' }

export class Losses {
  readonly #strict: boolean
  readonly #dropped = new Set<string>()
  readonly #clamped = new Set<string>()

  constructor(strict: boolean) {
    this.#strict = strict
  }

  /** A parameter that the upstream's dialect has no word for. */
  drop(name: string): void {
    if (this.#strict) throw this.refusal(name)
    this.#dropped.add(name)
  }

  clamp(name: string): void {
    this.#clamped.add(name)
  }

  /** Members of the caller's own dialect that have no meaning here. */
  dropAll(names: readonly string[]): void {
    for (const name of names) this.drop(name)
  }

  /** The same, of what was not understood; what would be so anyway is no loss. */
  dropRest(rest: Conversation['rest'], names: readonly string[] = Object.keys(rest)): void {
    for (const name of names) if (!Object.hasOwn(idle, name) || idle[name] !== rest[name]) this.drop(name)
  }

  /** What must not be lost: the request would mean something else without it. */
  refusal(name: string, why = 'the upstream of this model has no such parameter'): Fault {
    return unsupportedParameter(
      name,
      `'${name}' can't be sent: ${why}. Leave it out, or choose another model.`,
    )
  }

  result<T>(value: T): Converted<T> {
    return { value, dropped: [...this.#dropped], clamped: [...this.#clamped] }
  }
}
