// A call as far as it has come, and what is told of it once it has ended: to metrics, logs and spans.
import type { Usage } from '@switchyard/dialects'
import type { AttemptTimes, CallTimes, EndReason } from '@switchyard/runtime'
import { usedBy } from './admission.ts'
import type { Credential } from './authenticate.ts'
import type { AttemptEnded, RequestEnded } from './ended.ts'
import type { Head } from './head.ts'
import type { House } from './house.ts'
import type { Opening } from './opening.ts'
import type { Target } from './paths.ts'
import type { Relay } from './relay.ts'
import type { Route } from './route.ts'

/** What is not known yet is undefined. */
export interface Story {
  readonly id: string
  readonly house: House
  /** Milliseconds since 1970. */
  readonly startedAt: number
  /** Address of the caller's socket. */
  readonly peer: string
  readonly streamed: boolean
  readonly target: Target | undefined
  readonly head: Head | undefined
  readonly credential: Credential | undefined
  readonly route: Route | undefined
  readonly opening: Opening | undefined
  readonly relay: Relay
  /** Milliseconds since 1970. */
  readonly firstContentAt: number | undefined
  /** Of the body, as far as it has come. */
  readonly bytesIn: number
  /** A part of a form has not come, and will not be read. */
  readonly unread: boolean
  /** Once it is settled. */
  readonly usage: Usage | undefined
  /** Of the fault that it ends with. */
  readonly reason: string | undefined
}

const noTries: readonly AttemptEnded[] = []

/** Counts and tells the end of a call. */
export function tell(story: Story, end: EndReason, status: number): void {
  const { metrics, clock, observe } = story.house
  const ended = endedOf(story, end, status, clock())
  const { caller, operation, route, milliseconds, waited, firstContent, usage, cache } = ended
  metrics.request(caller, operation, route ?? '', status, end)
  metrics.times(milliseconds, waited, firstContent)
  if (story.streamed && end === 'done' && usage && firstContent !== undefined)
    metrics.pace(milliseconds - firstContent, usedBy(usage).outputTokens)
  if (cache) metrics.cache(cache)
  observe(ended)
}

/** More than any route allows. */
const mostTries = 64

/** When what happened within it, since it was admitted; asked when it is settled, and every try has ended. */
export function timesWithin({ streamed, firstContentAt, startedAt, opening }: Story): CallTimes {
  // A clock that is set back tells of no time before.
  const since = (at: number) => Math.max(0, Math.round(at - startedAt))
  const attempts = (opening?.answering?.tries ?? noTries).slice(0, mostTries).map(
    ({ upstream, outcome, status, startedAt: sentAt, contentAt, endedAt }): AttemptTimes => ({
      upstream,
      outcome,
      status,
      startMs: since(sentAt),
      contentMs: contentAt === undefined ? undefined : since(contentAt),
      endMs: since(endedAt),
    }),
  )
  return {
    firstTokenMs: streamed && firstContentAt !== undefined ? since(firstContentAt) : undefined,
    attempts,
  }
}

function endedOf(story: Story, end: EndReason, status: number, now: number): RequestEnded {
  const { head, target, opening, firstContentAt, startedAt, usage } = story
  const principal = story.credential?.principal
  const answering = opening?.answering
  // A stream waits for its upstream until the end.
  const streaming = story.streamed && firstContentAt !== undefined ? now - firstContentAt : 0
  return {
    type: 'request_ended',
    request: story.id,
    callerId: head?.requestId,
    client: story.house.door.callerOf(story.peer, head?.forwardedFor),
    key: principal?.key,
    workspace: principal?.workspace,
    project: principal?.project,
    caller: target?.caller ?? '',
    operation: target?.type === 'operation' ? target.operation : '',
    route: story.route?.name,
    model: opening?.admitted.model,
    streamed: story.streamed,
    maxOutput: opening?.ask.maxOutput,
    upstream: answering?.upstream || undefined,
    attempts: answering?.attempts ?? 0,
    tries: answering?.tries ?? noTries,
    cache: answering?.cache,
    detour: answering?.detour,
    status,
    end,
    reason: story.reason,
    startedAt,
    milliseconds: now - startedAt,
    waited: (answering?.waited ?? 0) + streaming,
    firstContent: firstContentAt === undefined ? undefined : firstContentAt - startedAt,
    bytesIn: story.bytesIn,
    bytesOut: story.relay.sent,
    // A kept answer has made nobody work.
    usage: usage?.tier === 'cache' ? undefined : usage,
    warning: answering?.warning || undefined,
    traceparent: head?.traceparent,
    tracestate: head?.tracestate,
  }
}
