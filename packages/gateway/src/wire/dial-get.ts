// One guarded GET of something small, such as the keys of an issuer or an image: held whole, within a size and a time.
import { Fault } from '@switchyard/kinds'
import { Body } from '../body.ts'
import { Client, type WireError } from './client.ts'
import type { RawHeaders } from './client-parser.ts'
import type { Guard, TlsTrust } from './dial.ts'

export interface Got {
  readonly status: number
  readonly headers: RawHeaders
  readonly body: Buffer
}

export interface GetOptions {
  readonly guard: Guard
  readonly accept: string
  /** Bytes of the body at most. */
  readonly bytes: number
  /** Milliseconds for everything, from the name's resolution to the last byte. */
  readonly milliseconds: number
  readonly tls?: TlsTrust
  readonly signal?: AbortSignal
}

/**
 * Answers whatever the status; a redirect is an answer. Rejects with a WireError, `too_large`, `deadline` or, for
 * its signal, `cancelled`; the connection is closed in any case.
 */
export async function get(url: URL, options: GetOptions): Promise<Got> {
  const { guard, accept, bytes, milliseconds, tls, signal } = options
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
  const body = new Body()
  let head: Pick<Got, 'status' | 'headers'> | undefined
  try {
    signal?.throwIfAborted()
    client.request('GET', `${url.pathname}${url.search}`, ['accept', accept, ...plain], undefined, {
      onHead(status, headers) {
        head = { status, headers }
      },
      onData(chunk) {
        body.push(chunk)
        if (body.bytes > bytes) reject(new Fault('too_large', `${url.host} sent more than ${bytes} bytes.`))
      },
      onEnd() {
        if (head) resolve({ ...head, body: body.take() })
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
