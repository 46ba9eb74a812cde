// One request from its first header to its one end: authenticate, read, resolve, journal, forward, relay,
// settle. Each step takes what the ones before it made.
import {
  type Ask,
  type CallerName,
  callers,
  estimateCount,
  readRequest,
  type Usage,
} from '@switchyard/dialects'
import { Fault } from '@switchyard/kinds'
import type { Ended, EndReason } from '@switchyard/runtime'
import { answerHeaders } from './answer-headers.ts'
import type { Answering } from './answering.ts'
import { authenticate, type Credential, recheck } from './authenticate.ts'
import { pays } from './bill.ts'
import { deliver } from './deliver.ts'
import { tellDenied } from './denials.ts'
import { requestCoding } from './door/compress.ts'
import { callerSlow, deadlines, type Failure, faultOf } from './failure.ts'
import type { Blocked, Finding } from './guard/index.ts'
import { filtered } from './guarding.ts'
import { askedAs, checkMediaType, dialectOf, type Head, readHead } from './head.ts'
import type { House, Running } from './house.ts'
import { Intake, type IntakeHearer } from './intake.ts'
import { inferencePassage } from './oip.ts'
import { Opening, type OpeningHearer } from './opening.ts'
import { answerOwn } from './own.ts'
import { type Passage, plainAsk } from './passage.ts'
import { findTarget, isOpen, type Operated, type Own, type Target } from './paths.ts'
import { lostAt, Progress } from './progress.ts'
import type { Rejection } from './rejection.ts'
import { Relay } from './relay.ts'
import { resolve } from './resolve.ts'
import type { Route } from './route.ts'
import type { Snapshot } from './snapshot.ts'
import { answerStored } from './stored/own.ts'
import { type Story, tell, timesWithin } from './story.ts'
import { Upload } from './upload/upload.ts'
import { type Stretches, usedUp } from './wallet/stretches.ts'
import type { Inbound, InboundHearer } from './wire/inbound.ts'
import { askedOf } from './wishes.ts'

type Phase = 'reading' | 'asking' | 'opening' | 'waiting' | 'streaming' | 'settling' | 'ended'

export class Call implements Story, Running, InboundHearer, IntakeHearer, OpeningHearer {
  readonly id: string
  streamed = false
  place = -1

  readonly house: House
  readonly startedAt: number
  readonly peer: string
  relay: Relay
  target: Target | undefined
  head: Head | undefined
  credential: Credential | undefined
  route: Route | undefined
  opening: Opening | undefined
  firstContentAt: number | undefined
  usage: Usage | undefined
  reason: string | undefined
  readonly #inbound: Inbound
  readonly #snapshot: Snapshot
  readonly #cors: readonly string[]
  #phase: Phase = 'reading'
  #intake: Intake | undefined
  /** The model that was asked for. */
  #named: string | undefined
  #upload: Upload | undefined
  #readAt: number
  /** Ends what is asked about a response. */
  #asking: AbortController | undefined
  #wroteAt = 0
  /** Of what is paid for in stretches. */
  #stretches: Stretches | undefined
  /** Of what takes longer than a turn of the wheel. */
  #progress: Progress | undefined

  constructor(house: House, inbound: Inbound) {
    this.house = house
    this.#inbound = inbound
    this.#snapshot = house.snapshot()
    this.startedAt = house.clock()
    // The time of the wheel is that of its last turn, and it rests while nobody calls.
    this.#readAt = this.startedAt
    this.id = house.uuid()
    this.#cors = house.door.cors(inbound)
    this.peer = inbound.peer
    this.relay = this.#relayFor('openai')
  }

