// Tokens of outside issuers (JWT, RFC 7519): who calls by one, once its signature, issuer, audience and times hold.
import { hash } from 'node:crypto'
import { Fault, type tokenAlgorithms } from '@switchyard/kinds'
import { decodeJwt, errors, type JWTVerifyGetKey, jwtVerify } from 'jose'
import { type Claimed, type ClaimsSpec, readClaims } from './claims.ts'
import { IssuerKeys, type KeysOptions, readKeySet } from './issuer-keys.ts'

/** An issuer that is trusted. Exactly one of `jwksUri`, `jwks` and `secret`. */
export interface IssuerSpec {
  /** Of the document that it stands in; default ''. */
  readonly name?: string
  /** `iss`, to the letter. */
  readonly issuer: string
  /** One of these must be in `aud`. */
  readonly audience: readonly string[]
  /** Names of RFC 7518 and RFC 8037; the token's must be among them. */
  readonly algorithms: readonly string[]
  /** Where its public keys are published, over https. */
  readonly jwksUri?: string
  /** Its public keys, as a set of RFC 7517. */
  readonly jwks?: unknown
  /** What it signs with by HMAC: at least as many bytes as the algorithm's hash. */
  readonly secret?: Uint8Array
  readonly claims: ClaimsSpec
}

/** Who a token speaks for. */
export interface Verified extends Claimed {
  readonly issuer: string
  /** Of the row that it was verified by. */
  readonly name: string
  /** Lower-case hex SHA-256 of the token. */
  readonly digest: string
  /** Milliseconds since 1970, the tolerance for clocks included. */
  readonly expiresAt: number
}

export interface Issuers extends Disposable {
  /**
   * `now` in milliseconds since 1970. At once for a token that was verified in the last 5 minutes. Throws or rejects
   * with `unauthenticated` (`invalid_token`), or `unavailable` while the issuer's keys were never read.
   */
  verify(token: string, now: number): Verified | Promise<Verified>
  /** Tokens that match are verified anew when they come again: for what was revoked. */
  forget(matches: (verified: Verified) => boolean): void
}

export interface IssuersOptions extends KeysOptions {
  readonly issuers: readonly IssuerSpec[]
}

/** What a key must be for each algorithm: public, or a secret of at least so many bytes. `none` has no row. */
const algorithms = {
  RS256: 'public',
  RS384: 'public',
  RS512: 'public',
  PS256: 'public',
  PS384: 'public',
  PS512: 'public',
  ES256: 'public',
  ES384: 'public',
  ES512: 'public',
  EdDSA: 'public',
  Ed25519: 'public',
  HS256: 32,
  HS384: 48,
  HS512: 64,
} as const satisfies Record<(typeof tokenAlgorithms)[number], 'public' | number>

const needs: ReadonlyMap<string, 'public' | number> = new Map(Object.entries(algorithms))

const mostCharacters = 16 * 1024
const toleranceSeconds = 60
const rememberedMilliseconds = 300_000
const mostRemembered = 10_000

/** A row, ready to verify with. */
interface Issuer {
  readonly spec: IssuerSpec
  readonly algorithms: string[]
  readonly audience: string[]
  readonly keys: JWTVerifyGetKey | IssuerKeys
}

interface Remembered {
  readonly verified: Verified
  readonly until: number
}

/** Begins to read the keys of its issuers, until it is disposed. `invalid` for a row that cannot be trusted. */
export function createIssuers({ issuers, ...options }: IssuersOptions): Issuers {
  const remembered = new Map<string, Remembered>()
  const forget = (matches: (verified: Verified) => boolean) => {
    for (const [digest, { verified }] of remembered) if (matches(verified)) remembered.delete(digest)
  }
  for (const spec of issuers) check(spec, issuers)
  const rows = Map.groupBy(
    issuers.map(spec => prepare(spec, options, () => forget(({ issuer }) => issuer === spec.issuer))),
    ({ spec }) => spec.issuer,
  )

  async function verifyAnew(token: string, digest: string, now: number): Promise<Verified> {
    const issuer = choose(token, rows)
    const { spec } = issuer
    try {
      const payload = await verifySignature(token, issuer, now)
      const claimed = readClaims(payload, spec.claims)
      if (typeof claimed === 'string') throw invalidToken(`The token names no ${claimed}: ${askIssuer}`)
      const expiresAt = ((payload.exp ?? 0) + toleranceSeconds) * 1000
      const { issuer: iss, name = '' } = spec
      const verified = Object.freeze({ ...claimed, issuer: iss, name, digest, expiresAt })
      const until = Math.min(expiresAt, now + rememberedMilliseconds)
      const [oldest] = remembered.size < mostRemembered ? [] : remembered.keys()
      if (oldest !== undefined) remembered.delete(oldest)
      remembered.set(digest, { verified, until })
      return verified
    } catch (error) {
      throw explain(error)
    }
  }

  return {
    forget,
    verify(token, now) {
      if (token.length > mostCharacters) throw invalidToken(`The token is too long: ${askIssuer}`)
      const digest = hash('sha256', token, 'hex')
      const known = remembered.get(digest)
      if (known && now < known.until) return known.verified
      remembered.delete(digest)
      return verifyAnew(token, digest, now)
    },
    [Symbol.dispose]() {
      for (const { keys } of [...rows.values()].flat()) if (keys instanceof IssuerKeys) keys[Symbol.dispose]()
      remembered.clear()
    },
  }
}

