// What the headers of a request say, read once, before a byte of the body.
import type { CallerName } from '@switchyard/dialects'
import { Fault } from '@switchyard/kinds'
import type { Limits } from './limits.ts'
import { type Carrying, callerOf, type Target } from './paths.ts'
import type { Inbound } from './wire/inbound.ts'
import type { Wishes } from './wishes.ts'

export interface Head {
  /** The credential that the headers carry. */
  readonly carried: Carried
  /** The caller's id of the request where it is fit to be kept. */
  readonly requestId: string | undefined
  /** Declared length; -1 when the body is chunked. */
  readonly length: number
  readonly contentType: string | undefined
  readonly encoding: string | undefined
  /** Names and values in turn that the upstream is to see; undefined when there are none. */
  readonly forwarded: readonly string[] | undefined
  readonly anthropicVersion: string | undefined
  readonly anthropicBeta: string | undefined
  readonly traceparent: string | undefined
  readonly tracestate: string | undefined
  readonly accept: string | undefined
  readonly acceptEncoding: string | undefined
  readonly origin: string | undefined
  readonly forwardedFor: string | undefined
  /** `x-switchyard-*` of the caller by the rest of the name; undefined when there are none. */
  readonly wishes: Wishes
}

export interface Carried {
  readonly key: string | undefined
  readonly conflicting: boolean
  /** Where a person who is signed in calls. */
  readonly wishes?: Wishes
}

const maxHeaders = 100
const idForm = /^[A-Za-z0-9._-]{1,128}$/
const bearer = /^bearer +/i
const ours = 'x-switchyard-'

/** Places of what the headers say in a list of it: V8 stores by number what it looks up by name. */
const at = {
  requestId: 0,
  contentType: 1,
  encoding: 2,
  anthropicVersion: 3,
  anthropicBeta: 4,
  openaiBeta: 5,
  traceparent: 6,
  tracestate: 7,
  accept: 8,
  acceptEncoding: 9,
  origin: 10,
  forwardedFor: 11,
  length: 12,
  chunked: 13,
  authorization: 14,
  key: 15,
} as const

const fields: ReadonlyMap<string, number> = new Map([
  ['x-request-id', at.requestId],
  ['content-type', at.contentType],
  ['content-encoding', at.encoding],
  ['anthropic-version', at.anthropicVersion],
  ['anthropic-beta', at.anthropicBeta],
  ['openai-beta', at.openaiBeta],
  ['traceparent', at.traceparent],
  ['tracestate', at.tracestate],
  ['accept', at.accept],
  ['accept-encoding', at.acceptEncoding],
  ['origin', at.origin],
  ['x-forwarded-for', at.forwardedFor],
  ['x-api-key', at.key],
  ['api-key', at.key],
  ['x-goog-api-key', at.key],
  ['authorization', at.authorization],
  ['content-length', at.length],
  ['transfer-encoding', at.chunked],
])

type Found = (string | undefined)[]

function nothingFound(): Found {
  const found: Found = []
  for (let i = 0; i <= at.key; i++) found.push(undefined)
  return found
}

/** Header names are few and come again: each spelling is lowered once. */
const spellings = new Map<string, number>()
const mostSpellings = 4096

/** Its place, -1 for a header that says nothing here. */
function fieldOf(name: string): number {
  const known = spellings.get(name)
  if (known !== undefined) return known
  const field = fields.get(name.toLowerCase()) ?? -1
  if (spellings.size < mostSpellings) spellings.set(name, field)
  return field
}

const smuggled = (message: string) =>
  new Fault('invalid', message, { reason: 'malformed_request', status: 400 })

/** What of a target says how its headers are read. */
type Aimed = Pick<Target, 'caller'> & { readonly carrying?: Carrying }

