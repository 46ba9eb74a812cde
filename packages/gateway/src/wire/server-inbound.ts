// One request of a caller on our own server, and how its answer leaves: each piece with its framing in one write.
import { isAscii } from 'node:buffer'
import { STATUS_CODES } from 'node:http'
import type { Inbound, InboundHearer } from './inbound.ts'
import type { Connection } from './server-connection.ts'
import type { RequestHead } from './server-head.ts'

/** Up to here framing and bytes are joined into one plain write; beyond it they are gathered. */
const smallBytes = 16 * 1024
const allowed = /^[\t\x20-\x7e\x80-\xff]*$/

export class WireInbound implements Inbound {
  complete = false
  closed = false
  hearer: InboundHearer | undefined
  /** The whole answer has been handed to the connection. */
  ended = false
  /** The connection is closed after the answer. */
  closing = false
  readonly #connection: Connection
  readonly #request: RequestHead
  /** A head that leaves with what follows it. */
  #head = ''
  #begun = false
  #chunked = false
  #bodiless = false
  #proceeded = false

  constructor(connection: Connection, request: RequestHead) {
    this.#connection = connection
    this.#request = request
  }

  get method(): string {
    return this.#request.method
  }

  get url(): string {
    return this.#request.url
  }

  get headers(): readonly string[] {
    return this.#request.headers
  }

  get peer(): string {
    return this.#connection.peer
  }

  get waiting(): number {
    return this.closed ? 0 : this.#connection.waiting + this.#head.length
  }

  /** Nothing of an answer has left. */
  get unanswered(): boolean {
    return !this.#begun
  }

  /** The caller still waits for `100 Continue`, so that nobody can tell whether its body comes. */
  get undecided(): boolean {
    return this.#request.expects && !this.#proceeded
  }

  listen(hearer: InboundHearer): void {
    if (this.hearer) throw new TypeError('a request is listened to once')
    if (this.closed) return
    this.hearer = hearer
    this.#connection.listened(this)
  }

  proceed(): void {
    if (!this.undecided || this.complete || this.#begun || this.#gone) return
    this.#proceeded = true
    this.#connection.send('HTTP/1.1 100 Continue\r\n\r\n')
  }

  head(status: number, headers: readonly string[]): void {
    if (this.#gone) return
    const { old, method } = this.#request
    this.#bodiless = method === 'HEAD' || status === 204 || status === 304
    this.#chunked = !old && !this.#bodiless
    const framing = this.#chunked ? 'transfer-encoding: chunked\r\n' : ''
    this.#head = this.#begin(status, headers, framing, old && !this.#bodiless)
  }

  write(bytes: Buffer | string): boolean {
    if (this.#gone) return false
    if (!this.#begun || this.ended) throw new TypeError('an answer is written between its head and its end')
    if (bytes.length === 0 && this.#head === '') return this.#connection.ready
    return this.#write(bytes, '')
  }

  end(bytes: Buffer | string = '', close = false): void {
    if (this.#gone) return
    if (!this.#begun || this.ended) throw new TypeError('an answer is ended once, after its head')
    if (close) this.closing = true
    if (this.#chunked || bytes.length > 0 || this.#head !== '')
      this.#write(bytes, this.#chunked ? '0\r\n\r\n' : '')
    this.#end()
  }

  reply(status: number, headers: readonly string[], body: Buffer | string): void {
    if (this.#gone) return
    const bytes = typeof body === 'string' && !isPlain(body) ? Buffer.from(body) : body
    const counted = status !== 204 && status !== 304
    const length = counted ? `content-length: ${bytes.length}\r\n` : ''
    this.#head = this.#begin(status, headers, length, false)
    this.#bodiless = this.#request.method === 'HEAD' || !counted
    this.#write(bytes, '')
    this.#end()
  }

  destroy(): void {
    if (!this.closed) this.#connection.destroy()
  }

  /** The answer has left whole, or the connection is gone. */
  over(): void {
    if (this.closed) return
    this.closed = true
    const { hearer } = this
    this.hearer = undefined
    hearer?.onClose()
  }

  get #gone(): boolean {
    return this.closed || this.#connection.gone
  }

  #begin(status: number, headers: readonly string[], framing: string, untilClose: boolean): string {
    if (this.#begun) throw new TypeError('an answer begins once')
    let head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n`
    for (let i = 0; i + 1 < headers.length; i += 2) {
      const name = headers[i] as string // the condition of the loop
      const value = headers[i + 1] as string
      if (!allowed.test(value)) throw new TypeError(`the value of header ${name} cannot be sent`)
      if (name === 'connection') this.closing ||= value === 'close'
      else head += `${name}: ${value}\r\n`
    }
    this.#begun = true
    if (untilClose || !this.#connection.keeps(this)) this.closing = true
    return `${head}${framing}${this.#connection.tail(this.closing)}\r\n`
  }

  /** Writes what is left of the head, a piece with its framing, and what closes the answer. */
  #write(bytes: Buffer | string, after: string): boolean {
    const head = this.#head
    this.#head = ''
    const connection = this.#connection
    if (this.#bodiless || bytes.length === 0) return connection.send(head + (this.#bodiless ? '' : after))
    const piece = typeof bytes === 'string' && !isPlain(bytes) ? Buffer.from(bytes) : bytes
    const before = this.#chunked ? `${head}${piece.length.toString(16)}\r\n` : head
    const behind = this.#chunked ? `\r\n${after}` : after
    if (typeof piece === 'string') return connection.send(before + piece + behind)
    if (piece.length > smallBytes) return connection.gather(before, piece, behind)
    if (isAscii(piece)) return connection.send(before + piece.toString('latin1') + behind)
    const all = Buffer.allocUnsafe(before.length + piece.length + behind.length)
    all.write(before, 0, 'latin1')
    piece.copy(all, before.length)
    all.write(behind, before.length + piece.length, 'latin1')
    return connection.send(all)
  }

  #end(): void {
    this.ended = true
    this.#connection.answered(this)
  }
}

/** Characters and bytes are the same. */
function isPlain(text: string): boolean {
  return Buffer.byteLength(text) === text.length
}
