// OpenID Connect spoken with one provider: discovery, the address to sign in at, and what comes back, checked.
import { type DocumentOf, Fault, type identityProvider, parseCidr } from '@switchyard/kinds'
import type { Sealed } from '@switchyard/runtime'
import {
  authorizationCodeGrant,
  buildAuthorizationUrl,
  ClientSecretBasic,
  ClientSecretPost,
  type Configuration,
  calculatePKCECodeChallenge,
  clockTolerance,
  customFetch,
  discovery,
  enableNonRepudiationChecks,
  fetchUserInfo,
  None,
} from 'openid-client'
import { isObject } from './merge-patch.ts'

export type Provider = DocumentOf<typeof identityProvider>

/** A `fetch` that dials only what it may. */
export type OutsideFetch = (trust: {
  readonly allowed: readonly NonNullable<ReturnType<typeof parseCidr>>[]
  readonly ca?: string | undefined
}) => (
  url: string,
  asked: {
    readonly method: string
    readonly headers: Readonly<Record<string, string>>
    readonly body?: unknown
    readonly signal?: AbortSignal | undefined
  },
) => Promise<Response>

/** What a sign-in is begun with, and finished by the same browser. */
export interface Begun {
  readonly state: string
  readonly nonce: string
  /** Of PKCE (RFC 7636). */
  readonly verifier: string
}

/** Whom the provider vouches for. */
export interface Vouched {
  readonly issuer: string
  readonly subject: string
  /** Lower case, and only one that the provider has verified. */
  readonly email?: string
  readonly name?: string
  readonly groups: readonly string[]
}

export interface ProvidersOptions {
  readonly fetch: OutsideFetch
  /** Client secret of a provider, by the id of its document. */
  readonly secretOf: (provider: Provider) => Promise<Sealed | undefined>
  readonly now: () => number
}

export interface Providers {
  /** Where the browser is sent; `unavailable` when the provider cannot be reached or is not what it says. */
  address(provider: Provider, begun: Begun, returnTo: string): Promise<string>
  /** Checks state, issuer, audience, nonce, times and signature; `denied` when the provider refused. */
  finish(provider: Provider, begun: Begun, returned: URL): Promise<Vouched>
}

/** What was discovered is believed for so long. */
const keptMilliseconds = 600_000
const toleranceSeconds = 30
const timeoutSeconds = 10

export function createProviders({ fetch, secretOf, now }: ProvidersOptions): Providers {
  /** By the name of the document, so there are no more than documents. */
  const known = new Map<
    string,
    { readonly key: string; readonly at: number; readonly found: Promise<Configuration> }
  >()

  async function discover(provider: Provider): Promise<Configuration> {
    const { spec } = provider
    const secret = await secretOf(provider)
    const allowed = spec.allowCidrs.flatMap(text => parseCidr(text) ?? [])
    const found = await discovery(
      new URL(spec.issuer),
      spec.clientId,
      { [clockTolerance]: toleranceSeconds },
      secret === undefined ? None() : clientSecret(secret),
      { [customFetch]: fetch({ allowed, ca: spec.ca }), timeout: timeoutSeconds },
    )
    // The signature is checked too, although the token comes over TLS from the provider itself.
    enableNonRepudiationChecks(found)
    return found
  }

  async function configurationOf(provider: Provider): Promise<Configuration> {
    const { name, id, generation } = provider.metadata
    const key = `${id} ${generation}`
    const standing = known.get(name)
    if (standing?.key === key && now() - standing.at < keptMilliseconds) return standing.found
    const found = discover(provider)
    known.set(name, { key, at: now(), found })
    try {
      return await found
    } catch (cause) {
      known.delete(name)
      throw unreachable(name, cause)
    }
  }

  return {
    async address(provider, { state, nonce, verifier }, returnTo) {
      const configuration = await configurationOf(provider)
      return buildAuthorizationUrl(configuration, {
        redirect_uri: returnTo,
        scope: provider.spec.scopes.join(' '),
        state,
        nonce,
        code_challenge: await calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
      }).href
    },

    async finish(provider, { state, nonce, verifier }, returned) {
      const configuration = await configurationOf(provider)
      try {
        const tokens = await authorizationCodeGrant(configuration, returned, {
          pkceCodeVerifier: verifier,
          expectedState: state,
          expectedNonce: nonce,
          idTokenExpected: true,
        })
        const claims = tokens.claims()
        if (!claims) throw new TypeError('an ID token was expected, and is there')
        const more = configuration.serverMetadata().userinfo_endpoint
          ? await fetchUserInfo(configuration, tokens.access_token, claims.sub)
          : {}
        return vouched(provider, { ...more, ...claims })
      } catch (cause) {
        // The secret may be another one by now: the next try looks anew.
        known.delete(provider.metadata.name)
        throw new Fault(
          'denied',
          'The provider did not vouch for you, or its word did not hold. Try again.',
          {
            reason: 'sso_refused',
            cause: withoutTheirWords(cause),
          },
        )
      }
    },
  }
}

