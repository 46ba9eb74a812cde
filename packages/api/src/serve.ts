// The rows behind fastify: who calls, may they, what they sent, and how the answer leaves.
import type { IncomingMessage } from 'node:http'
import { Fault } from '@switchyard/kinds'
import { type Observe, onBehalf } from '@switchyard/runtime'
import fastify, {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify'
import type { Authenticate } from './authenticate.ts'
import { authorize, type Caller } from './authorize.ts'
import type { ApiObservation } from './observation.ts'
import { requestKey } from './once.ts'
import { faultOf, refuse } from './refusal.ts'
import type { Answer, Params, Row } from './route.ts'
import { type Denials, isDenial, originOf } from './trail.ts'

const bodyBytes = 4 * 1024 * 1024
const requestIdPattern = /^[A-Za-z0-9._-]{1,128}$/

interface Serving {
  readonly authenticate: Authenticate
  readonly now: () => number
  readonly uuid: () => string
  readonly observe?: Observe<ApiObservation>
  readonly address?: (request: IncomingMessage) => string
  /** Keyed digest of a request, the same in every process of an installation. */
  readonly sign: (text: string) => string
  readonly denials: Denials
  readonly signal: AbortSignal
}

/** A started server without a port: its `routing` handles requests of another one. */
export async function serve(table: readonly Row[], serving: Serving): Promise<FastifyInstance> {
  const { authenticate, now, uuid, signal } = serving
  const observe = serving.observe ?? (() => {})
  const callers = new WeakMap<FastifyRequest, Caller>()
  const begun = new WeakMap<FastifyRequest, number>()

  const app = fastify({
    logger: false,
    bodyLimit: bodyBytes,
    exposeHeadRoutes: false,
    return503OnClosing: false,
    routerOptions: { ignoreTrailingSlash: false, caseSensitive: true, maxParamLength: 256 },
    requestIdHeader: false,
    genReqId: ({ headers }) => {
      const given = headers['x-request-id']
      return typeof given === 'string' && requestIdPattern.test(given) ? given : uuid()
    },
    frameworkErrors: (error, request, reply) => void refuse(error, request, reply, observe),
  })
  const json = app.getDefaultJsonParser('error', 'ignore')
  app.removeAllContentTypeParsers()
  for (const media of ['application/json', 'application/merge-patch+json'])
    app.addContentTypeParser(media, { parseAs: 'string', bodyLimit: bodyBytes }, json)

  app.addHook('onRequest', async (request, reply) => {
    begun.set(request, now())
    reply.header('x-request-id', request.id)
    reply.header('x-content-type-options', 'nosniff')
  })
  app.addHook('onResponse', async (request, reply) => {
    observe({
      type: 'request',
      method: request.method,
      route: request.routeOptions.url,
      status: reply.statusCode,
      milliseconds: now() - (begun.get(request) ?? now()),
      requestId: request.id,
      principal: callers.get(request)?.principal,
    })
  })
  const addressOf = (request: FastifyRequest) => serving.address?.(request.raw) ?? request.ip
  const rowOf = new Map(table.map(row => [`${row.method} ${routeOf(row)}`, row]))
  app.setErrorHandler<FastifyError>(async (error, request, reply) => {
    const fault = faultOf(error)
    const row = rowOf.get(`${request.method} ${request.routeOptions.url}`)
    if (row && isDenial(fault)) {
      const [caller, address] = [callers.get(request), addressOf(request)]
      const location = row.locate(paramsOf(request))
      await onBehalf(originOf(request, address, row, caller), () =>
        serving.denials.tell({ fault, row, caller, location, address, body: request.body }),
      )
    }
    if (row?.refused && request.headers.accept?.includes('text/html'))
      return send(row.refused(fault), request, reply, observe)
    return refuse(error, request, reply, observe)
  })
  const methodsOf = methodTable(table)
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?')[0] ?? ''
    const allowed = methodsOf(path)
    if (allowed.length === 0)
      throw new Fault('not_found', `There is nothing at ${path}.`, { reason: 'unknown_path' })
    reply.header('allow', allowed.join(', '))
    throw new Fault('unsupported', `${path} takes ${allowed.join(', ')}, not ${request.method}.`, {
      reason: 'method',
    })
  })

  for (const row of table)
    app.route({
      method: row.method,
      url: routeOf(row),
      // Before the body is read: who may not call a row sends it nothing.
      onRequest: async request => {
        if (row.public !== undefined) return
        const caller = await authenticate.request(request.raw.headersDistinct)
        callers.set(request, caller)
        if (row.permission !== undefined)
          authorize(caller, row.permission, row.locate(paramsOf(request)).workspace)
      },
      preValidation: async request => checkMedia(row, request),
      handler: async (request, reply) => {
        const params = paramsOf(request)
        const caller = callers.get(request)
        const key = request.headers['idempotency-key']
        const once = row.method === 'POST' && caller ? requestKey(key, request, serving.sign) : undefined
        if (key !== undefined && !once)
          reply.header('warning', '299 - "Idempotency-Key is kept for a POST of a signed-in caller only"')
        const gone = new AbortController()
        reply.raw.once('close', () => gone.abort())
        const address = addressOf(request)
        const ask = {
          params,
          location: row.locate(params),
          query: request.query,
          body: request.body,
          headers: request.headers,
          requestId: request.id,
          once,
          address,
          signal: AbortSignal.any([signal, gone.signal]),
        }
        const answer = await onBehalf(originOf(request, address, row, caller), () => row.handle(ask, caller))
        return send(answer, request, reply, observe)
      },
    })
  await app.ready()
  return app
}

