// Every way in which Switchyard refuses or fails, as one closed list. Each edge (HTTP, gRPC, a dialect's
// body, an exit code) is a table with `satisfies Record<Code, …>`, so a new code does not compile until
// every edge answers it.

export const codes = [
  'invalid',
  'unauthenticated',
  'denied',
  'not_found',
  'conflict',
  'stale',
  'expired',
  'too_large',
  'unsupported',
  'exhausted',
  'cancelled',
  'deadline',
  'unavailable',
  'internal',
] as const

export type Code = (typeof codes)[number]

/** One thing that is wrong with an input. `path` is a dotted path such as `spec.replicas`; '' is the whole. */
export interface Detail {
  readonly path: string
  /** Stable word for the rule that was broken, such as `unknown_field`, `required`, `too_big`. */
  readonly rule: string
  readonly message: string
}

export interface FaultOptions {
  /** Stable snake_case string beside the code; the code itself when omitted. */
  readonly reason?: string
  readonly details?: readonly Detail[]
  /** Whole seconds after which the same request may succeed. */
  readonly retryAfterSeconds?: number
  readonly cause?: unknown
  /** HTTP status when the code allows several (405, 415, 501, 414, 431, 502, 408). */
  readonly status?: number
}

/** The one error class. `message` tells a person what to do next; `code` and `reason` tell a program. */
export class Fault extends Error {
  override readonly name = 'Fault'
  readonly code: Code
  readonly reason: string
  readonly details: readonly Detail[]
  readonly retryAfterSeconds: number | undefined
  readonly status: number

  constructor(code: Code, message: string, options: FaultOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.reason = options.reason ?? code
    this.details = options.details ?? []
    this.retryAfterSeconds = options.retryAfterSeconds
    this.status = options.status ?? httpStatus[code]
  }
}

/** Default HTTP status of each code; `FaultOptions.status` narrows where one code has several. */
export const httpStatus = {
  invalid: 400,
  unauthenticated: 401,
  denied: 403,
  not_found: 404,
  conflict: 409,
  stale: 412,
  expired: 410,
  too_large: 413,
  unsupported: 405,
  exhausted: 429,
  cancelled: 499,
  deadline: 504,
  unavailable: 503,
  internal: 500,
} as const satisfies Record<Code, number>

/** Exit status of the command line for each code; 0 is yes and 1 is "the answer is no". */
export const exitStatus = {
  invalid: 2,
  unauthenticated: 3,
  denied: 4,
  not_found: 5,
  conflict: 6,
  stale: 6,
  expired: 6,
  too_large: 2,
  unsupported: 2,
  exhausted: 7,
  cancelled: 130,
  deadline: 8,
  unavailable: 9,
  internal: 10,
} as const satisfies Record<Code, number>

/** The error body of the control plane: `{"error": …}`, one shape for every refusal. */
export interface ErrorBody {
  readonly error: {
    readonly code: Code
    readonly reason: string
    readonly message: string
    readonly requestId: string
    readonly details: readonly Detail[]
    readonly retryAfterSeconds?: number
  }
}

export function errorBody(fault: Fault, requestId: string): ErrorBody {
  const { code, reason, message, details, retryAfterSeconds } = fault
  const error = { code, reason, message, requestId, details }
  return { error: retryAfterSeconds === undefined ? error : { ...error, retryAfterSeconds } }
}
