// Bytes of a body that is sent. A large one is kept in pieces, as joining 10 MB would hold up the loop for 7 ms.

/** Larger bodies are not joined, and are written piece by piece. */
export const largeBytes = 256 * 1024

export type Payload = Buffer | Pieces

export class Pieces {
  readonly length: number
  readonly list: readonly Buffer[]

  constructor(list: readonly Buffer[]) {
    this.list = list
    this.length = list.reduce((sum, { length }) => sum + length, 0)
  }

  /** All of them in one. */
  joined(): Buffer {
    const [only] = this.list
    return only && this.list.length === 1 ? only : Buffer.concat(this.list, this.length)
  }

  toString(encoding?: BufferEncoding): string {
    return this.joined().toString(encoding)
  }
}

/** In memory of their own: a slice of node's pool, which small buffers come from, keeps the whole of that alive. */
export function apart(parts: readonly Buffer[]): Buffer {
  let length = 0
  for (const part of parts) length += part.length
  const bytes = Buffer.allocUnsafeSlow(length)
  let at = 0
  for (const part of parts) at += part.copy(bytes, at)
  return bytes
}

export const joined = (payload: Payload): Buffer => (Buffer.isBuffer(payload) ? payload : payload.joined())

/** Joined where they are few bytes. */
export function payloadOf(list: readonly Buffer[]): Payload {
  const pieces = new Pieces(list)
  return pieces.length > largeBytes ? pieces : pieces.joined()
}