  start(): void {
    const { limits, door } = this.house
    try {
      if (this.#preflight()) return
      const target = this.#find()
      this.target = target
      const head = readHead(this.#inbound, limits, target)
      this.head = head
      this.relay = this.#relayFor(target.caller, head.requestId)
      if (isOpen(target)) {
        door.admit(this.peer, head.forwardedFor, [])
        this.#answer(target, Buffer.alloc(0))
        return
      }
      this.house.checkFresh?.()
      const credential = authenticate(head.carried, this.#snapshot, this.startedAt, door, this.#inbound.link)
      // Nothing of the body is read until it is known who calls.
      if (credential instanceof Promise)
        credential.then(
          known => this.#entered(known),
          (stranger: unknown) => this.#refuse(stranger),
        )
      else this.#enter(credential, target, head)
    } catch (error) {
      // What the headers alone are refused for is told in the dialect of the path too.
      if (this.target && !this.head) this.relay = this.#relayFor(this.target.caller)
      this.#refuse(error)
    }
  }

  #relayFor(caller: CallerName, requestId = this.id): Relay {
    return new Relay(this.#inbound, requestId, callers[caller], this.#cors)
  }

  /** Answers a browser that asks whether it may ask. */
  #preflight(): boolean {
    const headers = this.house.door.preflight(this.#inbound)
    if (!headers) return false
    this.#inbound.reply(204, [...headers, 'x-request-id', this.id, 'request-id', this.id], '')
    this.house.metrics.request('', '', '', 204, 'done')
    this.#phase = 'ended'
    return true
  }

  #entered(credential: Credential): void {
    try {
      this.#enter(credential, this.target as Target, this.head as Head) // `start` has set both
    } catch (error) {
      this.#refuse(error)
    }
  }

  /** Who calls is known: from where decides whether the request goes on. */
  #enter(credential: Credential, target: Target, head: Head): void {
    this.credential = credential
    this.house.door.admit(this.peer, head.forwardedFor, credential.principal.addresses)
    if (target.type === 'operation' || (target.type === 'ollama' && target.what === 'show'))
      this.#read(target, head)
    else if (target.type === 'response') this.#ask(target)
    else this.#answer(target, Buffer.alloc(0))
  }

  /** About a response that was made before. */
  #ask(target: Extract<Target, { type: 'response' }>): void {
    const { principal } = this.credential as Credential // `#enter` has set it
    this.house.enter(this)
    this.#phase = 'asking'
    this.#inbound.listen(this)
    this.#inbound.proceed()
    this.#asking = new AbortController()
    const { signal } = this.#asking
    answerStored(this.house, target, { principal, snapshot: this.#snapshot, signal }).then(
      bytes => {
        if (this.#phase !== 'asking') return
        this.#phase = 'settling'
        deliver(this, bytes, this.house.closing(), () => this.#finished('done', 200))
      },
      (error: unknown) => {
        if (this.#phase === 'asking') this.#refuse(error)
      },
    )
  }

  #find(): Target {
    const { method, url } = this.#inbound
    try {
      return askedAs(findTarget(method, url, this.house.limits), this.#inbound)
    } catch (error) {
      this.relay = this.#relayFor(dialectOf(this.#inbound))
      throw error
    }
  }

  // ---- the caller's side

  /** What the gateway answers by itself. */
  #answer(target: Own, body: Buffer): void {
    const { bytes, type } = answerOwn(target, {
      body,
      principal: this.credential?.principal,
      snapshot: this.#snapshot,
      now: this.startedAt,
      version: this.house.version,
      stopping: this.house.stopping,
    })
    this.#phase = 'settling'
    deliver(this, bytes, this.house.closing(), () => this.#finished('done', 200), type)
  }

  #read(target: Target, head: Head): void {
    checkMediaType(head, target)
    const coding = requestCoding(head.encoding)
    if (target.type === 'operation' && target.carrying === 'form') {
      if (coding === 'gzip') throw codedForm()
      this.#upload = this.#receive(target, head)
    } else {
      this.#intake = new Intake(this, this.house.limits.bodyBytes, scannedAs(target))
      if (coding === 'gzip') this.#intake.decode()
      else this.#intake.expect(head.length)
    }
    this.house.enter(this)
    this.#inbound.listen(this)
    this.#inbound.proceed()
  }

  #receive({ line }: Operated, head: Head): Upload {
    const { limits, wheel } = this.house
    const { formBytes: mostBytes, formHeldBytes: heldBytes } = limits
    const now = () => wheel.now
    return new Upload({ inbound: this.#inbound, head, named: line.model, heldBytes, mostBytes, now })
  }

  /** A part of a form, or its end: the rest of it comes while the request is forwarded. */
  #received(upload: Upload, chunk: Buffer | undefined): void {
    if (this.#phase === 'settling' || this.#phase === 'ended') return
    this.#readAt = this.house.wheel.now
    try {
      if (chunk) upload.push(chunk)
      else upload.end()
      if (this.#phase !== 'reading' || upload.name === undefined) return
      const target = this.target as Operated // `start` has set it
      this.#open(target, plainAsk(target, upload.name, nothing), upload)
    } catch (error) {
      if (this.#phase === 'reading') this.#refuse(error)
      else this.stop(faultOf(error), 'refused')
    }
  }

  onBody(chunk: Buffer): void {
    if (this.#upload) {
      this.#received(this.#upload, chunk)
      return
    }
    if (this.#phase !== 'reading') return
    this.#readAt = this.house.wheel.now
    this.#intake?.came(chunk)
  }

  onWhole(): void {
    if (this.#upload) {
      this.#received(this.#upload, undefined)
      return
    }
    if (this.#phase === 'reading') this.#intake?.end()
  }

  onBodyRefused(error: unknown): void {
    if (this.#phase === 'reading') this.#refuse(error)
  }

  onBodyWhole(body: Buffer): void {
    if (this.#phase !== 'reading') return
    try {
      const target = this.target as Target // `start` has set it
      if (target.type === 'ollama') this.#answer(target, body)
      else if (target.type !== 'operation') throw new TypeError('this has no body')
      else if (target.carrying === 'inference')
        this.#open(
          target,
          plainAsk(target, target.line.model ?? '', body),
          inferencePassage(target, this.#inbound.headers),
        )
      else
        this.#open(
          target,
          readRequest(target.caller, target.operation, body, target.line, this.#intake?.scan),
          undefined,
        )
    } catch (error) {
      this.#refuse(error)
    }
  }

  onDrain(): void {
    this.relay.blocked = false
    if (!this.#stretches?.short) this.#answering?.resume()
  }

  /** The connection to the caller is closed: the answer has left whole, or nobody waits for it any more. */
  onClose(): void {
    if (this.#phase === 'ended') this.house.leave(this)
    else if (this.#phase !== 'settling') this.#gone('client_gone')
  }

  /** What is asked is known: from here until an upstream hears of it the opening has it. */
  #open(target: Operated, ask: Ask, passage: Passage | undefined): void {
    const credential = this.credential as Credential // `start` has set it, as it has the head
    const head = this.head as Head
    const asked = askedOf(ask, this.#inbound.headers, head.wishes, passage === undefined)
    this.#named = ask.model
    const route = resolve(ask.model, credential.principal, this.#snapshot, asked)
    this.route = route
    if (target.carrying === 'count' && !isCounted(target.caller, route)) {
      this.relay.reply(200, estimateCount(ask), [...this.house.closing(), 'x-switchyard-warning', estimated])
      this.#finished('done', 200)
      return
    }
    this.streamed = ask.stream.on
    this.#follow(ask, route)
    const read = {
      request: this.id,
      startedAt: this.startedAt,
      head,
      target,
      credential,
      ask,
      route,
      passage,
    }
    this.opening = new Opening(this.house, read, this)
    this.#phase = 'opening'
    this.opening.start()
  }

  #follow(ask: Ask, { workspace, name }: Route): void {
    const { follow } = this.house
    if (!follow) return
    const traceparent = this.head?.traceparent
    this.relay.follower = follow({ request: this.id, workspace, route: name, ask, traceparent })
  }

  found(findings: readonly Finding[]): void {
    if (findings.length === 0) return
    this.house.metrics.guard(findings)
    this.house.observe({ type: 'guardrail_found', request: this.id, findings })
  }

  opened(): void {
    this.#phase = 'waiting'
    this.#stretches = this.opening?.stretches
    this.opening?.copy()
    this.#answering?.start()
  }

  refused(error: unknown): void {
    this.#refuse(error)
  }

  broken(error: unknown): void {
    this.house.observe({ type: 'internal_error', request: this.id, error })
    this.stop(faultOf(error), 'upstream_error')
  }

  get #answering(): Answering | undefined {
    return this.opening?.answering
  }

  // ---- the upstream's side

  committed(held: readonly Buffer[]): void {
    if (this.#phase === 'streaming') {
      this.firstContentAt = this.house.clock()
      for (const bytes of held) this.flowed(bytes)
      return
    }
    if (this.#phase !== 'waiting') return
    this.#phase = 'streaming'
    this.firstContentAt = this.house.clock()
    this.#wroteAt = this.house.wheel.now
    this.relay.commit(answerHeaders(this), held, this.#answering?.media)
    this.#throttle()
  }

  flowed(bytes: Buffer): void {
    this.#wroteAt = this.house.wheel.now
    this.relay.write(bytes)
    if (this.relay.blocked) this.#throttle()
    if (this.#stretches) this.#pace(this.#stretches)
  }

  /** A stream that has used up what is held for it waits for more, and ends where there is none. */
  #pace(stretches: Stretches): void {
    const verdict = stretches.pace(this.#answering?.tokens ?? 0, this.house.wheel.now)
    if (verdict === 'go') return
    if (verdict === 'cut') this.stop(usedUp(), 'budget_cut')
    else if (verdict === 'wait') this.#answering?.pause()
    else if (!this.relay.blocked) this.#answering?.resume()
  }

  /** A caller that reads slowly slows its upstream: what waits here stays small. */
  #throttle(): void {
    if (!this.relay.blocked) return
    this.#answering?.pause()
    this.relay.watch(this.house.wheel.now)
  }

  ended(terminal: Buffer): void {
    this.#phase = 'settling'
    this.found(this.#answering?.findings ?? [])
    const end = this.#answering?.stopped ? 'guard_blocked' : 'done'
    this.#settle(end, 200, 'caller').then(
      () => {
        this.relay.end(terminal)
        this.#finished(end, 200)
      },
      (error: unknown) => {
        this.relay.breakOff(this.#failureEvent(faultOf(error)))
        this.#finished('upstream_error', 200)
      },
    )
  }

  replied(bytes: Buffer): void {
    if (this.#phase !== 'waiting') return
    this.#phase = 'settling'
    this.found(this.#answering?.findings ?? [])
    this.firstContentAt = this.house.clock()
    this.#settle('done', 200, 'caller').then(
      () => {
        deliver(this, bytes, answerHeaders(this), () => this.#finished('done', 200))
      },
      (error: unknown) => {
        const fault = faultOf(error)
        this.relay.refuse(fault, answerHeaders(this))
        this.#finished('upstream_error', fault.status)
      },
    )
  }

  unspeakable(fault: Fault): void {
    this.#conclude(fault, 'refused')
  }

  blocked(by: Blocked): void {
    this.found(this.#answering?.findings ?? [])
    this.#conclude(filtered(by, 'answer'), 'guard_blocked')
  }

  rejected(status: number, { fault, bytes }: Rejection): void {
    if (this.#phase !== 'waiting') return
    this.reason = fault.reason
    this.#phase = 'settling'
    const tell = () => {
      if (bytes) this.relay.reply(status, bytes, answerHeaders(this))
      else this.relay.refuse(fault, answerHeaders(this))
      this.#finished('refused', status)
    }
    void this.#settle('refused', status, 'caller')
      .catch((error: unknown) => this.#unrecorded(error))
      .then(tell)
  }

  failed({ fault, type, outcome }: Failure): void {
    const end =
      outcome === 'unasked' ? 'refused' : fault.code === 'deadline' ? 'our_timeout' : 'upstream_error'
    this.#conclude(fault, end, type)
  }

  // ---- the end

  /** Ends an admitted request with a fault: an HTTP status before the first byte, an error event after it. */
  #conclude(fault: Fault, end: EndReason, type?: string): void {
    if (this.#phase === 'settling' || this.#phase === 'ended') return
    const { committed } = this.relay
    this.#phase = 'settling'
    this.reason = fault.reason
    const status = committed ? 200 : fault.status
    const spent = this.#answering?.retriesSpent === true && fault.retryAfterSeconds === undefined
    const tell = () => {
      if (committed) this.relay.breakOff(this.#failureEvent(fault, type))
      else this.relay.refuse(fault, spent ? [...answerHeaders(this), ...noRetry] : answerHeaders(this))
      this.#finished(end, status)
    }
    const owed = end === 'client_gone' || end === 'budget_cut'
    const billable = committed && !owed ? 'cost' : 'caller'
    void this.#settle(end, status, billable)
      .catch((error: unknown) => this.#unrecorded(error))
      .then(() => this.#denied(fault))
      .then(tell)
  }

  /** The bytes that end a stream with a fault, in the caller's dialect. */
  #failureEvent(fault: Fault, type?: string): Buffer {
    return this.#answering?.fail(fault, type) ?? Buffer.alloc(0) // what streams has one
  }

  /** Journals the one usage record; what follows may leave for the caller. */
  #settle(end: EndReason, status: number, billable: 'caller' | 'cost'): Promise<void> {
    const { clock, metrics } = this.house
    const usage = this.#answering?.used()
    this.usage = usage
    if (usage && usage.tier !== 'cache') metrics.used(usage)
    const opening = this.opening as Opening // only what was opened is settled
    const ended: Ended = {
      at: clock(),
      end,
      status,
      attempt: Math.max(1, this.#answering?.attempts ?? 1),
      upstream: this.#answering?.upstream ?? '',
      by: this.#answering?.by,
      billable: usage && !pays[end] ? 'cost' : billable,
      times: timesWithin(this),
      usage,
    }
    return opening.settle(ended, this.relay.committed)
  }

  /** The caller is told of its own fault first; that the record is missing is told to the operator. */
  #unrecorded(error: unknown): void {
    this.house.observe({ type: 'usage_not_recorded', request: this.id, error })
  }

  #finished(end: EndReason, status: number): void {
    this.#phase = 'ended'
    this.#upload?.close()
    this.#intake?.close()
    this.opening?.release(this.usage, end)
    tell(this, end, status)
    if (this.#inbound.closed) this.house.leave(this)
  }

  get bytesIn(): number {
    return this.#upload?.bytes ?? this.#intake?.bytes ?? 0
  }

  get unread(): boolean {
    return this.#upload !== undefined && !this.#inbound.complete
  }

  #gone(end: EndReason): void {
    const phase = this.#phase
    const { metrics, clock } = this.house
    const learned = clock()
    this.#asking?.abort()
    this.opening?.cancel()
    this.#answering?.cancel()
    metrics.gone(phase, this.#answering && clock() - learned)
    this.#phase = 'settling'
    if (phase === 'reading' || phase === 'asking') this.#finished(end, 499)
    else
      void this.#settle(end, 499, 'caller')
        .catch((error: unknown) => this.#unrecorded(error))
        .then(() => this.#finished(end, 499))
  }

  /** Refuses a request that the journal does not know of. */
  #refuse(error: unknown): void {
    const fault = faultOf(error)
    this.reason = fault.reason
    if (fault.code === 'internal') this.house.observe({ type: 'internal_error', request: this.id, error })
    const unread =
      !this.#inbound.complete &&
      (this.#upload !== undefined ||
        fault.code === 'too_large' ||
        fault.status === 408 ||
        fault.reason === 'malformed_request')
    const tell = () => {
      this.relay.refuse(fault, this.opening ? answerHeaders(this) : this.house.closing(), unread)
      this.#finished('refused', fault.status)
    }
    const told = this.#denied(fault)
    if (!told) {
      tell()
      return
    }
    this.#phase = 'settling'
    void told.then(tell)
  }

  /** Waits for the trail, where it is told of this. */
  #denied(fault: Fault): Promise<void> | undefined {
    return tellDenied(this.house, fault, {
      request: this.id,
      inbound: this.#inbound,
      peer: this.peer,
      head: this.head,
      credential: this.credential,
      kind: 'Route',
      name: this.#named,
    })
  }

  /** Ends the request where it stands: its key is no longer accepted, or the gateway stops. */
  stop(fault: Fault, end: EndReason): void {
    if (this.#phase === 'reading' || this.#phase === 'asking') {
      this.#asking?.abort()
      this.#refuse(fault)
    } else if (this.#phase === 'opening' || this.#phase === 'waiting' || this.#phase === 'streaming') {
      this.opening?.cancel()
      this.#answering?.cancel()
      this.#conclude(fault, end)
    }
  }

  /** Called every 100 ms while the request is under way. */
  tick(now: number): void {
    if (this.#phase !== 'settling' && this.#phase !== 'ended') this.#check(now)
    if (this.#phase === 'reading') this.#tickReading(now)
    else if (this.#phase === 'waiting' || this.#phase === 'streaming') this.#tickForward(now)
  }

  #tickForward(now: number): void {
    const { limits } = this.house
    if (now - this.startedAt >= (this.opening?.times ?? limits).total) {
      this.stop(new Fault('deadline', deadlines.total, { reason: 'total' }), 'our_timeout')
      return
    }
    this.#commitEarly(now)
    this.#progress ??= new Progress(now)
    const { blocked } = this.relay
    if (this.#upload) this.#tickUpload(this.#upload, now)
    this.#answering?.tick(now, blocked || this.#stretches?.short === true)
    if (this.#phase !== 'streaming') return
    this.#tellProgress(now)
    if (this.#stretches?.short) this.#pace(this.#stretches)
    if (this.#phase !== 'streaming') return
    if (blocked) this.#tickBlocked(now)
    else if (now - this.#wroteAt >= limits.ping) {
      this.#wroteAt = now
      this.relay.ping()
    }
  }

  /** A stream tells the journal now and then how far it has come. */
  #tellProgress(now: number): void {
    const answering = this.#answering
    if (!answering || !this.#progress?.due(answering.tokens, now)) return
    this.opening
      ?.progress(lostAt(this.house.clock(), answering))
      .catch((error: unknown) => this.#unrecorded(error))
  }

  /** Callers behind impatient balancers are told early that a stream will come, where their route says so. */
  #commitEarly(now: number): void {
    const { commitAfter } = this.route ?? {}
    if (commitAfter === undefined || this.#phase !== 'waiting' || !this.streamed) return
    // Who waits for a replica is promised nothing yet.
    if (now - this.startedAt < commitAfter || this.#answering?.attempts === 0) return
    this.#phase = 'streaming'
    this.#wroteAt = now
    this.#answering?.seal()
    this.relay.commit(answerHeaders(this), [], undefined)
  }

  #tickReading(now: number): void {
    const { bodyGap, bodyTotal } = this.house.limits
    if (now - this.#readAt < bodyGap && now - this.startedAt < bodyTotal) return
    this.#refuse(callerSlow())
  }

  /** A caller that sends nothing more of its form, though nobody told it to wait. */
  #tickUpload({ paused, whole }: Upload, now: number): void {
    if (paused || whole) this.#readAt = now
    else if (now - this.#readAt >= this.house.limits.bodyGap) this.stop(callerSlow(), 'refused')
  }

  #tickBlocked(now: number): void {
    if (this.relay.stalled(now) < this.house.limits.callerStall) return
    this.#gone('client_gone')
    this.relay.destroy()
  }

  /** A key that is no longer accepted ends what it began. */
  #check(now: number): void {
    const credential = this.credential as Credential // set before the call ticks
    const refusal = recheck(credential, this.house.snapshot(), now)
    if (refusal) this.stop(refusal, 'client_gone')
  }
}

const codedForm = () =>
  new Fault('unsupported', 'Compressed forms are not read: send the form as it is.', {
    reason: 'encoding',
    status: 415,
  })

const nothing = Buffer.alloc(0)
const noRetry = ['x-should-retry', 'false'] as const
const estimated = 'estimated=input_tokens'

/** Some upstream counts in the caller's own dialect. */
function isCounted(caller: CallerName, { tiers }: Route): boolean {
  const { dialect } = callers[caller]
  return tiers.some(({ upstreams }) => upstreams.some(({ speech }) => speech.dialect === dialect))
}

/** The dialect that a large body is read in as it comes. */
function scannedAs(target: Target): CallerName | undefined {
  return target.type === 'operation' && target.carrying !== 'inference' ? target.caller : undefined
}
