// One port for many workers: the server accepts and hands each connection, unread, to the worker that holds the
// fewest. Measured with two workers on two cores that the callers share, over 20 rounds of new connections; share of
// the busier worker as median (worst), CPU of workers and acceptor for a connection with one request:
//
//   |                                    | 16 connections | 64 connections | µs a connection |
//   | handed over (this)                 | 0.50 (0.50)    | 0.50 (0.50)    | 280             |
//   | SO_REUSEPORT, a listener in each   | 0.56 (0.75)    | 0.55 (0.61)    | 180             |
//   | one listener, accepted by whoever  | 0.69 (1.00)    | 0.78 (1.00)    | 165             |
//
// Callers keep their connections, so that balance decides and the 100 µs are paid once. The port is also one
// process's alone, and stays open while workers come and go.
import { createServer, type Server, type Socket } from 'node:net'
import type { Logger } from 'pino'
import { writeWorkers } from './folder.ts'
import type { Front, FrontOptions, Port } from './front.ts'
import { bind, type Edge, type Handler, openEdge, starting } from './listen.ts'
import { observer } from './log.ts'
import type { Settings } from './settings.ts'
import { openCertificates } from './tls.ts'
import { openWorkers, type Workers } from './workers.ts'
import { openControlSocket } from './workers-control.ts'

export async function openSharedPort(
  { host, port, tls }: Settings,
  folder: string,
  log: Logger,
): Promise<Port> {
  await using stack = new AsyncDisposableStack()
  const own = new Set<Socket>()
  let workers: Workers | undefined
  const accept = (lone: Edge, secure: boolean): Server => {
    const server = createServer({ pauseOnConnect: true, noDelay: true }, socket => {
      if (workers?.take(socket, secure)) return
      own.add(socket)
      socket.once('close', () => own.delete(socket))
      lone.server.emit('connection', socket)
      socket.resume()
    })
    stack.defer(async () => {
      // Connections that were handed over are the workers' to end.
      server.close()
      await lone.close(0)
    })
    return server
  }
  // Who comes while no worker is ready: the control plane answers, the gateway says "later".
  const lone = [openEdge()]
  await bind(accept(lone[0] as Edge, false), host, port) // it stands there
  if (tls) {
    const edge = openEdge(stack.use(await openCertificates(tls.files, { observe: observer(log, 'tls') })))
    lone.push(edge)
    await bind(accept(edge, true), tls.host ?? host, tls.port)
  }
  const owned = stack.move()
  return {
    async close() {
      await owned.disposeAsync()
      for (const socket of own) socket.destroy()
    },
    open: options =>
      openFront(options, folder, lone, opened => {
        workers = opened
      }),
  }
}

async function openFront(
  { settings, databaseUrl, log, clock, random }: FrontOptions,
  folder: string,
  lone: readonly Edge[],
  hand: (workers: Workers) => void,
): Promise<Front> {
  await using stack = new AsyncDisposableStack()
  const control = stack.use(await openControlSocket(folder))
  const workers = stack.use(
    await openWorkers({
      count: settings.workers,
      begin: { databaseUrl, control: control.path },
      clock,
      random,
      observe: observer(log, 'workers'),
      changed: states => writeWorkers(folder, states),
    }),
  )
  hand(workers)
  const owned = stack.move()
  return {
    get workers() {
      return workers.states
    },
    get problems() {
      return workers.states.some(({ state }) => state === 'ready') ? [] : ['a gateway worker: none is ready']
    },
    get snapshots() {
      return workers.snapshots
    },
    gather: () => workers.gather(),
    metrics: () => workers.metrics(),
    explain: ask => workers.explain(ask),
    serve(handle) {
      const gathered: Handler = (request, response) => {
        if (!/^\/metrics\/?(\?|$)/.test(request.url ?? '')) return handle(request, response)
        // Those of workers that do not answer are told as they last were.
        void workers.gather().finally(() => handle(request, response))
      }
      control.serve(gathered)
      for (const edge of lone) edge.serve({ gateway: nobody, control: gathered })
    },
    drain: seconds => workers.drain(seconds),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** The gateway's part of a port whose workers are all away: the caller is to connect again. */
const later: Handler = (request, response) => {
  response.setHeader('connection', 'close')
  starting(request, response)
}
const nobody = {
  handle: later,
  clientError: (_: Error, socket: Socket) => void socket.destroy(),
}
