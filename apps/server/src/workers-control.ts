// Requests for the control plane that arrive at a worker: it asks the server over a unix socket, one connection a
// request, and keeps the caller's connection, on which the gateway may be asked next. A pipe works under TLS too,
// where a connection cannot be handed back once it has been read.
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { request as ask, createServer, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type Handler, starting } from './listen.ts'

/** sun_path holds 108 bytes with the closing zero on Linux, 104 on macOS. */
const pathLimit = process.platform === 'linux' ? 107 : 103
const peerHeader = 'x-switchyard-peer'

export interface ControlSocket extends AsyncDisposable {
  readonly path: string
  serve(handler: Handler): void
}

/** Listens in the data folder, which is its owner's alone, or in a folder of its own where that path is too long. */
export async function openControlSocket(folder: string): Promise<ControlSocket> {
  let route: Handler = starting
  const server = createServer({ requestTimeout: 0, maxHeaderSize: 32 * 1024 }, (request, response) =>
    route(request, response),
  )
  const inside = join(folder, 'control.sock')
  const fits = Buffer.byteLength(inside) <= pathLimit
  const path = fits ? inside : join(mkdtempSync(join(tmpdir(), 'switchyard-')), 'control.sock')
  // Of a server that was killed; this one has claimed the folder.
  rmSync(path, { force: true })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, resolve)
  })
  chmodSync(path, 0o600)
  return {
    path,
    serve(handler) {
      route = handler
    },
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>(resolve => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
      if (!fits) rmSync(dirname(path), { recursive: true, force: true })
    },
  }
}

/** Address of the caller: as the worker tells it on the unix socket, whose connections have none of their own. */
export function callerAddress({ socket, headers }: IncomingMessage): string {
  const told = headers[peerHeader]
  return socket.remoteAddress ?? (typeof told === 'string' ? told : '')
}

/** Of one connection only, RFC 9110 section 7.6.1; bodies are framed anew. */
const ofTheConnection: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'upgrade',
  'expect',
  peerHeader,
])

/** Asks the server in the caller's place; an answer streams through as it comes. */
export function forwardTo(socketPath: string): Handler {
  return (request, response) => {
    const { method, url = '/', rawHeaders, socket } = request
    const onward = ask({
      socketPath,
      agent: false,
      method,
      path: url,
      headers: [...passed(rawHeaders), peerHeader, socket.remoteAddress ?? ''],
    })
    onward.once('response', answer => {
      const { statusCode = 502, statusMessage, rawHeaders } = answer
      const headers = passed(rawHeaders).filter((_, i, all) => !isFraming(all[i - (i % 2)]))
      response.writeHead(statusCode, statusMessage, headers)
      response.flushHeaders()
      answer.once('error', () => response.destroy())
      answer.pipe(response)
    })
    onward.once('error', () => {
      if (response.headersSent) response.destroy()
      else starting(request, response)
    })
    response.once('close', () => onward.destroy())
    request.pipe(onward)
  }
}

const isFraming = (name: string | undefined) => name?.toLowerCase() === 'transfer-encoding'

function passed(rawHeaders: readonly string[]): string[] {
  const headers: string[] = []
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const [name = '', value = ''] = rawHeaders.slice(i, i + 2)
    if (!ofTheConnection.has(name.toLowerCase())) headers.push(name, value)
  }
  return headers
}
