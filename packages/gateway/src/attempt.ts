// One try at one upstream: what it answers is told to its call, once, as an answer or as a failure.
import { openai } from '@switchyard/dialects'
import { Fault } from '@switchyard/kinds'
import { Body } from './body.ts'
import type { Outcome } from './metrics.ts'
import type { Upstream } from './snapshot.ts'
import type { UpstreamPool } from './upstreams.ts'
import type { Ticking, Wheel } from './wheel.ts'
import type { Exchange, Hearer, WireError } from './wire/client.ts'
import { headerOf, type RawHeaders } from './wire/client-parser.ts'

/** Why an attempt failed, and what the caller is told when there is no other. */
export interface Failure {
  readonly outcome: Outcome
  /** Another attempt may do better. */
  readonly next: boolean
  readonly fault: Fault
  /** The upstream's own error type, for the event that ends a stream. */
  readonly type?: string | undefined
  readonly cause?: unknown
}

/** What a call hears of its attempt. */
export interface Listener {
  readonly streamed: boolean
  readonly publicName: Buffer
  readonly usageAsked: boolean
  readonly replyBytes: number
  /** Bytes have come, whatever they hold. */
  heard(): void
  /** Some of a stream: `tap` tells what it holds. */
  streaming(attempt: Attempt, tap: openai.StreamTap): void
  /** A whole reply that is good. */
  replied(attempt: Attempt, reply: openai.Reply): void
  /** A refusal of the request itself, which goes to the caller as it is. */
  rejected(attempt: Attempt, status: number, body: Buffer): void
  failed(attempt: Attempt, failure: Failure): void
}

export interface Sent {
  readonly path: string
  readonly headers: string[]
  readonly body: Buffer
}

const errorBytes = 64 * 1024
const lingerMilliseconds = 1000

export class Attempt implements Hearer, Ticking {
  readonly number: number
  readonly upstream: Upstream
  /** Bytes of the stream so far. */
  bytes = 0
  readonly #pool: UpstreamPool
  readonly #listener: Listener
  #exchange: Exchange | undefined
  #status = 0
  #retryAfter: number | undefined
  #tap: openai.StreamTap | undefined
  readonly #body = new Body()
  #over = false
  #released = false
  #lingersUntil = 0
  #wheel: Wheel | undefined

  constructor(number: number, upstream: Upstream, pool: UpstreamPool, listener: Listener) {
    this.number = number
    this.upstream = upstream
    this.#pool = pool
    this.#listener = listener
  }

  send({ path, headers, body }: Sent): void {
    this.#pool.inflight++
    this.#exchange = this.#pool.client.post(path, headers, body, this)
  }

  /** Ends the attempt unheard: the socket to the upstream is closed at once. */
  cancel(): void {
    this.#over = true
    this.#exchange?.abort()
    this.#release()
  }

