// Walks JSON whose bytes come in parts, each part once, as it comes: the same grammar as `Cursor`, which wants them
// whole. Of 10 MB at once a scan takes 4 ms, of dense JSON 50; here each turn of the loop takes the time of its part. It
// does not replace `Cursor`: a state for each byte makes it 1.6 times as slow, and a body of 1 KB would take three times
// as long.
import { escapes, hex, literals, longString, maxDepth, passWords, plain, wordsOf } from './scan.ts'
import { Utf8Parts } from './utf8-parts.ts'

const quote = 0x22
const backslash = 0x5c
const comma = 0x2c
const colon = 0x3a
const minus = 0x2d
const openBrace = 0x7b
const closeBrace = 0x7d
const openBracket = 0x5b
const closeBracket = 0x5d

/** What stands at a place, or is to come there. */
const root = 0
const value = 1
const firstName = 2
const name = 3
const afterName = 4
const firstElement = 5
const afterValue = 6
const string = 7
const escaped = 8
const unicode = 9
const afterMinus = 10
const afterZero = 11
const integer = 12
const afterPoint = 13
const fraction = 14
const afterE = 15
const afterSign = 16
const exponent = 17
const literal = 18
const end = 19
const broken = 20

/** Strings of so many bytes, and containers, are remembered: whoever reads the body afterwards steps over them. */
const largeString = 16_384
const largeContainer = 65_536

/** Longer names are not told by their letters. */
export const longestName = 144

/** Told of members at the top, at a `depth` of 1, and one level down. */
export interface Members {
  /** The bytes of a member's name as it is written, quotes left out; none when it is longer than `longestName`. */
  named(bytes: Uint8Array, length: number, depth: number): void
  /** The range of its value, from the first byte of the first part. */
  scanned(start: number, end: number, depth: number): void
}

export class PartsScan {
  /** Bytes so far. */
  length = 0
  /** Where large strings and containers end, by where they start. */
  readonly ends = new Map<number, number>()
  readonly #members: Members
  readonly #utf8 = new Utf8Parts()
  readonly #objects = new Uint8Array(maxDepth + 1)
  readonly #starts = new Float64Array(maxDepth + 1)
  readonly #name = Buffer.allocUnsafe(longestName)
  #nameLength = 0
  #state = root
  #depth = 0
  /** The string under way is a name. */
  #naming = false
  /** Where the scalar, name or escape under way starts. */
  #start = 0
  #escape = 0
  #digits = 0
  #word: Buffer = Buffer.alloc(0)
  /** Of the part that is read. */
  #words: Int32Array | undefined
  #wrong = -1

  constructor(members: Members) {
    this.#members = members
  }

  /** What has come is UTF-8, with no character cut. */
  get isUtf8(): boolean {
    return this.#utf8.whole
  }

