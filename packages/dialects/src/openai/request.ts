// Reads a caller's body without building it: what governs is found by its bytes, the rest stays as sent.
import { isUtf8 } from 'node:buffer'
import { Fault } from '@switchyard/kinds'
import type { Ask, Operation, Range } from '../exchange.ts'
import { Cursor, closed, escapedName, more, Names } from '../scan.ts'

const governedNames = [
  'model',
  'stream',
  'stream_options',
  'max_tokens',
  'max_completion_tokens',
  'n',
  'user',
]
const governed = new Names(governedNames)
const model = 0
const stream = 1
const streamOptions = 2

const include = new Names(['include_usage'])
const openBrace = 0x7b
const quote = 0x22
const letterT = 0x74
const letterN = 0x6e
const usageOption = Buffer.from('"include_usage":true')
const usageOptions = Buffer.from('{"include_usage":true}')
const usageMember = Buffer.from('"stream_options":{"include_usage":true},')
const commaByte = Buffer.from(',')

const invalidJson = (at: number) =>
  new Fault('invalid', `The body is not valid JSON: see byte ${at}. Send one JSON object in UTF-8.`, {
    reason: 'invalid_json',
  })

const about = (reason: string, name: string, message: string) =>
  new Fault('invalid', message, { reason, details: [{ path: name, rule: reason, message }] })

const duplicate = (name: string) =>
  about(
    'duplicate_member',
    name,
    `'${name}' must stand in the body once, written without escapes: two readers could see two values.`,
  )

/** Reads and validates a body. */
export function readRequest(operation: Operation, bytes: Buffer): Ask {
  if (!isUtf8(bytes)) throw invalidJson(firstBadByte(bytes))
  const cursor = new Cursor(bytes)
  const starts = new Int32Array(governedNames.length).fill(-1)
  const ends = new Int32Array(governedNames.length)
  cursor.space()
  let step = cursor.open()
  while (step === more) {
    const { nameStart, nameEnd } = cursor
    const name = nameOf(bytes, nameStart, nameEnd)
    const start = cursor.at
    if (!cursor.value(1)) throw invalidJson(cursor.at)
    if (name >= 0) {
      if (starts[name] !== -1) throw duplicate(governedNames[name] ?? '')
      starts[name] = start
      ends[name] = cursor.at
    }
    step = cursor.next()
  }
  if (step !== closed) throw invalidJson(cursor.at)
  cursor.space()
  if (cursor.at !== bytes.length) throw invalidJson(cursor.at)

  const range = (name: number): Range | undefined => {
    const start = starts[name] ?? -1
    return start === -1 ? undefined : { start, end: ends[name] ?? 0 }
  }
  const modelAt = range(model)
  if (!modelAt) throw about('missing_field', 'model', "Name a model: the body has no 'model'.")
  const on = readStream(bytes, range(stream), operation)
  const options = range(streamOptions)
  return {
    operation,
    model: readModel(bytes, modelAt),
    stream: { on, usage: on && options !== undefined && asksUsage(bytes, options) },
    bytes,
    at: { model: modelAt, streamOptions: options },
  }
}

/** Index of a governed name; refuses one that is written with escapes. */
function nameOf(bytes: Buffer, start: number, end: number): number {
  if (end - start > 6 * 24 || !escapedName(bytes, start, end)) return governed.find(bytes, start, end)
  const plain: unknown = JSON.parse(`"${bytes.toString('utf8', start, end)}"`)
  const index = typeof plain === 'string' ? governedNames.indexOf(plain) : -1
  if (index >= 0) throw duplicate(governedNames[index] ?? '')
  return -1
}

function readModel(bytes: Buffer, { start, end }: Range): string {
  const text = bytes[start] === quote ? bytes.toString('utf8', start + 1, end - 1) : ''
  const name: unknown = text.includes('\\') ? JSON.parse(`"${text}"`) : text
  if (typeof name !== 'string' || name === '' || name.length > 256)
    throw about('invalid_value', 'model', "'model' must be the name of a model, 1 to 256 characters.")
  return name
}

function readStream(bytes: Buffer, at: Range | undefined, operation: Operation): boolean {
  if (!at || bytes[at.start] === letterN) return false
  const on = bytes[at.start] === letterT
  if (!on && bytes[at.start] !== 0x66)
    throw about('invalid_value', 'stream', "'stream' must be true or false.")
  if (on && operation === 'embeddings')
    throw about('unsupported_parameter', 'stream', 'Embeddings are not streamed: leave out stream.')
  return on
}

/** Reads `stream_options.include_usage`. */
function asksUsage(bytes: Buffer, { start, end }: Range): boolean {
  if (bytes[start] === letterN) return false
  if (bytes[start] !== openBrace)
    throw about('invalid_value', 'stream_options', "'stream_options' must be an object.")
  const option = includeUsage(bytes, { start, end })
  if (!option || bytes[option.start] === letterN) return false
  const byte = bytes[option.start]
  if (byte !== letterT && byte !== 0x66)
    throw about('invalid_value', 'stream_options.include_usage', "'include_usage' must be true or false.")
  return byte === letterT
}

/** Where the value of `include_usage` stands. */
function includeUsage(bytes: Buffer, { start, end }: Range): Range | undefined {
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

interface Edit extends Range {
  readonly bytes: Buffer
}

/** The body for an upstream that knows the model as `served`; the caller's own bytes when nothing differs. */
export function upstreamBody(ask: Ask, served: string): Buffer {
  const { bytes, at } = ask
  const edits: Edit[] = []
  if (served !== ask.model) edits.push({ ...at.model, bytes: Buffer.from(JSON.stringify(served)) })
  if (ask.stream.on && !ask.stream.usage) edits.push(askUsage(bytes, at.streamOptions))
  if (edits.length === 0) return bytes
  edits.sort((one, other) => one.start - other.start)
  const parts: Buffer[] = []
  let from = 0
  for (const edit of edits) {
    parts.push(bytes.subarray(from, edit.start), edit.bytes)
    from = edit.end
  }
  parts.push(bytes.subarray(from))
  return Buffer.concat(parts)
}

/** The one edit that makes `stream_options.include_usage` true. */
function askUsage(bytes: Buffer, options: Range | undefined): Edit {
  if (!options) {
    const start = bytes.indexOf(openBrace) + 1
    return { start, end: start, bytes: usageMember }
  }
  if (bytes[options.start] !== openBrace) return { ...options, bytes: usageOptions }
  const option = includeUsage(bytes, options)
  if (option) return { ...option, bytes: Buffer.from('true') }
  const start = options.start + 1
  const cursor = new Cursor(bytes, options.start, options.end)
  const empty = cursor.open() === closed
  return { start, end: start, bytes: empty ? usageOption : Buffer.concat([usageOption, commaByte]) }
}

/** Offset of the first byte that is not UTF-8: narrowed by halving, then read character by character. */
function firstBadByte(bytes: Buffer): number {
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
