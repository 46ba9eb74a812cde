// A server's name, a principal and the snapshot -> the server that may be called.
import { Fault } from '@switchyard/kinds'
import { mayCall, opens } from '../resolve.ts'
import type { Principal, Snapshot } from '../snapshot.ts'
import type { McpServer } from './server.ts'

/** One of another workspace, one that is not open to the key and one that does not exist give the same refusal. */
export function resolveServer(name: string, principal: Principal, { mcp }: Snapshot): McpServer {
  const server = mcp.get(principal.workspace)?.get(name)
  if (!server || !opens(server, principal))
    throw new Fault(
      'not_found',
      `The MCP server '${name}' does not exist or is not yours to call: ask for the names of those that are.`,
      {
        reason: 'server_not_found',
        cause:
          server && new Fault('denied', `'${name}' is not open to this key.`, { reason: 'route_not_open' }),
      },
    )
  if (!mayCall(principal, server.model))
    throw new Fault(
      'denied',
      `This API key may not call the MCP server '${name}': use another key, or add '${server.model}' to the key's models.`,
      { reason: 'model_not_allowed' },
    )
  if (server.upstreams.length === 0)
    throw new Fault('unavailable', `The MCP server '${name}' cannot be called: ask its administrator.`, {
      reason: 'no_upstream',
      retryAfterSeconds: 5,
    })
  return server
}

/** As MCP has it: who is told so begins anew, without a session. */
export function unknownSession(): Fault {
  return new Fault('not_found', 'This session is not known: initialize a new one.', {
    reason: 'session_not_found',
  })
}
