// What signing in needs to remember: sessions, signing keys, one-time links, the operator's token.
// Secrets arrive here already hashed (lower-case hex SHA-256).

export interface SigningKey {
  readonly kid: string
  /** JWK of an Ed25519 private key, as JSON. */
  readonly privateJwk: string
  readonly publicJwk: string
  readonly createdAt: string
  /** Signs no more after this, and is published until the last token it signed has ended. */
  readonly retiredAt?: string
}

export interface Session {
  readonly id: string
  /** Name of the User document. */
  readonly user: string
  readonly createdAt: string
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

export interface IdentityStore {
  signingKeys(): Promise<readonly SigningKey[]>
  /** Adds a key unless another process has just added one; answers the keys that stand afterwards. */
  addSigningKey(key: SigningKey): Promise<readonly SigningKey[]>
  openSession(session: {
    readonly id: string
    readonly user: string
    readonly refreshHash: string
    readonly idleSeconds: number
    readonly totalSeconds: number
  }): Promise<Session>
  refresh(
    refreshHash: string,
    next: { readonly hash: string; readonly idleSeconds: number },
  ): Promise<RefreshOutcome>
  endSession(id: string): Promise<void>
  /** Ends every session of a User, by the name of its document. */
  endSessionsOf(user: string): Promise<void>
  session(id: string): Promise<Session | undefined>
  /** One-time links: stored hashed, valid until `expiresAt`, taken at most once. */
  putSetupLink(hash: string, expiresAt: string): Promise<void>
  takeSetupLink(hash: string): Promise<boolean>
  /** The operator's token of this installation; a new one replaces the old. */
  putOperatorToken(hash: string): Promise<void>
  isOperatorToken(hash: string): Promise<boolean>
  /** Failed sign-ins of a subject (`account:…` or `address:…`) and when the newest was. */
  failures(subject: string): Promise<{ readonly count: number; readonly lastAt?: string }>
  recordFailure(subject: string): Promise<void>
  clearFailures(subject: string): Promise<void>
}
