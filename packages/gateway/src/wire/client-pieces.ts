// A large body that is sent piece by piece, each part of it in a turn of its own: the kernel would take 4 MB at once,
// and everybody else would wait for that.
import { largeBytes, type Payload } from '@switchyard/dialects'
import type { BodySink, BodySource } from './client-upload.ts'
import { inTurn } from './one-by-one.ts'

/** Bytes that are written in one turn. */
const turnBytes = 128 * 1024

/** How a body is given to the client. */
export function sourceOf(payload: Payload): Buffer | BodySource {
  if (!Buffer.isBuffer(payload)) return new PieceSource(payload.list)
  return payload.length > largeBytes ? new PieceSource([payload]) : payload
}

export class PieceSource implements BodySource {
  readonly length: number
  readonly #pieces: readonly Buffer[]
  #piece = 0
  /** Bytes of the piece that were taken. */
  #taken = 0
  #sink: BodySink | undefined
  #waits = false

  constructor(pieces: readonly Buffer[]) {
    this.#pieces = pieces
    this.length = pieces.reduce((sum, { length }) => sum + length, 0)
  }

  /** The connection has drained, which may be in the turn in which it was written to. */
  pull(sink: BodySink): void {
    this.#sink = sink
    if (!this.#waits) inTurn(this.#write)
    this.#waits = true
  }

  cancel(): void {
    this.#sink = undefined
  }

  readonly #write = (): void => {
    this.#waits = false
    const sink = this.#sink
    if (!sink) return
    let left = turnBytes
    let ready = true
    for (let piece = this.#pieces[this.#piece]; piece && left > 0; piece = this.#pieces[this.#piece]) {
      const part = piece.subarray(this.#taken, this.#taken + left)
      ready = sink.write(part)
      left -= part.length
      this.#taken += part.length
      if (this.#taken < piece.length) break
      this.#piece++
      this.#taken = 0
    }
    if (this.#piece === this.#pieces.length) sink.end()
    else if (ready) this.pull(sink)
  }
}
