// What a reply says about the limits above it, from the tightest bucket of each dimension: in OpenAI's words or
// in Anthropic's, and for everyone in those of draft-ietf-httpapi-ratelimit-headers-10.
import { type Bucket, type LimitDimension, type Standing, tightest, type Verdict } from '@switchyard/runtime'

export type LimitSpelling = 'openai' | 'anthropic'

type Shown = Exclude<LimitDimension, 'money'>

/** The three headers that tell of one dimension in one spelling. */
interface Names {
  readonly limit: string
  readonly remaining: string
  readonly reset: string
}

/** Names in the headers, put together once; money is nobody's to read here. */
const shown = (
  [
    ['requests', 'requests'],
    ['tokens', 'tokens'],
    ['input_tokens', 'input-tokens'],
    ['output_tokens', 'output-tokens'],
    ['concurrency', 'concurrency'],
  ] as const satisfies readonly (readonly [Shown, string])[]
).map(([dimension, name]) => ({ dimension, name, anthropic: anthropicNames(name) }))

const openaiRequests = openaiNames('requests')
const openaiTokens = openaiNames('tokens')

/** Adds names and values in turn, none when no bucket was asked. */
export function addLimitHeaders(headers: string[], verdict: Verdict, spelling: LimitSpelling): void {
  const { told, policyOf } = planOf(verdict.buckets)
  let policies = ''
  let states = ''
  let tokens: Standing | undefined
  for (const { dimension, name, anthropic } of told) {
    const standing = tightest(verdict, dimension)
    if (!standing) continue
    const { bucket, remaining, resetMs } = standing
    const comma = policies && ', '
    policies += `${comma}${policyOf.get(bucket)}`
    states += `${comma}"${name}";r=${remaining}${resetMs === undefined ? '' : `;t=${Math.ceil(resetMs / 1000)}`}`
    if (dimension === 'concurrency') continue
    if (spelling === 'anthropic') tell(headers, anthropic, standing, momentOf(verdict.atUs, resetMs))
    else if (dimension === 'requests') tell(headers, openaiRequests, standing, durationOf(resetMs))
    else if (!tokens || remaining < tokens.remaining) tokens = standing
  }
  if (tokens) tell(headers, openaiTokens, tokens, durationOf(tokens.resetMs))
  if (policies) headers.push('ratelimit-policy', policies, 'ratelimit', states)
}

/** `retry-after` in whole seconds, rounded up, and the exact milliseconds; none when no waiting helps. */
export function retryHeaders(retryAfterMs: number | undefined): readonly string[] {
  if (retryAfterMs === undefined) return []
  return [
    'retry-after',
    String(Math.max(1, Math.ceil(retryAfterMs / 1000))),
    'retry-after-ms',
    String(retryAfterMs),
  ]
}

function openaiNames(name: string): Names {
  const of = (what: string) => `x-ratelimit-${what}-${name}`
  return { limit: of('limit'), remaining: of('remaining'), reset: of('reset') }
}

function anthropicNames(name: string): Names {
  const start = `anthropic-ratelimit-${name}`
  return { limit: `${start}-limit`, remaining: `${start}-remaining`, reset: `${start}-reset` }
}

function tell(
  headers: string[],
  names: Names,
  { limit, remaining }: Standing,
  reset: string | undefined,
): void {
  headers.push(names.limit, String(limit), names.remaining, String(remaining))
  if (reset !== undefined) headers.push(names.reset, reset)
}

/** As OpenAI writes durations: `12ms`, `1.5s`, `6m0s`, `1h0m3s`. */
function durationOf(milliseconds: number | undefined): string | undefined {
  if (milliseconds === undefined) return undefined
  if (milliseconds === 0) return '0s'
  if (milliseconds < 1000) return `${milliseconds}ms`
  const hours = Math.floor(milliseconds / 3_600_000)
  const minutes = Math.floor(milliseconds / 60_000) % 60
  const seconds = (milliseconds % 60_000) / 1000
  if (hours > 0) return `${hours}h${minutes}m${seconds}s`
  return minutes > 0 ? `${minutes}m${seconds}s` : `${seconds}s`
}

/** RFC 3339 in whole seconds, rounded up: at that moment it is true. */
function momentOf(atUs: number, resetMs: number | undefined): string | undefined {
  if (resetMs === undefined) return undefined
  const second = Math.ceil((atUs / 1000 + resetMs) / 1000) * 1000
  return new Date(second).toISOString().replace('.000Z', 'Z')
}

/** What of a list of buckets is the same for every answer. */
interface Plan {
  /** What they limit. */
  readonly told: typeof shown
  readonly policyOf: ReadonlyMap<Bucket, string>
}

/** The buckets above a key and model are one list, made once. */
const plans = new WeakMap<readonly Bucket[], Plan>()

function planOf(buckets: readonly Bucket[]): Plan {
  let plan = plans.get(buckets)
  if (plan === undefined) {
    plan = makePlan(buckets)
    plans.set(buckets, plan)
  }
  return plan
}

function makePlan(buckets: readonly Bucket[]): Plan {
  const policyOf = new Map<Bucket, string>()
  const told = shown.filter(({ dimension, name }) => {
    const own = buckets.filter(bucket => bucket.dimension === dimension)
    for (const bucket of own) policyOf.set(bucket, makePolicy(bucket, name))
    return own.length > 0
  })
  return { told, policyOf }
}

function makePolicy(bucket: Bucket, name: string): string {
  if (bucket.type === 'rate')
    return `"${name}";q=${bucket.limit};w=${Math.max(1, Math.round(bucket.windowMs / 1000))}`
  return `"${name}";q=${bucket.bound}${bucket.type === 'seats' ? ';qu="concurrent-requests"' : ''}`
}
