// Why an attempt failed: what it means for the upstream, whether another may do better, and what the caller is told.
import { Fault } from '@switchyard/kinds'
import type { Refused } from '@switchyard/runtime'
import { type HealthOutcome, outcomeOfStatus } from './health/outcome.ts'
import type { Outcome } from './metrics.ts'

export interface Failure {
  readonly outcome: Outcome
  /** What it says of the upstream, and so whether another attempt may do better. */
  readonly health: HealthOutcome
  readonly fault: Fault
  /** Seconds after which the upstream wants to be asked again. */
  readonly retryAfter?: number | undefined
  /** The upstream's own error type, for the event that ends a stream. */
  readonly type?: string | undefined
  readonly cause?: unknown
}

const upstreamError = (message: string) =>
  new Fault('unavailable', message, { reason: 'upstream_error', status: 502 })

export const unreachable = upstreamError('The upstream could not be reached: try again.')

/** An address that may not be dialled: whoever configured the upstream reads which in the log, callers never do. */
export const forbidden: Failure = {
  outcome: 'refused',
  health: 'misconfigured',
  fault: upstreamError('The upstream of this model is not set up for calls: ask its administrator.'),
}

export const cut: Failure = {
  outcome: 'cut',
  health: 'fault',
  fault: upstreamError('The upstream broke off its answer: what was received is not complete.'),
}

export const malformed = (message: string): Failure => ({
  outcome: 'malformed',
  health: 'fault',
  fault: upstreamError('The upstream gave an answer that cannot be read: try again.'),
  cause: new Error(message),
})

export const tooLong: Failure = {
  outcome: 'deadline',
  health: 'aborted',
  fault: new Fault('deadline', 'The answer is longer than a stream may be.', { reason: 'total' }),
}

export const deadlines = {
  first_token: 'The upstream gave no content in time: try again.',
  idle: 'The upstream fell silent: what was received is not complete.',
  total: 'The request took longer than a request may take: ask for less at once.',
} as const

export function late(reason: keyof typeof deadlines): Failure {
  return {
    outcome: 'deadline',
    health: 'slow',
    fault: new Fault('deadline', deadlines[reason], { reason }),
  }
}

export const callerSlow = () =>
  new Fault('deadline', 'The body did not arrive in time: send it faster.', {
    reason: 'caller_slow',
    status: 408,
  })

/** Statuses of an upstream that is full or starting. */
const busy: ReadonlySet<number> = new Set([503, 529])

/** What an upstream's own status means here. Its text stays out of the answer. */
export function ofStatus(status: number, retryAfter?: number, type?: string): Failure {
  const failure = {
    outcome: 'status',
    health: status < 400 ? 'fault' : outcomeOfStatus(status),
    type,
    retryAfter,
    cause: new Error(`status ${status}`),
  } as const
  if (status === 429)
    return {
      ...failure,
      fault: new Fault('exhausted', 'The upstream takes no more requests for now: try again later.', {
        reason: 'upstream_rate_limited',
        retryAfterSeconds: retryAfter ?? 1,
      }),
    }
  if (busy.has(status))
    return {
      ...failure,
      fault: new Fault('unavailable', 'The upstream is full or starting: try again shortly.', {
        reason: 'overloaded',
        retryAfterSeconds: retryAfter ?? 1,
      }),
    }
  if (status === 501)
    return {
      ...failure,
      fault: new Fault('invalid', 'The upstream of this model does not offer this operation.', {
        reason: 'unsupported_by_model',
      }),
    }
  return { ...failure, fault: upstreamError('The upstream failed to answer: try again.') }
}

/** An upstream's own limit is reached here, before it is asked. */
export function overLimit({ retryAfterMs = 60_000 }: Refused): Failure {
  const seconds = Math.ceil(retryAfterMs / 1000)
  return { ...ofStatus(429, seconds), outcome: 'limited', cause: undefined }
}

/** What a caller is told of anything that was thrown: a fault as it is, all else as our own. */
export function faultOf(error: unknown): Fault {
  if (error instanceof Fault) return error
  return new Fault('internal', 'The gateway failed: try again, and tell its operator the request id.', {
    cause: error,
  })
}
