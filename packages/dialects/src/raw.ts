// JSON where it stands: values are walked in the bytes that came and built only when asked for, so that digits,
// member order and large strings survive a conversion. Names never become properties: `__proto__` is a name.
import { isUtf8 } from 'node:buffer'
import { Fault } from '@switchyard/kinds'
import type { RawJson } from './conversation.ts'
import type { Ends, Range } from './exchange.ts'
import { LongText, longBytes, type Text } from './long-text.ts'
import { Cursor, more } from './scan.ts'

export { type Json, Verbatim, verbatim, writeBytes, writeJson } from './json.ts'

export type JsonKind = 'object' | 'array' | 'string' | 'number' | 'boolean' | 'null'

/** Elements or members that one container may have. */
const maxEntries = 65_536
/** Strings of this many bytes are walked over once: their end is remembered. */
const largeString = 16_384

const kinds: Readonly<Record<string, JsonKind>> = {
  '{': 'object',
  '[': 'array',
  '"': 'string',
  t: 'boolean',
  f: 'boolean',
  n: 'null',
}

/** Passes in one step large strings after the first time, and all of which the end is known. */
class Walker extends Cursor {
  readonly #ends: Map<number, number>

  constructor(bytes: Uint8Array, start: number, end: number, ends: Map<number, number>) {
    super(bytes, start, end)
    this.#ends = ends
  }

  override value(depth: number): boolean {
    const known = this.#ends.size > 0 ? this.#ends.get(this.at) : undefined
    if (known === undefined) return super.value(depth)
    this.at = known
    return true
  }

  override string(): boolean {
    const start = this.at
    const known = this.#ends.get(start)
    if (known !== undefined) {
      this.at = known
      return true
    }
    const whole = super.string()
    if (whole && this.at - start >= largeString) this.#ends.set(start, this.at)
    return whole
  }
}

/** Objects that were looked into, by path: their members, and the names of those that were read. */
export type Visits = Map<string, { readonly members: ReadonlyMap<string, Raw>; readonly read: Set<string> }>

interface Source {
  readonly bytes: Buffer
  readonly ends: Map<number, number>
  readonly visits: Visits
}

/** One JSON value. Every reader answers undefined when the value is of another kind. */
export class Raw {
  /** Dotted path from the body's root, for messages; '' is the root. */
  readonly path: string
  readonly #source: Source
  readonly #start: number
  readonly #end: number

  private constructor(source: Source, start: number, end: number, path: string) {
    this.#source = source
    this.#start = start
    this.#end = end
    this.path = path
  }

  /**
   * The one JSON value that these bytes are; undefined when they are not UTF-8 or not one JSON value. With `ends` they
   * are known to be.
   */
  static parse(bytes: Buffer, ends?: Ends): Raw | undefined {
    const found = Raw.#parse(bytes, ends)
    return found instanceof Raw ? found : undefined
  }

  /** The same for a caller's body: throws `invalid_json`. */
  static body(bytes: Buffer, ends?: Ends): Raw {
    const found = Raw.#parse(bytes, ends)
    if (found instanceof Raw) return found
    const message = `The body is not valid JSON: see byte ${found}. Send one JSON object in UTF-8.`
    throw new Fault('invalid', message, { reason: 'invalid_json' })
  }

