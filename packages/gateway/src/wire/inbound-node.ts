// A request that node's own server has parsed, as the gateway hears it: what is not plain HTTP/1.1 on our own
// server (TLS, tests, connections that the control plane shares) comes this way.
import { isAscii } from 'node:buffer'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Inbound, InboundHearer, Link } from './inbound.ts'

/** Up to here head and body leave as one string in one plain write, which costs 3 µs less than gathering two. */
const smallBytes = 8 * 1024
/** Bytes of one body that are read before others have their turn. */
const turnBytes = 128 * 1024

/** The listener must have a `checkContinue` handler: without one node itself answers `100 Continue`. */
export class NodeInbound implements Inbound {
  readonly link: Link = { key: '', digest: '' }
  readonly method: string
  readonly url: string
  readonly headers: readonly string[]
  readonly #request: IncomingMessage
  readonly #response: ServerResponse
  #proceeded = false
  #paused = false
  /** Bytes of the body since others last had their turn. */
  #bytes = 0

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.#request = request
    this.#response = response
    this.method = request.method ?? ''
    this.url = request.url ?? ''
    this.headers = request.rawHeaders
  }

  get peer(): string {
    return this.#request.socket.remoteAddress ?? ''
  }

  get complete(): boolean {
    return this.#request.complete
  }

  get closed(): boolean {
    return this.#response.closed
  }

  get waiting(): number {
    return this.#response.writableLength
  }

  listen(hearer: InboundHearer): void {
    if (this.#response.closed) {
      process.nextTick(() => hearer.onClose())
      return
    }
    this.#response.once('close', () => hearer.onClose())
    this.#response.on('drain', () => {
      if (!this.#response.closed) hearer.onDrain()
    })
    this.#request.on('data', (chunk: Buffer) => {
      if (this.#response.closed) return
      this.#bytes += chunk.length
      if (this.#bytes >= turnBytes) this.#yield()
      hearer.onBody(chunk)
    })
    this.#request.once('end', () => {
      if (!this.#response.closed) hearer.onWhole()
    })
  }

  pause(): void {
    this.#paused = true
    this.#request.pause()
  }

  resume(): void {
    this.#paused = false
    this.#request.resume()
  }

  #yield(): void {
    this.#bytes = 0
    this.#request.pause()
    setImmediate(readAgain, this)
  }

  /** After other connections had their turn. */
  readAgain(): void {
    if (!this.#paused) this.#request.resume()
  }

  proceed(): void {
    if (this.#proceeded || !expectsContinue(this.headers)) return
    this.#proceeded = true
    this.#response.writeContinue()
  }

  head(status: number, headers: readonly string[]): void {
    this.#response.writeHead(status, headers as string[]) // node only reads it
  }

  write(bytes: Buffer | string): boolean {
    return this.#response.write(bytes)
  }

  end(bytes?: Buffer | string, close = false): void {
    const response = this.#response
    if (close) response.end(bytes, () => response.socket?.destroySoon())
    else response.end(bytes)
  }

  reply(status: number, headers: readonly string[], body: Buffer | string): void {
    const bytes = typeof body === 'string' ? Buffer.from(body) : body
    const bodiless = status === 204 || status === 304
    this.head(status, bodiless ? headers : [...headers, 'content-length', String(bytes.length)])
    if (bytes.length <= smallBytes && isAscii(bytes)) this.#response.end(bytes.toString('latin1'), 'latin1')
    else this.#response.end(bytes)
  }

  destroy(): void {
    this.#response.destroy()
  }
}

const readAgain = (inbound: NodeInbound) => inbound.readAgain()

function expectsContinue(headers: readonly string[]): boolean {
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string // names and values stand in turn
    if (name.length === 6 && name.toLowerCase() === 'expect')
      return /^100-continue$/i.test(headers[i + 1] ?? '')
  }
  return false
}
