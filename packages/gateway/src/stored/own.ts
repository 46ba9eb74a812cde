// What is asked about a response that was made before: read it, list what it was asked with, end it, drop it. What is kept
// here is answered here; of another's the upstream that keeps it is asked.
import {
  conversationItems,
  deletedBody,
  type ItemPage,
  itemsBody,
  keptResponse,
  shownResponse,
} from '@switchyard/dialects'
import { Fault } from '@switchyard/kinds'
import type { ResponseElsewhere, ResponseHere } from '@switchyard/runtime'
import { malformed } from '../failure.ts'
import type { House } from '../house.ts'
import type { Target } from '../paths.ts'
import { findRoute, mayCall, opens } from '../resolve.ts'
import type { Upstream } from '../route.ts'
import type { Principal, Snapshot } from '../snapshot.ts'
import { askUpstream } from './ask-upstream.ts'
import { isId, mostLinks, responseNotFound, scopeOf } from './resume.ts'

type ResponseTarget = Extract<Target, { type: 'response' }>

export interface Asked {
  readonly principal: Principal
  readonly snapshot: Snapshot
  /** Nobody waits any more. */
  readonly signal: AbortSignal
}

interface Asking extends Asked {
  readonly house: House
  readonly target: ResponseTarget
}

/** The body of a 200. Rejects with `response_not_found` for what is not there for this caller. */
export async function answerStored(
  house: House,
  target: ResponseTarget,
  asked: Asked,
): Promise<Buffer | string> {
  const { principal } = asked
  const { id, query } = target
  if (query.get('stream') === 'true') throw notStreamed()
  const found = isId(id) ? await house.responses?.store.find(scopeOf(principal), id) : undefined
  if (!found || !mayCall(principal, found.model)) throw responseNotFound('response_id')
  const asking = { ...asked, house, target }
  return found.upstream === undefined ? answers[target.what](found, asking) : passOn(found, asking)
}

const answers: Readonly<
  Record<ResponseTarget['what'], (found: ResponseHere, asking: Asking) => Promise<string>>
> = {
  read: async ({ content }) => keptResponse(content.reveal()),

  async items({ id }, { house, target, principal }) {
    const page = pageOf(target.query)
    const bounds = { bytes: house.limits.bodyBytes, links: mostLinks }
    const chain = await house.responses?.store.chain(scopeOf(principal), id, bounds)
    const contents = chain?.flatMap(link => (link.upstream === undefined ? [link.content.reveal()] : []))
    if (!contents) throw responseNotFound('response_id')
    const body = itemsBody(conversationItems(contents, 'asked'), page)
    if (body === undefined)
      throw invalid('after', "'after' names no item of this response: begin without it.")
    return body
  },

  async cancel() {
    throw invalid('response_id', 'Only a response that is made in the background can be cancelled.')
  },

  async delete({ id }, { house, principal }) {
    if (!(await house.responses?.store.forget(scopeOf(principal), id))) throw responseNotFound('response_id')
    return deletedBody(id)
  },
}

const methods = { read: 'GET', items: 'GET', cancel: 'POST', delete: 'DELETE' } as const

/** Words of a query that an upstream is to hear. */
const heard: ReadonlySet<string> = new Set(['include', 'include[]', 'after', 'before', 'limit', 'order'])

async function passOn(found: ResponseElsewhere, asking: Asking): Promise<Buffer> {
  const { house, target, principal, snapshot, signal } = asking
  const { what, id } = target
  const upstream = keeperOf(found, principal, snapshot)
  if (!upstream) throw responseNotFound('response_id')
  const query = new URLSearchParams([...target.query].filter(([name]) => heard.has(name))).toString()
  const path = `/v1/responses/${id}${suffixes[what]}${query === '' ? '' : `?${query}`}`
  const forget = () => house.responses?.store.forget(scopeOf(principal), id)
  let body: Buffer
  try {
    body = await askUpstream(house, upstream, { method: methods[what], path }, signal)
  } catch (error) {
    // Some can go on from a response and yet show none.
    if (what === 'delete' && error instanceof Fault && error.reason === 'response_not_found') await forget()
    throw error
  }
  if (what === 'delete') await forget()
  const exposed = findRoute(found.model, principal, snapshot)?.exposeModel === true
  const shown = shownResponse(body, what === 'items' || exposed ? undefined : found.model)
  if (!shown) throw malformed('The upstream answered with no JSON.').fault
  return shown
}

const suffixes = { read: '', delete: '', cancel: '/cancel', items: '/input_items' } as const

/** The upstream that keeps it, where a route still leads there that is open to the caller. */
function keeperOf(
  { upstream: key }: ResponseElsewhere,
  principal: Principal,
  snapshot: Snapshot,
): Upstream | undefined {
  const routes = snapshot.routes.get(principal.workspace)
  const all = [...(routes?.named.values() ?? []), routes?.wildcards ?? []].flat()
  for (const route of all)
    if (opens(route, principal))
      for (const { upstreams } of route.tiers) {
        const found = upstreams.find(upstream => upstream.key === key)
        if (found) return found
      }
  return undefined
}

const mostItems = 100

function pageOf(query: URLSearchParams): ItemPage {
  const limit = query.get('limit') ?? '20'
  if (!/^\d{1,3}$/.test(limit) || Number(limit) < 1 || Number(limit) > mostItems)
    throw invalid('limit', `'limit' must be a number from 1 to ${mostItems}.`)
  const order = query.get('order') ?? 'desc'
  if (order !== 'asc' && order !== 'desc') throw invalid('order', "'order' must be asc or desc.")
  return { after: query.get('after') ?? undefined, limit: Number(limit), order }
}

const notStreamed = () =>
  invalid('stream', 'Only a response that is made in the background can be streamed again: leave out stream.')

function invalid(path: string, message: string): Fault {
  return new Fault('invalid', message, {
    reason: 'invalid_value',
    details: [{ path, rule: 'invalid_value', message }],
  })
}