  static #parse(bytes: Buffer, known: Ends | undefined): Raw | number {
    if (!known && !isUtf8(bytes)) return 0
    const ends = new Map(known)
    const walker = new Walker(bytes, 0, bytes.length, ends)
    walker.space()
    const start = walker.at
    if (!walker.value(0)) return walker.at
    const end = walker.at
    walker.space()
    return walker.at === bytes.length
      ? new Raw({ bytes, ends, visits: new Map() }, start, end, '')
      : walker.at
  }

  get kind(): JsonKind {
    return kinds[String.fromCharCode(this.#source.bytes[this.#start] ?? 0)] ?? 'number'
  }

  /** Of the whole body: see `Fields`. */
  get visits(): Visits {
    return this.#source.visits
  }

  /** Where it stands in the bytes that were parsed. */
  get range(): Range {
    return { start: this.#start, end: this.#end }
  }

  /** The value as it was written. */
  get text(): RawJson {
    return this.#source.bytes.toString('utf8', this.#start, this.#end)
  }

  string(): string | undefined {
    if (this.kind !== 'string') return undefined
    const inside = this.#source.bytes.subarray(this.#start + 1, this.#end - 1)
    if (!inside.includes(0x5c)) return inside.toString()
    const value: unknown = JSON.parse(this.text)
    return typeof value === 'string' ? value : undefined
  }

  /** The first bytes of a string of ASCII without escapes, such as base64, whatever its length; a slash may have one. */
  head(length: number): string | undefined {
    if (this.kind !== 'string') return undefined
    const end = Math.min(this.#end - 1, this.#start + 1 + length)
    const text = this.#source.bytes.toString('latin1', this.#start + 1, end).replaceAll('\\/', '/')
    return text.includes('\\') ? undefined : text
  }

  /** A string that stays bytes where it is long. */
  longText(): Text | undefined {
    if (this.kind !== 'string' || this.#end - this.#start < longBytes) return this.string()
    return new LongText([this.#source.bytes.subarray(this.#start + 1, this.#end - 1)])
  }

  number(): number | undefined {
    return this.kind === 'number' ? Number(this.text) : undefined
  }

  boolean(): boolean | undefined {
    return this.kind === 'boolean' ? this.#source.bytes[this.#start] === 0x74 : undefined
  }

  elements(): readonly Raw[] | undefined {
    if (this.kind !== 'array') return undefined
    const found: Raw[] = []
    const walker = this.#walker()
    for (let step = walker.openArray(); step === more; step = walker.nextElement()) {
      if (found.length === maxEntries) throw tooMany(this.path)
      const start = walker.at
      walker.value(1)
      found.push(this.#inner(start, walker.at, String(found.length)))
    }
    return found
  }

  /** Members by name; of two with one name the last, as JSON.parse has it. */
  members(): ReadonlyMap<string, Raw> | undefined {
    if (this.kind !== 'object') return undefined
    const found = new Map<string, Raw>()
    this.#eachMember((name, value) => found.set(name, value))
    return found
  }

  /** A member of an object that is there and is not null. */
  get(name: string): Raw | undefined {
    const value = this.members()?.get(name)
    return value?.kind === 'null' ? undefined : value
  }

  /** Throws `duplicate_member` when a name stands twice in this object. */
  unique(): this {
    const seen = new Set<string>()
    this.#eachMember(name => {
      if (seen.has(name)) throw duplicate(name)
      seen.add(name)
    })
    return this
  }

  #eachMember(tell: (name: string, value: Raw) => void): void {
    const { bytes } = this.#source
    const walker = this.#walker()
    let count = 0
    for (let step = walker.open(); step === more; step = walker.next()) {
      if (++count > maxEntries) throw tooMany(this.path)
      const written = bytes.toString('utf8', walker.nameStart, walker.nameEnd)
      const name: unknown = written.includes('\\') ? JSON.parse(`"${written}"`) : written
      const start = walker.at
      walker.value(1)
      if (typeof name === 'string') tell(name, this.#inner(start, walker.at, name))
    }
  }

  #walker(): Walker {
    return new Walker(this.#source.bytes, this.#start, this.#end, this.#source.ends)
  }

  #inner(start: number, end: number, name: string): Raw {
    return new Raw(this.#source, start, end, this.path === '' ? name : `${this.path}.${name}`)
  }
}

function tooMany(path: string): Fault {
  return invalidValue(path, `'${path}' has more than ${maxEntries} entries: send fewer.`)
}

function duplicate(name: string): Fault {
  const message = `'${name}' must stand in the body once: two readers could see two values.`
  return new Fault('invalid', message, {
    reason: 'duplicate_member',
    details: [{ path: name, rule: 'duplicate_member', message }],
  })
}

/** A caller's member that has the wrong form. The message says what is expected. */
export function invalidValue(path: string, message: string): Fault {
  return new Fault('invalid', message, {
    reason: 'invalid_value',
    details: [{ path, rule: 'invalid_value', message }],
  })
}

/** What a conversion can't say without changing the meaning. */
export function unsupportedParameter(path: string, message: string): Fault {
  return new Fault('invalid', message, {
    reason: 'unsupported_parameter',
    details: [{ path, rule: 'unsupported_parameter', message }],
  })
}

/** Whether the text is one JSON value of this kind. */
export function isJson(text: string, kind: JsonKind): boolean {
  return Raw.parse(Buffer.from(text))?.kind === kind
}

/**
 * A call's arguments where the dialect needs an object: nothing is `{}`; what a model spoilt is kept as
 * `{"_invalid_json":"…"}`.
 */
export function objectArgs(args: RawJson): RawJson {
  if (args.trim() === '') return '{}'
  return isJson(args, 'object') ? args : JSON.stringify({ _invalid_json: args })
}
