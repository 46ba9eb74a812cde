// How a session ends on each side, by RFC 6455 7.4 and the codes that IANA keeps.
import type { Code, Fault } from '@switchyard/kinds'
import type { WebSocket } from 'ws'

/** What a caller's WebSocket is closed with when its session fails. */
const codes = {
  invalid: 1008,
  unauthenticated: 1008,
  denied: 1008,
  not_found: 1008,
  conflict: 1008,
  stale: 1008,
  expired: 1008,
  too_large: 1009,
  unsupported: 1003,
  exhausted: 1013,
  cancelled: 1001,
  deadline: 1001,
  unavailable: 1011,
  internal: 1011,
} as const satisfies Record<Code, number>

const restarting = 1012

export function codeOf({ code, reason }: Fault): number {
  return reason === 'draining' ? restarting : codes[code]
}

/** No close frame came: the connection was lost. */
export const lost = 1006
const unnamed = 1005
const longestReason = 123

/** Closes one side as the other one was; some codes only ever say what happened and are never sent. */
export function closeAs(socket: WebSocket, code: number, reason: Buffer): void {
  if (code === unnamed) socket.close()
  else if (code === lost || code === 1004 || code === 1015) socket.close(1011)
  else socket.close(code, reason.subarray(0, longestReason))
}
