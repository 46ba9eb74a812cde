// One connection to an upstream and the exchange that is under way on it.
import type { Socket } from 'node:net'
import type { Placed } from '@switchyard/runtime'
import { AnswerParser, type AnswerSink, Malformed, type RawHeaders } from './client-parser.ts'
import { Upload } from './client-upload.ts'
import { type Dialer, RefusedAddress } from './dial.ts'

/**
 * `refused`: no connection stood. `refused_address`: none was tried, because the address is one that may not be
 * dialled. `reset`: no answer had begun. `cut`: it had begun. `malformed`: it cannot be read.
 */
export type WireCode = 'refused' | 'refused_address' | 'reset' | 'cut' | 'malformed'

export class WireError extends Error {
  readonly code: WireCode
  constructor(code: WireCode, message: string, cause?: unknown) {
    super(message, { cause })
    this.code = code
  }
}

/** What is heard of an exchange: a head, bytes, and one end or one error; nothing after `abort`. */
export interface Hearer {
  onHead(status: number, headers: RawHeaders): void
  onData(bytes: Buffer): void
  onEnd(): void
  onError(error: WireError): void
}

/** What an exchange and its connection ask of the client that they belong to. */
interface Owner {
  forget(exchange: Exchange): void
  free(connection: Connection): void
  gone(connection: Connection): void
}

/** Up to here head and body are copied into one buffer; beyond it two are gathered in one write. */
const smallBytes = 16 * 1024
/** Reads of all connections land here one after another and are copied out at their own size: node would
 * allocate 64 KiB for each of them. */
const slab = Buffer.allocUnsafeSlow(64 * 1024)
/** After so many bytes a connection waits until all others have had their turn. Node would read 2 MiB of one before it
 * looks at the next: 14 000 events, which held up everybody for 130 ms where they are converted, and for 8 ms in slices. */
const turnBytes = 64 * 1024

/** One request and its answer. */
export class Exchange {
  /** Request line and headers: up to the number of `content-length`, or whole when there is none. */
  readonly head: Buffer
  readonly body: Buffer | Upload | undefined
  /** The answer has no body: the request is one of HEAD. */
  readonly bodiless: boolean
  /** Undefined once it is over. */
  hearer: Hearer | undefined
  connection: Connection | undefined
  paused = false
  readonly #owner: Owner

  constructor(
    owner: Owner,
    head: Buffer,
    body: Buffer | Upload | undefined,
    bodiless: boolean,
    hearer: Hearer,
  ) {
    this.#owner = owner
    this.head = head
    this.body = body
    this.bodiless = bodiless
    this.hearer = hearer
  }

  /** Ends it unheard; its connection is closed at once. */
  abort(): void {
    if (!this.hearer) return
    this.hearer = undefined
    if (this.body instanceof Upload) this.body.stop()
    this.#owner.forget(this)
    this.connection?.destroy()
  }

  fail(error: WireError): void {
    const { hearer } = this
    this.hearer = undefined
    this.connection = undefined
    if (this.body instanceof Upload) this.body.stop()
    hearer?.onError(error)
  }

  pause(): void {
    this.paused = true
    this.connection?.pause()
  }

  resume(): void {
    this.paused = false
    this.connection?.resume()
  }
}

const goOn = (connection: Connection) => connection.goOn()
const nothing = Buffer.alloc(0)
const cr = 0x0d
const lf = 0x0a

/** A head that lacks the number of `content-length`, with it, and what follows. */
function withBody(head: Buffer, length: number, body: Buffer): Buffer {
  let digits = 1
  for (let rest = length; rest >= 10; rest = Math.floor(rest / 10)) digits++
  const end = head.length + digits
  const bytes = Buffer.allocUnsafe(end + 4 + body.length)
  bytes.set(head)
  for (let at = end - 1, rest = length; at >= head.length; at--, rest = Math.floor(rest / 10))
    bytes[at] = 0x30 + (rest % 10)
  bytes[end] = cr
  bytes[end + 1] = lf
  bytes[end + 2] = cr
  bytes[end + 3] = lf
  bytes.set(body, end + 4)
  return bytes
}

export class Connection implements AnswerSink, Placed {
  place = -1
  idleSince = 0
  readonly #owner: Owner
  readonly #socket: Socket
  readonly #parser = new AnswerParser(this)
  #exchange: Exchange | undefined
  #connected = false
  #begun = false
  #dead = false
  /** Bytes that were read since it last waited for a turn. */
  #taken = 0
  #timer: NodeJS.Timeout

