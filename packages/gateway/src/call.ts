// One request from its first header to its one end: authenticate, read, resolve, journal, forward, relay,
// settle. Each step takes what the ones before it made.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Ask, openai, type Usage } from '@switchyard/dialects'
import { Fault } from '@switchyard/kinds'
import type { Admitted } from '@switchyard/ledger'
import type { EndReason } from '@switchyard/runtime'
import { Attempt, type Failure, type Listener, type Sent } from './attempt.ts'
import { accept, authenticate, type Credential } from './authenticate.ts'
import { backoff, choose } from './balance.ts'
import { Body } from './body.ts'
import { bodyTooLarge, checkMediaType, findTarget, type Head, readHead, type Target } from './edge.ts'
import type { House } from './house.ts'
import { listModels, showModel } from './models.ts'
import { Relay } from './relay.ts'
import { noUpstream, resolve } from './resolve.ts'
import type { Model, Snapshot, Upstream } from './snapshot.ts'

type Phase = 'reading' | 'opening' | 'waiting' | 'streaming' | 'settling' | 'ended'

const noBytes = Buffer.alloc(0)
const jsonHeaders = headersFor('application/json')
const streamHeaders = headersFor('text/event-stream')

/** What reaches an upstream: nothing of the caller's but what is listed here. */
function headersFor(accept: string): string[] {
  return [
    'content-type',
    'application/json',
    'accept',
    accept,
    'accept-encoding',
    'identity',
    'user-agent',
    'switchyard',
  ]
}

export class Call implements Listener {
  readonly id: string
  publicName: Buffer = noBytes
  streamed = false
  usageAsked = false
  readonly replyBytes: number

  readonly #house: House
  readonly #request: IncomingMessage
  readonly #response: ServerResponse
  readonly #snapshot: Snapshot
  #checked: Snapshot
  readonly #startedAt: number
  readonly #expects: boolean
  #relay: Relay
  #phase: Phase = 'reading'
  #head: Head | undefined
  #credential: Credential | undefined
  readonly #body = new Body()
  #readAt: number
  #admitted: Admitted | undefined
  #model: Model | undefined
  #sent: Sent | undefined
  #attempt: Attempt | undefined
  readonly #tried: Upstream[] = []
  #attempts = 0
  #tap: openai.StreamTap | undefined
  #sentAt = 0
  #waited = 0
  #firstContentAt: number | undefined
  #heardAt = 0
  #contentAt = 0
  #deltas = 0
  #wroteAt = 0
  #takenAt = 0
  #left = 0
  #retry: NodeJS.Timeout | undefined

  constructor(house: House, request: IncomingMessage, response: ServerResponse, expects: boolean) {
    this.#house = house
    this.#request = request
    this.#response = response
    this.#expects = expects
    this.#snapshot = house.snapshot()
    this.#checked = this.#snapshot
    this.#startedAt = house.clock()
    this.#readAt = house.wheel.now
    this.id = house.uuid()
    this.replyBytes = house.limits.replyBytes
    this.#relay = new Relay(response, this.id)
  }

