// The control plane as one handler of node:http: every request is authenticated, authorized by its row, and
// answered in one shape.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { errorBody, Fault } from '@switchyard/kinds'
import type { IdentityStore, Observe, Secrets, Store, UsageStore } from '@switchyard/runtime'
import fastify, {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify'
import { type Authenticate, createAuthenticate } from './authenticate.ts'
import { authorize, type Caller } from './authorize.ts'
import { type Shipped, ship } from './bootstrap.ts'
import { createCursors } from './cursor.ts'
import { type MintedKey, mintKey, mintOperatorToken, type Random } from './keys.ts'
import type { Logs } from './logs.ts'
import { createPasswords } from './password.ts'
import { type Answer, checkRoutes, type Params, type Row } from './route.ts'
import { routes } from './routes.ts'
import { createTokens } from './session.ts'
import { createSessions } from './sessions.ts'
import { mintSetupToken } from './setup.ts'
import { type WatchLimits, watchLimits } from './watch.ts'

export type ApiObservation =
  | {
      readonly type: 'request'
      readonly method: string
      /** Path of the row, with its parameters unfilled; undefined when none fits. */
      readonly route: string | undefined
      readonly status: number
      readonly milliseconds: number
      readonly requestId: string
      readonly principal: string | undefined
    }
  /** A fault of the server: its cause is for the log and never for the caller. */
  | { readonly type: 'failure'; readonly requestId: string; readonly error: unknown }

export interface ApiOptions {
  readonly store: Store
  readonly secrets: Secrets
  readonly identity: IdentityStore
  readonly usage: UsageStore
  /** Public address of this installation, such as http://127.0.0.1:8080: `iss` of the session tokens. */
  readonly issuer: string
  /** At least 32 random bytes, the same in every process of an installation: signs continue tokens. */
  readonly cursorKey: Uint8Array
  /** Version of the server. */
  readonly version: string
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** UUIDv7. */
  readonly uuid: () => string
  readonly random: Random
  /** 0 to 1. */
  readonly chance: () => number
  readonly observe?: Observe<ApiObservation>
  /** Log lines of a replica by the id of its document; without it the logs are `unsupported`. */
  readonly logs?: Logs
  /** What readiness waits for besides the store; none when empty. */
  readonly ready?: () => Promise<readonly string[]>
  /** Address of the peer, for counting failed sign-ins; the socket's when absent. */
  readonly address?: (request: IncomingMessage) => string
  readonly watch?: Partial<WatchLimits>
}

export interface Api {
  /** Serves everything under /api/v1 and /setup, /.well-known/jwks.json, /healthz, /readyz, /version. */
  handle(request: IncomingMessage, response: ServerResponse): void
  readonly routes: readonly Row[]
  readonly authenticate: Authenticate
  /** Replaces the operator's token of this installation and answers the new one. */
  mintOperatorToken(): Promise<string>
  /** Token of a one-time set-up link: `<issuer>/setup?token=<token>`. */
  mintSetupToken(lifeSeconds?: number): Promise<string>
  mintKey(): MintedKey
  /** Makes or restores documents that come with Switchyard, in the given order. */
  ship(documents: readonly Shipped[]): ReturnType<typeof ship>
  /** Ends every stream; running requests finish. Twice is the same. */
  close(): Promise<void>
}

const bodyBytes = 4 * 1024 * 1024
const requestIdPattern = /^[A-Za-z0-9._-]{1,128}$/

/** Throws when the route table is not sound, and names the row. */
export async function createApi(options: ApiOptions): Promise<Api> {
  const { store, secrets, identity, usage, issuer, now, uuid, random, chance } = options
  if (options.cursorKey.length < 32) throw new TypeError('cursorKey must be at least 32 random bytes.')
  const stopping = new AbortController()
  const limits = { ...watchLimits, ...options.watch }
  const tokens = createTokens({ identity, issuer, now, uuid })
  const authenticate = createAuthenticate({ store, secrets, identity, tokens, now })
  const passwords = createPasswords()
  const sessions = createSessions({ store, secrets, identity, tokens, passwords, now, uuid, random, issuer })
  const table = routes({
    store,
    secrets,
    identity,
    usage,
    tokens,
    sessions,
    passwords,
    authenticate,
    issuer,
    now,
    uuid,
    random,
    chance,
    limits,
    version: options.version,
    logs: options.logs,
    pollMilliseconds: limits.pollMilliseconds,
    cursors: createCursors(options.cursorKey, now),
    ready: async () => {
      const waiting = options.ready ? await options.ready() : []
      return [...waiting, ...(await storeProblems(store))]
    },
  })
  checkRoutes(table)
  const app = await serve(table, { ...options, authenticate, signal: stopping.signal })

  return {
    handle: (request, response) => app.routing(request, response),
    routes: table,
    authenticate,
    async mintOperatorToken() {
      const { secret, hash } = mintOperatorToken(random)
      await identity.putOperatorToken(hash)
      return secret
    },
    mintSetupToken: lifeSeconds => mintSetupToken({ identity, now, random }, lifeSeconds),
    mintKey: () => mintKey(random),
    ship: documents => ship({ store, now, uuid }, documents),
    async close() {
      stopping.abort()
      await app.close()
    },
  }
}

async function storeProblems(store: Store): Promise<readonly string[]> {
  try {
    await store.version({ role: 'control' })
    return []
  } catch (error) {
    // The answer of a readiness check is that it is not ready; the reason is in the database's own log.
    return [`the store: ${error instanceof Fault ? error.message : 'it does not answer'}`]
  }
}

interface Serving {
  readonly authenticate: Authenticate
  readonly now: () => number
  readonly uuid: () => string
  readonly observe?: Observe<ApiObservation>
  readonly address?: (request: IncomingMessage) => string
  readonly signal: AbortSignal
}

async function serve(table: readonly Row[], serving: Serving): Promise<FastifyInstance> {
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
  app.setErrorHandler<FastifyError>((error, request, reply) => refuse(error, request, reply, observe))
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
      url: row.path.replaceAll(/\{([^}]+)\}/g, ':$1'),
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
        const gone = new AbortController()
        reply.raw.once('close', () => gone.abort())
        const answer = await row.handle(
          {
            params,
            location: row.locate(params),
            query: request.query,
            body: request.body,
            headers: request.headers,
            requestId: request.id,
            address: serving.address?.(request.raw) ?? request.ip,
            signal: AbortSignal.any([signal, gone.signal]),
          },
          callers.get(request),
        )
        if (request.headers['idempotency-key'] !== undefined)
          reply.header('warning', '299 - "Idempotency-Key is not kept by this server"')
        return send(answer, request, reply, observe)
      },
    })
  await app.ready()
  return app
}

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
  if (typeof answer.body === 'string') return reply.send(answer.body)
  return reply.type('application/json; charset=utf-8').send(JSON.stringify(answer.body))
}