  /** The next part. Nothing of it is kept. */
  push(part: Buffer): void {
    this.#utf8.push(part)
    this.#words = undefined
    if (this.#state !== broken) this.#scan(part)
    this.length += part.length
  }

  /** Nothing more comes: a number with nothing behind it is whole. */
  finish(): void {
    const { length } = this
    const state = this.#state
    if (state === afterZero || state === integer || state === fraction || state === exponent)
      this.#pass(length)
  }

  /** What has come is one object. */
  get isObject(): boolean {
    return this.#state === end
  }

  /** The first byte that is wrong, or missing, in what is UTF-8 and no object. */
  get wrong(): number {
    if (this.#state === broken) return this.#wrong
    if (this.#state === escaped) return this.#escape
    return this.#state === literal ? this.#start : this.length
  }

  #scan(part: Buffer): void {
    const { length } = part
    let at = 0
    while (at < length) {
      const byte = part[at] as number // at < length
      switch (this.#state) {
        case string:
          at = this.#string(part, at)
          break
        case escaped:
          if (byte === 0x75) {
            this.#digits = 0
            this.#state = unicode
          } else if (escapes[byte] === 1) this.#state = string
          else this.#break(this.#escape)
          at++
          break
        case unicode:
          if (hex[byte] !== 1) this.#break(this.length + at)
          else if (++this.#digits === 4) this.#state = string
          at++
          break
        case literal:
          if (byte !== this.#word[this.#digits]) this.#break(this.#start)
          else if (++this.#digits === this.#word.length) this.#pass(this.length + at + 1)
          at++
          break
        case integer:
        case fraction:
        case exponent:
        case afterZero:
          at = this.#number(part, at)
          break
        case afterMinus:
          if (byte === 0x30) this.#state = afterZero
          else this.#digit(byte, integer, at)
          at++
          break
        case afterPoint:
          this.#digit(byte, fraction, at)
          at++
          break
        case afterE:
          if (byte === minus || byte === 0x2b) this.#state = afterSign
          else this.#digit(byte, exponent, at)
          at++
          break
        case afterSign:
          this.#digit(byte, exponent, at)
          at++
          break
        case broken:
          return
        default:
          if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) this.#mark(byte, at)
          at++
      }
    }
    if (this.#naming && this.#state !== broken) this.#keepName(part, length)
  }

  /** What is neither space nor inside of a scalar. */
  #mark(byte: number, at: number): void {
    const place = this.length + at
    switch (this.#state) {
      case root:
        if (byte === openBrace) this.#open(1, place)
        else this.#break(place)
        break
      case firstName:
        if (byte === closeBrace) this.#close(place)
        else this.#begin(byte, place, true)
        break
      case name:
        this.#begin(byte, place, true)
        break
      case afterName:
        if (byte === colon) this.#named()
        else this.#break(place)
        break
      case firstElement:
        if (byte === closeBracket) this.#close(place)
        else this.#begin(byte, place, false)
        break
      case value:
        this.#begin(byte, place, false)
        break
      case afterValue: {
        const object = this.#objects[this.#depth] === 1
        if (byte === comma) this.#state = object ? name : value
        else if (byte === (object ? closeBrace : closeBracket)) this.#close(place)
        else this.#break(place)
        break
      }
      default:
        this.#break(place)
    }
  }

  /** Of a value or a name. */
  #begin(byte: number, place: number, naming: boolean): void {
    this.#start = place
    if (byte === quote) {
      this.#state = string
      this.#naming = naming
      this.#nameLength = 0
    } else if (naming) this.#break(place)
    else if (byte === openBrace) this.#open(1, place)
    else if (byte === openBracket) this.#open(0, place)
    else if (byte === minus) this.#state = afterMinus
    else if (byte === 0x30) this.#state = afterZero
    else if (byte > 0x30 && byte <= 0x39) this.#state = integer
    else {
      const word = literals.get(byte)
      if (!word) {
        this.#break(place)
        return
      }
      this.#word = word
      this.#digits = 1
      this.#state = literal
    }
  }

  #open(object: 0 | 1, place: number): void {
    if (this.#depth === maxDepth) {
      this.#break(place)
      return
    }
    this.#depth++
    this.#objects[this.#depth] = object
    this.#starts[this.#depth] = place
    this.#state = object === 1 ? firstName : firstElement
  }

  #close(place: number): void {
    const start = this.#starts[this.#depth] as number // depth is above 0: something is open
    this.#depth--
    if (place - start >= largeContainer) this.ends.set(start, place + 1)
    if (this.#depth === 0) {
      this.#state = end
      return
    }
    this.#start = start
    this.#pass(place + 1)
  }

  /** A value ends before this place. */
  #pass(place: number): void {
    this.#state = afterValue
    if (this.#depth <= 2 && this.#objects[this.#depth] === 1)
      this.#members.scanned(this.#start, place, this.#depth)
  }

  #string(part: Buffer, from: number): number {
    const { length } = part
    let at = from
    let turn = at + longString
    while (at < length && plain[part[at] as number] === 1) {
      // at < length
      at++
      if (at === turn) {
        this.#words ??= wordsOf(part)
        at = passWords(part, this.#words, at, length)
        turn = at + longString
      }
    }
    if (at === length) return at
    const byte = part[at]
    if (byte === backslash) {
      this.#escape = this.length + at
      this.#state = escaped
    } else if (byte !== quote) this.#break(this.length + at)
    else if (this.#naming) {
      this.#keepName(part, at)
      this.#naming = false
      this.#state = afterName
    } else {
      const place = this.length + at + 1
      if (place - this.#start >= largeString) this.ends.set(this.#start, place)
      this.#pass(place)
    }
    return at + 1
  }

  /** Keeps what of a name stands in the part, up to this place in it. */
  #keepName(part: Buffer, to: number): void {
    if (this.#depth > 2) return
    const start = Math.max(0, this.#start + 1 - this.length)
    const most = Math.min(to, start + longestName - this.#nameLength)
    if (most > start) part.copy(this.#name, this.#nameLength, start, most)
    this.#nameLength += to - start
  }

  /** The colon after a name. */
  #named(): void {
    this.#state = value
    if (this.#depth > 2) return
    const length = this.#nameLength > longestName ? 0 : this.#nameLength
    this.#members.named(this.#name, length, this.#depth)
  }

  #number(part: Buffer, from: number): number {
    let at = from
    if (this.#state !== afterZero)
      while (at < part.length && (part[at] as number) >= 0x30 && (part[at] as number) <= 0x39) at++ // at < length
    if (at === part.length) return at
    const byte = part[at]
    const whole = this.#state === integer || this.#state === afterZero
    if (byte === 0x2e && whole) this.#state = afterPoint
    else if ((byte === 0x65 || byte === 0x45) && this.#state !== exponent) this.#state = afterE
    else {
      this.#pass(this.length + at)
      return at
    }
    return at + 1
  }

  #digit(byte: number, then: number, at: number): void {
    if (byte >= 0x30 && byte <= 0x39) this.#state = then
    else this.#break(this.length + at)
  }

  #break(place: number): void {
    this.#state = broken
    this.#wrong = place
  }
}
