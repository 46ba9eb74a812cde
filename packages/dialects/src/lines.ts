// Reads lines of JSON (NDJSON) from bytes, whatever the chunks, as `EventReader` reads events.
import { maxEventBytes, restOf } from './sse.ts'

const lf = 0x0a
const empty = Buffer.alloc(0)

/** `push` a chunk, then call `next` until it answers false. A blank line has no data. */
export class LineReader {
  /** The bytes in which the offsets stand. */
  bytes: Buffer = empty
  /** Raw line, its line feed included. */
  start = 0
  end = 0
  hasData = false
  data: Buffer = empty
  dataStart = 0
  dataEnd = 0
  /** The line that is under way is larger than `maxEventBytes`. */
  tooLarge = false
  #searched = 0

  push(chunk: Buffer): void {
    const left = this.unfinished
    if (left === 0) this.#move(chunk)
    else {
      if (left + chunk.length > maxEventBytes) this.tooLarge = true
      this.#move(Buffer.concat([this.bytes.subarray(this.end), chunk]))
    }
  }

  #move(bytes: Buffer): void {
    this.bytes = bytes
    this.#searched -= this.end
    this.start = 0
    this.end = 0
  }

  /** Bytes of a line that is not whole yet. */
  get unfinished(): number {
    return this.bytes.length - this.end
  }

  next(): boolean {
    const { bytes } = this
    const at = bytes.indexOf(lf, this.#searched)
    if (at < 0) {
      this.#searched = bytes.length
      const rest = restOf(bytes, this.end)
      if (rest) {
        this.#move(rest)
        this.data = empty
      }
      return false
    }
    this.start = this.end
    this.end = at + 1
    this.#searched = this.end
    this.data = bytes
    this.dataStart = this.start
    this.dataEnd = at
    this.hasData = !blank(bytes, this.start, at)
    return true
  }
}

function blank(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const byte = bytes[at]
    if (byte !== 0x20 && byte !== 0x0d && byte !== 0x09) return false
  }
  return true
}
