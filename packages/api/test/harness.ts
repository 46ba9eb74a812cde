// An API over a fresh real database, on a port of its own, with the documents that every installation has.
import { randomBytes, randomUUID } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  type Api,
  type ApiObservation,
  type ApiOptions,
  bootstrapDocuments,
  createApi,
  type Shipped,
} from '@switchyard/api'
import type { ErrorBody, Metadata } from '@switchyard/kinds'
import { compilePrices, invoicing } from '@switchyard/ledger'
import { testDatabase } from '@switchyard/store/testing'

export interface Harness extends AsyncDisposable {
  readonly api: Api
  readonly database: Awaited<ReturnType<typeof testDatabase>>
  readonly url: string
  readonly operator: string
  /** What secrets are sealed under. */
  readonly masterKey: Uint8Array
  readonly observations: ApiObservation[]
  /** Milliseconds that the server's clock is ahead. */
  readonly clock: { ahead: number }
  /** One more control plane like it, but for these; the caller closes it. */
  another(options: Partial<ApiOptions>): Promise<Api>
  call(method: string, path: string, given?: Call): Promise<Reply>
  /** A user with the given platform and workspace roles, signed in. */
  person(name: string, roles?: Readonly<Record<string, readonly string[]>>): Promise<Person>
}

export interface Call {
  readonly token?: string | null
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

export interface Reply {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly body: Body
}

/** Any answer of the server: each test looks at the fields that it expects, and those that are not there fail it. */
export interface Body {
  readonly kind: string
  readonly metadata: Metadata & { readonly continue?: string; readonly count?: number }
  readonly spec: Readonly<Record<string, unknown>>
  readonly status: Readonly<Record<string, unknown>>
  readonly items: readonly Body[]
  readonly error: ErrorBody['error']
  readonly reason: string
  readonly secret?: string
  readonly accessToken: string
  readonly refreshToken: string
  readonly principal: string
}

export interface Person {
  readonly name: string
  readonly email: string
  readonly password: string
  readonly token: string
  readonly refreshToken: string
}

const platformDocuments: readonly Shipped[] = [
  shipped('Cluster', 'local', { type: 'local', share: 'all' }),
  shipped('Engine', 'llama-cpp', {
    tasks: ['chat', 'completion', 'embedding'],
    formats: ['gguf'],
    versions: [
      { version: '1.2.0', binary: 'builtin' },
      { version: '1.10.0', binary: 'builtin' },
    ],
    arguments: {
      threads: { schema: { type: 'integer', minimum: 1, maximum: 64 }, flag: '--threads' },
      mode: { schema: { type: 'string', enum: ['fast', 'exact'] }, flag: '--mode', since: '1.9.0' },
      old: { schema: { type: 'boolean' }, flag: '--old', until: '1.2.0' },
      host: { schema: { type: 'string' }, flag: '--host', managed: true },
    },
    start: { command: ['{binary}', '--port', '{port}'] },
    probes: { alive: '/health' },
  }),
  shipped('ModelRegistry', 'bundled', { type: 'files', url: 'file:///srv/models' }),
  shipped('Model', 'tiny', { source: { registry: 'bundled', path: 'tiny.gguf' } }),
]

export function shipped(kind: string, name: string, spec: Shipped['spec']): Shipped {
  return {
    apiVersion: 'switchyard.dev/v1',
    kind,
    metadata: { name, workspace: null, description: '', labels: { 'switchyard.dev/builtin': 'true' } },
    spec,
  }
}

export async function start(options: Partial<ApiOptions> = {}): Promise<Harness> {
  const database = await testDatabase({ prices: compilePrices })
  const masterKey = randomBytes(32)
  const observations: ApiObservation[] = []
  const clock = { ahead: 0 }
  const given: ApiOptions = {
    store: database.store,
    secrets: database.secrets,
    vault: database.openVault([masterKey]),
    identity: database.identity,
    usage: database.usage,
    audit: database.audit,
    ledger: database.ledger,
    invoicing: invoicing({ ...database, now: () => Date.now() + clock.ahead, observe: () => {} }),
    prices: database.prices,
    keyUses: database.keyUses,
    issuer: 'http://switchyard.test',
    cursorKey: randomBytes(32),
    version: '0.0.0-test',
    now: () => Date.now() + clock.ahead,
    uuid: uuidv7,
    random: randomBytes,
    chance: Math.random,
    observe: observation => observations.push(observation),
    ...options,
  }
  const api = await createApi(given)
  await api.ship([...bootstrapDocuments(), ...platformDocuments])
  const operator = await api.mintOperatorToken()
  const server = createServer((request, response) => api.handle(request, response))
  const url = await listen(server)

  async function call(
    method: string,
    path: string,
    { token = operator, body, headers = {} }: Call = {},
  ): Promise<Reply> {
    const media = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json'
    const response = await fetch(url + path, {
      method,
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': media }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.includes('json') ?? false
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: (isJson && text !== '' ? JSON.parse(text) : undefined) as Body,
    }
  }

  return {
    api,
    database,
    url,
    operator,
    masterKey,
    observations,
    clock,
    another: more => createApi({ ...given, ...more }),
    call,
    async person(name, roles = {}) {
      const email = `${name}@example.org`
      const password = `a long password of ${name}`
      expectStatus(
        await call('POST', '/api/v1/users', { body: { metadata: { name }, spec: { email, password } } }),
        201,
      )
      for (const [place, names] of Object.entries(roles))
        for (const role of names) {
          const collection = place === 'platform' ? '/api/v1' : `/api/v1/workspaces/${place}`
          const body = {
            metadata: { name: `${name}-${role}` },
            spec: { subject: { kind: 'User', name }, role: `platform/${role}` },
          }
          expectStatus(await call('POST', `${collection}/roleassignments`, { body }), 201)
        }
      const session = expectStatus(
        await call('POST', '/api/v1/sessions', { token: null, body: { email, password } }),
        201,
      )
      return {
        name,
        email,
        password,
        token: session.body.accessToken,
        refreshToken: session.body.refreshToken,
      }
    },
    async [Symbol.asyncDispose]() {
      await api.close()
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
      await database.close()
    },
  }
}

export function expectStatus(reply: Reply, status: number): Reply {
  if (reply.status !== status) throw new Error(`expected ${status}, got ${reply.status}: ${reply.text}`)
  return reply
}

export async function listen(server: Server): Promise<string> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo // an IP server has one
  return `http://127.0.0.1:${port}`
}

function uuidv7(): string {
  const time = Date.now().toString(16).padStart(12, '0')
  const rest = randomUUID().replaceAll('-', '')
  return `${time.slice(0, 8)}-${time.slice(8)}-7${rest.slice(13, 16)}-${rest.slice(16, 20)}-${rest.slice(20)}`
}

export const workspaceDocument = (name: string) => ({ metadata: { name }, spec: {} })
export const endpointDocument = (name: string) => ({
  metadata: { name },
  spec: { model: { name: 'platform/tiny' } },
})