/** As fastify writes a path. */
const routeOf = ({ path }: Row) => path.replaceAll(/\{[^}]+\*\}/g, '*').replaceAll(/\{([^}]+)\}/g, ':$1')

function paramsOf(request: FastifyRequest): Params {
  return request.params as Params // every row's parameters are single segments of the path, so strings
}

/** Each row takes one media type; a patch must not be mistaken for a document, nor the other way round. */
function checkMedia(row: Row, { headers, body }: FastifyRequest): void {
  if (body === undefined || row.input.body === undefined) return
  const wanted = row.input.media ?? 'application/json'
  const given = headers['content-type']?.split(';')[0]?.trim().toLowerCase()
  if (given === wanted) return
  throw new Fault('unsupported', `Send the body as ${wanted}.`, { reason: 'media_type', status: 415 })
}

async function send(
  answer: Answer,
  request: FastifyRequest,
  reply: FastifyReply,
  observe: Observe<ApiObservation>,
): Promise<unknown> {
  if ('stream' in answer) {
    reply.hijack()
    try {
      await answer.stream(reply.raw)
    } catch (error) {
      observe({ type: 'failure', requestId: request.id, error })
      reply.raw.destroy()
    }
    return reply
  }
  reply.code(answer.status)
  for (const [name, value] of Object.entries(answer.headers ?? {})) reply.header(name, value)
  if (answer.body === undefined) return reply.send()
  if (typeof answer.body === 'string' || answer.body instanceof Uint8Array) return reply.send(answer.body)
  return reply.type('application/json; charset=utf-8').send(JSON.stringify(answer.body))
}

/** Methods that a path takes, for `Allow`. */
function methodTable(table: readonly Row[]): (path: string) => readonly string[] {
  const patterns = table.map(({ method, path }) => ({
    method,
    pattern: new RegExp(
      `^${path
        .replaceAll('.', '\\.')
        .replaceAll(/\{[^}]+\*\}/g, '.*')
        .replaceAll(/\{[^}]+\}/g, '[^/]+')}$`,
    ),
  }))
  return path => [
    ...new Set(patterns.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method)),
  ]
}
