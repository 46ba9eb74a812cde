// A caller's JSON, read object by object; what nobody has read is known by name, wherever it stands.
import { Fault } from '@switchyard/kinds'
import type { RawJson } from './conversation.ts'
import type { Ends } from './exchange.ts'
import type { Text } from './long-text.ts'
import { invalidValue, Raw, type Visits } from './raw.ts'

const indices = /\.\d+(?=\.|$)/g

/**
 * A caller's object, member by member: null counts as absent, a wrong kind is `invalid_value` with its path, and
 * what nobody asked for is left in `rest`.
 */
export class Fields {
  readonly path: string
  readonly #members: ReadonlyMap<string, Raw>
  readonly #read: Set<string>
  readonly #visits: Visits

  constructor(raw: Raw) {
    const members = raw.members()
    const { path } = raw
    if (!members) throw invalidValue(path, `${path === '' ? 'The body' : `'${path}'`} must be a JSON object.`)
    this.path = path
    this.#members = members
    this.#visits = raw.visits
    const known = this.#visits.get(path)
    this.#read = known?.read ?? new Set()
    if (!known) this.#visits.set(path, { members, read: this.#read })
  }

  /** A whole body, whose top-level names must differ. */
  static body(bytes: Buffer, ends?: Ends): Fields {
    const raw = Raw.body(bytes, ends)
    return new Fields(raw.kind === 'object' ? raw.unique() : raw)
  }

  at(name: string): string {
    return this.path === '' ? name : `${this.path}.${name}`
  }

  raw(name: string): Raw | undefined {
    this.#read.add(name)
    const value = this.#members.get(name)
    return value?.kind === 'null' ? undefined : value
  }

  string(name: string): string | undefined {
    return this.#of(name, raw => raw.string(), 'a string')
  }

  /** A string that stays bytes where it is long. */
  longText(name: string): Text | undefined {
    return this.#of(name, raw => raw.longText(), 'a string')
  }

  number(name: string): number | undefined {
    return this.#of(name, raw => finite(raw.number()), 'a number')
  }

  integer(name: string): number | undefined {
    return this.#of(name, raw => whole(raw.number()), 'an integer')
  }

  boolean(name: string): boolean | undefined {
    return this.#of(name, raw => raw.boolean(), 'true or false')
  }

  array(name: string): readonly Raw[] | undefined {
    return this.#of(name, raw => raw.elements(), 'an array')
  }

  object(name: string): Fields | undefined {
    return this.#of(name, raw => (raw.kind === 'object' ? new Fields(raw) : undefined), 'an object')
  }

  /** An object as it was written: nothing in it is read. */
  whole(name: string): Raw | undefined {
    return this.#of(name, raw => (raw.kind === 'object' ? raw : undefined), 'an object')
  }

  /** One of these words. */
  word<const W extends string>(name: string, words: readonly W[]): W | undefined {
    return this.#of(
      name,
      raw => words.find(word => word === raw.string()),
      `one of ${words.map(word => `"${word}"`).join(', ')}`,
    )
  }

  /** A value that must be there: `fields.needs('model', fields.string('model'))`. */
  needs<T>(name: string, value: T | undefined): T {
    if (value === undefined) throw missingField(this.at(name))
    return value
  }

  /** Members that are known and say nothing that is needed. */
  skip(...names: readonly string[]): void {
    for (const name of names) this.#read.add(name)
  }

  /** It was read, but has no meaning here: it counts as unread. */
  leave(name: string): void {
    this.#read.delete(name)
  }

  /** Members that were not read and are not null, as they were written. */
  rest(): Record<string, RawJson> {
    return Object.fromEntries(
      [...this.#members]
        .filter(([name, value]) => !this.#read.has(name) && value.kind !== 'null')
        .map(([name, value]) => [name, value.text]),
    )
  }

  /** The same of every object of the body that was looked into, by their paths without indices. */
  unread(): Record<string, RawJson> {
    const found = new Map<string, RawJson>()
    for (const [path, { members, read }] of this.#visits)
      for (const [name, value] of members) {
        if (read.has(name) || value.kind === 'null') continue
        const at = path === '' ? name : `${path.replace(indices, '')}.${name}`
        if (!found.has(at)) found.set(at, value.text)
      }
    return Object.fromEntries(found)
  }

  #of<T>(name: string, read: (raw: Raw) => T | undefined, expected: string): T | undefined {
    const raw = this.raw(name)
    if (!raw) return undefined
    const value = read(raw)
    if (value === undefined) throw invalidValue(raw.path, `'${raw.path}' must be ${expected}.`)
    return value
  }
}

function finite(value: number | undefined): number | undefined {
  return value !== undefined && Number.isFinite(value) ? value : undefined
}

function whole(value: number | undefined): number | undefined {
  return value !== undefined && Number.isSafeInteger(value) ? value : undefined
}

function missingField(path: string): Fault {
  const message = `'${path}' is missing: send it.`
  return new Fault('invalid', message, {
    reason: 'missing_field',
    details: [{ path, rule: 'missing_field', message }],
  })
}