  start(): void {
    const { limits } = this.#house
    try {
      const { method = '', url = '' } = this.#request
      const target = findTarget(method, url, limits)
      const head = readHead(this.#request, limits, target)
      if (head.requestId !== undefined) this.#relay = new Relay(this.#response, head.requestId)
      this.#head = head
      this.#credential = authenticate(head.carried, this.#snapshot, this.#house.clock())
      if (target.type === 'models') this.#list(target)
      else this.#read(head)
    } catch (error) {
      this.#refuse(error)
    }
  }

  // ---- the caller's side

  #list(target: Extract<Target, { type: 'models' }>): void {
    const principal = (this.#credential as Credential).principal // set before by `start`
    const body =
      target.id === undefined
        ? listModels(principal, this.#snapshot)
        : showModel(target.id, principal, this.#snapshot)
    this.#phase = 'ended'
    this.#relay.reply(200, body, this.#house.closing())
    this.#house.metrics.request('', '', 200, 'done')
  }

  #read(head: Head): void {
    checkMediaType(head)
    this.#house.enter(this)
    this.#response.once('close', () => this.#closed())
    this.#request.on('data', (chunk: Buffer) => this.#take(chunk))
    this.#request.once('end', () => this.#whole())
    if (this.#expects) this.#response.writeContinue()
  }

  #take(chunk: Buffer): void {
    if (this.#phase !== 'reading') return
    this.#readAt = this.#house.wheel.now
    this.#body.push(chunk)
    if (this.#body.bytes > this.#house.limits.bodyBytes) this.#refuse(bodyTooLarge(this.#house.limits))
  }

  #whole(): void {
    if (this.#phase !== 'reading') return
    try {
      this.#open(this.#body.take())
    } catch (error) {
      this.#refuse(error)
    }
  }

  /** Everything that can be refused without an upstream has been when this returns; then the journal knows of it. */
  #open(body: Buffer): void {
    const { target, openaiBeta } = this.#head as Head // `start` has set head and credential
    const { principal } = this.#credential as Credential
    if (target.type !== 'operation') return
    const ask = openai.readRequest(target.operation, body)
    const model = resolve(ask.model, principal, this.#snapshot)
    this.#model = model
    this.publicName = model.publicName
    this.streamed = ask.stream.on
    this.usageAsked = ask.stream.usage
    this.#sent = sentOf(ask, target.path, model, openaiBeta)
    this.#admitted = {
      request: this.id,
      at: this.#startedAt,
      workspace: principal.workspace,
      project: principal.project,
      key: principal.key,
      keyName: principal.keyName,
      model: model.name,
      endpoint: model.endpoint,
      operation: ask.operation,
      streamed: ask.stream.on,
    }
    this.#phase = 'opening'
    const event = this.#house.meter.open(this.#admitted)
    this.#house.journal.append({ kind: 'open', request: this.id, event }).then(this.#forward, this.#unopened)
  }

  readonly #unopened = (error: unknown): void => {
    if (this.#phase === 'opening') this.#refuse(error)
  }

  // ---- the upstream's side

  readonly #forward = (): void => {
    if (this.#phase !== 'opening' && this.#phase !== 'waiting') return
    if (this.#phase === 'opening') {
      this.#phase = 'waiting'
      this.#house.budget(this.#model as Model).deposit() // set by `#open`, as is the request that is sent
    }
    const model = this.#house
      .snapshot()
      .models.get((this.#model as Model).workspace)
      ?.get((this.#model as Model).name)
    // A retry looks at the newest snapshot: the replica that failed may be gone from it, and another one ready.
    const upstreams = this.#attempts === 0 || !model ? (this.#model as Model).upstreams : model.upstreams
    const upstream = choose(upstreams, this.#house.inflight, this.#tried, this.#house.turn())
    if (!upstream) {
      this.#conclude(noUpstream(this.#model as Model), 'upstream_error')
      return
    }
    this.#tried.push(upstream)
    this.#attempts++
    this.#sentAt = this.#house.clock()
    this.#heardAt = this.#house.wheel.now
    this.#tap = undefined
    const attempt = new Attempt(this.#attempts, upstream, this.#house.upstreams.at(upstream.address), this)
    this.#attempt = attempt
    attempt.send(this.#sent as Sent)
  }

  heard(): void {
    this.#heardAt = this.#house.wheel.now
  }

  streaming(attempt: Attempt, tap: openai.StreamTap): void {
    this.#tap = tap
    const { out } = tap
    if (tap.deltas !== this.#deltas) {
      this.#deltas = tap.deltas
      this.#contentAt = this.#house.wheel.now
    }
    if (this.#phase === 'waiting') {
      if (out && !this.#relay.hold(out)) {
        this.#abandon(
          attempt,
          new Fault('unavailable', 'The engine sent no content: try again.', {
            reason: 'upstream_error',
            status: 502,
          }),
        )
        return
      }
      if (tap.begun || tap.terminal) this.#commit()
    } else if (out) this.#pass(out)
    if (tap.terminal) this.#settleStream(attempt, tap, tap.terminal)
    else if (attempt.bytes > this.replyBytes)
      this.#abandon(
        attempt,
        new Fault('deadline', 'The answer is longer than a stream may be.', { reason: 'total' }),
      )
  }

  #commit(): void {
    this.#phase = 'streaming'
    const now = this.#house.clock()
    this.#waited += now - this.#sentAt
    this.#firstContentAt ??= now
    this.#contentAt = this.#house.wheel.now
    this.#wroteAt = this.#contentAt
    this.#relay.commit(this.#known())
    this.#throttle()
  }

  #pass(out: Buffer): void {
    this.#wroteAt = this.#house.wheel.now
    this.#relay.write(out)
    if (this.#relay.blocked) this.#throttle()
  }

  /** A caller that reads slowly slows its upstream: what waits here stays small. */
  #throttle(): void {
    if (!this.#relay.blocked) return
    this.#attempt?.pause()
    this.#takenAt = this.#house.wheel.now
    this.#left = this.#relay.waiting
    this.#response.once('drain', () => {
      this.#relay.blocked = false
      this.#heardAt = this.#house.wheel.now
      this.#attempt?.resume()
    })
  }

  #settleStream(attempt: Attempt, tap: openai.StreamTap, terminal: Buffer): void {
    this.#phase = 'settling'
    this.#house.metrics.attempt(attempt.upstream.name, 'answered')
    this.#attempt = undefined
    attempt.linger(this.#house.wheel)
    this.#settle('done', 200, 'caller', this.#used(tap)).then(
      () => {
        this.#relay.end(terminal)
        this.#finished('done', 200)
      },
      (error: unknown) => {
        this.#relay.breakOff(faultOf(error))
        this.#finished('upstream_error', 200)
      },
    )
  }

  replied(attempt: Attempt, { bytes, usage }: openai.Reply): void {
    if (this.#phase !== 'waiting') return
    this.#answered(attempt)
    this.#settle('done', 200, 'caller', usage).then(
      () => {
        this.#relay.reply(200, bytes, this.#known())
        this.#finished('done', 200)
      },
      (error: unknown) => {
        const fault = faultOf(error)
        this.#relay.refuse(fault, this.#known())
        this.#finished('upstream_error', fault.status)
      },
    )
  }

  rejected(attempt: Attempt, status: number, body: Buffer): void {
    if (this.#phase !== 'waiting') return
    this.#answered(attempt)
    const fault = new Fault('invalid', 'The engine refused the request.', { status, reason: 'invalid_value' })
    const shown = openai.readReply(body, this.publicName) ? body : openai.errorBody(fault)
    const tell = () => {
      this.#relay.reply(status, shown, this.#known())
      this.#finished('refused', status)
    }
    void this.#settle('refused', status, 'caller', undefined).catch(this.#unrecorded).then(tell)
  }

  #answered(attempt: Attempt): void {
    this.#phase = 'settling'
    this.#attempt = undefined
    const now = this.#house.clock()
    this.#waited += now - this.#sentAt
    this.#firstContentAt = now
    this.#house.metrics.attempt(attempt.upstream.name, 'answered')
  }

  failed(attempt: Attempt, failure: Failure): void {
    const { metrics, observe, limits, clock } = this.#house
    metrics.attempt(attempt.upstream.name, failure.outcome)
    const { outcome, cause } = failure
    observe({ type: 'attempt_failed', request: this.id, upstream: attempt.upstream.name, outcome, cause })
    this.#attempt = undefined
    if (this.#phase !== 'waiting') {
      if (this.#phase === 'streaming') this.#conclude(failure.fault, 'upstream_error', failure.type)
      return
    }
    const now = clock()
    this.#waited += now - this.#sentAt
    this.#relay.drop()
    this.#deltas = 0
    const again =
      failure.next &&
      this.#attempts < limits.attempts &&
      now - this.#startedAt < limits.total &&
      !this.#house.stopping
    if (again && this.#house.budget(this.#model as Model).take(now)) this.#again()
    else {
      if (again) metrics.retryBudgetExhausted++
      this.#conclude(
        failure.fault,
        failure.fault.code === 'deadline' ? 'our_timeout' : 'upstream_error',
        failure.type,
      )
    }
  }

  /** Another upstream at once; one that has been tried only after a pause. */
  #again(): void {
    this.#house.metrics.retries++
    const { workspace, name } = this.#model as Model
    const upstreams = this.#house.snapshot().models.get(workspace)?.get(name)?.upstreams ?? []
    if (upstreams.some(one => !this.#tried.some(tried => tried.name === one.name))) this.#forward()
    else this.#retry = setTimeout(this.#forward, backoff(this.#attempts, this.#house.random()))
  }

  // ---- the end

  /** Cancels the attempt under way and fails it. */
  #abandon(attempt: Attempt, fault: Fault): void {
    attempt.cancel()
    this.failed(attempt, {
      outcome: 'deadline',
      next: fault.code !== 'deadline' || fault.reason === 'first_token',
      fault,
    })
  }

  /** Ends an admitted request with a fault: an HTTP status before the first byte, an error event after it. */
  #conclude(fault: Fault, end: EndReason, type?: string): void {
    if (this.#phase === 'settling' || this.#phase === 'ended') return
    const { committed } = this.#relay
    this.#phase = 'settling'
    const status = committed ? 200 : fault.status
    const used = committed && this.#tap ? this.#used(this.#tap) : undefined
    const tell = () => {
      if (committed) this.#relay.breakOff(fault, type)
      else this.#relay.refuse(fault, this.#known())
      this.#finished(end, status)
    }
    const billable = end === 'client_gone' ? 'caller' : committed ? 'cost' : 'caller'
    void this.#settle(end, status, billable, used).catch(this.#unrecorded).then(tell)
  }

  /** Journals the one usage record; what follows may leave for the caller. */
  #settle(
    end: EndReason,
    status: number,
    billable: 'caller' | 'cost',
    usage: Usage | undefined,
  ): Promise<void> {
    const { meter, journal, clock, metrics } = this.#house
    if (usage) metrics.tokens(usage)
    const event = meter.end(this.#admitted as Admitted, {
      at: clock(),
      end,
      status,
      attempt: Math.max(1, this.#attempts),
      upstream: this.#tried.at(-1)?.name ?? '',
      billable,
      usage,
    })
    return journal.append({ kind: 'usage', request: this.id, events: [event] })
  }

  /** The caller is told of its own fault first; that the record is missing is told to the operator. */
  readonly #unrecorded = (error: unknown): void => {
    this.#house.observe({ type: 'usage_not_recorded', request: this.id, error })
  }

  #used({ usage, deltas, malformed }: openai.StreamTap): Usage | undefined {
    this.#house.metrics.malformedEvents += malformed
    if (usage || deltas === 0) return usage
    this.#house.metrics.usageMissing++
    return openai.countedUsage(deltas)
  }

  #finished(end: EndReason, status: number): void {
    this.#phase = 'ended'
    const { metrics, clock, observe } = this.#house
    const { operation = '' } = this.#head?.target.type === 'operation' ? this.#head.target : {}
    const now = clock()
    const total = now - this.#startedAt
    const first = this.#firstContentAt === undefined ? undefined : this.#firstContentAt - this.#startedAt
    metrics.request(operation, this.#model?.endpoint ?? '', status, end)
    // A stream waits for its upstream until the end.
    const streamed = this.streamed && this.#firstContentAt !== undefined ? now - this.#firstContentAt : 0
    metrics.times(total, this.#waited + streamed, first)
    observe({
      type: 'request_ended',
      request: this.id,
      callerId: this.#head?.requestId,
      key: this.#credential?.principal.key,
      workspace: this.#credential?.principal.workspace,
      operation,
      endpoint: this.#model?.endpoint,
      attempts: this.#attempts,
      status,
      end,
      milliseconds: total,
    })
    if (this.#response.closed) this.#house.leave(this)
  }

  /** The connection to the caller is closed: the answer has left whole, or nobody waits for it any more. */
  #closed(): void {
    if (this.#phase === 'ended') {
      this.#house.leave(this)
      return
    }
    if (this.#phase === 'settling') return
    this.#gone('client_gone')
  }

  #gone(end: EndReason): void {
    const phase = this.#phase
    this.#house.metrics.gone(phase)
    clearTimeout(this.#retry)
    this.#attempt?.cancel()
    if (this.#attempt) this.#house.metrics.attempt(this.#attempt.upstream.name, 'cancelled')
    this.#attempt = undefined
    this.#phase = 'settling'
    if (phase === 'reading') this.#finished(end, 499)
    else
      void this.#settle(end, 499, 'caller', this.#tap ? this.#used(this.#tap) : undefined)
        .catch(this.#unrecorded)
        .then(() => this.#finished(end, 499))
  }

  /** Refuses a request that the journal does not know of. */
  #refuse(error: unknown): void {
    const fault = faultOf(error)
    if (fault.code === 'internal') this.#house.observe({ type: 'internal_error', request: this.id, error })
    const unread =
      !this.#request.complete &&
      (fault.code === 'too_large' || fault.status === 408 || fault.reason === 'malformed_request')
    this.#relay.refuse(fault, this.#house.closing(), unread)
    this.#finished('refused', fault.status)
  }

  /** Ends the request where it stands: its key is no longer accepted, or the gateway stops. */
  stop(fault: Fault, end: EndReason): void {
    if (this.#phase === 'reading') this.#refuse(fault)
    else if (this.#phase === 'opening' || this.#phase === 'waiting' || this.#phase === 'streaming') {
      clearTimeout(this.#retry)
      this.#attempt?.cancel()
      this.#attempt = undefined
      this.#conclude(fault, end)
    }
  }

  /** Called every 100 ms while the request is under way. */
  tick(now: number): void {
    const { limits } = this.#house
    if (this.#phase !== 'settling' && this.#phase !== 'ended') this.#check(now)
    if (this.#phase === 'reading') this.#tickReading(now)
    else if (this.#phase === 'waiting' || this.#phase === 'streaming') {
      const attempt = this.#attempt
      if (now - this.#startedAt >= limits.total) this.#expire(attempt, 'total')
      else if (!attempt) return
      else if (this.#phase === 'waiting') {
        if (now - this.#sentAt >= limits.firstContent) this.#expire(attempt, 'first_token')
      } else if (this.#relay.blocked) this.#tickBlocked(now)
      else if (now - this.#heardAt >= limits.idle) this.#expire(attempt, 'idle')
      else if (now - this.#contentAt >= limits.stall) this.#expire(attempt, 'idle')
      else if (now - this.#wroteAt >= limits.ping) {
        this.#wroteAt = now
        this.#relay.ping()
      }
    }
  }

  #tickReading(now: number): void {
    const { bodyGap, bodyTotal } = this.#house.limits
    if (now - this.#readAt < bodyGap && now - this.#startedAt < bodyTotal) return
    this.#refuse(
      new Fault('deadline', 'The body did not arrive in time: send it faster.', {
        reason: 'caller_slow',
        status: 408,
      }),
    )
  }

  #tickBlocked(now: number): void {
    const { waiting } = this.#relay
    if (waiting < this.#left) this.#takenAt = now
    this.#left = waiting
    if (now - this.#takenAt < this.#house.limits.callerStall) return
    this.#gone('client_gone')
    this.#relay.destroy()
  }

  #expire(attempt: Attempt | undefined, reason: 'first_token' | 'idle' | 'total'): void {
    const fault = new Fault('deadline', deadlines[reason], { reason })
    if (this.#phase === 'waiting' && attempt && reason === 'first_token') this.#abandon(attempt, fault)
    else this.stop(fault, 'our_timeout')
  }

  /** A key that is no longer accepted ends what it began. */
  #check(now: number): void {
    const snapshot = this.#house.snapshot()
    const { digest, until } = this.#credential as Credential // set before the call ticks
    if (snapshot === this.#checked && now < until) return
    this.#checked = snapshot
    try {
      accept(digest, snapshot, now)
    } catch (error) {
      this.stop(faultOf(error), 'client_gone')
    }
  }

  /** Headers of an answer of which a model and attempts are known. */
  #known(): string[] {
    const headers = [...this.#house.closing()]
    if (this.#model) headers.push('x-switchyard-model', this.#model.name)
    if (this.#attempts > 0) headers.push('x-switchyard-attempts', String(this.#attempts))
    const spent = this.#house.clock() - this.#startedAt
    headers.push('openai-processing-ms', String(Math.round(spent)))
    headers.push('x-switchyard-overhead-ms', String(Math.max(0, Math.round(spent - this.#waited))))
    return headers
  }
}

const deadlines = {
  first_token: 'The engine gave no content in time: try again.',
  idle: 'The engine fell silent: what was received is not complete.',
  total: 'The request took longer than a request may take: ask for less at once.',
} as const

function sentOf(ask: Ask, path: string, model: Model, openaiBeta: string | undefined): Sent {
  const headers = ask.stream.on ? streamHeaders : jsonHeaders
  return {
    path,
    headers: openaiBeta === undefined ? headers : [...headers, 'openai-beta', openaiBeta],
    body: openai.upstreamBody(ask, model.served),
  }
}

function faultOf(error: unknown): Fault {
  if (error instanceof Fault) return error
  return new Fault('internal', 'The gateway failed: try again, and tell its operator the request id.', {
    cause: error,
  })
}
