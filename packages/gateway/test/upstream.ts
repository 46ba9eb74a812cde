// An upstream that speaks every dialect, by path, and can be told, by name, to misbehave: each request takes the
// next name of its script.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { actOf, type Name } from './upstream/acts.ts'
import { readAsked } from './upstream/asked.ts'
import type { Content } from './upstream/speaker.ts'

export type { Name } from './upstream/acts.ts'

export interface Seen {
  /** Without the part that named an act. */
  readonly url: string
  readonly headers: NodeJS.Dict<string | string[]>
  readonly rawHeaders: readonly string[]
  readonly body: Buffer
  /** Resolves when the gateway has closed the connection before the answer was whole. */
  readonly aborted: Promise<number>
}

interface Options {
  /** 0 takes any that is free. */
  readonly port?: number
  /** Whether requests are kept in `seen`; default true. */
  readonly keep?: boolean
}

const acting = /^\/act\/([^/]+)/

export class ScriptedUpstream implements AsyncDisposable {
  readonly seen: Seen[] = []
  /** Connections that were ever made. */
  connected = 0
  content: Content = 'text'
  redirectTo = 'http://127.0.0.1:1/elsewhere'
  #script: Name[] = []
  /** Events that may be written, and who waits for one. */
  #steps = 0
  readonly #waiting: (() => void)[] = []
  #always: Name = 'good'
  readonly #keep: boolean
  readonly #server: Server
  readonly #connections = new Set<Socket>()

  constructor({ keep = true }: Options = {}) {
    this.#keep = keep
    this.#server = createServer((request, response) => void this.#answer(request, response))
    this.#server.on('connection', socket => {
      this.connected++
      this.#connections.add(socket)
      socket.on('close', () => this.#connections.delete(socket))
    })
  }

  static async start(options: Options = {}): Promise<ScriptedUpstream> {
    const upstream = new ScriptedUpstream(options)
    upstream.#server.listen(options.port ?? 0, '127.0.0.1')
    await once(upstream.#server, 'listening')
    return upstream
  }

  get address(): string {
    const { port } = this.#server.address() as AddressInfo // it listens on TCP
    return `127.0.0.1:${port}`
  }

  get connections(): number {
    return this.#connections.size
  }

  /** A base URL below which every request is answered so, whatever the script says; without a name by the script. */
  url(act?: Name, base = ''): string {
    return `http://${this.address}${act === undefined ? '' : `/act/${encodeURIComponent(act)}`}${base}`
  }

  /** The next requests are answered so, one by one; afterwards, and without any name, all are good. */
  will(...names: readonly Name[]): void {
    this.#script = [...names]
    this.#always = 'good'
  }

  always(name: Name): void {
    this.#script = []
    this.#always = name
  }

  /** Lets who answers `one by one` write so many events. */
  step(events = 1): void {
    for (let i = 0; i < events; i++) {
      const next = this.#waiting.shift()
      if (next) next()
      else this.#steps++
    }
  }

  /** Closes every connection, as an engine that ends does. */
  drop(): void {
    for (const socket of this.#connections) socket.resetAndDestroy()
  }

  async #stepped(): Promise<void> {
    if (this.#steps > 0) this.#steps--
    else await new Promise<void>(resolve => this.#waiting.push(resolve))
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    const started = performance.now()
    const aborted = new Promise<number>(resolve => {
      response.on('close', () => {
        if (!response.writableFinished) resolve(performance.now() - started)
      })
    })
    for await (const chunk of request) chunks.push(chunk as Buffer) // no encoding is set
    const { headers, rawHeaders, socket } = request
    const [prefix = '', named] = acting.exec(request.url ?? '') ?? []
    const url = (request.url ?? '').slice(prefix.length)
    const body = Buffer.concat(chunks)
    if (this.#keep) this.seen.push({ url, headers, rawHeaders, body, aborted })
    const name = named === undefined ? (this.#script.shift() ?? this.#always) : decodeURIComponent(named)
    const act = actOf(name)
    if (!act) throw new TypeError(`no act is called ${name}`)
    await act({
      ...readAsked(url, body),
      response,
      socket,
      content: this.content,
      redirectTo: this.redirectTo,
      stepped: () => this.#stepped(),
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }
}
