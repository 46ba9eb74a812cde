// The connections to one upstream that speaks HTTP/1.1, in plain text or over TLS: kept alive, bounded, one request
// on each.
import { Roster, systemClock } from '@switchyard/runtime'
import { Connection, Exchange, type Hearer, WireError } from './client-connection.ts'
import { type BodySource, Upload } from './client-upload.ts'
import { type Dialer, dialer, type Guard, type TlsTrust } from './dial.ts'

export { type Exchange, type Hearer, type WireCode, WireError } from './client-connection.ts'
export type { BodySink, BodySource } from './client-upload.ts'

/** Either `address`, or `origin` with `addresses`. */
export interface ClientOptions {
  /** `host:port` of an engine of ours, in plain text; wherever it is, it is dialled. */
  readonly address?: string
  /** `https://host[:port]` or `http://host[:port]` of somebody else. */
  readonly origin?: string
  /** Which addresses of `origin` may be dialled. */
  readonly addresses?: Guard
  /** How the certificate of an `https` origin is verified; it always is. */
  readonly tls?: TlsTrust
  /** Connections at one time; requests beyond them wait their turn. */
  readonly connections: number
  /** Milliseconds until a connection stands, with name resolution and TLS. */
  readonly connect: number
  /** Milliseconds after which an unused connection is closed, default 4000: servers close theirs after 5 s. */
  readonly idle?: number
}

export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

const allowed = /^[\t\x20-\x7e\x80-\xff]*$/
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const target = /^\/[\x21-\x7e]*$/
/** Headers that are written here. */
const ours: ReadonlySet<string> = new Set(['host', 'connection', 'content-length', 'transfer-encoding'])
/** Heads kept for one array of headers. */
const mostHeads = 256

/** What follows the headers; the number of `content-length` comes with each request. */
const framing = {
  length: 'content-length: ',
  chunks: 'transfer-encoding: chunked\r\n\r\n',
  none: '\r\n',
} as const

export class Client {
  readonly #options: ClientOptions
  readonly #host: string
  readonly #dialer: Dialer
  /** The one used last stands last. */
  readonly #idle: Connection[] = []
  readonly #all = new Roster<Connection>()
  readonly #waiting = new Set<Exchange>()
  readonly #heads = new WeakMap<readonly string[], Map<string, Buffer>>()
  #sweep: NodeJS.Timeout | undefined
  #closed = false

  /** `invalid` for an origin or certificates that cannot be read. */
  constructor(options: ClientOptions) {
    this.#options = options
    const { address, origin } = options
    if ((address === undefined) === (origin === undefined))
      throw new TypeError('a client has either an address or an origin')
    if (origin !== undefined && !options.addresses)
      throw new TypeError('a client of an origin needs to know which addresses it may dial')
    this.#dialer = dialer(origin ?? `http://${address}`, options.addresses, options.tls)
    this.#host = address ?? this.#dialer.authority
  }

  /** Connections, those that are still being made included. */
  get open(): number {
    return this.#all.size
  }

  /**
   * Sends a request; `headers` are names and values in turn, and are best the same array each time. A TypeError
   * for values that a header cannot have.
   */
  post(path: string, headers: readonly string[], body: Buffer, hearer: Hearer): Exchange {
    const head = this.#head(path, 'POST', path, headers, 'length')
    const exchange = new Exchange(this, head, body, false, hearer)
    this.dispatch(exchange)
    return exchange
  }

  /** As `post`, with any method, and a body that may be made while it is sent, or is none. Redirects are answers. */
  request(
    method: Method,
    path: string,
    headers: readonly string[],
    body: Buffer | BodySource | undefined,
    hearer: Hearer,
  ): Exchange {
    const sent = body === undefined || Buffer.isBuffer(body) ? body : new Upload(body)
    const frame = sent === undefined ? 'none' : sent.length < 0 ? 'chunks' : 'length'
    const head = this.#head(`${method} ${frame} ${path}`, method, path, headers, frame)
    const exchange = new Exchange(this, head, sent, method === 'HEAD', hearer)
    this.dispatch(exchange)
    return exchange
  }

  /** Closes every connection; what is under way is cut. */
  destroy(): void {
    clearTimeout(this.#sweep)
    this.#sweep = undefined
    this.#closed = true
    for (const exchange of this.#waiting) exchange.fail(closedHere())
    this.#waiting.clear()
    for (const connection of this.#all) connection.destroy()
  }

  // ---- for exchanges and connections

  dispatch(exchange: Exchange): void {
    if (this.#closed) {
      exchange.fail(closedHere())
      return
    }
    const connection = this.#idle.pop()
    if (connection) connection.begin(exchange)
    else if (this.#all.size < this.#options.connections) this.#connect(exchange)
    else this.#waiting.add(exchange)
  }

  forget(exchange: Exchange): void {
    this.#waiting.delete(exchange)
  }

  free(connection: Connection): void {
    const [next] = this.#waiting
    if (next) {
      this.#waiting.delete(next)
      connection.begin(next)
      return
    }
    connection.idleSince = systemClock.monotonic()
    this.#idle.push(connection)
    this.#sweep ??= setTimeout(this.#close, this.#idleMilliseconds).unref()
  }

  gone(connection: Connection): void {
    this.#all.delete(connection)
    const at = this.#idle.indexOf(connection)
    if (at >= 0) this.#idle.splice(at, 1)
    const [next] = this.#waiting
    if (!next || this.#all.size >= this.#options.connections) return
    this.#waiting.delete(next)
    this.#connect(next)
  }

  get #idleMilliseconds(): number {
    return this.#options.idle ?? 4000
  }

  #connect(exchange: Exchange): void {
    const connection = new Connection(this, this.#dialer, this.#options.connect)
    this.#all.add(connection)
    connection.begin(exchange)
  }

  /** Closes what has not been used for long. */
  readonly #close = (): void => {
    this.#sweep = undefined
    const before = systemClock.monotonic() - this.#idleMilliseconds
    while (this.#idle[0] && this.#idle[0].idleSince <= before) this.#idle[0].destroy()
    const [oldest] = this.#idle
    if (oldest) this.#sweep = setTimeout(this.#close, Math.ceil(oldest.idleSince - before)).unref()
  }

  #head(
    key: string,
    method: Method,
    path: string,
    headers: readonly string[],
    frame: keyof typeof framing,
  ): Buffer {
    let heads = this.#heads.get(headers)
    if (!heads) {
      heads = new Map()
      this.#heads.set(headers, heads)
    }
    let head = heads.get(key)
    if (head === undefined) {
      head = Buffer.from(this.#write(method, path, headers) + framing[frame], 'latin1')
      if (heads.size >= mostHeads) heads.clear()
      heads.set(key, head)
    }
    return head
  }

  #write(method: Method, path: string, headers: readonly string[]): string {
    if (!target.test(path)) throw new TypeError('the path cannot be sent')
    let head = `${method} ${path} HTTP/1.1\r\nhost: ${this.#host}\r\nconnection: keep-alive\r\n`
    for (let i = 0; i + 1 < headers.length; i += 2) {
      const name = headers[i] as string // the condition of the loop
      const value = headers[i + 1] as string
      if (!token.test(name) || ours.has(name.toLowerCase()))
        throw new TypeError(`${JSON.stringify(name)} is no header that may be given`)
      if (!allowed.test(value)) throw new TypeError(`the value of header ${name} cannot be sent`)
      head += `${name}: ${value}\r\n`
    }
    return head
  }
}

const closedHere = () => new WireError('reset', 'the connections to this upstream are closed')
