// What the tests of the gateway's own server share: a listener with both servers, and callers on bare bytes.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import type { Inbound, InboundHearer } from '../src/wire/inbound.ts'
import { NodeInbound } from '../src/wire/inbound-node.ts'
import { type ServerOptions, WireServer } from '../src/wire/server.ts'

/** A request as it was heard; `whole` when all of its body came. */
export interface Heard {
  readonly method: string
  readonly url: string
  readonly headers: readonly string[]
  body: string
  whole: boolean
  readonly inbound: Inbound
  closes: number
  drains: number
}

export type Act = (inbound: Inbound, heard: Heard) => void

export const echo: Act = (inbound, { body }) => inbound.reply(200, [], Buffer.from(body, 'latin1'))

/** Listens to a request, keeps what it hears, and acts when the body is whole. */
export function hear(inbound: Inbound, list: Heard[], act: Act): Heard {
  const { method, url, headers } = inbound
  const heard: Heard = { method, url, headers, body: '', whole: false, inbound, closes: 0, drains: 0 }
  const hearer: InboundHearer = {
    onBody(chunk) {
      heard.body += chunk.toString('latin1')
    },
    onWhole() {
      heard.whole = true
      act(inbound, heard)
    },
    onDrain() {
      heard.drains++
    },
    onClose() {
      heard.closes++
    },
  }
  list.push(heard)
  inbound.listen(hearer)
  return heard
}

export interface BedOptions extends Partial<ServerOptions> {
  readonly act?: Act
  /** Only node's own server, behind the same seam. */
  readonly node?: boolean
  /** Over TLS. */
  readonly certificate?: { readonly cert: string; readonly key: string }
}

export class Bed {
  readonly listener: ReturnType<typeof createServer | typeof createSecureServer>
  readonly server: WireServer | undefined
  readonly heard: Heard[] = []
  /** Requests that went to node's server, and what it refused. */
  readonly others: Heard[] = []
  readonly refused: string[] = []
  act: Act
  port = 0

  constructor({ act = echo, node = false, certificate, ...options }: BedOptions = {}) {
    this.act = act
    this.listener = certificate ? createSecureServer(certificate) : createServer()
    const take = (request: IncomingMessage, response: ConstructorParameters<typeof NodeInbound>[1]) =>
      void hear(new NodeInbound(request, response), node ? this.heard : this.others, (inbound, heard) =>
        this.act(inbound, heard),
      )
    this.listener.on('request', take)
    this.listener.on('checkContinue', take)
    if (node) return
    this.server = new WireServer(this.listener, {
      ours: (_, url) => url.startsWith('/v1') || !url.startsWith('/api'),
      take: inbound => void hear(inbound, this.heard, (one, heard) => this.act(one, heard)),
      refusal: fault => {
        this.refused.push(fault.message)
        const body = JSON.stringify({ error: { message: fault.message, code: fault.reason } })
        return { headers: ['content-type', 'application/json'], body }
      },
      clock: () => 1_700_000_000_000,
      sweep: 10,
      ...options,
    })
  }

  async listen(): Promise<this> {
    this.listener.listen(0, '127.0.0.1')
    await once(this.listener, 'listening')
    this.port = (this.listener.address() as AddressInfo).port // it listens on TCP
    return this
  }

  async close(): Promise<void> {
    await this.server?.close(0)
    this.listener.close()
    this.listener.closeAllConnections()
  }

  /** Sends bytes and resolves with all that came back when the connection has closed. */
  async ask(text: string): Promise<string> {
    const caller = new Caller(this.port)
    caller.socket.write(text, 'latin1')
    await caller.closed
    return caller.got
  }
}

/** A caller that keeps what it gets. */
export class Caller {
  readonly socket: Socket
  readonly closed: Promise<void>
  got = ''
  #waiting: { readonly text: string; readonly resolve: () => void } | undefined

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1').setNoDelay(true)
    this.closed = new Promise(resolve => this.socket.once('close', () => resolve()))
    this.socket.on('error', () => this.socket.destroy())
    this.socket.on('data', bytes => {
      this.got += bytes.toString('latin1')
      if (this.#waiting && this.got.includes(this.#waiting.text)) this.#waiting.resolve()
    })
  }

  /** Resolves when the text stands among what it got. */
  until(text: string): Promise<void> {
    if (this.got.includes(text)) return Promise.resolve()
    return new Promise(resolve => {
      this.#waiting = { text, resolve }
    })
  }
}

/** A connection without a network: the parts that are sent are told apart, each in a turn of its own. */
export class Line extends Duplex {
  readonly remoteAddress = '127.0.0.1'
  got = ''
  readonly #slow: boolean

  /** `slow`: what is written is taken a turn later. */
  constructor(highWaterMark = 1 << 20, slow = false) {
    super({ highWaterMark })
    this.#slow = slow
  }

  setTimeout(): this {
    return this
  }

  override _read(): void {}

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    this.got += chunk.toString('latin1')
    if (this.#slow) setImmediate(done)
    else done()
  }

  /** Sends the parts, waits until nothing happens any more, and leaves. */
  async run(listener: Server, parts: readonly Buffer[]): Promise<string> {
    this.on('error', () => undefined)
    listener.emit('connection', this)
    for (const part of parts) {
      if (this.destroyed) break
      this.push(Buffer.from(part))
      await turn()
    }
    for (let quiet = 0, before = -1; quiet < 6 && !this.destroyed; quiet++) {
      if (this.got.length !== before) quiet = 0
      before = this.got.length
      await turn()
    }
    this.destroy()
    await turn()
    return this.got
  }
}

export const turn = () => new Promise<void>(resolve => setImmediate(resolve))

/** The parts of some bytes between the places. */
export function split(wire: Buffer, places: readonly number[]): Buffer[] {
  const cuts = [...places.map(place => place % (wire.length + 1)), wire.length].sort((a, b) => a - b)
  let from = 0
  const parts = cuts.map(cut => {
    const part = wire.subarray(from, cut)
    from = cut
    return part
  })
  return parts.filter(({ length }) => length > 0)
}
