// Looks whether a provider of OpenID Connect can be signed in by: it answers, is who it is said to be, and has keys.
import { parseCidr } from '@switchyard/kinds'
import type { Discover, Discovery } from '@switchyard/runtime'
import { customFetch, discovery, None } from 'openid-client'
import { isObject } from './merge-patch.ts'
import type { OutsideFetch, Provider } from './sso-provider.ts'

const timeoutSeconds = 10
const mismatch = 'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED'

export function discoverWith(fetch: OutsideFetch): Discover {
  return async (document, signal) => {
    const { spec } = document as Provider // asked of IdentityProviders
    const allowed = spec.allowCidrs.flatMap(text => parseCidr(text) ?? [])
    const dial = fetch({ allowed, ca: spec.ca })
    let keysAt: string | undefined
    try {
      const found = await discovery(new URL(spec.issuer), spec.clientId, {}, None(), {
        [customFetch]: dial,
        timeout: timeoutSeconds,
      })
      keysAt = found.serverMetadata().jwks_uri
    } catch (error) {
      return saysOtherwise(error) ? otherIssuer : unreachable(spec.issuer)
    }
    return (await hasKeys(dial, keysAt, signal)) ? { found: true } : noKeys
  }
}

const otherIssuer: Discovery = {
  found: false,
  reason: 'IssuerMismatch',
  message: 'It answers, and calls itself by another issuer: write spec.issuer to the letter as it says it.',
}
const noKeys: Discovery = {
  found: false,
  reason: 'BadKeys',
  message:
    'It answers, and the address of its keys (jwks_uri) gives none that sign: nobody could be verified.',
}
const unreachable = (issuer: string): Discovery => ({
  found: false,
  reason: 'Unreachable',
  message: `${issuer} does not answer as a provider of OpenID Connect: check spec.issuer, and for one inside your network spec.allowCidrs and spec.ca.`,
})

function saysOtherwise(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause)
    if ('code' in at && at.code === mismatch) return true
  return false
}

async function hasKeys(
  dial: ReturnType<OutsideFetch>,
  at: string | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  if (at === undefined) return false
  try {
    const response = await dial(at, {
      method: 'GET',
      headers: { accept: 'application/json' },
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutSeconds * 1000)]),
    })
    const body: unknown = response.ok ? await response.json() : undefined
    const keys: unknown = isObject(body) ? body.keys : undefined
    return (
      Array.isArray(keys) && keys.some(key => isObject(key) && 'kty' in key && (key.use ?? 'sig') === 'sig')
    )
  } catch {
    // Whatever it gave is not a set of keys, which is what was asked.
    return false
  }
}
