// A request of the Responses API that goes on from an earlier response, made ready to be asked: bound to the upstream
// that keeps that response, or with the whole conversation in it where it is kept here.
import {
  type Ask,
  type Conversation,
  continuedRequest,
  conversationItems,
  conversationOf,
  guardedRequest,
  noBackground,
  notKept,
  readRequest,
} from '@switchyard/dialects'
import { Fault } from '@switchyard/kinds'
import type { ResponseScope } from '@switchyard/runtime'
import { bodyTooLarge } from '../head.ts'
import type { House } from '../house.ts'
import { speechFor } from '../order.ts'
import { mayCall } from '../resolve.ts'
import type { Route } from '../route.ts'
import type { Principal } from '../snapshot.ts'

/** Bytes of one kept request and response: of larger ones nothing is kept. */
export const mostKeptBytes = 8 * 1024 * 1024
/** Responses of one conversation. */
export const mostLinks = 1000

/** What is to be kept of an answer, and for whom. */
export interface Keep {
  readonly scope: ResponseScope
  readonly model: string
  readonly previous: string | null
  /** The body as the caller sent it, or its items as a guardrail has left them; undefined where nothing may be kept here. */
  readonly request: Buffer | undefined
}

export interface Resumed {
  readonly ask: Ask
  /** What is sent in place of the caller's bytes, where those do not say it all. */
  readonly conversation?: Conversation | undefined
  /** Key of the one upstream that may be asked. */
  readonly pinned?: string | undefined
  readonly keep?: Keep | undefined
}

export interface Asking {
  readonly ask: Ask
  readonly route: Route
  readonly principal: Principal
}

export const scopeOf = ({ workspace, project }: Principal): ResponseScope => ({ workspace, project })

/**
 * Throws, or rejects with, `invalid` where the model cannot go on from any response, and `response_not_found` for one that
 * is not there for this caller.
 */
export function resume(house: House, asking: Asking): Resumed | Promise<Resumed> {
  const { ask, route } = asking
  const { keeping } = ask
  if (!keeping) return { ask }
  if (keeping.background) throw noBackground()
  const { previous } = keeping
  if (previous === undefined) return begun(house, asking)
  if (
    !house.responses ||
    (!route.storeResponses && !route.tiers.some(({ upstreams }) => upstreams.some(speaks(ask))))
  )
    throw notKept('previous_response_id')
  return goneOn(house, asking, previous)
}

const speaks =
  (ask: Ask) =>
  (upstream: Parameters<typeof speechFor>[0]): boolean =>
    speechFor(upstream, ask).dialect === 'responses'

function begun(house: House, asking: Asking): Resumed {
  const { ask, route } = asking
  const keep = keepOf(house, asking, null)
  // Guardrails look at the whole conversation: it has to be here when it goes on.
  const here = keep?.request !== undefined && route.guarding.guards !== undefined
  return { ask, keep, ...(here && { conversation: conversationOf(ask) }) }
}

/** Undefined where nothing is to be remembered. */
function keepOf(
  { responses }: House,
  { ask, route, principal }: Asking,
  previous: string | null,
): Keep | undefined {
  if (!responses || !ask.keeping?.store) return undefined
  const here = route.storeResponses && ask.bytes.length <= mostKeptBytes
  return { scope: scopeOf(principal), model: ask.model, previous, request: here ? ask.bytes : undefined }
}

async function goneOn(house: House, asking: Asking, previous: string): Promise<Resumed> {
  const { ask, route, principal } = asking
  const { responses, limits } = house
  const bounds = { bytes: limits.bodyBytes, links: mostLinks }
  const chain = isId(previous)
    ? await responses?.store.chain(scopeOf(principal), previous, bounds)
    : undefined
  if (!chain?.every(({ model }) => mayCall(principal, model))) throw responseNotFound('previous_response_id')
  const [first] = chain
  const keep = keepOf(house, asking, previous)
  if (first.upstream !== undefined) {
    const { upstream } = first
    if (!route.tiers.some(({ upstreams }) => upstreams.some(one => one.key === upstream && speaks(ask)(one))))
      throw madeElsewhere(ask.model)
    if (route.guarding.guards) throw unseen(ask.model)
    // Nothing is kept here of a conversation that is not here from its beginning.
    return { ask, pinned: upstream, keep: keep && { ...keep, request: undefined } }
  }
  if (!route.storeResponses) throw notKept('previous_response_id')
  const contents = chain.flatMap(link => (link.upstream === undefined ? [link.content.reveal()] : []))
  const body = continuedRequest(ask.bytes, conversationItems(contents, 'answered'))
  if (body.length > limits.bodyBytes) throw bodyTooLarge(limits)
  const whole = readRequest(ask.caller, ask.operation, body, ask.line)
  // The items are in the form in which they are told: whoever answers is asked in its own.
  return { ask: whole, conversation: conversationOf(whole), keep }
}

/** The same where a guardrail has left another conversation: what it took out is not kept either. */
export function guarded(resumed: Resumed, conversation: Conversation): Resumed {
  const { ask, keep } = resumed
  if (!keep?.request) return { ...resumed, conversation }
  const request = guardedRequest(keep.request, { before: conversationOf(ask), after: conversation })
  return { ...resumed, conversation, keep: { ...keep, request } }
}

/** The form of ids that are kept. */
export const isId = (id: string): boolean => /^[A-Za-z0-9_][A-Za-z0-9._:-]{0,127}$/.test(id)

/** The same for one that is unknown, has expired, was deleted, or is somebody else's. */
export function responseNotFound(path: 'previous_response_id' | 'response_id'): Fault {
  const message = `There is no such response, or it is no longer kept: see '${path}'.`
  return new Fault('not_found', message, {
    reason: 'response_not_found',
    details: [{ path, rule: 'response_not_found', message }],
  })
}

const madeElsewhere = (model: string) =>
  refused(
    `names a response that was made where '${model}' does not lead: ask the model that made it, or send the whole conversation in 'input'.`,
  )

/** What a guardrail cannot look into does not pass it. */
const unseen = (model: string) =>
  refused(
    `names a response that its maker keeps, and '${model}' is guarded: guardrails cannot look into it. Send the whole conversation in 'input', or give the route storeResponses: true.`,
  )

function refused(why: string): Fault {
  const path = 'previous_response_id'
  const message = `'${path}' ${why}`
  return new Fault('invalid', message, {
    reason: 'invalid_value',
    details: [{ path, rule: 'invalid_value', message }],
  })
}