  /** Its answer is whole for the caller: the upstream may end the body by itself, so that the socket is kept. */
  linger(wheel: Wheel): void {
    if (this.#released) return
    this.#lingersUntil = wheel.now + lingerMilliseconds
    this.#wheel = wheel
    wheel.add(this)
  }

  tick(now: number): void {
    if (now >= this.#lingersUntil) this.cancel()
  }

  pause(): void {
    this.#exchange?.pause()
  }

  resume(): void {
    this.#exchange?.resume()
  }

  onHead(status: number, headers: RawHeaders): void {
    if (this.#over) return
    this.#status = status
    this.#listener.heard()
    if (status !== 200) {
      const after = Number(headerOf(headers, 'retry-after'))
      if (after > 0) this.#retryAfter = Math.ceil(after)
      return
    }
    const given = headerOf(headers, 'content-type') ?? ''
    const { streamed, publicName, usageAsked } = this.#listener
    if (!given.startsWith(streamed ? 'text/event-stream' : 'application/json')) {
      this.#fail(malformed('The upstream answered with another content type than was asked for.'))
      return
    }
    if (streamed) this.#tap = new openai.StreamTap({ name: publicName, usage: usageAsked })
  }

  onData(chunk: Buffer): void {
    if (this.#over) return
    this.bytes += chunk.length
    this.#listener.heard()
    const tap = this.#tap
    if (tap) {
      tap.push(chunk)
      this.#told(tap)
      return
    }
    if (this.bytes > (this.#status === 200 ? this.#listener.replyBytes : errorBytes)) {
      this.#fail(malformed('The upstream answered with more than may be held.'))
      return
    }
    this.#body.push(chunk)
  }

  onEnd(): void {
    if (this.#over) {
      this.#release()
      return
    }
    const tap = this.#tap
    if (tap) {
      tap.finish()
      this.#told(tap)
      if (!this.#over) this.#fail(cut)
      return
    }
    const body = this.#body.take()
    if (this.#status !== 200) {
      this.#refused(body)
      return
    }
    const reply = openai.readReply(body, this.#listener.publicName)
    if (!reply) this.#fail(malformed('The upstream answered with something that is not JSON.'))
    else if (reply.error) this.#fail(ofStatus(reply.error.status, undefined, reply.error.type))
    else {
      this.#finish()
      this.#listener.replied(this, reply)
    }
  }

  onError(cause: WireError): void {
    if (this.#over) {
      this.#release()
      return
    }
    const { code } = cause
    if (code === 'malformed') this.#fail(malformed(cause.message))
    else if (this.#status === 200) this.#fail({ ...cut, cause })
    else {
      const outcome = code === 'refused' ? 'refused' : 'reset'
      this.#fail({ outcome, next: true, fault: unreachable, cause })
    }
  }

  /** The stream has ended for the caller; what the upstream still sends after its terminal marker is read and dropped. */
  #told(tap: openai.StreamTap): void {
    const { error } = tap
    if (tap.terminal) this.#over = true
    this.#listener.streaming(this, tap)
    if (error && !this.#over) this.#fail(ofStatus(error.status, undefined, error.type))
  }

  #refused(body: Buffer): void {
    const status = this.#status
    if (status === 400 || status === 413 || status === 422) {
      this.#finish()
      this.#listener.rejected(this, status, body)
    } else this.#fail(ofStatus(status, this.#retryAfter))
  }

  #fail(failure: Failure): void {
    this.#over = true
    this.#exchange?.abort()
    this.#release()
    this.#listener.failed(this, failure)
  }

  #finish(): void {
    this.#over = true
    this.#release()
  }

  #release(): void {
    if (this.#released) return
    this.#released = true
    this.#wheel?.delete(this)
    this.#pool.release()
  }
}

const upstreamError = (message: string) =>
  new Fault('unavailable', message, { reason: 'upstream_error', status: 502 })

const unreachable = upstreamError('The engine could not be reached: try again.')

const cut: Failure = {
  outcome: 'cut',
  next: true,
  fault: upstreamError('The engine broke off its answer: what was received is not complete.'),
}

const malformed = (message: string): Failure => ({
  outcome: 'malformed',
  next: true,
  fault: upstreamError('The engine gave an answer that cannot be read: try again.'),
  cause: new Error(message),
})

/** Statuses of an upstream that is full or starting. */
const busy: ReadonlySet<number> = new Set([503, 529])

/** What an upstream's own status means here. Its text stays out of the answer. */
export function ofStatus(status: number, retryAfterSeconds?: number, type?: string): Failure {
  const failure = { outcome: 'status', next: true, type, cause: new Error(`status ${status}`) } as const
  if (status === 429)
    return {
      ...failure,
      fault: new Fault('exhausted', 'The engine takes no more requests for now: try again later.', {
        reason: 'upstream_rate_limited',
        retryAfterSeconds: retryAfterSeconds ?? 1,
      }),
    }
  if (busy.has(status))
    return {
      ...failure,
      fault: new Fault('unavailable', 'The engine is full or starting: try again shortly.', {
        reason: 'overloaded',
        retryAfterSeconds: retryAfterSeconds ?? 1,
      }),
    }
  if (status === 501)
    return {
      ...failure,
      next: false,
      fault: new Fault('invalid', 'The engine of this model does not offer this operation.', {
        reason: 'unsupported_by_model',
      }),
    }
  return { ...failure, fault: upstreamError('The engine failed to answer: try again.') }
}
