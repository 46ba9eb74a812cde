// Who is calling: a session token, an API key or the operator's token, and whether that still holds.
import type { IncomingMessage } from 'node:http'
import { type apiKey, type Document, type DocumentOf, Fault, type user } from '@switchyard/kinds'
import type { Grant, Identity, IdentityStore, Secrets, Store } from '@switchyard/runtime'
import { type Caller, principalOf } from './authorize.ts'
import { isOperatorToken, parseKey, sameHash, sha256 } from './keys.ts'
import { canonical } from './merge-patch.ts'
import type { Tokens } from './session.ts'

/** Before anyone is known there is no caller: the server itself looks the credential up. */
const server: Identity = { role: 'control' }

/** The operator of this installation: whoever holds its token, and the server when it ships documents. */
export const operatorCaller: Caller = {
  principal: 'system:operator',
  grants: [{ workspace: null, permission: '*' }],
  scopes: ['*'],
  credential: { type: 'operator', hash: '' },
}

export interface AuthenticateOptions {
  readonly store: Store
  readonly secrets: Secrets
  readonly identity: IdentityStore
  readonly tokens: Tokens
  readonly now: () => number
  /** Told the id of each ApiKey that was accepted. */
  readonly keyUsed?: ((id: string) => void) | undefined
}

export type Standing = 'same' | 'grants_changed' | 'ended'

export interface Authenticate {
  /** `unauthenticated` without a credential or with a bad one; `invalid` with two different ones. */
  request(headers: IncomingMessage['headersDistinct']): Promise<Caller>
  token(token: string): Promise<Caller>
  /** Whether what a caller presented still stands, for streams that are open meanwhile. */
  standing(caller: Caller): Promise<Standing>
}

function unauthenticated(message: string, reason: string): Fault {
  return new Fault('unauthenticated', message, { reason })
}

/** The one credential of a request, from `Authorization: Bearer` or `X-Api-Key`. */
export function credentialOf(headers: IncomingMessage['headersDistinct']): string | undefined {
  const found = new Set<string>()
  for (const value of headers.authorization ?? []) {
    const token = /^Bearer +(\S+)$/i.exec(value.trim())?.[1]
    if (token === undefined)
      throw unauthenticated('Send the credential as "Authorization: Bearer <token>".', 'bad_authorization')
    found.add(token)
  }
  for (const value of headers['x-api-key'] ?? []) found.add(value.trim())
  if (found.size > 1)
    throw new Fault('invalid', 'The request carries two different credentials. Send one.', {
      reason: 'ambiguous_credentials',
    })
  return [...found][0]
}

