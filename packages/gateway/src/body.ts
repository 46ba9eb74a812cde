// Bytes that arrive in parts and are wanted whole; one part is not copied. A large body whose length is known is put in
// its place part by part, as it comes: joining 10 MB at its end would hold up the loop for 7 ms.

const nothing = Buffer.alloc(0)
/** Smaller bodies are joined at their end, which costs less. */
const placedBytes = 256 * 1024

export class Body {
  bytes = 0
  #first: Buffer | undefined
  #parts: Buffer[] | undefined
  #placed: Buffer | undefined

  /** Bytes that will come, where they are declared; before the first part. */
  expect(length: number): void {
    if (length > placedBytes) this.#placed = Buffer.allocUnsafeSlow(length)
  }

  push(part: Buffer): void {
    const at = this.bytes
    this.bytes += part.length
    if (this.#placed) {
      if (this.bytes <= this.#placed.length) {
        part.copy(this.#placed, at)
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
    this.#parts.push(part)
  }

  /** The whole, which is let go of here. */
  take(): Buffer {
    const whole = this.#placed
      ? this.#placed.subarray(0, this.bytes)
      : this.#parts
        ? Buffer.concat(this.#parts, this.bytes)
        : (this.#first ?? nothing)
    this.#first = undefined
    this.#parts = undefined
    this.#placed = undefined
    return whole
  }
}
