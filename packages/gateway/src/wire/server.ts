// Our own HTTP/1.1 server for the gateway's requests. It stands before node's on the same listener: a connection
// whose next request is another's goes over to node's with all that was read of it, and stays there.
import type { Server } from 'node:http'
import type { Server as SecureServer } from 'node:https'
import type { Socket } from 'node:net'
import { Server as TlsServer } from 'node:tls'
import type { Fault } from '@switchyard/kinds'
import { Roster } from '@switchyard/runtime'
import type { Inbound } from './inbound.ts'
import { Connection } from './server-connection.ts'
import type { Ours } from './server-head.ts'
import type { WireInbound } from './server-inbound.ts'

/** What is told of a request that cannot be read. */
export interface Refusal {
  /** Names and values in turn; length, date and `connection: close` are added. */
  readonly headers: readonly string[]
  readonly body: string
}

export interface ServerOptions {
  /** Whether a request is for `take`; every other goes to the listener's own handlers. */
  readonly ours: Ours
  readonly take: (inbound: Inbound) => void
  /** Tells of a request that cannot be read; `url` is its target, '' when that was not read either. */
  readonly refusal: (fault: Fault, url: string) => Refusal
  /** Milliseconds since 1970. */
  readonly clock: () => number
  /** Milliseconds for a head, from its first byte, and for the first byte of a connection; default 10 000. */
  readonly headers?: number
  /** Milliseconds after which a connection without a request is closed, default 75 000. */
  readonly idle?: number
  /** Milliseconds for which a caller's further bytes are dropped after its last answer, default 5000. */
  readonly linger?: number
  /** Milliseconds without progress after which the last bytes of an answer are given up, default 60 000. */
  readonly stall?: number
  /** Milliseconds between two sweeps, which all times above are rounded up to; default 1000. */
  readonly sweep?: number
}

export class WireServer {
  readonly ours: Ours
  readonly headers: number
  readonly idle: number
  readonly linger: number
  readonly stall: number
  stopping = false
  /** Sweeps until now: what connections measure their waiting by. */
  sweeps = 0
  /** The last lines of a head, made anew once in a sweep: the date, and whether the connection is kept. */
  keptTail = ''
  closingTail = ''
  readonly #options: ServerOptions
  readonly #listener: Server | SecureServer
  /** The listener's own way to begin a connection. */
  readonly #others: readonly ((socket: Socket) => void)[]
  readonly #open = new Roster<Connection>()
  readonly #every: number
  /** Answered in this turn. */
  #answered: WireInbound[] = []
  #timer: NodeJS.Timeout | undefined
  #emptied: PromiseWithResolvers<void> | undefined

  /** Takes the listener's connections from now on. */
  constructor(listener: Server | SecureServer, options: ServerOptions) {
    this.#listener = listener
    this.#options = options
    this.ours = options.ours
    this.headers = options.headers ?? 10_000
    this.idle = options.idle ?? 75_000
    this.linger = options.linger ?? 5000
    this.stall = options.stall ?? 60_000
    this.#every = options.sweep ?? 1000
    // What listens to it takes a socket: node's types know no more of it than that it is a function.
    const event = listener instanceof TlsServer ? 'secureConnection' : 'connection'
    this.#others = listener.listeners(event) as ((socket: Socket) => void)[]
    listener.removeAllListeners(event)
    listener.on(event, this.#accept)
  }

  /** Connections that are read here. */
  get connections(): number {
    return this.#open.size
  }

  /**
   * Keeps no connection any longer: those without a request are closed, the others after their answer, and what is
   * left after `milliseconds` at once.
   */
  async close(milliseconds: number): Promise<void> {
    this.stopping = true
    for (const connection of this.#open) connection.quit()
    if (this.#open.size === 0) return
    this.#emptied ??= Promise.withResolvers<void>()
    const { promise } = this.#emptied
    const timer = setTimeout(() => {
      for (const connection of this.#open) connection.destroy()
    }, milliseconds)
    await promise
    clearTimeout(timer)
  }

  // ---- for connections

  /** After the code that gave the answer: those of one turn share a tick. */
  settleSoon(inbound: WireInbound): void {
    if (this.#answered.push(inbound) === 1) process.nextTick(this.#settle)
  }

  take(inbound: Inbound): void {
    this.#options.take(inbound)
  }

  refusal(fault: Fault, url: string): Refusal {
    return this.#options.refusal(fault, url)
  }

  /** Whether more than these milliseconds have passed since that sweep. */
  over(since: number, milliseconds: number): boolean {
    return (this.sweeps - since) * this.#every > milliseconds
  }

  handOver(socket: Socket): void {
    for (const begin of this.#others) begin.call(this.#listener, socket)
  }

  forget(connection: Connection): void {
    this.#open.delete(connection)
    if (this.#open.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#emptied?.resolve()
    this.#emptied = undefined
  }

  readonly #accept = (socket: Socket): void => {
    if (!this.#timer) {
      this.#date()
      this.#timer = setInterval(this.#sweep, this.#every).unref()
    }
    this.#open.add(new Connection(this, socket))
  }

  readonly #settle = (): void => {
    const answered = this.#answered
    this.#answered = []
    for (const inbound of answered) inbound.settle()
  }

  readonly #sweep = (): void => {
    this.sweeps++
    this.#date()
    for (const connection of this.#open) connection.sweep()
  }

  #date(): void {
    const date = `date: ${new Date(this.#options.clock()).toUTCString()}\r\n`
    this.closingTail = `${date}connection: close\r\n`
    const seconds = Math.floor(this.idle / 1000)
    this.keptTail = `${date}connection: keep-alive\r\nkeep-alive: timeout=${seconds}\r\n`
  }
}
