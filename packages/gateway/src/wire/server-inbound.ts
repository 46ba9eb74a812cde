// One request of a caller on our own server, and how its answer leaves: each piece with its framing in one write.
import { STATUS_CODES } from 'node:http'
import { HeadLines } from './head-lines.ts'
import type { Inbound, InboundHearer, Link } from './inbound.ts'
import type { Connection } from './server-connection.ts'
import type { RequestHead } from './server-head.ts'

/** Up to here bytes are copied into the write of their turn; beyond it they are gathered without a copy. */
const smallBytes = 16 * 1024
const lines = new HeadLines()

export class WireInbound implements Inbound {
  complete = false
  closed = false
  hearer: InboundHearer | undefined
  /** What comes of the body is kept for later. */
  paused = false
  /** The whole answer has been handed to the connection. */
  ended = false
  /** The connection is closed after the answer. */
  closing = false
  readonly #connection: Connection
  readonly #request: RequestHead
  /** What leaves at the end of the turn, and the content behind it: pieces that come together are one chunk. */
  #pending = ''
  #content = ''
  #flushing = false
  /** Somebody waits for `onDrain` though the connection itself was never full. */
  #owed = false
  #begun = false
  #chunked = false
  #bodiless = false
  #proceeded = false

  constructor(connection: Connection, request: RequestHead) {
    this.#connection = connection
    this.#request = request
  }

  get link(): Link {
    return this.#connection.link
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
    return this.closed ? 0 : this.#connection.waiting + this.#pending.length + this.#content.length
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
    if (this.closed) {
      process.nextTick(() => hearer.onClose())
      return
    }
    this.hearer = hearer
    this.#connection.listened(this)
  }

  pause(): void {
    this.paused = true
  }

  resume(): void {
    if (!this.paused) return
    this.paused = false
    this.#connection.bodyWanted(this)
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
    this.#pending = this.#begin(status, headers, framing, old && !this.#bodiless)
    this.#flushLater()
  }

  write(bytes: Buffer | string): boolean {
    if (this.#gone) return false
    if (!this.#begun || this.ended) throw new TypeError('an answer is written between its head and its end')
    if (bytes.length > 0 && !this.#bodiless) this.#add(bytes)
    this.#flushLater()
    const ready = this.#connection.takes(this.#pending.length + this.#content.length)
    this.#owed ||= !ready
    return ready
  }

  end(bytes: Buffer | string = '', close = false): void {
    if (this.#gone) return
    if (!this.#begun || this.ended) throw new TypeError('an answer is ended once, after its head')
    if (close) this.closing = true
    if (bytes.length > 0 && !this.#bodiless) this.#add(bytes)
    this.#end()
  }

  reply(status: number, headers: readonly string[], body: Buffer | string): void {
    if (this.#gone) return
    const bytes = typeof body === 'string' && !isPlain(body) ? Buffer.from(body) : body
    const counted = status !== 204 && status !== 304
    const length = counted ? `content-length: ${bytes.length}\r\n` : ''
    this.#pending = this.#begin(status, headers, length, false)
    if (counted && this.#request.method !== 'HEAD' && bytes.length > 0) this.#add(bytes)
    this.#end()
  }

  destroy(): void {
    if (!this.closed) this.#connection.destroy()
  }

  settle(): void {
    this.#connection.settle(this)
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
      if (name === 'connection') this.closing ||= value === 'close'
      else head += lines.of(name, value)
    }
    this.#begun = true
    if (untilClose || !this.#connection.keeps(this)) this.closing = true
    return `${head}${framing}${this.#connection.tail(this.closing)}\r\n`
  }

  /** Adds a piece to the content of this turn; a large one leaves at once with what stands before it. */
  #add(bytes: Buffer | string): void {
    const piece = typeof bytes === 'string' && !isPlain(bytes) ? Buffer.from(bytes) : bytes
    if (typeof piece === 'string') this.#content += piece
    else if (piece.length <= smallBytes) this.#content += piece.toString('latin1')
    else {
      const before = this.#chunked ? sizeLine(this.#content.length + piece.length) : ''
      this.#connection.gather(this.#pending + before + this.#content, piece)
      this.#pending = this.#chunked ? '\r\n' : ''
      this.#content = ''
    }
  }

  /** What leaves in one write: the rest of what was begun, and the content as a chunk. */
  #take(): string {
    const content = this.#content
    const framed = this.#chunked && content !== '' ? `${sizeLine(content.length)}${content}\r\n` : content
    const text = this.#pending + framed
    this.#pending = ''
    this.#content = ''
    return text
  }

  #flushLater(): void {
    if (this.#flushing) return
    this.#flushing = true
    process.nextTick(flush, this)
  }

  /** The end of a turn in which something was written. */
  flush(): void {
    this.#flushing = false
    if (this.#gone || this.ended) return
    const text = this.#take()
    const ready = text === '' ? this.#connection.takes(0) : this.#connection.send(text)
    if (!ready || !this.#owed) return
    this.#owed = false
    this.hearer?.onDrain()
  }

  /** The connection takes bytes again. */
  drained(): void {
    if (this.ended || !this.#owed) return
    this.#owed = false
    this.hearer?.onDrain()
  }

  #end(): void {
    this.ended = true
    const text = this.#chunked ? `${this.#take()}0\r\n\r\n` : this.#take()
    if (text !== '') this.#connection.send(text)
    this.#connection.answered(this)
  }
}

const flush = (inbound: WireInbound) => inbound.flush()

const sizeLine = (bytes: number) => `${bytes.toString(16)}\r\n`

/** Characters and bytes are the same. */
function isPlain(text: string): boolean {
  return Buffer.byteLength(text) === text.length
}
