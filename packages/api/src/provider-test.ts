// Whether a provider can be called: it is dialled as a call would, with its credential, and asked for its models. What it
// says in words is never handed on: some services repeat the key that they refuse.
import { carriedBy, listingOf, providerRow } from '@switchyard/catalog'
import {
  type CredentialSecret,
  type credential,
  type DocumentOf,
  parseCidr,
  type provider,
} from '@switchyard/kinds'
import type { OutsideFetch } from './sso-provider.ts'

type ProviderDocument = DocumentOf<typeof provider>

/** What was found, closed. */
export const findings = [
  'ok',
  'answers',
  'credential_refused',
  'credential_missing',
  'address_refused',
  'unreachable',
  'late',
  'not_found',
  'limited',
  'failing',
  'redirected',
  'unreadable',
] as const
export type Finding = (typeof findings)[number]

export interface Tested {
  readonly finding: Finding
  /** What it means and what to do, in English. */
  readonly message: string
  /** What was asked for, without the query: that may carry the key. */
  readonly address: string
  /** Undefined where nothing answered. */
  readonly status?: number
  readonly milliseconds: number
  /** As the provider calls them; at most 1000. */
  readonly models: readonly string[]
  /** Models of its document that it does not list. */
  readonly missing: readonly string[]
}

/** A credential with what it holds. */
export interface Held {
  readonly document: DocumentOf<typeof credential>
  readonly secret: CredentialSecret
}

export interface TestOptions {
  readonly outside: OutsideFetch
  /** Milliseconds, for measuring. */
  readonly monotonic: () => number
  readonly signal: AbortSignal
}

const mostModels = 1000
const mostMilliseconds = 8_000

const messages: Readonly<Record<Finding, string>> = {
  ok: 'It answers, takes the credential and lists its models.',
  answers: 'It answers, but has no list of models, so the credential could not be tried.',
  credential_refused: 'It answers and refuses the credential: check the key and what it may do.',
  credential_missing: 'The credential holds nothing that can be read: write it anew.',
  address_refused:
    'Its name leads to an address that may not be dialled: for one inside your network allow its range in spec.allowCidrs.',
  unreachable: 'Nothing answers there: check the address, the name, the port and the certificate.',
  late: `It did not answer within ${mostMilliseconds / 1000} s.`,
  not_found: 'It answers, but has no list of models at this address: check where its API begins.',
  limited:
    'It answers and takes no more requests for now: its limit is reached, or the account has no credit.',
  failing: 'It answers with an error of its own: try again later.',
  redirected:
    'It answers by sending elsewhere, which is not followed: write the address where its API begins.',
  unreadable: 'It answers with something that is no list of models: check where its API begins.',
}

function findingOf(status: number): Finding | undefined {
  if (status === 401 || status === 403) return 'credential_refused'
  if (status === 404 || status === 405) return 'not_found'
  if (status === 402 || status === 429) return 'limited'
  if (status >= 500) return 'failing'
  if (status >= 300 && status < 400) return 'redirected'
  return status >= 400 ? 'unreadable' : undefined
}

function whyNot(error: unknown): Finding {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'refused_address') return 'address_refused'
  if (code === 'deadline' || (error instanceof Error && error.name === 'TimeoutError')) return 'late'
  // More than is read of an answer.
  if (code === 'too_large' || code === 'malformed') return 'unreadable'
  return 'unreachable'
}

export async function testProvider(
  { spec }: ProviderDocument,
  held: Held | undefined,
  { outside, monotonic, signal }: TestOptions,
): Promise<Tested> {
  const row = providerRow(spec.type)
  const listing = listingOf(row)
  const base = (spec.baseUrl ?? row.baseUrl ?? '').replace(/\/+$/, '')
  const address = `${base}${listing?.path ?? ''}`
  const since = monotonic()
  const told = (finding: Finding, more: Partial<Tested> = {}): Tested => ({
    finding,
    message: messages[finding],
    address,
    milliseconds: Math.round(monotonic() - since),
    models: [],
    missing: [],
    ...more,
  })
  if (spec.credential !== undefined && !held) return told('credential_missing')
  const carried = held && carriedBy(row, held.document.spec, held.secret)
  const headers: Record<string, string> = { accept: 'application/json' }
  for (const [name, value] of Object.entries({ ...row.headers, ...spec.headers }))
    headers[name.toLowerCase()] = value
  const own = carried?.headers ?? []
  for (let at = 0; at + 1 < own.length; at += 2) headers[own[at] ?? ''] = own[at + 1] ?? ''
  const url = new URL(address)
  if (carried && carried.query !== '')
    url.search = url.search === '' ? carried.query : `${url.search}&${carried.query}`
  try {
    const dial = outside({ allowed: spec.allowCidrs.flatMap(text => parseCidr(text) ?? []) })
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(mostMilliseconds)])
    const response = await dial(url.href, { method: 'GET', headers, signal: bounded })
    const { status } = response
    if (!listing)
      return told(
        status === 401 || status === 403 ? 'credential_refused' : status >= 500 ? 'failing' : 'answers',
        {
          status,
        },
      )
    const wrong = findingOf(status)
    if (wrong) return told(wrong, { status })
    const models = listing.namesIn(parsed(await response.text()))
    if (!models) return told('unreadable', { status })
    const listed = new Set(models)
    return told('ok', {
      status,
      models: models.slice(0, mostModels),
      missing: spec.models.map(({ name, upstream = name }) => upstream).filter(name => !listed.has(name)),
    })
  } catch (error) {
    if (signal.aborted) throw error
    return told(monotonic() - since >= mostMilliseconds ? 'late' : whyNot(error))
  }
}

/** Undefined for what is no JSON: a list is looked for in it, and none is found. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}
