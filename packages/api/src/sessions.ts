// Signing in, staying signed in and signing out, with the same answer and the same time for every wrong guess.
import { type DocumentOf, Fault, type user } from '@switchyard/kinds'
import type {
  Identity,
  IdentityStore,
  Peer,
  Secrets,
  Session,
  SignInMethod,
  Store,
} from '@switchyard/runtime'
import { z } from 'zod'
import type { Caller } from './authorize.ts'
import { base62 } from './base62.ts'
import { type Random, sha256 } from './keys.ts'
import { isWeak, type Passwords } from './password.ts'
import type { Patience } from './patience.ts'
import type { Answer } from './route.ts'
import { accessSeconds, idleSeconds, type Tokens, totalSeconds } from './session.ts'

/** Nobody has signed in yet: the server looks the account up. */
const server: Identity = { role: 'control' }

export const cookieSchema = z
  .boolean()
  .default(false)
  .describe('Keep the refresh token in a cookie that no script reads (browsers).')

export const loginSchema = z.strictObject({
  email: z.string().min(1).max(254),
  password: z.string().min(1).max(1024),
  cookie: cookieSchema,
})

export const refreshSchema = z
  .strictObject({
    refreshToken: z.string().min(1).max(256).optional().describe('From the cookie when absent.'),
  })
  .prefault({})

export const sessionSchema = z.object({
  kind: z.literal('Session'),
  accessToken: z.string().describe('Send as `Authorization: Bearer`.'),
  tokenType: z.literal('Bearer'),
  expiresInSeconds: z.int(),
  refreshToken: z.string().optional().describe('Used once; each refresh gives the next.'),
  user: z.object({
    name: z.string(),
    email: z.string().optional(),
    displayName: z.string().nullable().optional(),
  }),
})

export interface SessionsOptions {
  readonly store: Store
  readonly secrets: Secrets
  readonly identity: IdentityStore
  readonly tokens: Tokens
  readonly passwords: Passwords
  readonly patience: Patience
  readonly now: () => number
  readonly uuid: () => string
  readonly random: Random
  /** Public address of this installation: `iss`, and the only Origin that may use the cookie. */
  readonly issuer: string
}

type User = DocumentOf<typeof user>

export interface Sessions {
  login(input: z.output<typeof loginSchema>, peer: Peer): Promise<Answer>
  refresh(
    input: z.output<typeof refreshSchema>,
    headers: { readonly cookie?: string | undefined; readonly origin?: string | undefined },
    peer: Peer,
  ): Promise<Answer>
  /** Ends the caller's own session. */
  logout(caller: Caller): Promise<Answer>
  /** A session for someone who has proved who they are. */
  open(person: User, opening: Opening): Promise<Opened>
}

export interface Opening {
  readonly method: SignInMethod
  /** Name of the IdentityProvider. */
  readonly provider?: string
  readonly peer: Peer
  /** Keep the refresh token in a cookie. */
  readonly cookie?: boolean
}

export interface Opened {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: z.output<typeof sessionSchema>
}

const nobody = '00000000-0000-0000-0000-000000000000'
const cookieName = 'switchyard_refresh'

