// Refusals in the words of JSON-RPC 2.0.
import type { Code, Fault } from '@switchyard/kinds'

/** Those below -32000 are JSON-RPC's own; -32001 is what MCP's libraries say of a session that they do not know. */
const numbers = {
  invalid: -32600,
  unauthenticated: -32000,
  denied: -32000,
  not_found: -32001,
  conflict: -32000,
  stale: -32000,
  expired: -32000,
  too_large: -32600,
  unsupported: -32000,
  exhausted: -32000,
  cancelled: -32000,
  deadline: -32000,
  unavailable: -32000,
  internal: -32603,
} as const satisfies Record<Code, number>

const parseError = -32700
const invalidParams = -32602
const invalidRequest = -32600

const error = (id: string, code: number, message: string, more: object = {}) =>
  `{"jsonrpc":"2.0","id":${id},"error":${JSON.stringify({ code, message, ...more })}}`

/** The answer to the request with this id (JSON text); `null` where it is not known. */
export function mcpError(fault: Fault, id = 'null', request?: string): string {
  const { code, reason, message, retryAfterSeconds } = fault
  const number = reason === 'invalid_json' ? parseError : numbers[code]
  const data = { reason, ...(request !== undefined && { requestId: request }) }
  const wait = retryAfterSeconds === undefined ? {} : { retryAfterSeconds: Math.ceil(retryAfterSeconds) }
  return error(id, number, message, { data: { ...data, ...wait } })
}

/** What a server says of a tool that it does not have. */
export const unknownTool = (id: string, tool: string): string =>
  error(id, invalidParams, `Unknown tool: ${tool.slice(0, 256).toWellFormed()}`)

/** Of a batch of which one call may not be made, nothing is. */
export const notRun = (id: string): string =>
  error(id, invalidRequest, 'Not run: another message of this batch calls an unknown tool.')

/** An event that answers a request, as a stream of MCP has it. */
export const mcpErrorEvent = (fault: Fault, id: string): string =>
  `event: message\ndata: ${mcpError(fault, id)}\n\n`
