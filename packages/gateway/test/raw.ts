// A request as it is given, with the headers and the path that fetch would forbid or tidy up.
import { once } from 'node:events'
import { type ClientRequest, type IncomingMessage, request } from 'node:http'

export interface RawRequest {
  readonly method?: string
  readonly path: string
  /** Names and values by turns, so that one may come twice. */
  readonly headers?: readonly string[]
  readonly body?: string
}

export function send(port: number, { body = '', headers = [], ...asked }: RawRequest): Promise<Response> {
  const length = body === '' ? [] : ['content-length', String(Buffer.byteLength(body))]
  const sent = opened(port, { ...asked, headers: [...headers, ...length] })
  sent.end(body)
  return answered(sent)
}

/** The same, of which the rest never comes. */
export function begun(port: number, { body = '', ...asked }: RawRequest): Promise<Response> {
  const sent = opened(port, asked)
  sent.write(body)
  return answered(sent)
}

function opened(port: number, { method = 'POST', path, headers = [] }: RawRequest): ClientRequest {
  const host = ['host', `127.0.0.1:${port}`]
  return request({ host: '127.0.0.1', port, method, path, agent: false, headers: [...host, ...headers] })
}

async function answered(sent: ClientRequest): Promise<Response> {
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