  constructor(owner: Owner, dialer: Dialer, milliseconds: number) {
    this.#owner = owner
    const take = (bytes: number) => {
      this.#take(bytes)
      this.#taken += bytes
      if (this.#taken < turnBytes || this.#dead) return true
      this.#taken = 0
      setImmediate(goOn, this)
      return false
    }
    this.#socket = dialer.dial({ buffer: slab, callback: take })
    this.#timer = setTimeout(() => {
      this.#fail('refused', `no connection within ${milliseconds} ms`)
    }, milliseconds)
    this.#socket.once(dialer.stands, () => this.#stands())
    this.#socket.on('end', () => this.#ended())
    this.#socket.on('error', error => this.#broken(error))
    this.#socket.on('close', () => this.#broken(undefined))
  }

  begin(exchange: Exchange): void {
    this.#exchange = exchange
    this.#begun = false
    exchange.connection = this
    this.#parser.expect(exchange.bodiless)
    if (this.#connected) this.#send(exchange)
    if (exchange.paused) this.pause()
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    if (!this.#dead) this.#socket.resume()
  }

  /** The others have had their turn: it reads on, unless it was paused for longer. */
  goOn(): void {
    if (!this.#exchange?.paused) this.resume()
  }

  destroy(): void {
    this.#fail(this.#begun ? 'cut' : 'reset', 'the connection was closed here')
  }

  // ---- what the parser tells

  head(status: number, headers: RawHeaders): void {
    this.#begun = true
    this.#exchange?.hearer?.onHead(status, headers)
  }

  body(bytes: Buffer): void {
    this.#exchange?.hearer?.onData(Buffer.from(bytes))
  }

  end(reusable: boolean): void {
    const exchange = this.#exchange
    const hearer = exchange?.hearer
    let taken = this.#socket.writableLength === 0
    if (exchange) {
      this.#exchange = undefined
      exchange.connection = undefined
      exchange.hearer = undefined
      if (exchange.body instanceof Upload) {
        taken &&= exchange.body.whole
        exchange.body.stop()
      }
    }
    // An answer before the whole request was taken leaves the rest of it in the way of the next one.
    if (reusable && taken) {
      if (exchange?.paused) this.resume()
      this.#owner.free(this)
    } else this.destroy()
    hearer?.onEnd()
  }

  // ---- what the socket tells

  /** Nothing is written before: a credential is not given to one whose certificate was not yet verified. */
  #stands(): void {
    clearTimeout(this.#timer)
    this.#connected = true
    if (this.#exchange) this.#send(this.#exchange)
  }

  #send({ head, body }: Exchange): void {
    if (body === undefined) this.#socket.write(head)
    else if (body instanceof Upload) {
      this.#socket.write(body.length < 0 ? head : withBody(head, body.length, nothing))
      body.begin(this.#socket)
    } else if (body.length <= smallBytes) {
      // One buffer leaves in one plain write, without the gathering of two.
      this.#socket.write(withBody(head, body.length, body))
    } else {
      this.#socket.cork()
      this.#socket.write(withBody(head, body.length, nothing))
      this.#socket.write(body)
      this.#socket.uncork()
    }
  }

  #take(bytes: number): void {
    if (this.#dead) return
    if (!this.#exchange) {
      this.destroy()
      return
    }
    try {
      this.#parser.push(slab.subarray(0, bytes))
    } catch (error) {
      if (!(error instanceof Malformed)) throw error
      this.#fail('malformed', error.message)
    }
  }

  #ended(): void {
    if (this.#dead || this.#parser.close()) return
    this.#broken(undefined)
  }

  #broken(error: Error | undefined): void {
    if (error instanceof RefusedAddress) this.#fail('refused_address', error.message, error)
    else if (!this.#connected) this.#fail('refused', error?.message ?? 'the connection was closed', error)
    else this.#fail(this.#begun ? 'cut' : 'reset', 'the upstream closed the connection', error)
  }

  #fail(code: WireCode, message: string, cause?: unknown): void {
    if (this.#dead) return
    this.#dead = true
    clearTimeout(this.#timer)
    this.#parser.stop()
    this.#socket.destroy()
    const exchange = this.#exchange
    this.#exchange = undefined
    this.#owner.gone(this)
    if (!exchange?.hearer) return
    exchange.fail(new WireError(code, message, cause))
  }
}