/** Fastify's own refusals, by their code, as faults. */
const framework: Readonly<Record<string, (error: FastifyError) => Fault>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: () =>
    new Fault('too_large', 'A body is at most 4 MiB.', { reason: 'body_too_large' }),
  FST_ERR_CTP_INVALID_MEDIA_TYPE: () =>
    new Fault('unsupported', 'Send the body as application/json (a patch as application/merge-patch+json).', {
      reason: 'media_type',
      status: 415,
    }),
  FST_ERR_CTP_EMPTY_JSON_BODY: () =>
    new Fault('invalid', 'The body is empty. Send one JSON object.', { reason: 'bad_json' }),
  FST_ERR_CTP_INVALID_JSON_BODY: () => new Fault('invalid', 'The body is not JSON.', { reason: 'bad_json' }),
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: () =>
    new Fault('invalid', 'The body is not as long as Content-Length says.', { reason: 'content_length' }),
  FST_ERR_BAD_URL: () => new Fault('invalid', 'The address is not a valid URL.', { reason: 'bad_url' }),
  FST_ERR_MAX_LIMIT: () =>
    new Fault('not_found', 'There is nothing at this address.', { reason: 'unknown_path' }),
}

export function faultOf(error: unknown): Fault {
  if (error instanceof Fault) return error
  if (error instanceof SyntaxError)
    return new Fault('invalid', 'The body is not JSON.', { reason: 'bad_json', cause: error })
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') {
    const known = framework[error.code]
    if (known) return known(error as FastifyError) // a row of the table above
  }
  return new Fault('internal', 'Something failed in the server. Its log knows this request id.', {
    cause: error,
  })
}

function refuse(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  observe: Observe<ApiObservation>,
): FastifyReply {
  const fault = faultOf(error)
  if (fault.code === 'internal') observe({ type: 'failure', requestId: request.id, error })
  reply.code(fault.status).header('x-request-id', request.id)
  if (fault.code === 'unauthenticated') reply.header('www-authenticate', 'Bearer realm="switchyard"')
  if (fault.retryAfterSeconds !== undefined) reply.header('retry-after', String(fault.retryAfterSeconds))
  return reply.type('application/json; charset=utf-8').send(JSON.stringify(errorBody(fault, request.id)))
}

/** Methods that a path takes, for `Allow`. */
function methodTable(table: readonly Row[]): (path: string) => readonly string[] {
  const patterns = table.map(({ method, path }) => ({
    method,
    pattern: new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/\{[^}]+\}/g, '[^/]+')}$`),
  }))
  return path => [
    ...new Set(patterns.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method)),
  ]
}
