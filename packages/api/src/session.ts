// Session tokens: short EdDSA JWTs that carry no rights, and the keys that sign them.
import { Fault } from '@switchyard/kinds'
import type { IdentityStore, SignInMethod, SigningKey, Vault } from '@switchyard/runtime'
import {
  calculateJwkThumbprint,
  decodeProtectedHeader,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JWK,
  jwtVerify,
  SignJWT,
} from 'jose'
import { z } from 'zod'
import { signingKeysOn } from './signing-keys.ts'

export const accessSeconds = 600
export const idleSeconds = 14 * 86_400
export const totalSeconds = 90 * 86_400
const audience = 'switchyard'
const day = 86_400_000
/** A key is replaced after this many days; its successor is published one day before it signs. */
const turnDays = 30
/** A token lives 10 min; a minute more for clocks that differ. */
const lastTokenMilliseconds = (accessSeconds + 60) * 1000

export interface Claims {
  /** Name of the User. */
  readonly user: string
  readonly session: string
  readonly expiresAt: string
}

/** Which key signs now, which are published, and whether the next one is to be made. */
export function keyring(
  keys: readonly SigningKey[],
  now: number,
): {
  readonly signer: SigningKey | undefined
  readonly published: readonly SigningKey[]
  readonly due: boolean
} {
  const ordered = [...keys].sort((a, b) => a.createdAt.localeCompare(b.createdAt))
  // The first key signs at once, because there is no other; each later one after a day in the published set.
  const signsFrom = (key: SigningKey, place: number) => Date.parse(key.createdAt) + (place === 0 ? 0 : day)
  const signer = ordered.findLast((key, place) => signsFrom(key, place) <= now)
  const published = ordered.filter((_, place) => {
    const next = ordered[place + 1]
    return next === undefined || now < signsFrom(next, place + 1) + lastTokenMilliseconds
  })
  const newest = ordered.at(-1)
  const due = newest === undefined || now - Date.parse(newest.createdAt) >= (turnDays - 1) * day
  return { signer, published, due }
}

export interface Tokens {
  /** A signed access token of 10 minutes. */
  mint(user: string, session: { readonly id: string; readonly method: SignInMethod }): Promise<string>
  /** `unauthenticated` unless it is ours, EdDSA, of a published key, and of this time. */
  verify(token: string): Promise<Claims>
  jwks(): Promise<{ readonly keys: readonly JWK[] }>
}

export interface TokensOptions {
  readonly identity: IdentityStore
  /** Keeps the private halves of the keys; without it they stand beside the public ones. */
  readonly vault?: Vault | undefined
  /** `iss` of the tokens: the public address of this installation. */
  readonly issuer: string
  readonly now: () => number
  readonly uuid: () => string
}

/** `amr` of a token (RFC 8176, which has no word for links and for another's sign-in). */
const methods: Readonly<Record<SignInMethod, string>> = { password: 'pwd', link: 'link', sso: 'sso' }

const claimsSchema = z.object({ sub: z.string().startsWith('user:'), sid: z.uuid(), exp: z.int() })

export function createTokens({ identity, vault, issuer, now, uuid }: TokensOptions): Tokens {
  const signing = signingKeysOn(identity, vault)
  /** Keys as last read, for at most a minute, so that another process's new key is seen well before it signs. */
  let known: { readonly keys: readonly SigningKey[]; readonly readAt: number } | undefined

  async function read(maxAge: number): Promise<readonly SigningKey[]> {
    if (known && now() - known.readAt < maxAge) return known.keys
    let keys = await signing.read()
    if (keyring(keys, now()).due) keys = await signing.add(await makeKey(now()))
    known = { keys, readAt: now() }
    return keys
  }

  async function published(kid: string): Promise<SigningKey | undefined> {
    const find = (keys: readonly SigningKey[]) => keyring(keys, now()).published.find(key => key.kid === kid)
    // An unknown kid may be of a key that another process has just made; look again, at most every 5 s.
    return find(await read(60_000)) ?? find(await read(5_000))
  }

  return {
    async mint(user, session) {
      const { signer } = keyring(await read(60_000), now())
      if (!signer) throw new Fault('unavailable', 'There is no signing key yet. Try again in a moment.')
      const privateHalf = await signing.privateHalf(signer)
      const seconds = Math.floor(now() / 1000)
      return new SignJWT({ sid: session.id, amr: [methods[session.method]] })
        .setProtectedHeader({ alg: 'EdDSA', kid: signer.kid, typ: 'JWT' })
        .setIssuer(issuer)
        .setAudience(audience)
        .setSubject(`user:${user}`)
        .setIssuedAt(seconds)
        .setNotBefore(seconds)
        .setExpirationTime(seconds + accessSeconds)
        .setJti(uuid())
        .sign(await importJWK(parseJwk(privateHalf.reveal()), 'EdDSA'))
    },
    async verify(token) {
      const { kid, alg } = headerOf(token)
      const key = alg === 'EdDSA' && kid !== undefined ? await published(kid) : undefined
      if (!key) throw refused()
      const publicKey = await importJWK(parseJwk(key.publicJwk), 'EdDSA')
      try {
        const { payload } = await jwtVerify(token, publicKey, {
          algorithms: ['EdDSA'],
          issuer,
          audience,
          requiredClaims: ['sub', 'sid', 'iat', 'nbf', 'exp', 'jti'],
          currentDate: new Date(now()),
          clockTolerance: 5,
        })
        const { sub, sid, exp } = claimsSchema.parse(payload)
        return {
          user: sub.slice('user:'.length),
          session: sid,
          expiresAt: new Date(exp * 1000).toISOString(),
        }
      } catch (cause) {
        throw refused(cause)
      }
    },
    async jwks() {
      const keys = keyring(await read(60_000), now()).published
      return {
        keys: keys.map(key => ({ ...parseJwk(key.publicJwk), kid: key.kid, alg: 'EdDSA', use: 'sig' })),
      }
    },
  }
}

function headerOf(token: string): ReturnType<typeof decodeProtectedHeader> {
  try {
    return decodeProtectedHeader(token)
  } catch (cause) {
    throw refused(cause)
  }
}

function refused(cause?: unknown): Fault {
  return new Fault(
    'unauthenticated',
    'This session token is not valid any more. Refresh it or sign in again.',
    {
      reason: 'session_invalid',
      cause,
    },
  )
}

function parseJwk(text: string): JWK {
  return JSON.parse(text) as JWK // written by makeKey
}

async function makeKey(now: number): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true })
  const publicJwk = await exportJWK(publicKey)
  return {
    kid: await calculateJwkThumbprint(publicJwk),
    privateJwk: JSON.stringify(await exportJWK(privateKey)),
    publicJwk: JSON.stringify(publicJwk),
    createdAt: new Date(now).toISOString(),
  }
}
