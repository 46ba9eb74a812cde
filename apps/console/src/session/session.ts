// Who is signed in. The access token lives in memory; the one that renews it in a cookie that no script reads.
import { Fault } from '@switchyard/kinds/fault'
import { type Answer, createExchange, type Exchange } from '../api/exchange.ts'

export interface Person {
  readonly name: string
  readonly email: string
  readonly displayName: string
}

/** `ended`: somebody was here, and the page waits for them with all that it holds. */
export type Standing =
  | { readonly type: 'starting' | 'out' }
  | { readonly type: 'in' | 'ended'; readonly person: Person }

export interface Session {
  readonly exchange: Exchange
  readonly standing: Standing
  subscribe(listener: () => void): () => void
  signIn(email: string, password: string): Promise<void>
  signOut(): Promise<void>
  /** Goes on where a cookie says that somebody is signed in. */
  resume(): Promise<void>
}

interface Token {
  readonly text: string
  /** Milliseconds since 1970. */
  readonly until: number
}

/** Says that this browser may hold the cookie of a session, which no script can see. */
const place = 'switchyard.session'

function remember(isHere: boolean): void {
  try {
    if (isHere) localStorage.setItem(place, 'open')
    else localStorage.removeItem(place)
  } catch {
    // A browser that keeps nothing is asked each time.
  }
}

/** Single sign-on comes back with a cookie alone. */
function wasHere(): boolean {
  try {
    return localStorage.getItem(place) !== null || new URLSearchParams(location.search).has('signed-in')
  } catch {
    return true
  }
}

/** A token is renewed so long before it ends. */
const margin = 30_000

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null

function readOpened({ body }: Answer, now: number): { readonly token: Token; readonly person: Person } {
  const user = isRecord(body) && isRecord(body.user) ? body.user : undefined
  if (!isRecord(body) || !user || typeof body.accessToken !== 'string')
    throw new Fault('internal', 'The server answered a sign-in without a token. Is it another version?')
  const seconds = typeof body.expiresInSeconds === 'number' ? body.expiresInSeconds : 600
  const name = String(user.name)
  const email = typeof user.email === 'string' ? user.email : ''
  const displayName = typeof user.displayName === 'string' ? user.displayName : ''
  return {
    token: { text: body.accessToken, until: now + seconds * 1000 },
    person: { name, email, displayName },
  }
}

export function openSession(now: () => number): Session {
  let standing: Standing = { type: 'starting' }
  let token: Token | undefined
  let renewing: Promise<void> | undefined
  let signedIn = Promise.withResolvers<void>()
  const listeners = new Set<() => void>()

  function become(next: Standing): void {
    if (next.type === 'in') signedIn.resolve()
    else if (standing.type === 'in') signedIn = Promise.withResolvers()
    standing = next
    for (const listener of listeners) listener()
  }

  function opened(answer: Answer): void {
    const { token: fresh, person } = readOpened(answer, now())
    remember(true)
    if ('person' in standing && standing.person.name !== person.name) {
      // Nothing of whoever was here is for whoever is here now.
      become({ type: 'out' })
      location.reload()
      return
    }
    token = fresh
    become({ type: 'in', person })
  }

  async function renew(): Promise<void> {
    try {
      opened(
        await exchange.send({ method: 'POST', path: '/api/v1/sessions/refresh', body: {}, anonymous: true }),
      )
    } catch (error) {
      if (!(error instanceof Fault) || (error.code !== 'unauthenticated' && error.code !== 'denied'))
        throw error
      token = undefined
      remember(false)
      become('person' in standing ? { type: 'ended', person: standing.person } : { type: 'out' })
    }
  }

  /** By one request, however many ask. */
  const renewed = (): Promise<void> =>
    (renewing ??= renew().finally(() => {
      renewing = undefined
    }))

  const exchange = createExchange({
    async token() {
      for (;;) {
        if (token && token.until - margin > now()) return token.text
        if (standing.type === 'in' || standing.type === 'starting') await renewed()
        else await signedIn.promise
      }
    },
    refused(text) {
      if (token?.text === text) token = undefined
    },
  })

  const session: Session = {
    exchange,
    get standing() {
      return standing
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async signIn(email, password) {
      const body = { email, password, cookie: true }
      opened(await exchange.send({ method: 'POST', path: '/api/v1/sessions', body, anonymous: true }))
    },
    async signOut() {
      await exchange.send({ method: 'DELETE', path: '/api/v1/sessions' })
      token = undefined
      remember(false)
      become({ type: 'out' })
    },
    async resume() {
      if (!wasHere()) return become({ type: 'out' })
      // A server that is away comes back, and whoever was signed in still is.
      for (let wait = 500; ; wait = Math.min(2 * wait, 5000))
        try {
          return await renewed()
        } catch (error) {
          if (!(error instanceof Fault)) throw error
          await new Promise(resolve => setTimeout(resolve, wait))
        }
    },
  }

  // Whoever signs in in another tab of this browser does so for this one too: the cookie is theirs both.
  addEventListener('storage', ({ key, newValue }) => {
    if (key === place && newValue !== null && (standing.type === 'ended' || standing.type === 'out'))
      void session.resume()
  })
  return session
}
