// One direction of a session: messages pass as they are, and who reads slowly slows who writes.
import type { WebSocket } from 'ws'

/** Bytes that may wait for the reader, and those at which the writer goes on. */
const mostWaiting = 256 * 1024
const fewWaiting = 64 * 1024

const text = Object.freeze({ binary: false })
const binary = Object.freeze({ binary: true })

export class Pump {
  /** Milliseconds of the wheel since which the reader takes nothing; undefined while it does. */
  blockedAt: number | undefined
  /** Of the last message. */
  heardAt: number
  readonly #from: WebSocket
  readonly #to: WebSocket
  readonly #now: () => number
  readonly #tap: ((message: Buffer) => void) | undefined

  /** `tap` sees each text message once it has been handed on. */
  constructor(from: WebSocket, to: WebSocket, now: () => number, tap?: (message: Buffer) => void) {
    this.#from = from
    this.#to = to
    this.#now = now
    this.#tap = tap
    this.heardAt = now()
    from.on('message', this.#pass)
  }

  /** Nothing more is handed on. */
  stop(): void {
    this.#from.off('message', this.#pass)
    this.#go()
  }

  /** `message` is one buffer: the sockets keep the `binaryType` that they are made with. */
  readonly #pass = (message: unknown, isBinary: boolean): void => {
    const bytes = message as Buffer
    this.heardAt = this.#now()
    this.#to.send(bytes, isBinary ? binary : text, this.#sent)
    if (this.blockedAt === undefined && this.#to.bufferedAmount > mostWaiting) {
      this.blockedAt = this.heardAt
      this.#from.pause()
    }
    if (!isBinary) this.#tap?.(bytes)
  }

  readonly #sent = (): void => {
    if (this.blockedAt === undefined) return
    if (this.#to.bufferedAmount <= fewWaiting) this.#go()
    else this.blockedAt = this.#now()
  }

  #go(): void {
    this.blockedAt = undefined
    this.#from.resume()
  }
}