/** The row by what the token says of itself; nothing of it is believed yet. */
function choose(token: string, rows: ReadonlyMap<string, readonly Issuer[]>): Issuer {
  let claims: ReturnType<typeof decodeJwt>
  try {
    claims = decodeJwt(token)
  } catch (cause) {
    throw invalidToken('The token is no JWT: check that it was copied whole.', cause)
  }
  const named = typeof claims.iss === 'string' ? rows.get(claims.iss) : undefined
  if (!named)
    throw invalidToken('The token’s issuer is not trusted here: use a token of another, or an API key.')
  const { aud = [] } = claims
  const audience: readonly unknown[] = Array.isArray(aud) ? aud : [aud]
  const issuer = named.find(({ spec }) => spec.audience.some(one => audience.includes(one)))
  if (!issuer) throw invalidToken(`The token was made for somebody else: ${askIssuer}`)
  return issuer
}

async function verifySignature(token: string, { spec, keys, ...row }: Issuer, now: number) {
  const options = {
    ...row,
    issuer: spec.issuer,
    clockTolerance: toleranceSeconds,
    currentDate: new Date(now),
    requiredClaims: ['exp'],
  }
  if (!(keys instanceof IssuerKeys)) return (await jwtVerify(token, keys, options)).payload
  try {
    return (await jwtVerify(token, await keys.current(), options)).payload
  } catch (error) {
    if (!(error instanceof errors.JWKSNoMatchingKey) || !(await keys.renew())) throw error
    return (await jwtVerify(token, await keys.current(), options)).payload
  }
}

const askIssuer = 'ask its issuer for another one.'

const invalidToken = (message: string, cause?: unknown) =>
  new Fault('unauthenticated', message, { reason: 'invalid_token', cause })

/** Which of its checks refused a token is said as far as its holder can do something about it. */
function explain(error: unknown): unknown {
  if (error instanceof errors.JWTExpired) return invalidToken('The token has expired: get a new one.', error)
  if (error instanceof errors.JWTClaimValidationFailed && error.claim === 'nbf')
    return invalidToken('The token is not valid yet: check the clock of its issuer.', error)
  if (error instanceof Fault) return error
  // Also what WebCrypto says of a key that the issuer published and that is none.
  return invalidToken(`The token is not accepted: ${askIssuer}`, error)
}

function prepare(spec: IssuerSpec, options: KeysOptions, changed: () => void): Issuer {
  const { issuer, secret, jwksUri } = spec
  const shared = { spec, algorithms: [...spec.algorithms], audience: [...spec.audience] }
  if (secret) {
    const key = Uint8Array.from(secret)
    return { ...shared, keys: () => key }
  }
  if (jwksUri !== undefined)
    return { ...shared, keys: new IssuerKeys(issuer, new URL(jwksUri), options, changed) }
  return { ...shared, keys: keySetOf(spec) }
}

function keySetOf({ issuer, jwks }: IssuerSpec): JWTVerifyGetKey {
  try {
    return readKeySet(jwks)
  } catch (cause) {
    throw wrong(issuer, 'jwks cannot be read: give a JSON Web Key Set with public keys.', cause)
  }
}

function check(spec: IssuerSpec, all: readonly IssuerSpec[]): void {
  const { issuer, audience, secret, jwks, jwksUri } = spec
  if (issuer === '') throw wrong('""', 'an issuer needs its `iss`.')
  if (audience.length === 0 || audience.includes(''))
    throw wrong(issuer, 'audience must name at least one: without it, tokens made for others would pass.')
  if (spec.algorithms.length === 0) throw wrong(issuer, 'algorithms must name at least one.')
  if ([secret, jwks, jwksUri].filter(given => given !== undefined).length !== 1)
    throw wrong(issuer, 'exactly one of jwksUri, jwks and secret must be given.')
  for (const name of spec.algorithms) {
    const needed = needs.get(name)
    if (needed === undefined)
      throw wrong(
        issuer,
        `${JSON.stringify(name)} is no algorithm that is accepted: use ${[...needs.keys()].join(', ')}.`,
      )
    if (needed === 'public' && secret) throw wrong(issuer, `${name} needs jwksUri or jwks, not a secret.`)
    if (needed !== 'public' && !secret)
      throw wrong(issuer, `${name} needs a secret: with public keys, anybody could sign by it.`)
    if (needed !== 'public' && secret && secret.length < needed)
      throw wrong(issuer, `${name} needs a secret of at least ${needed} bytes.`)
  }
  if (jwksUri !== undefined && URL.parse(jwksUri)?.protocol !== 'https:')
    throw wrong(issuer, 'jwksUri must be an https:// URL.')
  const same = all.filter(
    other => other.issuer === issuer && other.audience.some(one => audience.includes(one)),
  )
  if (same.length > 1) throw wrong(issuer, 'two rows have it with the same audience: give each its own.')
}

/** Rows that can be trusted, and of each other one why not: what is wrong with one closes no door for the rest. */
export function sortIssuers(rows: readonly IssuerSpec[]): {
  readonly sound: readonly IssuerSpec[]
  readonly unsound: readonly { readonly name: string; readonly error: Fault }[]
} {
  const sound: IssuerSpec[] = []
  const unsound: { readonly name: string; readonly error: Fault }[] = []
  for (const spec of rows)
    try {
      check(spec, [...sound, spec])
      if (spec.jwks !== undefined) keySetOf(spec)
      sound.push(spec)
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      unsound.push({ name: spec.name ?? '', error })
    }
  return { sound, unsound }
}

const wrong = (issuer: string, what: string, cause?: unknown) =>
  new Fault('invalid', `Issuer ${issuer}: ${what}`, { reason: 'invalid_value', cause })
