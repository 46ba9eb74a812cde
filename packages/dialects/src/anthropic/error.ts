// Faults in Anthropic's shape: {"type":"error","error":{type,message},"request_id"}, and what an upstream of this
// dialect says when it fails.
import type { Code, Fault } from '@switchyard/kinds'
import type { Delta } from '../conversation.ts'
import { type Raw, writeJson } from '../raw.ts'

const types = {
  invalid: 'invalid_request_error',
  unauthenticated: 'authentication_error',
  denied: 'permission_error',
  not_found: 'not_found_error',
  conflict: 'invalid_request_error',
  stale: 'invalid_request_error',
  expired: 'invalid_request_error',
  too_large: 'request_too_large',
  unsupported: 'invalid_request_error',
  exhausted: 'rate_limit_error',
  cancelled: 'invalid_request_error',
  deadline: 'timeout_error',
  unavailable: 'api_error',
  internal: 'api_error',
} as const satisfies Record<Code, string>

/** Reasons that have a type and a status of their own here. */
const exceptions: ReadonlyMap<string, { readonly type: string; readonly status: number }> = new Map([
  ['insufficient_quota', { type: 'billing_error', status: 402 }],
  ['overloaded', { type: 'overloaded_error', status: 529 }],
  ['no_upstream', { type: 'overloaded_error', status: 529 }],
])

/** The types that Anthropic documents, and the status that each stands for in the middle of a stream. */
const statuses: ReadonlyMap<string, number> = new Map([
  ['invalid_request_error', 400],
  ['authentication_error', 401],
  ['billing_error', 402],
  ['permission_error', 403],
  ['not_found_error', 404],
  ['request_too_large', 413],
  ['rate_limit_error', 429],
  ['api_error', 500],
  ['timeout_error', 504],
  ['overloaded_error', 529],
])

/** What of an upstream's own text is passed on at most, in characters. */
const maxMessage = 2048

export function errorType({ code, reason }: Fault): string {
  return exceptions.get(reason)?.type ?? types[code]
}

/** The HTTP status in this dialect: 402 where money is out, 529 where there is nobody to answer. */
export function errorStatus({ reason, status }: Fault): number {
  return exceptions.get(reason)?.status ?? status
}

export function errorBody(fault: Fault, requestId: string): Buffer {
  const error = { type: errorType(fault), message: fault.message }
  return Buffer.from(writeJson({ type: 'error', error, request_id: requestId }))
}

/** The event that ends a stream that has failed. An upstream's own type is kept where Anthropic has it too. */
export function errorEvent(fault: Fault, kind?: string): string {
  const type = kind !== undefined && statuses.has(kind) ? kind : errorType(fault)
  return `event: error\ndata: ${writeJson({ type: 'error', error: { type, message: fault.message } })}\n\n`
}

/** Reads the `error` member of a body or an event. */
export function readError(error: Raw | undefined): Delta {
  const type = error?.get('type')?.string()
  const message = error?.get('message')?.string() ?? error?.string()
  return {
    type: 'fault',
    choice: 0,
    status: statuses.get(type ?? '') ?? 502,
    ...(type !== undefined && /^[a-z_]{1,64}$/.test(type) && { kind: type }),
    ...(message !== undefined && { message: message.slice(0, maxMessage) }),
  }
}
