// Which pages of other origins may call the gateway from a browser, and what the browser is told of it. Pure: the
// answers are names and values of headers, in turn.
import { Fault } from '@switchyard/kinds'

export interface CorsOptions {
  /** Origins as a browser writes them, such as `https://app.example.com`, or `*` for all; none by default. */
  readonly origins: readonly string[]
  /** Lets a page send cookies and client certificates along, default false: the gateway reads neither. */
  readonly credentials?: boolean
  /** Seconds for which a browser remembers a preflight, default 7200: the most that Chromium takes. */
  readonly maxAge?: number
}

/** A question of a browser before the request itself: `OPTIONS` with `origin` and `access-control-request-method`. */
export interface Preflight {
  readonly origin: string
  readonly method: string
  /** `access-control-request-headers`. */
  readonly headers?: string | undefined
}

export interface Cors {
  /** Headers of the answer to a preflight, which has status 204 and needs no credential. */
  preflight(ask: Preflight): readonly string[]
  /** Whether pages of this origin may call. */
  allows(origin: string): boolean
  /** Headers of every other answer, refusals included; `origin` is the request's, if it had one. */
  reply(origin: string | undefined): readonly string[]
}

const methods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'DELETE'])

/** Headers that a caller may send: carriers of the credential, what section 3 reads, what SDKs add by themselves. */
const taken: ReadonlySet<string> = new Set([
  'accept',
  'accept-language',
  'authorization',
  'x-api-key',
  'api-key',
  'x-goog-api-key',
  'x-goog-api-client',
  'content-type',
  'content-encoding',
  'content-language',
  'x-request-id',
  'traceparent',
  'tracestate',
  'anthropic-version',
  'anthropic-beta',
  'anthropic-dangerous-direct-browser-access',
  'openai-beta',
  'openai-organization',
  'openai-project',
  'idempotency-key',
  'inference-header-content-length',
  'mcp-session-id',
  'mcp-protocol-version',
  'last-event-id',
  'x-litellm-timeout',
  'x-litellm-num-retries',
  'x-litellm-tags',
])
/** How the others begin. */
const takenFamilies = ['x-stainless-', 'x-switchyard-'] as const
const headerName = /^[a-z0-9-]{1,64}$/
const mostAsked = 100

const buckets = ['requests', 'tokens'] as const
const bucketsOfAnthropic = ['requests', 'tokens', 'input-tokens', 'output-tokens'] as const
const measures = ['limit', 'remaining', 'reset'] as const

/** Headers of answers that a page may read, beside those that it always may. */
const exposed = [
  'x-request-id',
  'request-id',
  'x-upstream-request-id',
  'retry-after',
  'retry-after-ms',
  'x-should-retry',
  ...['attempts', 'model', 'cache', 'fallback', 'overhead-ms', 'cost', 'upstream', 'warning'].map(
    name => `x-switchyard-${name}`,
  ),
  'openai-processing-ms',
  'ratelimit',
  'ratelimit-policy',
  ...measures.flatMap(measure => buckets.map(bucket => `x-ratelimit-${measure}-${bucket}`)),
  ...bucketsOfAnthropic.flatMap(bucket =>
    measures.map(measure => `anthropic-ratelimit-${bucket}-${measure}`),
  ),
  'age',
  'mcp-session-id',
  'inference-header-content-length',
].join(', ')

/** `invalid` for what is no origin, and for `*` together with credentials, by which any page would act for its reader. */
export function compileCors({ origins, credentials = false, maxAge = 7200 }: CorsOptions): Cors {
  const any = origins.includes('*')
  if (any && credentials)
    throw new Fault('invalid', 'Credentials cannot be allowed to every origin: list the origins.', {
      reason: 'invalid_value',
    })
  const listed = new Set(origins.filter(origin => origin !== '*').map(readOrigin))
  // A cache must not give one origin's answer to another; with `*` alone all answers are the same.
  const vary = any && listed.size === 0 ? [] : ['vary', 'origin']
  const allow = (origin: string) => [
    'access-control-allow-origin',
    any ? '*' : origin,
    ...(credentials ? ['access-control-allow-credentials', 'true'] : []),
    ...vary,
  ]
  const expose = ['access-control-expose-headers', exposed]
  const forAll = Object.freeze(any ? [...allow('*'), ...expose] : [...vary])
  const replies = new Map(
    any ? [] : [...listed].map(origin => [origin, Object.freeze([...allow(origin), ...expose])]),
  )
  const preflightVary = ['vary', 'access-control-request-method, access-control-request-headers']
  return Object.freeze({
    allows: (origin: string) => any || listed.has(origin),
    reply: (origin: string | undefined) => (origin === undefined ? forAll : (replies.get(origin) ?? forAll)),
    preflight({ origin, method, headers = '' }: Preflight) {
      if (!any && !listed.has(origin)) return [...vary, ...preflightVary]
      return [
        ...allow(origin),
        ...preflightVary,
        ...(methods.has(method) ? ['access-control-allow-methods', method] : []),
        ...namesOf(headers),
        'access-control-max-age',
        String(maxAge),
      ]
    },
  })
}

/** Names are answered one by one: a browser takes no wildcard inside of a name, and none at all for authorization. */
function namesOf(asked: string): readonly string[] {
  const names = asked
    .toLowerCase()
    .split(',', mostAsked)
    .map(name => name.trim())
    .filter(name => taken.has(name) || takenFamilies.some(family => name.startsWith(family)))
    .filter(name => headerName.test(name))
  return names.length === 0 ? [] : ['access-control-allow-headers', names.join(', ')]
}

function readOrigin(text: string): string {
  const url = URL.parse(text)
  // What is not of the web has the origin `null`, which pages without any origin share.
  const web = url?.protocol === 'https:' || url?.protocol === 'http:'
  if (web && url.origin === text && !text.includes('*')) return text
  throw new Fault(
    'invalid',
    `${JSON.stringify(text)} is no origin: write it as https://app.example.com, without a path or a closing slash.`,
    { reason: 'invalid_value' },
  )
}
