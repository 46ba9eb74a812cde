// One request at a server of tools: choose a place, send, and pass on what it answers. A call is made once: another
// place is tried only where no connection stood.
import { CutEvents, cutTools, type McpPasser, PlainEvents } from '@switchyard/dialects'
import { Body } from '../body.ts'
import { choose, type Facts } from '../choose/choose.ts'
import { type Reason, refusalOf } from '../choose/reason.ts'
import { Tried } from '../ended.ts'
import { cut, type Failure, forbidden, late, malformed, unreachable } from '../failure.ts'
import type { HealthOutcome } from '../health/outcome.ts'
import type { Ticket } from '../health/vitals.ts'
import type { House } from '../house.ts'
import type { Outcome } from '../metrics.ts'
import type { UpstreamPool } from '../upstreams.ts'
import type { Exchange, Hearer, WireError } from '../wire/client.ts'
import { headerOf, type RawHeaders } from '../wire/client-parser.ts'
import { formOf, isJson, type McpForm } from './answer.ts'
import { type McpMethod, sessionHeader } from './asked.ts'
import type { McpTarget } from './places.ts'
import { unknownSession } from './resolve.ts'
import type { McpServer } from './server.ts'
import type { McpSession } from './sessions.ts'

export interface McpOrder {
  readonly request: string
  readonly server: McpServer
  readonly method: McpMethod
  readonly body: Buffer | undefined
  /** Names and values in turn, beside the server's own. */
  readonly headers: readonly string[]
  /** Where the request has to go; undefined leaves the choice. */
  readonly session: McpSession | undefined
}

export interface McpReply {
  readonly status: number
  /** Undefined where the server's words are not for callers. */
  readonly bytes: Buffer | undefined
  readonly type: string
  /** Methods that the server takes, of a 405. */
  readonly allow: string | undefined
  /** Of a session that the server has begun. */
  readonly session: McpSession | undefined
}

/** What is heard of it: a reply, or a stream with one end, or a failure. */
export interface McpHearer {
  streaming(session: McpSession | undefined): void
  flowed(bytes: Buffer): void
  ended(): void
  replied(reply: McpReply): void
  failed(failure: Failure): void
}

/** Bytes of one event that is held until its list of tools is whole. */
const mostHeld = 16 * 1024 * 1024
/** Bytes of a refusal that are read. */
const mostRefusal = 64 * 1024
/** Events in a row that cannot be read. */
const mostMalformed = 3

export class McpForward implements Hearer {
  /** Milliseconds until the answer began, or was whole. */
  waited = 0
  readonly tries: Tried[] = []
  readonly #house: House
  readonly #order: McpOrder
  readonly #hearer: McpHearer
  readonly #tried: McpTarget[] = []
  readonly #body = new Body()
  readonly #passer: McpPasser
  #ticket: Ticket | undefined
  #pool: UpstreamPool | undefined
  #exchange: Exchange | undefined
  #form: McpForm | undefined
  #status = 0
  #headers: RawHeaders = []
  #sentAt = 0
  /** Time of the wheel at which something last came. */
  #heardAt = 0

  constructor(house: House, order: McpOrder, hearer: McpHearer) {
    this.#house = house
    this.#order = order
    this.#hearer = hearer
    const { allows } = order.server
    this.#passer = allows ? new CutEvents(allows) : new PlainEvents()
  }

  get attempts(): number {
    return this.#tried.length
  }

  get upstream(): string {
    return this.#tried.at(-1)?.to.name ?? ''
  }

  /** Where the stream stands. */
  get edge(): McpPasser['edge'] {
    return this.#passer.edge
  }

  /** Throws the fault for which no place can be asked. */
  start(): void {
    const { request, server, method, body, session, headers } = this.#order
    const { clock, upstreams, wheel } = this.#house
    const now = clock()
    const target = this.#choose(now)
    this.#tried.push(target)
    const { to, vitals } = target
    const listens = method === 'GET'
    this.tries.push(new Tried({ ...to, provider: 'mcp', served: undefined }, server.model, now))
    this.#ticket = vitals.begin(now, listens)
    this.#pool = upstreams.at(listens ? to.listening : to.origin)
    this.#pool.inflight++
    this.#sentAt = now
    this.#heardAt = wheel.now
    const pinned = session ? [sessionHeader, session.id] : []
    try {
      const all = [...to.headers, ...headers, ...pinned]
      this.#exchange = this.#pool.client.request(method, to.path, all, body, this)
    } catch (error) {
      this.#close('unasked', 'aborted')
      this.#house.observe({ type: 'internal_error', request, error })
      throw error
    }
  }

  cancel(): void {
    this.#exchange?.abort()
    this.#close('cancelled', 'aborted')
  }

  pause(): void {
    this.#exchange?.pause()
  }

  resume(): void {
    this.#exchange?.resume()
  }

