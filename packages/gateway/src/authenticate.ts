// headers, snapshot -> Principal. The key is looked up by the hash of its whole value, never by a part of it.
import { hash } from 'node:crypto'
import { Fault } from '@switchyard/kinds'
import type { Verified } from './door/issuers.ts'
import type { Bearer, LiveSession } from './door/sessions.ts'
import { faultOf } from './failure.ts'
import type { Carried } from './head.ts'
import { wellFormed } from './key.ts'
import { principalOf as personOf } from './person.ts'
import type { KeyEntry, Principal, Refusal, Snapshot } from './snapshot.ts'
import { principalOf } from './token.ts'
import type { Link } from './wire/inbound.ts'
import type { Wishes } from './wishes.ts'

const unauthenticated = (reason: string, message: string) => new Fault('unauthenticated', message, { reason })

const missing =
  'No API key: send it as `authorization: Bearer sk-sy-…`. Make one with `switchyard keys create`.'
const unknown = 'The API key is not known: check that it was copied whole, or make a new one.'

/** What each refusal tells the caller. */
const refusals = {
  disabled: ['invalid_api_key', 'The API key is disabled: enable it, or use another one.'],
  expired: ['expired_api_key', 'The API key has expired: make a new one, or rotate it.'],
  owner_disabled: [
    'invalid_api_key',
    'The owner of the API key is disabled or gone: use a key of another owner.',
  ],
  workspace_suspended: [
    'invalid_api_key',
    'The workspace of the API key is suspended: ask its administrator.',
  ],
  project_archived: [
    'invalid_api_key',
    'The project of the API key is archived: use a key of another project.',
  ],
  not_permitted: ['scope', 'The API key may not call models: its owner and its scopes need inference:call.'],
} as const satisfies Record<Refusal, readonly [string, string]>

/** Verifies tokens: at once those that were seen a moment ago. */
export interface Tokens {
  /** Of people who are signed in here; undefined for a token that is not of that kind. */
  session(token: string, now: number): Bearer | Promise<Bearer> | undefined
  /** Of outside issuers. */
  verify(token: string, now: number): Verified | Promise<Verified>
}

/** A caller whose key or token was accepted; the hash finds it again in a later snapshot. */
export interface Credential {
  readonly digest: string
  /** Milliseconds since 1970 at which it ends. */
  readonly until: number
  readonly principal: Principal
  /** Of an outside issuer. */
  readonly token?: Verified
  /** Of a person who is signed in, and where they call. */
  readonly person?: { readonly session: LiveSession; readonly wishes: Wishes }
  /** By which it was accepted last. */
  seen: Snapshot
}

/** Three parts in base64url; the last is empty where nobody has signed. */
const tokenForm = /^[\w-]+\.[\w-]+\.[\w-]*$/

/** Finds who calls. `unauthenticated`, `denied`, or `invalid` when two different keys were sent. */
export function authenticate(
  carried: Carried,
  snapshot: Snapshot,
  now: number,
  tokens?: undefined,
  link?: Link,
): Credential
/** The same, or by a token of a session or of an outside issuer: a promise where that was not seen before. */
export function authenticate(
  carried: Carried,
  snapshot: Snapshot,
  now: number,
  tokens: Tokens,
  link?: Link,
): Credential | Promise<Credential>
export function authenticate(
  carried: Carried,
  snapshot: Snapshot,
  now: number,
  tokens?: Tokens,
  link?: Link,
): Credential | Promise<Credential> {
  if (carried.conflicting)
    throw new Fault(
      'invalid',
      'Two different API keys were sent: send one, in one header, so that it is clear who pays.',
      { reason: 'conflicting_credentials' },
    )
  const { key } = carried
  if (key === undefined || key === '') throw unauthenticated('invalid_api_key', missing)
  if (key === link?.key) return ofKey(link.digest, snapshot, now)
  if (!wellFormed(key)) {
    if (!tokens || !tokenForm.test(key)) throw unauthenticated('invalid_api_key', unknown)
    const bearer = tokens.session(key, now)
    if (bearer)
      return bearer instanceof Promise
        ? bearer.then(one => signedIn(one, carried, snapshot))
        : signedIn(bearer, carried, snapshot)
    if (snapshot.issuers.size === 0) throw unauthenticated('invalid_api_key', unknown)
    const verified = tokens.verify(key, now)
    return verified instanceof Promise
      ? verified.then(token => bearing(token, snapshot))
      : bearing(verified, snapshot)
  }
  const digest = hash('sha256', key, 'hex')
  const credential = ofKey(digest, snapshot, now)
  // A connection shows one key again and again; it is asked of the snapshot each time.
  if (link) {
    link.key = key
    link.digest = digest
  }
  return credential
}

function ofKey(digest: string, snapshot: Snapshot, now: number): Credential {
  const { principal, until, use } = accept(digest, snapshot, now)
  use.at = now
  return { digest, principal, until: Math.min(until, principal.expiresAt), seen: snapshot }
}

/** What they have begun goes on while the session does, though its tokens last for minutes. */
function signedIn({ digest, session }: Bearer, { wishes }: Carried, snapshot: Snapshot): Credential {
  return {
    digest,
    principal: personOf(session, wishes, snapshot),
    until: Number.POSITIVE_INFINITY,
    person: { session, wishes },
    seen: snapshot,
  }
}

function bearing(token: Verified, snapshot: Snapshot): Credential {
  return {
    digest: token.digest,
    principal: principalOf(token, snapshot),
    until: token.expiresAt,
    token,
    seen: snapshot,
  }
}

/** Why a caller is not accepted any more, which ends what it has begun; looked at where something may have changed. */
export function recheck(credential: Credential, snapshot: Snapshot, now: number): Fault | undefined {
  const { digest, token, person } = credential
  if (person) person.session.usedAt = now
  const isEnded = now >= credential.until || person?.session.ended
  if (snapshot === credential.seen && !isEnded) return undefined
  credential.seen = snapshot
  try {
    if (person) personOf(person.session, person.wishes, snapshot)
    else if (!token) accept(digest, snapshot, now)
    else if (now < token.expiresAt) principalOf(token, snapshot)
    else return unauthenticated('invalid_token', 'The token has expired: get a new one.')
    return undefined
  } catch (error) {
    return faultOf(error)
  }
}

/** What a key's hash stands for at this moment; throws the fault that tells why it stands for nothing. */
function accept(digest: string, snapshot: Snapshot, now: number): KeyEntry {
  const entry = snapshot.keys.get(digest)
  if (!entry) throw unauthenticated('invalid_api_key', unknown)
  const { principal, until } = entry
  const refusal = principal.refusal ?? (now >= principal.expiresAt || now >= until ? 'expired' : undefined)
  if (refusal) throw refused(refusal)
  return entry
}

function refused(refusal: Refusal): Fault {
  const [reason, message] = refusals[refusal]
  return new Fault(refusal === 'not_permitted' ? 'denied' : 'unauthenticated', message, { reason })
}
