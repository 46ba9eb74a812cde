// Faults in OpenAI's shape: {"error": {message, type, param, code}}, all four members, always.
import type { Code, Fault } from '@switchyard/kinds'

const types = {
  invalid: 'invalid_request_error',
  unauthenticated: 'invalid_request_error',
  denied: 'permission_error',
  not_found: 'invalid_request_error',
  conflict: 'invalid_request_error',
  stale: 'invalid_request_error',
  expired: 'invalid_request_error',
  too_large: 'invalid_request_error',
  unsupported: 'invalid_request_error',
  exhausted: 'rate_limit_error',
  cancelled: 'invalid_request_error',
  deadline: 'server_error',
  unavailable: 'server_error',
  internal: 'server_error',
} as const satisfies Record<Code, string>

export function errorType({ code, reason }: Fault): string {
  return reason === 'insufficient_quota' ? reason : types[code]
}

/** The body. `type` keeps an upstream's own type where one is known. */
export function errorBody(fault: Fault, type: string = errorType(fault)): string {
  const param = fault.details[0]?.path || null
  return JSON.stringify({ error: { message: fault.message, type, param, code: fault.reason } })
}

/** The event that ends a stream that has gone wrong; no `[DONE]` follows it. */
export function errorEvent(fault: Fault, type?: string): string {
  return `data: ${errorBody(fault, type)}\n\n`
}

/** What an upstream says in its error body, as far as it can be trusted to be said. */
export interface UpstreamError {
  /** The HTTP status that its code names, or 502. */
  readonly status: number
  readonly type: string | undefined
  /** Its own words, at most 2,048 characters; for a caller only where the request itself is at fault. */
  readonly message?: string
}

/** Reads the `error` member of a reply or an event. */
export function readError(bytes: Uint8Array, start: number, end: number): UpstreamError {
  const parsed: unknown = JSON.parse(
    Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString(),
  )
  // Any object may be looked into by name; each member is checked below.
  const error = (typeof parsed === 'object' && parsed !== null ? parsed : {}) as Readonly<
    Record<string, unknown>
  >
  const code = [error.code, error.status, error.http_status]
    .map(value => (typeof value === 'string' ? Number(value) : value))
    .find(value => typeof value === 'number' && value >= 400 && value <= 599)
  const type = error.type
  return {
    status: typeof code === 'number' ? code : 502,
    type: typeof type === 'string' && /^[a-z_]{1,64}$/.test(type) ? type : undefined,
  }
}
