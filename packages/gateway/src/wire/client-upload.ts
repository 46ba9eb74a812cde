// A request's body that is made while it is sent, so that a form of 256 MiB is never held whole.
import type { Socket } from 'node:net'

/** Makes a body. What it makes is asked for with `pull`, and may also be pushed later to the sink that it was given. */
export interface BodySource {
  /** Bytes in all; -1 when that is not known: it is sent in chunks. */
  readonly length: number
  /** Bytes are taken: write until the sink answers false. Called once the connection stands, and when it has drained. */
  pull(sink: BodySink): void
  /** Once: the exchange ended before the whole body was taken, or before any of it was. */
  cancel(): void
}

export interface BodySink {
  /**
   * Sends a part; what was given must not be changed afterwards. False asks to wait for `pull`. A TypeError for
   * more bytes than the source's length. Nothing happens once the exchange is over.
   */
  write(bytes: Buffer): boolean
  /** The body is whole. A TypeError when bytes of its length are missing. */
  end(): void
}

export class Upload implements BodySink {
  readonly length: number
  /** The whole body was given to the connection. */
  whole = false
  readonly #source: BodySource
  #left: number
  #socket: Socket | undefined
  #over = false

  constructor(source: BodySource) {
    if (!Number.isSafeInteger(source.length) || source.length < -1)
      throw new TypeError(`the length of a body must be a number of bytes or -1, not ${source.length}`)
    this.#source = source
    this.length = source.length
    this.#left = source.length
  }

  begin(socket: Socket): void {
    this.#socket = socket
    socket.on('drain', this.#pull)
    this.#pull()
  }

  write(bytes: Buffer): boolean {
    const socket = this.#socket
    if (this.#over || this.whole || !socket) return false
    if (bytes.length === 0) return !socket.writableNeedDrain
    if (this.length < 0) {
      socket.cork()
      socket.write(`${bytes.length.toString(16)}\r\n`, 'latin1')
      socket.write(bytes)
      const more = socket.write('\r\n', 'latin1')
      socket.uncork()
      return more
    }
    if (bytes.length > this.#left) throw new TypeError('a body is longer than its length')
    this.#left -= bytes.length
    return socket.write(bytes)
  }

  end(): void {
    const socket = this.#socket
    if (this.#over || this.whole || !socket) return
    if (this.#left > 0) throw new TypeError(`a body is ${this.#left} bytes shorter than its length`)
    if (this.length < 0) socket.write('0\r\n\r\n', 'latin1')
    this.whole = true
  }

  /** Nothing more is taken. */
  stop(): void {
    if (this.#over) return
    this.#over = true
    this.#socket?.off('drain', this.#pull)
    this.#socket = undefined
    if (!this.whole) this.#source.cancel()
  }

  readonly #pull = (): void => {
    if (!this.whole) this.#source.pull(this)
  }
}
