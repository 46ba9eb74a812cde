// Access tokens of people who are signed in, in place of keys. A token is verified once, and its session is looked after
// while it is used: that one has ended is known within half a second, with no question on the path of a request.
import { hash } from 'node:crypto'
import type { Observe } from '@switchyard/runtime'

/** What is known of sessions where people sign in. */
export interface SessionSource {
  /** `iss` of their tokens. */
  readonly issuer: string
  /** `unauthenticated` for a token that is none of ours, or not of this time. */
  claims(token: string): Promise<SessionClaims>
  /** Those that are open. */
  open(ids: readonly string[]): Promise<ReadonlySet<string>>
}

interface SessionClaims {
  /** Name of the User. */
  readonly user: string
  /** Id of the session. */
  readonly session: string
  /** ISO 8601. */
  readonly expiresAt: string
}

export type SessionsObservation = {
  /** Whether sessions have ended cannot be asked: what is known of them holds meanwhile. Told once each time. */
  readonly type: 'sessions_not_read'
  readonly error: unknown
}

/** One session, shared by all that it has begun. */
export interface LiveSession {
  readonly id: string
  readonly user: string
  ended: boolean
  /** Milliseconds since 1970. */
  usedAt: number
}

/** Who a token speaks for. */
export interface Bearer {
  /** Lower-case hex SHA-256 of the token. */
  readonly digest: string
  readonly session: LiveSession
  /** Milliseconds since 1970. */
  readonly expiresAt: number
}

interface SessionsOptions {
  readonly source: SessionSource
  /** Milliseconds since 1970. */
  readonly clock: () => number
  readonly observe: Observe<SessionsObservation>
}

const lookMilliseconds = 500
/** Longer than a token lives. */
const keptMilliseconds = 660_000
const mostTokens = 10_000
const mostCharacters = 4096

export class Sessions implements Disposable {
  readonly #options: SessionsOptions
  /** By digest. */
  readonly #bearers = new Map<string, Bearer>()
  readonly #live = new Map<string, LiveSession>()
  #timer: NodeJS.Timeout | undefined
  #isLooking = false
  #isAway = false

  constructor(options: SessionsOptions) {
    this.#options = options
  }

  /** At once for a token that was seen before; undefined for one of another issuer. Rejects with `unauthenticated`. */
  find(token: string, now: number): Bearer | Promise<Bearer> | undefined {
    if (token.length > mostCharacters) return undefined
    const digest = hash('sha256', token, 'hex')
    const known = this.#bearers.get(digest)
    if (known && now < known.expiresAt && !known.session.ended) {
      known.session.usedAt = now
      return known
    }
    this.#bearers.delete(digest)
    return issuerOf(token) === this.#options.source.issuer ? this.#verify(token, digest, now) : undefined
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    this.#bearers.clear()
    this.#live.clear()
  }

  async #verify(token: string, digest: string, now: number): Promise<Bearer> {
    const { source } = this.#options
    const { user, session: id, expiresAt } = await source.claims(token)
    const known = this.#live.get(id)
    const isOpen = known ? !known.ended : (await source.open([id])).has(id)
    const session = this.#live.get(id) ?? { id, user, ended: !isOpen, usedAt: now }
    this.#live.set(id, session)
    const bearer = Object.freeze({ digest, session, expiresAt: Date.parse(expiresAt) })
    const [oldest] = this.#bearers.size < mostTokens ? [] : this.#bearers.keys()
    if (oldest !== undefined) this.#bearers.delete(oldest)
    this.#bearers.set(digest, bearer)
    this.#timer ??= setInterval(() => void this.#look(), lookMilliseconds).unref()
    return bearer
  }

  async #look(): Promise<void> {
    if (this.#isLooking) return
    this.#isLooking = true
    const { source, clock, observe } = this.#options
    try {
      const before = clock() - keptMilliseconds
      for (const [id, { usedAt }] of this.#live) if (usedAt < before) this.#live.delete(id)
      for (const [digest, { session }] of this.#bearers)
        if (!this.#live.has(session.id)) this.#bearers.delete(digest)
      const asked = [...this.#live.values()].filter(({ ended }) => !ended)
      if (asked.length > 0) {
        const open = await source.open(asked.map(({ id }) => id))
        for (const session of asked) session.ended = !open.has(session.id)
      } else if (this.#live.size === 0) {
        clearInterval(this.#timer)
        this.#timer = undefined
      }
      this.#isAway = false
    } catch (error) {
      if (!this.#isAway) observe({ type: 'sessions_not_read', error })
      this.#isAway = true
    } finally {
      this.#isLooking = false
    }
  }
}

/** What a token says of itself; nothing of it is believed. */
function issuerOf(token: string): unknown {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
    return typeof claims === 'object' && claims !== null && 'iss' in claims ? claims.iss : undefined
  } catch {
    return undefined // no JWT: whoever is asked next says so
  }
}
