// Faults in Google's shape: {"error": {code: <http>, message, status, details: []}}.
import type { Code, Fault } from '@switchyard/kinds'

const statuses = {
  invalid: 'INVALID_ARGUMENT',
  unauthenticated: 'UNAUTHENTICATED',
  denied: 'PERMISSION_DENIED',
  not_found: 'NOT_FOUND',
  conflict: 'FAILED_PRECONDITION',
  stale: 'ABORTED',
  expired: 'OUT_OF_RANGE',
  too_large: 'INVALID_ARGUMENT',
  unsupported: 'INVALID_ARGUMENT',
  exhausted: 'RESOURCE_EXHAUSTED',
  cancelled: 'CANCELLED',
  deadline: 'DEADLINE_EXCEEDED',
  unavailable: 'UNAVAILABLE',
  internal: 'INTERNAL',
} as const satisfies Record<Code, string>

export function errorStatus({ code, reason }: Fault): string {
  return reason === 'not_implemented' ? 'UNIMPLEMENTED' : statuses[code]
}

/** The body. `kind` keeps an upstream's own status word where it is one. */
export function errorBody(fault: Fault, kind?: string): string {
  const status = kind !== undefined && /^[A-Z_]{1,64}$/.test(kind) ? kind : errorStatus(fault)
  return JSON.stringify({ error: { code: fault.status, message: fault.message, status, details: [] } })
}
