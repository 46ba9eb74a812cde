// What signing in needs to remember: sessions, signing keys, one-time links, the operator's token.
// Secrets arrive here already hashed (lower-case hex SHA-256).

import type { FederationStore, PersonRef } from './federation.ts'
import type { LinkStore } from './links.ts'

export interface SigningKey {
  readonly kid: string
  /** JWK of an Ed25519 private key, as JSON; empty where the vault keeps it. */
  readonly privateJwk: string
  readonly publicJwk: string
  readonly createdAt: string
  /** Signs no more after this, and is published until the last token it signed has ended. */
  readonly retiredAt?: string
}

/** How a session came to be: by a password, by a one-time link, or by an IdentityProvider. */
export type SignInMethod = 'password' | 'link' | 'sso'

/** What is known of whoever signs in or refreshes. */
export interface Peer {
  readonly address: string
  /** User-Agent, cut to 256 characters. */
  readonly client?: string
}

export interface Session {
  readonly id: string
  /** Name of the User document. */
  readonly user: string
  readonly method: SignInMethod
  /** Name of the IdentityProvider that vouched for it. */
  readonly provider?: string
  readonly createdAt: string
  /** When it was refreshed last, and by whom as far as is known. */
  readonly seenAt: string
  readonly address?: string
  readonly client?: string
  /** Ends at the latest then, whatever is refreshed. */
  readonly endsAt: string
  readonly endedAt?: string
}

export type RefreshOutcome =
  /** The token was current and is replaced by `next`. */
  | { readonly outcome: 'rotated'; readonly session: Session }
  /** The token was used less than 10 s ago: a fresh access token only. */
  | { readonly outcome: 'recent'; readonly session: Session }
  /** A used token came again: the whole session has been ended. */
  | { readonly outcome: 'reused'; readonly session: Session }
  | { readonly outcome: 'unknown' }

export interface IdentityStore extends LinkStore, FederationStore {
  signingKeys(): Promise<readonly SigningKey[]>
  /** Adds a key unless another process has just added one; answers the keys that stand afterwards. */
  addSigningKey(key: SigningKey): Promise<readonly SigningKey[]>
  /** Its private half is kept elsewhere from now on. */
  forgetPrivateHalf(kid: string): Promise<void>
  openSession(session: {
    readonly id: string
    readonly user: string
    readonly method: SignInMethod
    readonly provider?: string
    readonly peer?: Peer
    readonly refreshHash: string
    readonly idleSeconds: number
    readonly totalSeconds: number
  }): Promise<Session>
  refresh(
    refreshHash: string,
    next: { readonly hash: string; readonly idleSeconds: number; readonly peer?: Peer },
  ): Promise<RefreshOutcome>
  /** False when none of this id was open, or, where a User is given, none of theirs. */
  endSession(id: string, user?: string): Promise<boolean>
  /** Ends every session of a User, by the name of its document, but for the one that is kept. */
  endSessionsOf(user: string, kept?: string): Promise<void>
  /** Those of a User that are open, the one seen last first. */
  sessionsOf(user: string): Promise<readonly Session[]>
  session(id: string): Promise<Session | undefined>
  /** Ids of those that are open. */
  openAmong(ids: readonly string[]): Promise<ReadonlySet<string>>
  /** One-time links: stored hashed, valid until `expiresAt`, taken at most once. */
  putSetupLink(hash: string, expiresAt: string): Promise<void>
  takeSetupLink(hash: string): Promise<boolean>
  /** The operator's token of this installation; a new one replaces the old. */
  putOperatorToken(hash: string): Promise<void>
  isOperatorToken(hash: string): Promise<boolean>
  /** Failed sign-ins of a subject (`account:…` or `address:…`) and when the newest was. */
  failures(subject: string): Promise<{ readonly count: number; readonly lastAt?: string }>
  /**
   * Counts an attempt before it is made, or says how many whole seconds must be waited before the next: `waits` are the
   * seconds to wait by the number of attempts that count, its last for all beyond. 0 is go on.
   */
  attempt(subject: string, waits: readonly number[]): Promise<number>
  recordFailure(subject: string): Promise<void>
  clearFailures(subject: string): Promise<void>
  /** Of those of the subjects that have any. */
  failuresOf(
    subjects: readonly string[],
  ): Promise<ReadonlyMap<string, { readonly count: number; readonly lastAt: string }>>
  /** Clears the failures of a person's account at somebody's wish, and tells the trail when there were any. */
  unlock(subject: string, person: PersonRef): Promise<void>
}
