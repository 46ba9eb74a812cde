// Reads server-sent events from bytes, whatever the chunks: WHATWG HTML 9.2.6, with the raw bytes of every
// event kept so that it can be passed on as it came.
import { apart } from './pieces.ts'

const lf = 0x0a
const cr = 0x0d
const colon = 0x3a
const blank = 0x20
const empty = Buffer.alloc(0)
const byteOrderMark = Buffer.of(0xef, 0xbb, 0xbf)
const dataName = Buffer.from('data')
const newline = Buffer.of(lf)

/** Bytes that one event may have: more is taken for a broken upstream. */
export const maxEventBytes = 4 * 1024 * 1024

/** Of fewer, and of those that are mostly left, what is left is not worth a copy. */
const roomyBytes = 8 * 1024

/** What begins at `end`, in memory of its own where that lets go of much: the next chunk may be long in coming. */
export function restOf(bytes: Buffer, end: number): Buffer | undefined {
  if (bytes.length < roomyBytes || end < bytes.length / 2) return undefined
  return apart([bytes.subarray(end)])
}

/**
 * `push` a chunk, then call `next` until it answers false. The fields tell of the event that `next` found;
 * they hold until the next call. A block of comments alone is an event without data.
 */
export class EventReader {
  /** The bytes in which the offsets stand. */
  bytes: Buffer = empty
  /** Raw event, its blank line included. */
  start = 0
  end = 0
  hasData = false
  /** Value of the data lines, joined by LF when there are several. */
  data: Buffer = empty
  dataStart = 0
  dataEnd = 0
  /** The event that is under way is larger than `maxEventBytes`. */
  tooLarge = false

  /** Where the lines of the event under way begin: after the LF of a CRLF that a chunk boundary had split. */
  #body = 0
  #lineStart = 0
  #at = 0
  #lines = 0
  #firstEnd = 0
  #afterCr = false
  #begun = false

  push(chunk: Buffer): void {
    const left = this.bytes.length - this.end
    if (left === 0) this.#move(chunk)
    else {
      if (left + chunk.length > maxEventBytes) this.tooLarge = true
      this.#move(Buffer.concat([this.bytes.subarray(this.end), chunk]))
    }
  }

  /** Goes on in other bytes, which begin with those of the event that is not whole. */
  #move(bytes: Buffer): void {
    const { end } = this
    this.bytes = bytes
    this.#body -= end
    this.#lineStart -= end
    this.#at -= end
    this.#firstEnd -= end
    this.start = 0
    this.end = 0
  }

  /** Bytes of an event that is not whole yet. */
  get unfinished(): number {
    return this.bytes.length - this.end
  }

  /** Finds the next whole event; false leaves in `bytes` what is not whole yet. */
  next(): boolean {
    const { bytes } = this
    const { length } = bytes
    let at = this.#at
    if (this.#afterCr && at < length) {
      this.#afterCr = false
      if (bytes[at] === lf) {
        if (this.#lineStart === at) this.#lineStart++
        if (this.#body === at) this.#body++
        at++
      }
    }
    while (at < length) {
      const byte = bytes[at]
      if (byte !== lf && byte !== cr) {
        at++
        continue
      }
      const lineEnd = at
      at++
      if (byte === cr) {
        if (at === length) this.#afterCr = true
        else if (bytes[at] === lf) at++
      }
      if (lineEnd === this.#lineStart) {
        this.start = this.end
        this.end = at
        this.#at = at
        this.#fields()
        this.#body = at
        this.#lineStart = at
        this.#lines = 0
        return true
      }
      if (this.#lines === 0) this.#firstEnd = lineEnd
      this.#lines++
      this.#lineStart = at
    }
    this.#at = at
    const rest = restOf(bytes, this.end)
    if (rest) {
      this.#move(rest)
      this.data = empty
    }
    return false
  }

  #fields(): void {
    this.hasData = false
    const { bytes } = this
    let start = this.#body
    if (!this.#begun) {
      this.#begun = true
      if (byteOrderMark.equals(bytes.subarray(start, start + 3))) start += 3
    }
    if (this.#lines === 0) return
    if (this.#lines === 1) {
      this.#line(start, this.#firstEnd)
      return
    }
    for (let at = start; at < this.end; at++) {
      if (bytes[at] !== lf && bytes[at] !== cr) continue
      if (at > start) this.#line(start, at)
      start = at + 1
    }
  }

  #line(start: number, end: number): void {
    const { bytes } = this
    for (let i = 0; i < 4; i++) if (bytes[start + i] !== dataName[i]) return
    let value = start + 4
    if (value < end) {
      if (bytes[value] !== colon) return
      value++
      if (bytes[value] === blank && value < end) value++
    }
    if (!this.hasData) {
      this.hasData = true
      this.data = bytes
      this.dataStart = value
      this.dataEnd = end
      return
    }
    const before = this.data.subarray(this.dataStart, this.dataEnd)
    this.data = Buffer.concat([before, newline, bytes.subarray(value, end)])
    this.dataStart = 0
    this.dataEnd = this.data.length
  }
}
