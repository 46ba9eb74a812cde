// Reads a caller's body without building it: what governs is found by its bytes, the rest stays as sent.
import { isUtf8 } from 'node:buffer'
import { Fault } from '@switchyard/kinds'
import type { Ask, CallerName, Keeping, Line, Operation, Range } from './exchange.ts'
import { type Governed, governed } from './governed.ts'
import { Cursor, closed, escapedName, more, Names } from './scan.ts'

const include = new Names(['include_usage'])
const quote = 0x22
const openBrace = 0x7b
const letterF = 0x66
const letterN = 0x6e
const letterT = 0x74

export const invalidJson = (at: number) =>
  new Fault('invalid', `The body is not valid JSON: see byte ${at}. Send one JSON object in UTF-8.`, {
    reason: 'invalid_json',
  })

const about = (reason: string, name: string, message: string) =>
  new Fault('invalid', message, { reason, details: [{ path: name, rule: reason, message }] })

export const duplicate = (name: string) =>
  about(
    'duplicate_member',
    name,
    `'${name}' must stand in the body once, written without escapes: two readers could see two values.`,
  )

/** Where the governed members of one object stand, by their index. */
interface Places {
  readonly starts: readonly number[]
  readonly ends: readonly number[]
}

/**
 * Reads and validates a body. Throws `invalid` for what is no JSON object in UTF-8, for a governed member that stands
 * twice or is written with escapes, and where there is no model.
 */
export function readRequest(caller: CallerName, operation: Operation, bytes: Buffer, line: Line): Ask {
  if (!isUtf8(bytes)) throw invalidJson(firstBadByte(bytes))
  const rules = governed[caller]
  const cursor = new Cursor(bytes)
  cursor.space()
  const places = scan(cursor, rules)
  cursor.space()
  if (cursor.at !== bytes.length) throw invalidJson(cursor.at)

  const modelAt = rangeOf(places, rules.model)
  const options = rangeOf(places, rules.streamOptions)
  const on = line.stream ?? readStream(bytes, rangeOf(places, rules.stream), operation, rules)
  const outer = rangeOf(places, rules.inside?.outer ?? -1)
  const inside = rules.inside && outer && bytes[outer.start] === openBrace ? rules.inside : undefined
  const limits = inside && outer ? scan(new Cursor(bytes, outer.start, outer.end), inside) : places
  return {
    caller,
    operation,
    line,
    model: line.model ?? readModel(bytes, modelAt),
    stream: {
      on,
      usage: on && (rules.streamOptions < 0 || (options !== undefined && asksUsage(bytes, options))),
    },
    maxOutput: readLimit(bytes, limits, (inside ?? rules).limits),
    n: readCount(bytes, rangeOf(limits, (inside ?? rules).n)) ?? 1,
    user: readText(bytes, rangeOf(places, rules.user)),
    keeping: rules.keeping && readKeeping(bytes, places, rules.keeping),
    bytes,
    at: { model: modelAt, streamOptions: options },
  }
}

/** Walks the object at this place. */
function scan(cursor: Cursor, rules: Pick<Governed, 'names' | 'list' | 'path'>): Places {
  const { bytes } = cursor
  const { list } = rules
  const starts: number[] = []
  const ends: number[] = []
  for (let i = 0; i < list.length; i++) {
    starts.push(-1)
    ends.push(0)
  }
  let step = cursor.open()
  while (step === more) {
    const name = nameOf(bytes, cursor.nameStart, cursor.nameEnd, rules)
    const start = cursor.at
    if (!cursor.value(1)) throw invalidJson(cursor.at)
    if (name >= 0) {
      if (starts[name] !== -1) throw duplicate(`${rules.path}${list[name] ?? ''}`)
      starts[name] = start
      ends[name] = cursor.at
    }
    step = cursor.next()
  }
  if (step !== closed) throw invalidJson(cursor.at)
  return { starts, ends }
}

function rangeOf({ starts, ends }: Places, index: number): Range | undefined {
  const start = starts[index] ?? -1
  return start === -1 ? undefined : { start, end: ends[index] ?? 0 }
}

/** The longest name that is governed, each letter of it escaped. */
const longestName = 6 * 24

/** Index of a governed name; refuses one that is written with escapes. */
function nameOf(
  bytes: Uint8Array,
  start: number,
  end: number,
  { names, list, path }: Pick<Governed, 'names' | 'list' | 'path'>,
): number {
  if (end - start > longestName || !escapedName(bytes, start, end)) return names.find(bytes, start, end)
  const plain: unknown = JSON.parse(`"${textOf(bytes, start, end)}"`)
  const index = typeof plain === 'string' ? list.indexOf(plain) : -1
  if (index >= 0) throw duplicate(`${path}${list[index] ?? ''}`)
  return -1
}

function textOf(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString()
}

function readModel(bytes: Buffer, at: Range | undefined): string {
  if (!at) throw about('missing_field', 'model', "Name a model: the body has no 'model'.")
  const name = readText(bytes, at)
  if (name === undefined || name === '' || name.length > 256)
    throw about('invalid_value', 'model', "'model' must be the name of a model, 1 to 256 characters.")
  return name
}