export function createSessions(options: SessionsOptions): Sessions {
  const { store, secrets, identity, tokens, passwords, patience, now, uuid, random, issuer } = options
  const newToken = () => base62(random(32), 43)

  function cookie(value: string, maxAge: number): string {
    const secure = issuer.startsWith('https:') ? '; Secure' : ''
    return `${cookieName}=${value}; HttpOnly${secure}; SameSite=Strict; Path=/api/v1/sessions; Max-Age=${maxAge}`
  }

  async function answer(
    person: User,
    session: Session,
    refreshToken: string | undefined,
    inCookie: boolean,
  ): Promise<Opened> {
    const body = {
      kind: 'Session' as const,
      accessToken: await tokens.mint(person.metadata.name, session),
      tokenType: 'Bearer' as const,
      expiresInSeconds: accessSeconds,
      ...(refreshToken === undefined || inCookie ? {} : { refreshToken }),
      user: {
        name: person.metadata.name,
        email: person.spec.email,
        displayName: person.metadata.displayName ?? null,
      },
    }
    const headers: Record<string, string> = { 'cache-control': 'no-store' }
    if (inCookie && refreshToken !== undefined) headers['set-cookie'] = cookie(refreshToken, idleSeconds)
    return { status: 200, headers, body }
  }

  async function open(person: User, { cookie: inCookie = false, ...opening }: Opening): Promise<Opened> {
    const refreshToken = newToken()
    const session = await identity.openSession({
      ...opening,
      id: uuid(),
      user: person.metadata.name,
      refreshHash: sha256(refreshToken),
      idleSeconds,
      totalSeconds,
    })
    return { ...(await answer(person, session, refreshToken, inCookie)), status: 201 }
  }

  async function findByEmail(email: string): Promise<User | undefined> {
    const fields = [{ key: 'spec.email', operator: 'in', values: [email] }] as const
    const { items } = await store.read(server, tx =>
      tx.list({ kind: 'User', workspace: null, fields, limit: 1 }),
    )
    return items[0] as User | undefined // listed by kind
  }

  async function findByName(name: string): Promise<User | undefined> {
    const found = await store.read(server, tx => tx.get({ kind: 'User', workspace: null, name }))
    return found as User | undefined // got by kind
  }

  /** Answers the hash that the password has from now on, when it was hashed anew. */
  async function noteLogin(person: User, password: string, stored: string): Promise<string | undefined> {
    const rehashed = isWeak(stored) ? await passwords.hash(password) : undefined
    await store.write(server, async tx => {
      const { workspace, name } = person.metadata
      const current = await tx.lock({ kind: 'User', workspace, name }, 'update')
      if (!current || current.metadata.id !== person.metadata.id) return
      const seen = current as User // locked by kind
      if (rehashed !== undefined) await tx.putSecret(seen.metadata.id, { field: 'password', hash: rehashed })
      await tx.update(
        { ...seen, status: { ...seen.status, lastLoginAt: new Date(now()).toISOString() } },
        null,
      )
    })
    return rehashed
  }

  return {
    open,

    async login({ email, password, cookie: inCookie }, peer) {
      const account = email.trim().toLowerCase()
      const person = await findByEmail(account)
      // Asked for also when there is no such account, so that it takes as long.
      const stored = await secrets.secret(person?.metadata.id ?? nobody, 'password')
      const wrong = new Fault('unauthenticated', 'The e-mail or the password is wrong.', {
        reason: 'sign_in_failed',
      })
      await patience.attempt(account, peer, wrong, async () => {
        const matches = await passwords.verify(stored?.hash, password)
        return matches && person !== undefined && isOn(person)
      })
      if (!person || !stored) throw wrong
      const rehashed = await noteLogin(person, password, stored.hash)
      const opened = await open(person, { method: 'password', peer, cookie: inCookie })
      // A password that was changed meanwhile has ended the sessions before it, which this one may have missed.
      const standing = await secrets.secret(person.metadata.id, 'password')
      if (standing?.hash === (rehashed ?? stored.hash)) return opened
      await identity.endSessionsOf(person.metadata.name)
      throw wrong
    },

    async refresh({ refreshToken }, { cookie: cookies, origin }, peer) {
      const fromCookie = refreshToken === undefined ? cookieIn(cookies) : undefined
      const given = refreshToken ?? fromCookie
      if (given === undefined)
        throw new Fault('unauthenticated', 'There is no refresh token. Sign in again.', {
          reason: 'no_refresh_token',
        })
      // A cookie comes by itself, so who sent the request is asked.
      if (fromCookie !== undefined && origin !== undefined && origin !== new URL(issuer).origin)
        throw new Fault('denied', 'The session cookie is used from its own origin only.', {
          reason: 'foreign_origin',
        })
      const next = newToken()
      const refreshed = await identity.refresh(sha256(given), { hash: sha256(next), idleSeconds, peer })
      const ended = new Fault('unauthenticated', 'This session has ended. Sign in again.', {
        reason: 'session_ended',
      })
      if (refreshed.outcome === 'unknown' || refreshed.outcome === 'reused') throw ended
      const person = await findByName(refreshed.session.user)
      if (!person || !isOn(person)) throw ended
      const rotated = refreshed.outcome === 'rotated' ? next : undefined
      return answer(person, refreshed.session, rotated, fromCookie !== undefined)
    },

    async logout({ credential }) {
      if (credential.type === 'session') await identity.endSession(credential.id)
      return { status: 204, headers: { 'set-cookie': cookie('', 0) } }
    },
  }
}

/** Neither disabled nor being deleted. */
export const isOn = ({ spec, metadata }: User) => !spec.disabled && metadata.deletionTimestamp === undefined

function cookieIn(header: string | undefined): string | undefined {
  for (const part of header?.split(';') ?? []) {
    const [name, value] = part.trim().split('=')
    if (name === cookieName && value) return value
  }
  return undefined
}