export function createAuthenticate(options: AuthenticateOptions): Authenticate {
  const { store, secrets, identity, tokens, now, keyUsed = () => {} } = options

  async function bySession(token: string): Promise<Caller> {
    const claims = await tokens.verify(token)
    const [session, person] = await Promise.all([
      identity.session(claims.session),
      store.read(server, tx => tx.get({ kind: 'User', workspace: null, name: claims.user })),
    ])
    // Said first: a disabled account has no session left either, and this is the reason that helps.
    if (!person || isOff(person)) throw unauthenticated('This account is disabled.', 'account_disabled')
    if (
      !session ||
      session.user !== claims.user ||
      session.endedAt !== undefined ||
      Date.parse(session.endsAt) <= now()
    )
      throw unauthenticated('This session has ended. Sign in again.', 'session_ended')
    return {
      principal: `user:${claims.user}`,
      grants: await store.grants(`user:${claims.user}`),
      scopes: ['*'],
      credential: { type: 'session', id: claims.session, expiresAt: claims.expiresAt },
    }
  }

  async function byKey(token: string, publicId: string): Promise<Caller> {
    const refused = unauthenticated(
      'This API key is not valid. Check that it was copied whole and not revoked.',
      'key_invalid',
    )
    const hash = sha256(token)
    const fields = [{ key: 'status.publicId', operator: 'in', values: [publicId] }] as const
    const { items } = await store.read(server, tx => tx.list({ kind: 'ApiKey', fields, limit: 1 }))
    const key = items[0] as DocumentOf<typeof apiKey> | undefined // listed by kind
    const kept = key && (await secrets.secret(key.metadata.id, 'key'))
    if (!key || !kept || !accepts(kept, hash, now())) throw refused
    const { spec, metadata } = key
    if (metadata.deletionTimestamp !== undefined) throw refused
    if (spec.disabled) throw unauthenticated('This API key is disabled.', 'key_disabled')
    if (spec.expiresAt !== undefined && Date.parse(spec.expiresAt) <= now())
      throw unauthenticated('This API key has expired.', 'key_expired')
    const owner = await ownerOf(key)
    if (!owner || isOff(owner))
      throw unauthenticated('The owner of this API key is disabled or gone.', 'key_owner_disabled')
    const principal = principalOf(spec.owner, metadata.workspace)
    keyUsed(metadata.id)
    return {
      principal,
      grants: await store.grants(principal),
      scopes: spec.scopes,
      workspace: metadata.workspace ?? '',
      credential: { type: 'key', id: metadata.id, name: metadata.name, publicId, hash },
    }
  }

  function ownerOf({ spec, metadata }: DocumentOf<typeof apiKey>): Promise<Document | undefined> {
    const { kind, name } = spec.owner
    const workspace = kind === 'User' ? null : metadata.workspace
    return store.read(server, tx => tx.get({ kind, workspace, name }))
  }

  async function byOperatorToken(token: string): Promise<Caller> {
    const hash = sha256(token)
    if (!(await identity.isOperatorToken(hash)))
      throw unauthenticated(
        "This is not the operator's token of this installation.",
        'operator_token_invalid',
      )
    return { ...operatorCaller, credential: { type: 'operator', hash } }
  }

  async function token(given: string): Promise<Caller> {
    if (given.startsWith('sk-sy-')) {
      const parsed = parseKey(given)
      if (!parsed)
        throw unauthenticated('This API key is mistyped: its check digits do not fit.', 'key_mistyped')
      return byKey(given, parsed.publicId)
    }
    if (isOperatorToken(given)) return byOperatorToken(given)
    return bySession(given)
  }

  /** The same caller looked up anew, or why not. */
  async function again(caller: Caller): Promise<Caller | undefined> {
    const { credential } = caller
    if (credential.type === 'operator')
      return (await identity.isOperatorToken(credential.hash)) ? caller : undefined
    const grants = await store.grants(caller.principal)
    if (credential.type === 'session') {
      const session = await identity.session(credential.id)
      const open = session && session.endedAt === undefined && Date.parse(session.endsAt) > now()
      const name = caller.principal.slice('user:'.length)
      const person = await store.read(server, tx => tx.get({ kind: 'User', workspace: null, name }))
      return open && person && !isOff(person) ? { ...caller, grants } : undefined
    }
    const key = { kind: 'ApiKey', workspace: caller.workspace ?? null, name: credential.name }
    const found = (await store.read(server, tx => tx.get(key))) as DocumentOf<typeof apiKey> | undefined // by kind
    if (!found || found.metadata.id !== credential.id || isOff(found)) return undefined
    if (found.spec.expiresAt !== undefined && Date.parse(found.spec.expiresAt) <= now()) return undefined
    const kept = await secrets.secret(credential.id, 'key')
    if (!kept || !accepts(kept, credential.hash, now())) return undefined
    const person = await ownerOf(found)
    return person && !isOff(person) ? { ...caller, grants, scopes: found.spec.scopes } : undefined
  }

  return {
    async request(headers) {
      const credential = credentialOf(headers)
      if (credential === undefined)
        throw unauthenticated(
          'Sign in first: send "Authorization: Bearer <session token or API key>".',
          'no_credential',
        )
      return token(credential)
    },
    token,
    async standing(caller) {
      const current = await again(caller)
      if (!current) return 'ended'
      return rights(current) === rights(caller) ? 'same' : 'grants_changed'
    },
  }
}

function accepts(
  kept: { readonly hash: string; readonly previous?: { readonly hash: string; readonly until: string } },
  hash: string,
  now: number,
): boolean {
  if (sameHash(kept.hash, hash)) return true
  return (
    kept.previous !== undefined && Date.parse(kept.previous.until) > now && sameHash(kept.previous.hash, hash)
  )
}

/** Disabled or being deleted. */
function isOff(document: Document): boolean {
  const { disabled } = document.spec as DocumentOf<typeof user>['spec'] // users, accounts and keys have it alike
  return disabled || document.metadata.deletionTimestamp !== undefined
}

function rights({ grants, scopes }: Caller): string {
  const text = ({ workspace, permission }: Grant) => `${workspace ?? ''}\0${permission}`
  return canonical([grants.map(text).sort(), [...scopes].sort()])
}
