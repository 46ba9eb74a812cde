// An upstream of sound, images and tensors that remembers what it was sent, and a caller that sends as it is told.
import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Taken {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  /** Grows while the body comes. */
  bytes: number
  /** Whole once `ended`. */
  body: Buffer
  ended: boolean
}

type Act = (request: IncomingMessage, response: ServerResponse, taken: Taken) => void | Promise<void>

/** Reads the whole body, then answers. */
export function answering(type: string, body: string | Buffer, status = 200, headers = {}): Act {
  return async (incoming, response, taken) => {
    await whole(incoming, taken)
    response.writeHead(status, { 'content-type': type, ...headers }).end(body)
  }
}

export async function whole(incoming: IncomingMessage, taken: Taken): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) {
    chunks.push(chunk as Buffer) // no encoding is set
    taken.bytes += (chunk as Buffer).length
  }
  taken.body = Buffer.concat(chunks)
  taken.ended = true
}

export class MediaUpstream implements AsyncDisposable {
  readonly taken: Taken[] = []
  readonly #acts: Act[]
  readonly #server: Server

  /** Each request takes the next act; the last one stays. */
  constructor(acts: readonly Act[]) {
    this.#acts = [...acts]
    this.#server = createServer((incoming, response) => {
      const { method = '', url = '', headers } = incoming
      const taken = { method, url, headers, bytes: 0, body: Buffer.alloc(0), ended: false }
      this.taken.push(taken)
      const [act] = this.#acts.length > 1 ? this.#acts.splice(0, 1) : this.#acts
      incoming.on('error', () => undefined)
      Promise.resolve(act?.(incoming, response, taken)).catch(() => undefined) // a caller that leaves is no fault here
    })
  }

  static async start(...acts: Act[]): Promise<MediaUpstream> {
    const upstream = new MediaUpstream(acts)
    upstream.#server.listen(0, '127.0.0.1')
    await once(upstream.#server, 'listening')
    return upstream
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}` // it listens on TCP
  }

  get last(): Taken {
    const taken = this.taken.at(-1)
    if (!taken) throw new Error('nothing was asked')
    return taken
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

export interface Part {
  readonly name: string
  readonly value: string | Buffer
}

export const boundary = '----form7MA4YWxkTrZu0gW'
export const formType = `multipart/form-data; boundary=${boundary}`

export const formOf = (...parts: readonly Part[]): Buffer =>
  Buffer.concat([
    ...parts.flatMap(({ name, value }) => [
      Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n`),
      Buffer.from(value as string), // both have a form
      Buffer.from('\r\n'),
    ]),
    Buffer.from(`--${boundary}--\r\n`),
  ])

/** A POST whose body is sent by hand. */
export function sending(url: string, key: string, headers: Readonly<Record<string, string>>) {
  const outgoing = request(url, { method: 'POST', headers: { authorization: `Bearer ${key}`, ...headers } })
  const answer = Promise.withResolvers<{
    status: number
    headers: IncomingMessage['headers']
    body: Buffer
  }>()
  outgoing.on('response', response => {
    const { statusCode = 0, headers: told } = response
    read(response).then(body => answer.resolve({ status: statusCode, headers: told, body }), answer.reject)
  })
  outgoing.on('error', error => answer.reject(error))
  answer.promise.catch(() => undefined) // whoever awaits it sees it
  return { outgoing, answer: answer.promise }
}

export async function read(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk as Buffer) // no encoding is set
  return Buffer.concat(chunks)
}

/** The reason in an error of OpenAI's shape. */
export function codeOf(body: string | Buffer): string {
  return (JSON.parse(body.toString()) as { error: { code: string } }).error.code
}
