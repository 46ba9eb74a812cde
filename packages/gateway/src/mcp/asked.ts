// What a request to a server of tools asks, by its line and headers, and what of its headers the server is to see.
import { type McpBody, type Operation, toolsCall } from '@switchyard/dialects'
import { Fault } from '@switchyard/kinds'
import type { Head } from '../head.ts'
import type { Limits } from '../limits.ts'
import { unknownPath, uriTooLong, WrongMethod } from '../paths.ts'
import type { Inbound } from '../wire/inbound.ts'

export type McpMethod = 'POST' | 'GET' | 'DELETE'

export interface McpLine {
  readonly method: McpMethod
  /** Name of the server. */
  readonly server: string
}

export interface McpHeaders {
  /** The session as the caller holds it. */
  readonly session: string | undefined
  /** Names and values in turn that the server is to see. */
  readonly forwarded: readonly string[]
  /** What the caller says of its body, for servers that read no bodies. */
  readonly said: { readonly method: string | undefined; readonly name: string | undefined }
}

export const isMcp = (url: string): boolean => url.startsWith('/mcp/')

const path = /^\/mcp\/([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)\/?(?:\?|$)/
const methods: readonly string[] = ['GET', 'POST', 'DELETE']

/** `not_found`, `unsupported` or `too_large` where nothing can be asked. */
export function findMcp({ method, url }: Pick<Inbound, 'method' | 'url'>, limits: Limits): McpLine {
  if (url.length > limits.uriBytes) throw uriTooLong(limits)
  const [, server] = path.exec(url) ?? []
  if (server === undefined) throw unknownPath('MCP clients take a URL that ends in /mcp/NAME.')
  if (!methods.includes(method)) throw new WrongMethod(method, methods.join(', '))
  return { method: method as McpMethod, server } // it is one of them
}

/** `body` is that of a POST. */
export function operationOf(method: McpMethod, body: McpBody | undefined): Operation {
  if (method === 'GET') return 'mcp.listen'
  if (method === 'DELETE') return 'mcp.end'
  return body?.messages.some(message => message.method === toolsCall) ? 'mcp.call' : 'mcp.message'
}

/** Servers answer in one form or the other; clients have to take both. */
const accepted = {
  POST: 'application/json, text/event-stream',
  GET: 'text/event-stream',
  DELETE: '*/*',
} as const satisfies Record<McpMethod, string>

/** Throws `invalid` where one header is sent with two values. */
export function readMcpHeaders(method: McpMethod, headers: readonly string[], head: Head): McpHeaders {
  const hops = hopsOf(headers)
  const own = new Map<string, string>()
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = (headers[i] ?? '').toLowerCase()
    const value = headers[i + 1] ?? ''
    if ((!name.startsWith('mcp-') && name !== 'last-event-id') || hops.has(name)) continue
    if ((own.get(name) ?? value) !== value)
      throw new Fault('invalid', `The header ${name} was sent with two values: send one.`, {
        reason: 'duplicate_member',
      })
    own.set(name, value)
  }
  const session = own.get(sessionHeader)
  own.delete(sessionHeader)
  const forwarded = ['accept', head.accept ?? accepted[method], ...[...own].flat()]
  if (method === 'POST') forwarded.push('content-type', 'application/json')
  return { session, forwarded, said: { method: own.get('mcp-method'), name: own.get('mcp-name') } }
}

export const sessionHeader = 'mcp-session-id'

/** Headers that are for the next hop alone. */
function hopsOf(headers: readonly string[]): ReadonlySet<string> {
  const named = headers.filter((_, at) => at % 2 === 1 && headers[at - 1]?.toLowerCase() === 'connection')
  return new Set(
    named
      .join()
      .toLowerCase()
      .split(',')
      .map(name => name.trim()),
  )
}

/** Some servers go by headers that repeat the body: they must not name another method or tool than the body does. */
export function checkSaid({ said }: McpHeaders, { messages, batch }: McpBody): void {
  if (said.method === undefined && said.name === undefined) return
  const [first] = messages
  const named = first?.method !== toolsCall || said.name === undefined || said.name === first.tool
  const fits = said.method === undefined || said.method === first?.method
  // A name without its method could be taken for that of a tool.
  if (!batch && fits && named && (said.method !== undefined || first?.method === toolsCall)) return
  throw new Fault('invalid', 'The headers mcp-method and mcp-name must say what the body says.', {
    reason: 'invalid_value',
  })
}