function readKeeping(
  bytes: Buffer,
  places: Places,
  { previous, store, background }: NonNullable<Governed['keeping']>,
): Keeping {
  return {
    previous: readId(bytes, rangeOf(places, previous)),
    store: readSwitch(bytes, rangeOf(places, store), 'store') ?? true,
    background: readSwitch(bytes, rangeOf(places, background), 'background') ?? false,
  }
}

function readId(bytes: Buffer, at: Range | undefined): string | undefined {
  if (!at || bytes[at.start] === letterN) return undefined
  const id = readText(bytes, at)
  if (id !== undefined && id !== '') return id
  throw about(
    'invalid_value',
    'previous_response_id',
    "'previous_response_id' must be the id of a response: leave it out to begin a conversation.",
  )
}

/** Undefined when nothing is said. */
function readSwitch(bytes: Buffer, at: Range | undefined, name: string): boolean | undefined {
  const byte = at && bytes[at.start]
  if (byte === undefined || byte === letterN) return undefined
  if (byte !== letterT && byte !== letterF)
    throw about('invalid_value', name, `'${name}' must be true or false.`)
  return byte === letterT
}

/** Undefined when no string stands there. */
function readText(bytes: Buffer, at: Range | undefined): string | undefined {
  if (!at || bytes[at.start] !== quote) return undefined
  const text = bytes.toString('utf8', at.start + 1, at.end - 1)
  const value: unknown = text.includes('\\') ? JSON.parse(`"${text}"`) : text
  return typeof value === 'string' ? value : undefined
}

/** Undefined when no positive integer stands there. */
function readCount(bytes: Buffer, at: Range | undefined): number | undefined {
  if (!at || at.end - at.start > 16) return undefined
  const count = Number(bytes.toString('latin1', at.start, at.end))
  return Number.isSafeInteger(count) && count > 0 ? count : undefined
}

function readLimit(bytes: Buffer, places: Places, limits: readonly number[]): number | undefined {
  for (const index of limits) {
    const count = readCount(bytes, rangeOf(places, index))
    if (count !== undefined) return count
  }
  return undefined
}

const neverStreamed: ReadonlySet<Operation> = new Set<Operation>([
  'embeddings',
  'ollama.embed',
  'ollama.embeddings',
  'moderations',
  'rerank',
  'count_tokens',
  'images.generations',
])

function readStream(bytes: Buffer, at: Range | undefined, operation: Operation, rules: Governed): boolean {
  const never = neverStreamed.has(operation)
  if (!at || bytes[at.start] === letterN) return rules.streams && !never
  const on = bytes[at.start] === letterT
  if (!on && bytes[at.start] !== letterF)
    throw about('invalid_value', 'stream', "'stream' must be true or false.")
  if (on && never)
    throw about('unsupported_parameter', 'stream', `This is not streamed (${operation}): leave out stream.`)
  return on
}

function asksUsage(bytes: Buffer, options: Range): boolean {
  if (bytes[options.start] === letterN) return false
  if (bytes[options.start] !== openBrace)
    throw about('invalid_value', 'stream_options', "'stream_options' must be an object.")
  const at = includeUsage(bytes, options)
  if (!at || bytes[at.start] === letterN) return false
  const byte = bytes[at.start]
  if (byte !== letterT && byte !== letterF)
    throw about('invalid_value', 'stream_options.include_usage', "'include_usage' must be true or false.")
  return byte === letterT
}

/** Where the value of `include_usage` stands. */
export function includeUsage(bytes: Buffer, { start, end }: Range): Range | undefined {
  const cursor = new Cursor(bytes, start, end)
  let found: Range | undefined
  for (let step = cursor.open(); step === more; step = cursor.next()) {
    const { nameStart, nameEnd } = cursor
    const escaped = escapedName(bytes, nameStart, nameEnd)
    const name: unknown = escaped ? JSON.parse(`"${bytes.toString('utf8', nameStart, nameEnd)}"`) : undefined
    const value = cursor.at
    cursor.value(2)
    if (name === 'include_usage') throw duplicate('stream_options.include_usage')
    if (escaped || include.find(bytes, nameStart, nameEnd) === -1) continue
    if (found) throw duplicate('stream_options.include_usage')
    found = { start: value, end: cursor.at }
  }
  return found
}

/** Offset of the first byte that is not UTF-8: narrowed by halving, then read character by character. */
export function firstBadByte(bytes: Buffer): number {
  let good = 0
  let bad = bytes.length
  while (bad - good > 1) {
    const middle = characterStart(bytes, (good + bad) >> 1)
    if (middle <= good) break
    if (isUtf8(bytes.subarray(good, middle))) good = middle
    else bad = middle
  }
  for (;;) {
    const length = [1, 2, 3, 4].find(size => isUtf8(bytes.subarray(good, good + size)))
    if (length === undefined || good >= bytes.length) return good
    good += length
  }
}

/** The nearest place at or before `at` where a character may begin. */
function characterStart(bytes: Buffer, at: number): number {
  let start = at
  while (start > at - 4 && start > 0 && ((bytes[start] ?? 0) & 0xc0) === 0x80) start--
  return start
}
