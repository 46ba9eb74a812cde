// Reads a caller's body without building it: what governs is found by its bytes, the rest stays as sent.
import { isUtf8 } from 'node:buffer'
import { Fault } from '@switchyard/kinds'
import type { Ask, CallerName, Keeping, Line, Operation, Range } from './exchange.ts'
import { type Governed, governed, type Rules } from './governed.ts'
import type { RequestScan } from './request-scan.ts'
import { Cursor, closed, escapedName, more, Names } from './scan.ts'
import { longestName } from './scan-parts.ts'

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
export interface Places {
  readonly starts: number[]
  readonly ends: number[]
}

/** Of none of them. */
export function placesOf({ list }: Rules): Places {
  const starts: number[] = []
  const ends: number[] = []
  for (let i = 0; i < list.length; i++) {
    starts.push(-1)
    ends.push(0)
  }
  return { starts, ends }
}

/**
 * Reads and validates a body; what has scanned it as it came spares the pass over it. Throws `invalid` for what is no
 * JSON object in UTF-8, for a governed member that stands twice or is written with escapes, and where there is no model.
 */
export function readRequest(
  caller: CallerName,
  operation: Operation,
  bytes: Buffer,
  line: Line,
  scanned?: RequestScan,
): Ask {
  const rules = governed[caller]
  const places = scanned ? scanned.places(bytes) : scanWhole(bytes, rules)

  const modelAt = rangeOf(places, rules.model)
  const options = rangeOf(places, rules.streamOptions)
  const on = line.stream ?? readStream(bytes, rangeOf(places, rules.stream), operation, rules)
  const outer = rangeOf(places, rules.inside?.outer ?? -1)
  const inside = rules.inside && outer && bytes[outer.start] === openBrace ? rules.inside : undefined
  const limits =
    inside && outer ? (scanned?.inside() ?? scan(new Cursor(bytes, outer.start, outer.end), inside)) : places
  const ask: Ask = {
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
  return scanned ? { ...ask, ends: scanned.ends } : ask
}

function scanWhole(bytes: Buffer, rules: Rules): Places {
  if (!isUtf8(bytes)) throw invalidJson(firstBadByte(bytes))
  const cursor = new Cursor(bytes)
  cursor.space()
  const places = scan(cursor, rules)
  cursor.space()
  if (cursor.at !== bytes.length) throw invalidJson(cursor.at)
  return places
}

/** Walks the object at this place. */
function scan(cursor: Cursor, rules: Rules): Places {
  const { bytes } = cursor
  const { list } = rules
  const places = placesOf(rules)
  const { starts, ends } = places
  let step = cursor.open()
  while (step === more) {
    const name = nameAt(bytes, cursor.nameStart, cursor.nameEnd, rules)
    if (name < -1) throw duplicate(`${rules.path}${list[-2 - name] ?? ''}`)
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
  return places
}

function rangeOf({ starts, ends }: Places, index: number): Range | undefined {
  const start = starts[index] ?? -1
  return start === -1 ? undefined : { start, end: ends[index] ?? 0 }
}

/** Index of a governed name, -2 less it where it is written with escapes; -1 for any other. */
export function nameAt(bytes: Uint8Array, start: number, end: number, { names, list }: Rules): number {
  if (end - start > longestName || !escapedName(bytes, start, end)) return names.find(bytes, start, end)
  const plain: unknown = JSON.parse(`"${textOf(bytes, start, end)}"`)
  const index = typeof plain === 'string' ? list.indexOf(plain) : -1
  return index < 0 ? -1 : -2 - index
}

function textOf(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString()
}

/** Of 256 characters, each of them escaped, with its quotes. */
const longestModel = 256 * 6 + 2

function readModel(bytes: Buffer, at: Range | undefined): string {
  if (!at) throw about('missing_field', 'model', "Name a model: the body has no 'model'.")
  const name = at.end - at.start > longestModel ? undefined : readText(bytes, at)
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
  let count = 0
  for (let place = at.start; place < at.end; place++) {
    const digit = (bytes[place] as number) - 0x30 // within the body
    if (digit < 0 || digit > 9) {
      // `1e3` is one too, and so rare that its text may be made.
      count = Number(bytes.toString('latin1', at.start, at.end))
      break
    }
    count = count * 10 + digit
  }
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

/** They are walked once more when the upstream is asked for usage. */
const longestOptions = 64 * 1024

function asksUsage(bytes: Buffer, options: Range): boolean {
  if (bytes[options.start] === letterN) return false
  if (bytes[options.start] !== openBrace || options.end - options.start > longestOptions)
    throw about('invalid_value', 'stream_options', "'stream_options' must be an object of at most 64 KiB.")
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
