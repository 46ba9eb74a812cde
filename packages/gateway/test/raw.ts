// A request as it is given, with the headers and the path that fetch would forbid or tidy up.
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'

export interface RawRequest {
  readonly method?: string
  readonly path: string
  /** Names and values by turns, so that one may come twice. */
  readonly headers?: readonly string[]
  readonly body?: string
}

export async function send(
  port: number,
  { method = 'POST', path, headers = [], body = '' }: RawRequest,
): Promise<Response> {
  const length = body === '' ? [] : ['content-length', String(Buffer.byteLength(body))]
  const sent = request({
    host: '127.0.0.1',
    port,
    method,
    path,
    agent: false,
    headers: ['host', `127.0.0.1:${port}`, ...headers, ...length],
  })
  sent.end(body)
  const [answer] = (await once(sent, 'response')) as [IncomingMessage]
  const chunks: Buffer[] = []
  for await (const chunk of answer) chunks.push(chunk as Buffer) // no encoding is set
  const { statusCode = 0, rawHeaders } = answer
  const given = new Headers()
  for (let i = 0; i < rawHeaders.length; i += 2) given.append(rawHeaders[i] ?? '', rawHeaders[i + 1] ?? '')
  return new Response(statusCode === 204 ? null : Buffer.concat(chunks), {
    status: statusCode,
    headers: given,
  })
}