/** As the provider says that it takes it; `client_secret_basic` is what one takes that says nothing. */
function clientSecret(secret: Sealed) {
  const [basic, post] = [ClientSecretBasic(secret.reveal()), ClientSecretPost(secret.reveal())]
  return (...[server, ...given]: Parameters<typeof basic>) => {
    const taken = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic']
    return (taken.includes('client_secret_basic') ? basic : post)(server, ...given)
  }
}

function vouched({ spec }: Provider, claims: Readonly<Record<string, unknown>>): Vouched {
  const email = claimAt(claims, spec.claims.email)
  const name = claimAt(claims, spec.claims.name)
  const groups = claimAt(claims, spec.claims.groups)
  return {
    issuer: spec.issuer,
    subject: String(claims.sub),
    // Some providers say it as a text.
    ...(typeof email === 'string' && [true, 'true'].includes(claims.email_verified as boolean | string)
      ? { email: email.trim().toLowerCase() }
      : {}),
    ...(typeof name === 'string' && name.trim() !== '' ? { name: name.trim().slice(0, 128) } : {}),
    groups: groupsOf(groups),
  }
}

const mostGroups = 1000

/** A list, or one alone. What is no group's name is passed over. */
function groupsOf(value: unknown): readonly string[] {
  const all: readonly unknown[] = Array.isArray(value) ? value : [value]
  const names = all.filter(
    (group): group is string => typeof group === 'string' && /^[^\p{Cc}]{1,256}$/u.test(group),
  )
  return [...new Set(names)].slice(0, mostGroups)
}

function claimAt(claims: unknown, path: string | readonly string[]): unknown {
  let value = claims
  for (const step of typeof path === 'string' ? [path] : path)
    value = isObject(value) && Object.hasOwn(value, step) ? value[step] : undefined
  return value
}

function unreachable(name: string, cause: unknown): Fault {
  return new Fault(
    'unavailable',
    `The identity provider ${name} cannot be reached or is not what its issuer says. Ask an administrator; the log tells more.`,
    { reason: 'provider_unreachable', cause: withoutTheirWords(cause), retryAfterSeconds: 5 },
  )
}

/** RFC 6749, 4.1.2.1 and 5.2; OpenID Connect Core, 3.1.2.6. */
const errorCodes: ReadonlySet<unknown> = new Set([
  'invalid_request',
  'invalid_client',
  'invalid_grant',
  'invalid_scope',
  'unauthorized_client',
  'unsupported_grant_type',
  'unsupported_response_type',
  'access_denied',
  'server_error',
  'temporarily_unavailable',
  'interaction_required',
  'login_required',
  'consent_required',
])

/** What went wrong, for the log. What the provider said stays out: it may repeat the client secret, or a token. */
function withoutTheirWords(error: unknown): Error {
  if (!(error instanceof Error)) return new Error('something that is no error')
  const told: string[] = []
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if ('code' in at && typeof at.code === 'string') told.push(at.code)
    if ('error' in at && errorCodes.has(at.error)) told.push(String(at.error))
  }
  return new Error(told.length === 0 ? error.message : `${error.message} (${[...new Set(told)].join(', ')})`)
}
