// The guarded request in the form of `fetch`, for libraries that speak with somebody else's server: no address that may
// not be dialled, no redirect, a bounded answer.
import { lookup } from 'node:dns/promises'
import type { Cidr } from '@switchyard/kinds'
import type { Method } from './client.ts'
import type { Resolve } from './dial.ts'
import { ask } from './dial-get.ts'

/** Every address, so that each can be judged. */
export const systemResolve: Resolve = async host =>
  (await lookup(host, { all: true, verbatim: true })).map(({ address }) => address)

export interface GuardedFetchOptions {
  /** Ranges that may be dialled though they are private, loopback or reserved. */
  readonly allowed: readonly Cidr[]
  /** PEM certificates of authorities that are trusted instead of the public ones. */
  readonly ca?: string | undefined
  readonly resolve?: Resolve
}

export interface GuardedAsk {
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  /** A text or a form of a query. */
  readonly body?: unknown
  readonly signal?: AbortSignal | undefined
}

export type GuardedFetch = (url: string, asked: GuardedAsk) => Promise<Response>

const mostBytes = 512 * 1024
const milliseconds = 10_000
const methods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'])
/** Answers without a body, which a Response must not be given. */
const bare: ReadonlySet<number> = new Set([204, 205, 304])

/** Rejects like `get`. */
export function guardedFetch({ allowed, ca, resolve = systemResolve }: GuardedFetchOptions): GuardedFetch {
  return async (address, { method, headers, body, signal }) => {
    if (!methods.has(method)) throw new TypeError(`${method} is not sent to others`)
    const url = new URL(address)
    const sent = {
      method: method as Method, // it is one of the set
      headers: Object.entries(headers).flat(),
      body: bytesOf(body),
    }
    const got = await ask(url, sent, {
      guard: { resolve, allowed },
      bytes: mostBytes,
      milliseconds,
      ...(ca === undefined ? {} : { tls: { ca } }),
      ...(signal && { signal }),
    })
    const told = new Headers()
    for (let i = 0; i + 1 < got.headers.length; i += 2)
      told.append(got.headers[i] ?? '', got.headers[i + 1] ?? '')
    return new Response(bare.has(got.status) ? null : new Uint8Array(got.body), {
      status: got.status,
      headers: told,
    })
  }
}

function bytesOf(body: unknown): Buffer | undefined {
  if (body === undefined || body === null) return undefined
  if (typeof body === 'string' || body instanceof URLSearchParams) return Buffer.from(body.toString())
  throw new TypeError('only texts and forms of a query are sent')
}
