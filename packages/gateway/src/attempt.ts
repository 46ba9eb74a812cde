// One try at one upstream: what it answers is told to its hearer, once, as an answer or as a failure.
import type { Carriage, Reply, Tap, Usage } from '@switchyard/dialects'
import { Body } from './body.ts'
import { cut, type Failure, forbidden, malformed, ofStatus, tooLong, unreachable } from './failure.ts'
import type { Ticket, Vitals } from './health/vitals.ts'
import { shownHeaders } from './oip.ts'
import type { Media, Passage } from './passage.ts'
import type { Upstream } from './route.ts'
import type { UpstreamPool } from './upstreams.ts'
import type { Ticking, Wheel } from './wheel.ts'
import type { Exchange, Hearer, WireError } from './wire/client.ts'
import { headerOf, type RawHeaders } from './wire/client-parser.ts'
import { sourceOf } from './wire/client-pieces.ts'

/** What is heard of an attempt. After `ended`, `replied`, `rejected` or `failed` nothing more. */
export interface AttemptHearer {
  /** The first content of a stream, or its end: `held` of the attempt is what may leave. */
  began(attempt: Attempt): void
  /** More of a stream that has begun. */
  flowed(attempt: Attempt, bytes: Buffer): void
  /** The stream is complete; these bytes end it for the caller. */
  ended(attempt: Attempt, terminal: Buffer): void
  /** A whole reply that is good. */
  replied(attempt: Attempt, reply: Reply): void
  /** A refusal of the request itself. */
  rejected(attempt: Attempt, status: number, body: Buffer): void
  failed(attempt: Attempt, failure: Failure): void
}

export interface Try {
  /** From 1. */
  readonly number: number
  readonly upstream: Upstream
  /** The tier that it stands in, from 0. */
  readonly tier: number
  readonly vitals: Vitals
  /** Of its beginning there; whoever made it ends it. */
  readonly ticket: Ticket
  readonly carriage: Carriage
  readonly headers: readonly string[]
  /** How the body is sent, where it is not the carriage's own in one piece. */
  readonly passage?: Passage | undefined
  /** Name by which the upstream knows the model. */
  readonly served?: string
  readonly streamed: boolean
  /** Bytes of a whole reply, and of a stream. */
  readonly replyBytes: number
  readonly wheel: Wheel
}

const errorBytes = 64 * 1024
const heldBytes = 1024 * 1024
const lingerMilliseconds = 1000

export class Attempt implements Hearer, Ticking {
  place = -1
  readonly number: number
  readonly upstream: Upstream
  readonly tier: number
  readonly vitals: Vitals
  readonly ticket: Ticket
  readonly carriage: Carriage
  /** What of the stream may leave once it has begun. */
  held: Buffer[] = []
  begun = false
  tap: Tap | undefined
  /** Of an answer that passes as the bytes that it is. */
  media: Media | undefined
  /** Times of the wheel, in milliseconds: a byte of whatever kind, and content. */
  sentAt: number
  heardAt: number
  contentAt: number
  readonly #try: Try
  readonly #pool: UpstreamPool
  readonly #hearer: AttemptHearer
  #exchange: Exchange | undefined
  #bytes = 0
  #heldBytes = 0
  #deltas = 0
  #status = 0
  /** Of a whole reply. */
  #usage: Usage | undefined
  #retryAfter: number | undefined
  readonly #body = new Body()
  #over = false
  #released = false
  #lingersUntil = 0
  #lingering = false
  /** What has come while a filter has to wait; undefined is the end. */
  #queue: (Buffer | undefined)[] | undefined

  constructor(one: Try, pool: UpstreamPool, hearer: AttemptHearer) {
    this.number = one.number
    this.upstream = one.upstream
    this.tier = one.tier
    this.vitals = one.vitals
    this.ticket = one.ticket
    this.carriage = one.carriage
    this.#try = one
    this.#pool = pool
    this.#hearer = hearer
    this.sentAt = one.wheel.now
    this.heardAt = this.sentAt
    this.contentAt = this.sentAt
  }

  /** HTTP status of the answer; 0 until its head has come. */
  get status(): number {
    return this.#status
  }