  /** Called every 100 ms; `blocked` while the caller takes nothing. */
  tick(now: number, blocked: boolean): void {
    if (!this.#ticket) return
    if (blocked) this.#heardAt = now
    const { answer, idle } = this.#order.server.times
    const silent = now - this.#heardAt
    if (this.#form === undefined && silent >= answer) this.#fail(late('first_token'))
    else if (this.#form !== undefined && this.#order.method !== 'GET' && silent >= idle)
      this.#fail(late('idle'))
  }

  // ---- what the server says

  onHead(status: number, headers: RawHeaders): void {
    this.#heardAt = this.#house.wheel.now
    this.#status = status
    this.#headers = headers
    const form = formOf(this.#order.method, this.#order.session !== undefined, status, headers)
    if (typeof form !== 'string') {
      this.#fail(form)
      return
    }
    this.#form = form
    if (form !== 'stream') return
    this.#answered()
    this.#hearer.streaming(this.#begun)
  }

  onData(bytes: Buffer): void {
    this.#heardAt = this.#house.wheel.now
    const { replyBytes } = this.#house.limits
    if (this.#form === 'stream') this.#pass(bytes)
    else if (this.#form === 'whole') {
      this.#body.push(bytes)
      if (this.#body.bytes > replyBytes) this.#fail(malformed(`more than ${replyBytes} bytes`))
    } else if (this.#form === 'refusal' && this.#body.bytes <= mostRefusal) this.#body.push(bytes)
  }

  onEnd(): void {
    if (this.#form === 'stream') {
      this.#close('answered', 'answered')
      this.#hearer.ended()
      return
    }
    this.#answered()
    const bytes = this.#form === 'whole' ? this.#shown(this.#body.take()) : this.#refusal()
    if (this.#form === 'whole' && !bytes) {
      this.#fail(malformed('a body that is no JSON'))
      return
    }
    this.#close('answered', this.#form === 'refusal' ? 'rejected' : 'answered')
    this.#hearer.replied({
      status: this.#status,
      bytes,
      type: 'application/json',
      allow: this.#status === 405 ? headerOf(this.#headers, 'allow') : undefined,
      session: this.#begun,
    })
  }

  onError(error: WireError): void {
    const { code } = error
    if (code === 'refused' || code === 'refused_address') this.#unreached(error)
    else if (code === 'malformed') this.#fail(malformed(error.message))
    else if (code === 'reset')
      this.#fail({ outcome: 'reset', health: 'unreached', fault: unreachable, cause: error })
    else this.#fail({ ...cut, cause: error })
  }

  // ----

  /** The session that the answer begins: where it is the request's own the caller has it already. */
  get #begun(): McpSession | undefined {
    const id = headerOf(this.#headers, sessionHeader)
    const { session } = this.#order
    const place = this.#tried.at(-1)?.to.place
    if (id === undefined || place === undefined || id === session?.id) return undefined
    return { place, id }
  }

  #choose(now: number): McpTarget {
    const { places, random } = this.#house
    const { server, session, method } = this.#order
    if (session) {
      const pinned = places.at(server, session.place)
      if (!pinned) throw unknownSession()
      return pinned
    }
    const tiers = places.tiers(server)
    const facts: Facts = { now, random, streamed: method === 'GET' }
    const target = choose(tiers, facts, { tried: this.#tried, onlyFresh: this.#tried.length > 0 })
    if (target) return target
    const reasons: Reason[] = []
    choose(tiers, facts, {}, reasons)
    throw refusalOf(reasons, now)
  }

  #answered(): void {
    const now = this.#house.clock()
    this.waited += now - this.#sentAt
    const tried = this.tries.at(-1)
    if (tried) tried.contentAt = now
    this.#ticket?.content(now)
  }

  /** The bytes of a whole answer with the tools that are not allowed cut out; undefined where it cannot be read. */
  #shown(bytes: Buffer): Buffer | undefined {
    const { allows } = this.#order.server
    return cutTools(bytes, allows ?? everyTool)
  }

  #refusal(): Buffer | undefined {
    const bytes = this.#body.take()
    if (this.#form === 'empty') return bytes
    const readable = isJson(headerOf(this.#headers, 'content-type')) && bytes.length <= mostRefusal
    return readable ? bytes : undefined
  }

  #pass(bytes: Buffer): void {
    const before = this.#passer.malformed
    const out = this.#passer.push(bytes)
    if (this.#passer.malformed > before) this.#house.metrics.malformedEvents++
    if (out.length > 0) this.#hearer.flowed(out)
    if (this.#passer.malformed >= mostMalformed) this.#fail(malformed('events that are no JSON'))
    else if (this.#passer.held > mostHeld) this.#fail(malformed(`an event of more than ${mostHeld} bytes`))
  }

  /** Nothing was sent: another place may be asked. */
  #unreached(cause: WireError): void {
    const refused = { outcome: 'refused', health: 'unreached', fault: unreachable, cause } as const
    const failure: Failure = cause.code === 'refused_address' ? { ...forbidden, cause } : refused
    const { server, session } = this.#order
    if (session || this.#tried.length >= server.upstreams.length || this.#house.stopping) {
      this.#fail(failure)
      return
    }
    this.#tell(failure)
    this.#close(failure.outcome, failure.health)
    this.#house.metrics.retries++
    try {
      this.start()
    } catch {
      // No other place is fit: what went wrong at this one is what the caller is told.
      this.#hearer.failed(failure)
    }
  }

  #fail(failure: Failure): void {
    this.#tell(failure)
    this.#exchange?.abort()
    const { outcome, health, retryAfter } = failure
    if (this.#form === undefined) this.waited += this.#house.clock() - this.#sentAt
    this.#close(outcome, health, retryAfter)
    this.#hearer.failed(failure)
  }

  #tell({ outcome, cause }: Failure): void {
    const { request } = this.#order
    this.#house.observe({ type: 'attempt_failed', request, upstream: this.upstream, outcome, cause })
  }

  /** The end of an attempt, once. */
  #close(outcome: Outcome, health: HealthOutcome, retryAfter?: number): void {
    const ticket = this.#ticket
    if (!ticket) return
    this.#ticket = undefined
    this.#exchange = undefined
    const now = this.#house.clock()
    ticket.end(health, now, retryAfter === undefined ? undefined : retryAfter * 1000)
    this.tries.at(-1)?.end(outcome, this.#status, now)
    this.#house.metrics.attempt(this.upstream, outcome)
    this.#pool?.release()
    this.#pool = undefined
  }
}

const everyTool = () => true
