// Errors of the Responses API: ours in OpenAI's shape, an upstream's failure as a delta.
import type { Code, Fault } from '@switchyard/kinds'
import type { Delta } from '../conversation.ts'
import { type Members, members, text } from '../members.ts'
import { errorBody as errorText, readError } from '../openai/error.ts'

/** Characters that an upstream's message may take. */
const maxMessage = 2_048

export function errorBody(fault: Fault): Buffer {
  return Buffer.from(errorText(fault))
}

/** The closed words that a failed response may give as its code. */
const failureCodes = {
  invalid: 'invalid_prompt',
  unauthenticated: 'server_error',
  denied: 'server_error',
  not_found: 'server_error',
  conflict: 'server_error',
  stale: 'server_error',
  expired: 'server_error',
  too_large: 'server_error',
  unsupported: 'server_error',
  exhausted: 'rate_limit_exceeded',
  cancelled: 'server_error',
  deadline: 'server_error',
  unavailable: 'server_error',
  internal: 'server_error',
} as const satisfies Record<Code, string>

export function failureCode(fault: Fault): string {
  return failureCodes[fault.code]
}

const statuses: Readonly<Record<string, number>> = {
  rate_limit_exceeded: 429,
  insufficient_quota: 429,
  invalid_prompt: 400,
  context_length_exceeded: 400,
}

/** The fault of a failed response, of an `error` event, or of an error body. */
export function readFailure(given: unknown): Delta {
  const error: Members = members(given)
  const code = text(error.code) || text(error.type)
  // Only what may name a status: the rest can be of any size and depth.
  const named = [error.code, error.status].find(value => typeof value === 'number')
  const bytes = Buffer.from(JSON.stringify({ code: named }))
  const message = text(error.message).slice(0, maxMessage)
  return {
    choice: 0,
    type: 'fault',
    status: statuses[code] ?? readError(bytes, 0, bytes.length).status,
    ...(/^[a-z_]{1,64}$/.test(code) && { kind: code }),
    ...(message && { message }),
  }
}