/** Reads the headers in one pass over their raw list, in which no duplicate has been dropped. */
export function readHead({ headers, url }: Inbound, limits: Limits, target: Aimed): Head {
  if (headers.length > maxHeaders * 2)
    throw new Fault('too_large', `More than ${maxHeaders} headers were sent.`, {
      reason: 'headers',
      status: 431,
    })
  const found = nothingFound()
  let key: string | undefined
  let conflicting = false
  let wishes: Map<string, string> | undefined
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] ?? ''
    const field = fieldOf(name)
    if (field < 0) {
      if (name.length > ours.length && name.slice(0, ours.length).toLowerCase() === ours) {
        wishes ??= new Map()
        wishes.set(name.slice(ours.length).toLowerCase(), headers[i + 1] ?? '')
      }
      continue
    }
    const value = headers[i + 1] ?? ''
    if (field === at.key || field === at.authorization) {
      if (field === at.authorization && found[field] !== undefined)
        throw smuggled('Two authorization headers were sent: send one.')
      const carried = field === at.key ? value : value.replace(bearer, '')
      if (key !== undefined && key !== carried) conflicting = true
      key = carried
    }
    // Each proxy may add a header of its own: together they are one list.
    const before = field === at.forwardedFor ? found[field] : undefined
    found[field] = before === undefined ? value : `${before}, ${value}`
  }
  if (target.caller === 'gemini' || target.caller === 'geminiArray') {
    const carried = queryKey(url)
    if (carried !== undefined && key !== undefined && key !== carried) conflicting = true
    key ??= carried
  }
  const chunked = found[at.chunked] !== undefined
  const declared = found[at.length]
  const length = declared === undefined ? 0 : Number(declared)
  if (chunked && declared !== undefined)
    throw smuggled('Both content-length and transfer-encoding were sent: send one.')
  const requestId = found[at.requestId]
  const bodyBytes = target.carrying === 'form' ? limits.formBytes : limits.bodyBytes
  if (length > bodyBytes) throw bodyTooLarge({ bodyBytes })
  return {
    carried: { key, conflicting, wishes },
    requestId: requestId !== undefined && idForm.test(requestId) ? requestId : undefined,
    length: chunked ? -1 : length,
    contentType: found[at.contentType],
    encoding: found[at.encoding],
    forwarded: forwardedOf(found),
    anthropicVersion: found[at.anthropicVersion],
    anthropicBeta: found[at.anthropicBeta],
    traceparent: found[at.traceparent],
    tracestate: found[at.tracestate],
    accept: found[at.accept],
    acceptEncoding: found[at.acceptEncoding],
    origin: found[at.origin],
    forwardedFor: found[at.forwardedFor],
    wishes,
  }
}

const passed = [
  [at.openaiBeta, 'openai-beta'],
  [at.anthropicBeta, 'anthropic-beta'],
  [at.anthropicVersion, 'anthropic-version'],
] as const

function forwardedOf(found: Found): readonly string[] | undefined {
  let headers: string[] | undefined
  for (const [field, name] of passed) {
    const value = found[field]
    if (value === undefined) continue
    headers ??= []
    headers.push(name, value)
  }
  return headers
}

/** Gemini's clients may carry the key in the query. */
function queryKey(url: string): string | undefined {
  const query = url.indexOf('?')
  return query < 0 ? undefined : (new URLSearchParams(url.slice(query + 1)).get('key') ?? undefined)
}

/** The dialect of a request whose path is not spoken: by the path, then by the headers that only one sends. */
export function dialectOf({ url, headers }: Inbound): CallerName {
  const caller = callerOf(url)
  if (caller !== 'openai') return caller
  for (let i = 0; i < headers.length; i += 2) {
    const field = headers[i]?.toLowerCase()
    if (field === 'anthropic-version') return 'anthropic'
    if (field === 'x-goog-api-key') return 'gemini'
  }
  return 'openai'
}

/** Three dialects list their models at one path: the prefix chooses, then a header that only one sends. */
export function askedAs(target: Target, inbound: Inbound): Target {
  if (target.type !== 'models' || target.caller !== 'openai') return target
  const caller = dialectOf(inbound)
  return caller === 'anthropic' || caller === 'gemini' ? { ...target, caller } : target
}

export function bodyTooLarge({ bodyBytes }: Pick<Limits, 'bodyBytes'>): Fault {
  return new Fault('too_large', `The body is larger than ${bodyBytes} bytes: send less.`, { reason: 'body' })
}

/**
 * Bodies are JSON; a type is wanted so that no form of a web page is taken for one. Ollama's clients send any, and
 * who reads a form looks at its type.
 */
export function checkMediaType({ contentType }: Head, { caller, carrying }: Aimed): void {
  if (caller === 'ollama' || caller === 'ollamaGenerate' || carrying === 'form') return
  if (contentType === 'application/json') return
  if (contentType !== undefined && /^application\/([a-z0-9.+-]+\+)?json\s*(;|$)/i.test(contentType)) return
  throw new Fault('unsupported', 'The body must be JSON: send `content-type: application/json`.', {
    reason: 'media_type',
    status: 415,
  })
}
