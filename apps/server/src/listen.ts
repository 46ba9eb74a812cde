// One port for everything: what the gateway speaks goes to the gateway, the rest to the control plane.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createSecureServer, type Server as SecureServer } from 'node:https'
import type { Socket, Server as TcpServer } from 'node:net'
import { type Gateway, WireServer } from '@switchyard/gateway'
import { Fault } from '@switchyard/kinds'
import type { Certificates } from './tls.ts'

export type Handler = (request: IncomingMessage, response: ServerResponse) => void

export interface Edge {
  /** Bound by `listen`; without it, it takes the connections that it is given by its event `connection`. */
  readonly server: Server | SecureServer
  /** Those that are open. */
  readonly connections: number
  /** Takes over from the answer "starting". */
  serve(handlers: { readonly gateway: GatewayEdge; readonly control: Handler }): void
  /** Refuses new connections; resolves when the open ones have ended or `milliseconds` have passed. */
  close(milliseconds: number): Promise<void>
}

/** What the gateway wants to hear of its listener, beside requests. */
export interface GatewayEdge {
  readonly handle: Handler
  readonly clientError: (error: NodeJS.ErrnoException, socket: Socket) => void
  readonly handleUpgrade?: Gateway['handleUpgrade']
  /** With both our own server reads the gateway's requests; without, node's does. */
  readonly take?: Gateway['take']
  readonly refusal?: Gateway['refusal']
}

/** Paths of the control plane; everything else is the gateway's, so that a wrong path gets its dialect's error. */
const control =
  /^\/(api\/v1|console|setup|invitation|reset|healthz|readyz|version|metrics|\.well-known)(\/|\?|$)|^\/$/

/** The front page, for browsers; Ollama's clients ask the same path whether it is running. */
const forBrowsers = ({ url, headers }: IncomingMessage) =>
  url !== '/' || /text\/html/.test(headers.accept ?? '')

/** For as long as there is nobody who could answer. */
export const starting: Handler = (_, response) => {
  response.writeHead(503, { 'content-type': 'application/json', 'retry-after': '1' })
  response.end(
    '{"error":{"code":"unavailable","reason":"starting","message":"Switchyard is starting; try again in a second.","details":[]}}',
  )
}

/** Takes the port at once, so that two servers can't both think that it is theirs. */
export async function listen(host: string, port: number, certificates?: Certificates): Promise<Edge> {
  const edge = openEdge(certificates)
  await bind(edge.server, host, port)
  return edge
}

/** Rejects with what a person can do about it. */
export function bind(server: TcpServer, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', error => reject(explain(error, host, port)))
    server.listen(port, host, resolve)
  })
}

/** Sessions of the gateway. Other offers (h2c, of some HTTP clients) are passed over, as HTTP/1.1 lets a server do. */
const upgrades = ({ headers, url = '/' }: IncomingMessage) =>
  /^websocket$/i.test(headers.upgrade ?? '') && !control.test(url)

const times = {
  keepAliveTimeout: 75_000,
  headersTimeout: 10_000,
  requestTimeout: 0,
  maxHeaderSize: 32 * 1024,
  shouldUpgradeCallback: upgrades,
} as const

function securely(certificates: Certificates): SecureServer {
  const server = createSecureServer({ ...times, ...certificates.options, handshakeTimeout: 10_000 })
  certificates.follow(server)
  // Who cannot agree on a connection cannot read an answer either.
  return server.prependListener('tlsClientError', (_, socket) => socket.destroy())
}

/** Answers "starting" until it serves; over TLS with certificates. */
export function openEdge(certificates?: Certificates): Edge {
  let route: Handler = starting
  const server = certificates ? securely(certificates) : createServer(times)
  let connections = 0
  let wire: WireServer | undefined
  server.on('connection', socket => {
    connections++
    socket.once('close', () => connections--)
  })
  server.on('request', (request, response) => route(request, response))
  return {
    server,
    get connections() {
      // Under TLS both know the same connections: one its TCP, the other what it carries.
      return certificates ? connections : connections + (wire?.connections ?? 0)
    },
    serve({ gateway, control: handle }) {
      const controls = (request: IncomingMessage) => control.test(request.url ?? '/') && forBrowsers(request)
      route = (request, response) => {
        if (controls(request)) handle(request, response)
        else gateway.handle(request, response)
      }
      server.on('checkContinue', (request, response) => {
        if (!controls(request)) return gateway.handle(request, response)
        response.writeContinue()
        handle(request, response)
      })
      server.on('clientError', (error, socket) => gateway.clientError(error, socket as Socket)) // an HTTP server's sockets are TCP
      const { take, refusal, handleUpgrade } = gateway
      if (handleUpgrade) server.on('upgrade', handleUpgrade)
      if (!take || !refusal) return
      wire = new WireServer(server, { ours: (_, url) => !control.test(url), take, refusal, clock: Date.now })
    },
    close(milliseconds) {
      const closed = new Promise<void>(resolve => server.close(() => resolve()))
      server.closeIdleConnections()
      const timer = setTimeout(() => server.closeAllConnections(), milliseconds)
      const ended = Promise.all([closed, wire?.close(milliseconds)])
      return ended.then(() => undefined).finally(() => clearTimeout(timer))
    },
  }
}

function explain(error: NodeJS.ErrnoException, host: string, port: number): Fault {
  if (error.code === 'EADDRINUSE')
    return new Fault(
      'conflict',
      `Port ${port} is in use: stop the program that listens there, or choose another with --port ${port + 1}.`,
      {
        reason: 'port_in_use',
        cause: error,
      },
    )
  if (error.code === 'EACCES')
    return new Fault(
      'denied',
      `This user may not listen on port ${port}: choose one above 1023 with --port.`,
      { reason: 'port_denied', cause: error },
    )
  return new Fault(
    'invalid',
    `Cannot listen on ${host}:${port} (${error.code ?? error.message}): choose an address of this machine.`,
    {
      reason: 'address',
      cause: error,
    },
  )
}
