// Bytes that arrive in parts and are wanted whole; one part is not copied.

const nothing = Buffer.alloc(0)

export class Body {
  bytes = 0
  #first: Buffer | undefined
  #parts: Buffer[] | undefined

  push(part: Buffer): void {
    this.bytes += part.length
    if (this.#first === undefined) {
      this.#first = part
      return
    }
    this.#parts ??= [this.#first]
    this.#parts.push(part)
  }

  /** The whole, which is let go of here. */
  take(): Buffer {
    const whole = this.#parts ? Buffer.concat(this.#parts, this.bytes) : (this.#first ?? nothing)
    this.#first = undefined
    this.#parts = undefined
    return whole
  }
}
