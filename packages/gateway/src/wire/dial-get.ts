// One guarded request for something small, such as the keys of an issuer or an image: held whole, within a size and a
// time.
import { Fault } from '@switchyard/kinds'
import { Body } from '../body.ts'
import { Client, type Method, type WireError } from './client.ts'
import type { RawHeaders } from './client-parser.ts'
import type { Guard, TlsTrust } from './dial.ts'

export interface Got {
  readonly status: number
  readonly headers: RawHeaders
  readonly body: Buffer
}

export interface AskOptions {
  readonly guard: Guard
  /** Bytes of the body at most. */
  readonly bytes: number
  /** Milliseconds for everything, from the name's resolution to the last byte. */
  readonly milliseconds: number
  readonly tls?: TlsTrust
  readonly signal?: AbortSignal
}

export interface GetOptions extends AskOptions {
  readonly accept: string
}

/** What is sent besides, with names and values in turn. */
export interface Sent {
  readonly method: Method
  readonly headers: RawHeaders
  readonly body: Buffer | undefined
}

export function get(url: URL, { accept, ...options }: GetOptions): Promise<Got> {
  return ask(url, { method: 'GET', headers: ['accept', accept], body: undefined }, options)
}

/**
 * Answers whatever the status; a redirect is an answer. Rejects with a WireError, `too_large`, `deadline` or, for
 * its signal, `cancelled`; the connection is closed in any case.
 */
export async function ask(url: URL, sent: Sent, options: AskOptions): Promise<Got> {
  const { guard, bytes, milliseconds, tls, signal } = options
  const { promise, resolve, reject } = Promise.withResolvers<Got>()
  const client = new Client({
    origin: url.origin,
    addresses: guard,
    connections: 1,
    connect: milliseconds,
    ...(tls && { tls }),
  })
  const late = () => reject(new Fault('deadline', `${url.host} did not answer within ${milliseconds} ms.`))
  const left = () => reject(new Fault('cancelled', 'The request was ended before it was answered.'))
  const timer = setTimeout(late, milliseconds)
  signal?.addEventListener('abort', left)
  const answer = new Body()
  let head: Pick<Got, 'status' | 'headers'> | undefined
  try {
    signal?.throwIfAborted()
    client.request(sent.method, `${url.pathname}${url.search}`, [...sent.headers, ...plain], sent.body, {
      onHead(status, headers) {
        head = { status, headers }
      },
      onData(chunk) {
        answer.push(chunk)
        if (answer.bytes > bytes) reject(new Fault('too_large', `${url.host} sent more than ${bytes} bytes.`))
      },
      onEnd() {
        if (head) resolve({ ...head, body: answer.take() })
      },
      onError: (error: WireError) => reject(error),
    })
    return await promise
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', left)
    client.destroy()
  }
}

const plain = ['accept-encoding', 'identity', 'user-agent', 'switchyard'] as const
