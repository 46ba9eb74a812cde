// A real provider of OpenID Connect in this process, behind TLS, and a browser that goes where it is sent.
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, request } from 'node:https'
import { guardedFetch } from '@switchyard/gateway'
import Provider from 'oidc-provider'
import { certificateFor } from '../../gateway/test/certificates.ts'
import type { OutsideFetch } from '../src/sso-provider.ts'
import type { Harness } from './harness.ts'

/** Only what is dialled by `outside` knows this name. */
const made = 'id.test'

export interface Seen {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly text: string
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void

/** A server of this name and a certificate of its own. */
export interface Secure extends AsyncDisposable {
  readonly origin: string
  readonly ca: string
  handle: Handler
}

export async function serveSecurely(host = made): Promise<Secure> {
  const { cert, key } = certificateFor(host)
  const own = { handle: (_: IncomingMessage, response: ServerResponse) => void response.writeHead(404).end() }
  const server = createServer({ cert, key }, (request, response) => own.handle(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  return Object.assign(own, {
    origin: `https://${host}:${port}`,
    ca: cert,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  })
}

/** What a server dials, with the name of the bed leading here. */
export const outside: OutsideFetch = trust =>
  guardedFetch({ ...trust, resolve: async name => [name === made ? '127.0.0.1' : '203.0.113.1'] })

export interface Account {
  readonly email?: string
  readonly email_verified?: boolean
  readonly name?: string
  readonly groups?: readonly string[]
}

/** A directory of people that any browser may be sent to. */
export interface People extends Secure {
  /** By subject. */
  readonly people: Map<string, Account>
  /** Who sits before the browser that comes next: nobody is asked for a password. */
  subject: string
}

export interface Directory extends People {
  /** Signs in there as this subject: the answer of Switchyard to which it all leads. */
  signIn(subject: string, start?: string): Promise<Seen>
  /** One step of a browser with these cookies, which it keeps up to date. */
  visit(url: string, cookies: Map<string, string>): Promise<Seen>
}

/** Clients are `switchyard`, with `a secret of the client`, and `open`, which has none. */
export async function openDirectory(redirects: readonly string[], host?: string): Promise<People> {
  const secure = await serveSecurely(host)
  const directory = Object.assign(secure, { people: new Map<string, Account>(), subject: '' })
  const client = {
    redirect_uris: [...redirects],
    response_types: ['code' as const],
    grant_types: ['authorization_code'],
  }
  const provider = new Provider(secure.origin, {
    clients: [
      { ...client, client_id: 'switchyard', client_secret: 'a secret of the client' },
      { ...client, client_id: 'open', token_endpoint_auth_method: 'none' },
    ],
    pkce: { required: () => true },
    scopes: ['openid', 'email', 'profile', 'groups'],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'], groups: ['groups'] },
    cookies: { keys: ['a key of the test'] },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_, { uid }) => `/interaction/${uid}` },
    findAccount: (_, subject) => ({
      accountId: subject,
      claims: async () => ({ sub: subject, ...directory.people.get(subject) }),
    }),
    async loadExistingGrant(ctx) {
      const grant = new ctx.oidc.provider.Grant({
        clientId: ctx.oidc.client?.clientId ?? '',
        accountId: ctx.oidc.session?.accountId ?? '',
      })
      grant.addOIDCScope('openid email profile groups')
      await grant.save()
      return grant
    },
  })
  const answer = provider.callback()
  secure.handle = (asked, response) => {
    if (asked.url?.startsWith('/interaction/')) {
      const login = { accountId: directory.subject }
      void provider.interactionFinished(asked, response, { login }, { mergeWithLastSubmission: false })
    } else void answer(asked, response)
  }
  return directory
}

/** `h` is the server at `http://switchyard.test`. */
export async function startDirectory(
  h: Pick<Harness, 'url'>,
  redirects: readonly string[],
): Promise<Directory> {
  const directory = await openDirectory(redirects)
  const { origin, ca } = directory

  function ask(url: string, cookie: string): Promise<Seen> {
    if (!url.startsWith(origin)) {
      const headers = { cookie, accept: 'text/html' }
      return fetch(url.replace('http://switchyard.test', h.url), { headers, redirect: 'manual' }).then(
        async answered => ({
          status: answered.status,
          headers: {
            ...Object.fromEntries(answered.headers),
            'set-cookie': answered.headers.getSetCookie(),
          } as Seen['headers'],
          text: await answered.text(),
        }),
      )
    }
    return new Promise((resolve, reject) => {
      const { port, pathname, search } = new URL(url)
      const asking = request(
        {
          host: '127.0.0.1',
          port,
          path: pathname + search,
          servername: made,
          ca,
          headers: { host: `${made}:${port}`, cookie },
        },
        answered => {
          let text = ''
          answered.setEncoding('utf8').on('data', part => {
            text += part
          })
          answered.on('end', () =>
            resolve({ status: answered.statusCode ?? 0, headers: answered.headers, text }),
          )
        },
      )
      asking.on('error', reject).end()
    })
  }

  async function visit(url: string, cookies: Map<string, string>): Promise<Seen> {
    const seen = await ask(url, [...cookies].map(([name, value]) => `${name}=${value}`).join('; '))
    for (const line of seen.headers['set-cookie'] ?? []) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      cookies.set(name, value)
    }
    return seen
  }

  return Object.assign(directory, {
    visit,
    async signIn(subject: string, start = '/api/v1/sso/corp/start') {
      directory.subject = subject
      const cookies = new Map<string, string>()
      let seen = await visit(`http://switchyard.test${start}`, cookies)
      let from = origin
      for (let step = 0; step < 8 && seen.headers.location !== undefined; step++) {
        const next = new URL(seen.headers.location, from).href
        const isOurs = next.startsWith('http://switchyard.test/api/v1/sso/')
        if (!isOurs && !next.startsWith(origin)) return seen
        from = next
        seen = await visit(next, cookies)
      }
      return seen
    },
  })
}
