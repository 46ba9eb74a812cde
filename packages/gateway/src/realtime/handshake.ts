// What the opening of a session says: a request line, headers and subprotocols, among which a browser hides its key.
import { Fault } from '@switchyard/kinds'
import type { Carried } from '../head.ts'
import type { Inbound } from '../wire/inbound.ts'

const carriesKey = 'openai-insecure-api-key.'

/** The one subprotocol that is ever agreed on: the others may carry secrets. */
export const spoken = 'realtime'

const malformed = (message: string, status = 400) =>
  new Fault('invalid', message, { reason: 'malformed_request', status })

/** Refuses what is no opening of a WebSocket of version 13, by RFC 6455 4.2.1. */
export function checkHandshake({ method, headers }: Pick<Inbound, 'method' | 'headers'>): void {
  if (method !== 'GET') throw malformed('A session is opened with GET.', 405)
  if (values(headers, 'upgrade').join().toLowerCase() !== 'websocket')
    throw malformed('Sessions are spoken over a WebSocket: send `upgrade: websocket`.', 426)
  if (values(headers, 'sec-websocket-version').join() !== '13')
    throw malformed('Only version 13 of WebSocket is spoken: send `sec-websocket-version: 13`.', 426)
  if (!/^[+/0-9A-Za-z]{22}==$/.test(values(headers, 'sec-websocket-key').join()))
    throw malformed('The opening of the WebSocket has no key: send `sec-websocket-key`.')
}

/** The credential with the one that the subprotocols carry. */
export function carriedWith(headers: readonly string[], { key, conflicting, wishes }: Carried): Carried {
  const keys = values(headers, 'sec-websocket-protocol')
    .join()
    .split(',')
    .map(protocol => protocol.trim())
    .filter(protocol => protocol.startsWith(carriesKey))
    .map(protocol => protocol.slice(carriesKey.length))
  const [first] = keys
  const differs = keys.some(one => one !== (key ?? first))
  return { key: key ?? first, conflicting: conflicting || differs, wishes }
}

function values(headers: readonly string[], name: string): readonly string[] {
  return headers.filter((_, at) => at % 2 === 1 && headers[at - 1]?.toLowerCase() === name)
}