  /** What the upstream has told that it was; also where its answer is good for nobody. */
  get reported(): Usage | undefined {
    return this.tap?.usage ?? this.#usage
  }

  send(): void {
    const { path, body } = this.carriage
    const { headers, passage, served = '' } = this.#try
    const { client } = this.#pool
    const place = below(this.upstream, path)
    this.#pool.inflight++
    const sent = passage ? passage.body(this.carriage, served) : sourceOf(body)
    this.#exchange =
      !passage && Buffer.isBuffer(sent)
        ? client.post(place, headers, sent, this)
        : client.request(passage?.method ?? 'POST', place, headers, sent, this)
  }

  /** Ends the attempt unheard: the socket to the upstream is closed at once. */
  cancel(): void {
    this.#over = true
    this.#exchange?.abort()
    this.#release()
  }

  /** Ends it here, and tells why. */
  abandon(failure: Failure): void {
    if (!this.#over) this.#fail(failure)
  }

  tick(now: number): void {
    if (now >= this.#lingersUntil) this.cancel()
  }

  pause(): void {
    this.#exchange?.pause()
  }

  resume(): void {
    this.heardAt = this.#try.wheel.now
    this.#exchange?.resume()
  }

  onHead(status: number, headers: RawHeaders): void {
    if (this.#over) return
    this.#status = status
    this.heardAt = this.#try.wheel.now
    if (status !== 200) {
      const after = Number(headerOf(headers, 'retry-after'))
      if (after > 0) this.#retryAfter = Math.ceil(after)
      return
    }
    const given = headerOf(headers, 'content-type') ?? ''
    if (this.carriage.answers) {
      this.#pass(given, headers, this.carriage.answers(given.toLowerCase()))
      return
    }
    const { streamed } = this.#try
    if (given.startsWith(streamed ? this.carriage.streamType : 'application/json')) {
      if (streamed) this.tap = this.carriage.tap()
    } else this.#fail(malformed('The upstream answered with another content type than was asked for.'))
  }

  /** An answer whose type says how it passes. */
  #pass(type: string, headers: RawHeaders, way: Tap | 'whole' | undefined): void {
    if (way === undefined)
      this.#fail(malformed('The upstream answered with another content type than was asked for.'))
    else if (way !== 'whole') {
      this.tap = way
      const shown = shownHeaders.flatMap(name => {
        const value = headerOf(headers, name)
        return value === undefined ? [] : [name, value]
      })
      this.media = { type: type || 'application/octet-stream', headers: shown }
    }
  }

  onData(chunk: Buffer): void {
    if (this.#over) return
    this.#bytes += chunk.length
    this.heardAt = this.#try.wheel.now
    const { tap } = this
    if (tap) {
      if (this.#queue) this.#queue.push(chunk)
      else this.#tap(tap, chunk)
      return
    }
    if (this.#bytes > (this.#status === 200 ? this.#try.replyBytes : errorBytes)) {
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
    const { tap } = this
    if (tap) {
      if (this.#queue) this.#queue.push(undefined)
      else this.#tap(tap, undefined)
      return
    }
    const body = this.#body.take()
    if (this.#status !== 200) {
      this.#refused(body)
      return
    }
    let reply: Reply | undefined
    try {
      reply = this.carriage.reply(body)
    } catch (error) {
      this.#onBroken(error)
      return
    }
    this.#whole(reply)
  }

  #whole(reply: Reply | undefined): void {
    if (this.#over) return
    this.#usage = reply?.usage
    if (reply?.later) reply.later.then(this.#onWhole, this.#onBroken)
    else if (!reply) this.#fail(malformed('The upstream answered with something that cannot be read.'))
    else if (reply.error) this.#fail(ofStatus(reply.error.status, undefined, reply.error.type))
    else {
      this.#finish()
      this.#hearer.replied(this, reply)
    }
  }

  onError(cause: WireError): void {
    if (this.#over) {
      this.#release()
      return
    }
    const { code } = cause
    if (this.tap && !this.media && code !== 'malformed') {
      // What says that the answer is whole may have come before the connection was lost. Media has no such word.
      this.tap.finish()
      this.#told(this.tap)
      if (this.#over) {
        this.#release()
        return
      }
    }
    if (code === 'malformed') this.#fail(malformed(cause.message))
    else if (this.#status === 200) this.#fail({ ...cut, cause })
    else if (code === 'refused_address') this.#fail({ ...forbidden, cause })
    else {
      const outcome = code === 'refused' ? 'refused' : 'reset'
      this.#fail({ outcome, health: 'unreached', fault: unreachable, cause })
    }
  }

  /** Bytes of a stream, or its end. What a filter has to wait for holds up what comes after it. */
  #tap(tap: Tap, chunk: Buffer | undefined): void {
    try {
      if (chunk) tap.push(chunk)
      else tap.finish()
    } catch (error) {
      this.#onBroken(error)
      return
    }
    if (tap.waits) {
      this.#queue = []
      this.#exchange?.pause()
      tap.waits.then(() => this.#resumed(tap, chunk === undefined), this.#onBroken)
      return
    }
    this.#told(tap)
    this.#checkEnd(chunk === undefined)
  }

  #resumed(tap: Tap, last: boolean): void {
    if (this.#over) return
    const queue = this.#queue ?? []
    this.#queue = undefined
    this.#told(tap)
    this.#checkEnd(last)
    for (let next = 0; next < queue.length && !this.#over; next++) {
      this.#tap(tap, queue[next])
      if (this.#queue) {
        ;(this.#queue as (Buffer | undefined)[]).push(...queue.slice(next + 1))
        return
      }
    }
    if (!this.#over) this.#exchange?.resume()
  }

  #checkEnd(last: boolean): void {
    if (this.#over) return
    if (last) this.#fail(cut)
    else if (this.#bytes > this.#try.replyBytes) this.#fail(tooLong)
  }

  readonly #onWhole = (reply: Reply): void => this.#whole(reply)

  /** What cannot be carried ends this attempt, and nothing beside it. */
  readonly #onBroken = (cause: unknown): void => {
    if (!this.#over) this.#fail({ ...malformed('The answer could not be carried to its caller.'), cause })
  }

  #told(tap: Tap): void {
    const { out, terminal, error } = tap
    if (tap.deltas !== this.#deltas) {
      this.#deltas = tap.deltas
      this.contentAt = this.heardAt
    }
    if (this.begun) {
      if (out) this.#hearer.flowed(this, out)
    } else {
      if (out) {
        this.held.push(out)
        this.#heldBytes += out.length
      }
      if (tap.begun || terminal) {
        this.begun = true
        this.#hearer.began(this)
      } else if (this.#heldBytes > heldBytes) this.#fail(malformed('The upstream sent no content.'))
    }
    if (this.#over) return
    if (terminal) {
      // The stream has ended for the caller; what still comes after its terminal marker is read and dropped.
      this.#over = true
      this.#linger()
      this.#hearer.ended(this, terminal)
    } else if (error) this.#fail(ofStatus(error.status, undefined, error.type))
  }

  /** The upstream may end the body by itself, so that the socket is kept. */
  #linger(): void {
    if (this.#released) return
    const { wheel } = this.#try
    this.#lingersUntil = wheel.now + lingerMilliseconds
    this.#lingering = true
    wheel.add(this)
  }

  #refused(body: Buffer): void {
    const status = this.#status
    if (status === 400 || status === 413 || status === 422) {
      this.#finish()
      this.#hearer.rejected(this, status, body)
    } else this.#fail(ofStatus(status, this.#retryAfter))
  }

  #fail(failure: Failure): void {
    this.#over = true
    this.#exchange?.abort()
    this.#release()
    this.#hearer.failed(this, failure)
  }

  #finish(): void {
    this.#over = true
    this.#release()
  }

  #release(): void {
    if (this.#released) return
    this.#released = true
    if (this.#lingering) this.#try.wheel.delete(this)
    this.#pool.release()
  }
}

/** A path as the upstream has it. */
export function below({ base, strip, query }: Upstream, path: string): string {
  const rest = strip !== '' && path.startsWith(strip) ? path.slice(strip.length) : path
  if (query === '') return base + rest
  return `${base}${rest}${rest.includes('?') ? '&' : '?'}${query}`
}
