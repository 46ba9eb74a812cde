// Asks the upstream that keeps a response about it: one small exchange, outside of any route.
import type { Fault } from '@switchyard/kinds'
import { below } from '../attempt.ts'
import { Body } from '../body.ts'
import { type Failure, forbidden, late, malformed, ofStatus, unreachable } from '../failure.ts'
import type { House } from '../house.ts'
import { refusalOf } from '../rejection.ts'
import type { Upstream } from '../route.ts'
import type { Exchange, Hearer, Method, WireError } from '../wire/client.ts'
import { headerOf, type RawHeaders } from '../wire/client-parser.ts'
import { responseNotFound } from './resume.ts'

export interface Question {
  readonly method: Method
  /** Below the upstream's base, with its query. */
  readonly path: string
}

/** The body of its 200. Throws a Fault for everything else; a 404 is `response_not_found`. */
export async function askUpstream(
  { upstreams, limits }: House,
  upstream: Upstream,
  { method, path }: Question,
  signal: AbortSignal,
): Promise<Buffer> {
  const pool = upstreams.at(upstream.origin)
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const hearing = new Hearing(limits.replyBytes, resolve, reject)
  const body = method === 'POST' ? empty : undefined
  pool.inflight++
  const exchange = pool.client.request(method, below(upstream, path), upstream.headers, body, hearing)
  hearing.exchange = exchange
  const timer = setTimeout(() => hearing.fail(late('first_token')), limits.firstContent)
  const abort = () => hearing.fail(late('total'))
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await promise
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', abort)
    pool.release()
  }
}

const empty = Buffer.from('{}')

class Hearing implements Hearer {
  exchange: Exchange | undefined
  readonly #most: number
  readonly #resolve: (body: Buffer) => void
  readonly #reject: (fault: Fault) => void
  readonly #body = new Body()
  #status = 0
  #retryAfter: number | undefined

  constructor(most: number, resolve: (body: Buffer) => void, reject: (fault: Fault) => void) {
    this.#most = most
    this.#resolve = resolve
    this.#reject = reject
  }

  fail({ fault }: Failure): void {
    this.exchange?.abort()
    this.#reject(fault)
  }

  onHead(status: number, headers: RawHeaders): void {
    this.#status = status
    const after = Number(headerOf(headers, 'retry-after'))
    if (after > 0) this.#retryAfter = Math.ceil(after)
  }

  onData(bytes: Buffer): void {
    this.#body.push(bytes)
    if (this.#body.bytes > this.#most)
      this.fail(malformed('The upstream answered with more than may be held.'))
  }

  onEnd(): void {
    const status = this.#status
    const body = this.#body.take()
    if (status === 200) this.#resolve(body)
    else if (status === 404) this.#reject(responseNotFound('response_id'))
    else if (status === 400 || status === 422) this.#reject(refusalOf({ same: true }, status, body).fault)
    else this.#reject(ofStatus(status, this.#retryAfter).fault)
  }

  onError({ code }: WireError): void {
    this.#reject(code === 'refused_address' ? forbidden.fault : unreachable)
  }
}
