// Reads the answers of one HTTP/1.1 connection (RFC 9112). What two readers could understand in two ways is refused.
import { KeptHead, type LengthPlace, mostDigits, withLength } from './kept-head.ts'

/** Bytes of a head; of extensions and trailers of a chunked body together. */
const mostHeadBytes = 64 * 1024
const mostHeaders = 100
const mostInterim = 16
const mostHexDigits = 12

const endOfHead = Buffer.from('\r\n\r\n')
const statusLine = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?\r\n/
const headerLine = /([!#$%&'*+\-.^_`|~0-9A-Za-z]+):([\t\x20-\x7e\x80-\xff]*)\r\n/y
const digits = /^\d+$/

/** Names in lower case and values, in turn, as they came. */
export type RawHeaders = readonly string[]

export function headerOf(headers: RawHeaders, name: string): string | undefined {
  for (let i = 0; i < headers.length; i += 2) if (headers[i] === name) return headers[i + 1]
  return undefined
}

/** What a connection hears of the answer under way. */
export interface AnswerSink {
  head(status: number, headers: RawHeaders): void
  /** A view of what was pushed: it is valid until this returns. */
  body(bytes: Buffer): void
  /** `reusable`: another request may follow on the connection. */
  end(reusable: boolean): void
}

export class Malformed extends Error {}

interface AnswerHead extends LengthPlace {
  readonly status: number
  readonly headers: RawHeaders
  /** Bytes of the body; -1 where that is not told. */
  readonly length: number
  readonly chunked: boolean
  /** The connection may be used again. */
  readonly keptAlive: boolean
}

/** The parts of an answer in their order; a chunked body goes round from `size` to `afterData`. */
type State =
  | 'idle'
  | 'head'
  | 'length'
  | 'untilClose'
  | 'size'
  | 'extension'
  | 'sizeLf'
  | 'data'
  | 'afterData'
  | 'afterDataLf'
  | 'trailer'
  | 'trailerLine'
  | 'trailerLf'
  | 'lastLf'

export class AnswerParser {
  readonly #sink: AnswerSink
  #state: State = 'idle'
  #bodiless = false
  #held: Buffer = endOfHead
  #heldBytes = 0
  readonly #kept = new KeptHead<AnswerHead>()
  #interim = 0
  #left = 0
  #hexDigits = 0
  #spare = 0
  #reusable = false

  constructor(sink: AnswerSink) {
    this.#sink = sink
  }

  /** An answer is expected from here; `bodiless` when it is one to HEAD. */
  expect(bodiless = false): void {
    this.#state = 'head'
    this.#bodiless = bodiless
    this.#heldBytes = 0
    this.#interim = 0
  }

  /** Nothing more is told of this answer. */
  stop(): void {
    this.#state = 'idle'
  }

  /** Throws `Malformed`. Bytes after the end of an answer are dropped, and the connection is told not reusable. */
  push(bytes: Buffer): void {
    let at = 0
    const { length } = bytes
    while (at < length) {
      switch (this.#state) {
        case 'idle':
          return
        case 'head':
          at = this.#head(bytes, at)
          break
        case 'untilClose':
          this.#sink.body(at === 0 ? bytes : bytes.subarray(at))
          return
        case 'length':
        case 'data': {
          const end = Math.min(length, at + this.#left)
          this.#left -= end - at
          const view = at === 0 && end === length ? bytes : bytes.subarray(at, end)
          at = end
          const whole = this.#left === 0
          if (whole) this.#state = this.#state === 'data' ? 'afterData' : this.#state
          this.#sink.body(view)
          if (whole && this.#state === 'length') this.#end(at === length)
          break
        }
        default:
          at = this.#framing(bytes, at)
      }
    }
  }

  /** The connection was closed by the other side; true when that is the end of the answer. */
  close(): boolean {
    if (this.#state !== 'untilClose') return false
    this.#end(false)
    return true
  }

  #end(last: boolean): void {
    this.#state = 'idle'
    this.#sink.end(last && this.#reusable)
  }

  /** Takes bytes of a head and answers where they end. */
  #head(bytes: Buffer, at: number): number {
    let head = bytes
    let start = at
    let end: number
    if (this.#heldBytes === 0) {
      const again = this.#kept.end(bytes, at)
      if (again >= 0 && this.#kept.head) {
        const { head: kept, length, text } = this.#kept
        const headers = text === '' ? kept.headers : withLength(kept.headers, text)
        this.#begin(kept, headers, length, again === bytes.length)
        return again
      }
      end = bytes.indexOf(endOfHead, at)
      if (end < 0) {
        this.#hold(bytes, at)
        return bytes.length
      }
    } else {
      // Kept bytes grow by doubling, so that a head that comes byte by byte costs no more than its length.
      const before = this.#heldBytes
      this.#hold(bytes, at)
      head = this.#held.subarray(0, this.#heldBytes)
      start = 0
      end = head.indexOf(endOfHead, Math.max(0, before - 3))
      if (end < 0) return bytes.length
      at -= before
    }
    if (end + 4 - start > mostHeadBytes) throw new Malformed('the head is larger than 64 KiB')
    this.#heldBytes = 0
    const found = readHead(head.toString('latin1', start, end + 2))
    if (found.status >= 200) this.#kept.keep(found, head, start, end + 4, found)
    const next = at + (end - start) + 4
    this.#begin(found, found.headers, found.length, next === bytes.length)
    return next
  }

  #hold(bytes: Buffer, at: number): void {
    const needed = this.#heldBytes + bytes.length - at
    if (this.#heldBytes === 0 || needed > this.#held.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed * 2, 1024))
      this.#held.copy(larger, 0, 0, this.#heldBytes)
      this.#held = larger
    }
    bytes.copy(this.#held, this.#heldBytes, at)
    this.#heldBytes = needed
    if (needed >= mostHeadBytes && this.#held.subarray(0, mostHeadBytes).indexOf(endOfHead) < 0)
      throw new Malformed('the head is larger than 64 KiB')
  }

  #begin(head: AnswerHead, headers: RawHeaders, length: number, last: boolean): void {
    const { status, chunked, keptAlive } = head
    if (status < 200) {
      if (status === 101) throw new Malformed('an upgrade that was not asked for')
      if (++this.#interim > mostInterim) throw new Malformed('too many interim answers')
      return
    }
    this.#reusable = keptAlive
    this.#left = 0
    const empty = this.#bodiless || status === 204 || status === 304
    if (empty) this.#state = 'length'
    else if (chunked) {
      this.#state = 'size'
      this.#hexDigits = 0
      this.#spare = mostHeadBytes
    } else if (length < 0) this.#state = 'untilClose'
    else {
      this.#state = 'length'
      this.#left = length
    }
    this.#sink.head(status, headers)
    if (this.#state === 'length' && this.#left === 0) this.#end(last)
  }

  /** Takes bytes between the chunks. */
  #framing(bytes: Buffer, from: number): number {
    const byte = bytes[from] as number // `from` is inside
    switch (this.#state) {
      case 'size': {
        const digit = hexDigit(byte)
        if (digit >= 0) {
          if (++this.#hexDigits > mostHexDigits) throw new Malformed('a chunk is too large')
          this.#left = this.#left * 16 + digit
        } else if (this.#hexDigits === 0) throw new Malformed('a chunk has no size')
        else if (byte === cr) this.#state = 'sizeLf'
        else if (byte === semicolon) this.#state = 'extension'
        else throw new Malformed('the size of a chunk is not a number')
        break
      }
      case 'extension':
        if (byte === cr) this.#state = 'sizeLf'
        else this.#skip(byte)
        break
      case 'sizeLf':
        this.#line(byte)
        this.#hexDigits = 0
        this.#state = this.#left === 0 ? 'trailer' : 'data'
        break
      case 'afterData':
        if (byte !== cr) throw new Malformed('a chunk is longer than its size')
        this.#state = 'afterDataLf'
        break
      case 'afterDataLf':
        this.#line(byte)
        this.#state = 'size'
        break
      case 'trailer':
        if (byte === cr) this.#state = 'lastLf'
        else {
          this.#skip(byte)
          this.#state = 'trailerLine'
        }
        break
      case 'trailerLine':
        if (byte === cr) this.#state = 'trailerLf'
        else this.#skip(byte)
        break
      case 'trailerLf':
        this.#line(byte)
        this.#state = 'trailer'
        break
      default:
        this.#line(byte)
        this.#end(from + 1 === bytes.length)
    }
    return from + 1
  }

  #line(byte: number): void {
    if (byte !== lf) throw new Malformed('a line does not end in CR LF')
  }

  /** A byte that says nothing to us. */
  #skip(byte: number): void {
    if ((byte < 0x20 && byte !== 0x09) || byte === 0x7f) throw new Malformed('a control character')
    if (--this.#spare < 0) throw new Malformed('extensions or trailers are larger than 64 KiB')
  }
}

/** Reads a head without the empty line at its end. */
function readHead(text: string): AnswerHead {
  const [line, minor, code] = statusLine.exec(text) ?? []
  if (line === undefined) throw new Malformed('the status line is not one of HTTP/1.1')
  const headers: string[] = []
  let from = -1
  let to = -1
  let coding: string | undefined
  let keptAlive = minor === '1'
  headerLine.lastIndex = line.length
  while (headerLine.lastIndex < text.length) {
    const { lastIndex } = headerLine
    const found = headerLine.exec(text)
    if (!found) throw new Malformed('a header line is malformed')
    const name = (found[1] as string).toLowerCase() // both groups always take part
    const value = (found[2] as string).trim()
    if (headers.push(name, value) > mostHeaders * 2) throw new Malformed('more than 100 headers')
    if (name === 'content-length') {
      if (from >= 0) throw new Malformed('two content-length headers')
      if (!digits.test(value) || value.length > mostDigits)
        throw new Malformed('content-length is not a number')
      from = text.indexOf(value, lastIndex + name.length + 1)
      to = from + value.length
    } else if (name === 'transfer-encoding') {
      if (coding !== undefined) throw new Malformed('two transfer-encoding headers')
      coding = value
    } else if (name === 'connection' && /(^|,)\s*close\s*(,|$)/i.test(value)) keptAlive = false
  }
  const chunked = coding !== undefined
  if (chunked && from >= 0) throw new Malformed('both content-length and transfer-encoding')
  if (chunked && (coding?.toLowerCase() !== 'chunked' || minor !== '1'))
    throw new Malformed('a transfer-encoding that was not asked for')
  const length = from < 0 ? -1 : Number(text.slice(from, to))
  return { status: Number(code), headers, length, chunked, keptAlive, from, to }
}

const cr = 0x0d
const lf = 0x0a
const semicolon = 0x3b

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const letter = byte | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1
}
