// The routes over node:http. It listens before there is a model: until then every answer is "Loading model".
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Engine } from './engine.ts'
import type { Flags } from './flags.ts'
import * as llamacpp from './llamacpp.ts'
import { chatCompletions } from './openai/chat.ts'
import { completions } from './openai/completions.ts'
import { embeddings } from './openai/embeddings.ts'
import { ApiError, invalid, loading } from './openai/errors.ts'
import { type Reply, replyTo } from './reply.ts'

type Handler = (engine: Engine, body: unknown, reply: Reply, flags: Flags) => void | Promise<void>

const routes: Readonly<Record<string, Readonly<Record<string, Handler>>>> = {
  '/health': { GET: llamacpp.health },
  '/metrics': { GET: llamacpp.metrics },
  '/props': { GET: llamacpp.props },
  '/slots': { GET: llamacpp.slots },
  '/tokenize': { POST: llamacpp.tokenize },
  '/detokenize': { POST: llamacpp.detokenize },
  '/v1/models': { GET: llamacpp.models },
  '/v1/chat/completions': { POST: chatCompletions },
  '/v1/completions': { POST: completions },
  '/v1/embeddings': { POST: embeddings },
}

/** 16 MiB of JSON is several times what the longest context takes. */
const mostBodyBytes = 16 * 1024 * 1024

export interface EngineServer {
  readonly server: Server
  /** From now on requests are served by it. */
  ready(engine: Engine): void
  /** Ends what still runs. */
  abort(why: Error): void
}

export function engineServer(flags: Flags): EngineServer {
  let engine: Engine | undefined
  const running = new Set<AbortController>()
  const server = createServer((request, response) => {
    const control = new AbortController()
    running.add(control)
    response.once('close', () => {
      running.delete(control)
      if (!response.writableFinished) control.abort(new Error('the caller went away'))
    })
    const reply = replyTo(response, control.signal)
    serve(request, response, reply).catch((fault: unknown) => reply.fail(fault))
  })

  // Longer than a gateway's pool keeps a connection, so that it is the pool that closes.
  server.keepAliveTimeout = 75_000

  async function serve(request: IncomingMessage, response: ServerResponse, reply: Reply): Promise<void> {
    const handler = find(request, response)
    const body = request.method === 'POST' ? parseJson(await readBody(request)) : undefined
    if (!engine) throw loading()
    await handler(engine, body, reply, flags)
  }

  return {
    server,
    ready: opened => {
      engine = opened
    },
    abort: why => {
      for (const control of running) control.abort(why)
    },
  }
}

function find(request: IncomingMessage, response: ServerResponse): Handler {
  const path = (request.url ?? '/').split('?', 1)[0] ?? '/'
  const methods = Object.hasOwn(routes, path) ? routes[path] : undefined
  if (!methods) throw new ApiError(404, 'not_found_error', `There is nothing at ${path}.`, { code: 404 })
  const handler = methods[request.method ?? '']
  if (handler) return handler
  const allow = Object.keys(methods).join(', ')
  response.setHeader('allow', allow)
  throw new ApiError(405, 'invalid_request_error', `${path} wants ${allow}, not ${request.method}.`)
}

function readBody(request: IncomingMessage): Promise<Buffer> {
  const tooLarge = () =>
    new ApiError(413, 'invalid_request_error', `The body is larger than ${mostBodyBytes} bytes.`, {
      code: 'request_too_large',
      headers: { connection: 'close' },
    })
  // By events, because leaving a `for await` would destroy the socket that the refusal must go out on.
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = []
    let size = 0
    request.on('data', (piece: Buffer) => {
      size += piece.length
      if (size > mostBodyBytes) reject(tooLarge())
      else pieces.push(piece)
    })
    request.once('end', () => resolve(Buffer.concat(pieces)))
    request.once('error', reject)
  })
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch (fault) {
    throw invalid(
      `We could not parse the JSON body of your request: ${fault instanceof Error ? fault.message : ''}`,
    )
  }
}
