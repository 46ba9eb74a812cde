// Bytes that arrive in parts and are wanted whole; one part is not copied. A large body whose length is known is put in
// its place part by part, as it comes, and one whose length is not is joined over several turns of the loop: joining
// 10 MB at once would hold it up for 7 ms.
import { setImmediate as turn } from 'node:timers/promises'
import { largeBytes } from '@switchyard/dialects'

const nothing = Buffer.alloc(0)
/** Bytes that are joined in one turn. */
const joinedBytes = 512 * 1024

/** So many parts are kept as they came. */
const fewParts = 16
/** Smaller ones than this are gathered beyond them. */
const gatheredBytes = 16 * 1024

/** A part that fills a buffer of its own, as a full read of a socket does. */
const ownBytes = 64 * 1024

/**
 * Frees what was copied, where no other part can stand in it: the 160 reads of a body of 10 MB would be left to the
 * garbage collector, which then ran 1.4 times as often and made a body cost 34 ms of CPU instead of 27.
 */
function letGo({ buffer, length }: Buffer): void {
  if (length >= ownBytes && length === buffer.byteLength && buffer instanceof ArrayBuffer) buffer.transfer(0)
}

export class Body {
  bytes = 0
  #first: Buffer | undefined
  #parts: Buffer[] | undefined
  #placed: Buffer | undefined
  /** What small parts are gathered in, and how many bytes of it they take; the last of the parts shows those. */
  #gathering: Buffer | undefined
  #gathered = 0

  /** Bytes that will come, where they are declared; before the first part. */
  expect(length: number): void {
    if (length > largeBytes) this.#placed = Buffer.allocUnsafeSlow(length)
  }

  /** The next part, which is not read again by whoever gives it. */
  push(part: Buffer): void {
    const at = this.bytes
    this.bytes += part.length
    if (this.#placed) {
      if (this.bytes <= this.#placed.length) {
        part.copy(this.#placed, at)
        letGo(part)
        return
      }
      // More than was declared: what is here becomes the first of several parts.
      this.#first = this.#placed.subarray(0, at)
      this.#placed = undefined
    }
    if (this.#first === undefined) {
      this.#first = part
      return
    }
    this.#parts ??= [this.#first]
    if (part.length < gatheredBytes && this.#parts.length >= fewParts) this.#gather(this.#parts, part)
    else {
      this.#gathering = undefined
      this.#parts.push(part)
    }
  }

  /** A buffer costs some 200 bytes beside what it holds: of who sends byte by byte as much would be kept for each. */
  #gather(parts: Buffer[], part: Buffer): void {
    if (this.#gathering && this.#gathered + part.length <= gatheredBytes) parts.pop()
    else {
      this.#gathering = Buffer.allocUnsafeSlow(gatheredBytes)
      this.#gathered = 0
    }
    this.#gathered += part.copy(this.#gathering, this.#gathered)
    parts.push(this.#gathering.subarray(0, this.#gathered))
  }

  /** What has come. */
  get parts(): readonly Buffer[] {
    if (this.#placed) return [this.#placed.subarray(0, this.bytes)]
    return this.#parts ?? (this.#first ? [this.#first] : [])
  }

  /** Many bytes in parts: they are better joined with `join`. */
  get scattered(): boolean {
    return this.#parts !== undefined && this.bytes > joinedBytes
  }

  /** The whole, which is let go of here. */
  take(): Buffer {
    const whole = this.#placed
      ? this.#placed.subarray(0, this.bytes)
      : this.#parts
        ? Buffer.concat(this.#parts, this.bytes)
        : (this.#first ?? nothing)
    this.#clear()
    return whole
  }

  /** The same, over several turns. */
  async join(): Promise<Buffer> {
    const whole = Buffer.allocUnsafeSlow(this.bytes)
    const { parts } = this
    this.#clear()
    let at = 0
    let rest = joinedBytes
    for (const part of parts) {
      at += part.copy(whole, at)
      rest -= part.length
      if (rest > 0) continue
      await turn()
      rest = joinedBytes
    }
    return whole
  }

  #clear(): void {
    this.#first = undefined
    this.#parts = undefined
    this.#placed = undefined
    this.#gathering = undefined
  }
}
