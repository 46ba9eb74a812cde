// What the head of a server's answer means: a stream, a whole answer, one without a body, a refusal that is the
// caller's to read, or a failure of the server.
import { type Failure, malformed, ofStatus } from '../failure.ts'
import { headerOf, type RawHeaders } from '../wire/client-parser.ts'
import type { McpMethod } from './asked.ts'

export type McpForm = 'stream' | 'whole' | 'empty' | 'refusal'

/** Refusals of the request itself, which pass as the server says them. */
const refusals: ReadonlySet<number> = new Set([400, 405, 406, 409, 410, 413, 415, 422])

const json = /^application\/json\s*(;|$)/i
const events = /^text\/event-stream\s*(;|$)/i

export const isJson = (contentType: string | undefined): boolean =>
  contentType !== undefined && json.test(contentType)

/** `pinned`: a session was named, so that a 404 says that it is over. */
export function formOf(
  method: McpMethod,
  pinned: boolean,
  status: number,
  headers: RawHeaders,
): McpForm | Failure {
  const type = headerOf(headers, 'content-type')
  if (status >= 200 && status < 300) {
    if (method === 'DELETE' || status === 202 || status === 204) return 'empty'
    if (type !== undefined && events.test(type)) return 'stream'
    if (method === 'POST' && isJson(type)) return 'whole'
    return malformed(`content type ${JSON.stringify(type ?? '')}`)
  }
  if (refusals.has(status) || (status === 404 && pinned)) return 'refusal'
  return ofStatus(status, retryAfterOf(headers))
}

function retryAfterOf(headers: RawHeaders): number | undefined {
  const seconds = Number(headerOf(headers, 'retry-after'))
  return seconds > 0 && seconds <= 86_400 ? Math.ceil(seconds) : undefined
}
