// One request from its first header to its one end: authenticate, read, resolve, journal, forward, relay,
// settle. Each step takes what the ones before it made.
import {
  type Ask,
  type CallerName,
  callers,
  estimateCount,
  largeBytes,
  RequestScan,
  readRequest,
  type Usage,
} from '@switchyard/dialects'
import { Fault } from '@switchyard/kinds'
import type { Ended, EndReason } from '@switchyard/runtime'
import { usedBy } from './admission.ts'
import type { Answering } from './answering.ts'
import { authenticate, type Credential, recheck } from './authenticate.ts'
import { Body } from './body.ts'
import { BodyGunzip, type DecodedHearer, leastBytes, requestCoding } from './door/compress.ts'
import type { AttemptEnded, RequestEnded } from './ended.ts'
import { callerSlow, deadlines, type Failure, faultOf } from './failure.ts'
import type { Blocked, Finding } from './guard/index.ts'
import { filtered } from './guarding.ts'
import { askedAs, bodyTooLarge, checkMediaType, dialectOf, type Head, readHead } from './head.ts'
import type { House } from './house.ts'
import { addLimitHeaders } from './limit-headers.ts'
import { inferencePassage } from './oip.ts'
import { Opening, type OpeningHearer } from './opening.ts'
import { answerOwn } from './own.ts'
import { type Passage, plainAsk } from './passage.ts'
import { findTarget, type Operated, type Own, type Target } from './paths.ts'
import type { Rejection } from './rejection.ts'
import { Relay } from './relay.ts'
import { resolve } from './resolve.ts'
import type { Route } from './route.ts'
import type { Snapshot } from './snapshot.ts'
import { answerStored } from './stored/own.ts'
import { Upload } from './upload/upload.ts'
import type { Budget } from './wallet/budget.ts'
import type { Inbound, InboundHearer } from './wire/inbound.ts'
import { askedOf } from './wishes.ts'

type Phase = 'reading' | 'asking' | 'opening' | 'waiting' | 'streaming' | 'settling' | 'ended'

export class Call implements InboundHearer, OpeningHearer, DecodedHearer {
  readonly id: string
  streamed = false
  place = -1

  readonly #house: House
  readonly #inbound: Inbound
  readonly #snapshot: Snapshot
  readonly #startedAt: number
  readonly #cors: readonly string[]
  /** Address of the caller's socket, as long as it is there. */
  readonly #peer: string
  #relay: Relay
  #phase: Phase = 'reading'
  #target: Target | undefined
  #head: Head | undefined
  #credential: Credential | undefined
  readonly #body = new Body()
  /** Of a coded body. */
  #gunzip: BodyGunzip | undefined
  /** Reads a large body as it comes. */
  #scan: RequestScan | undefined
  #readAt: number
  #usage: Usage | undefined
  /** Of the fault that it ends with. */
  #reason: string | undefined
  #route: Route | undefined
  #upload: Upload | undefined
  #opening: Opening | undefined
  /** Ends what is asked about a response. */
  #asking: AbortController | undefined
  #firstContentAt: number | undefined
  #wroteAt = 0
  /** Of a stream that is paid for in stretches. */
  #budget: Budget | undefined
  /** Since when it waits for more money; undefined while it goes on. */
  #shortSince: number | undefined
  /** What the journal was told last of a stream, and when. */
  #toldDeltas = 0
  #toldAt = 0

  constructor(house: House, inbound: Inbound) {
    this.#house = house
    this.#inbound = inbound
    this.#snapshot = house.snapshot()
    this.#startedAt = house.clock()
    this.#readAt = house.wheel.now
    this.id = house.uuid()
    this.#cors = house.door.cors(inbound)
    this.#peer = inbound.peer
    this.#relay = this.#relayFor('openai')
  }

  start(): void {
    const { limits, door, clock } = this.#house
    try {
      if (this.#preflight()) return
      const target = this.#find()
      this.#target = target
      const head = readHead(this.#inbound, limits, target)
      this.#head = head
      this.#relay = this.#relayFor(target.caller, head.requestId)
      if (isOpen(target)) {
        door.admit(this.#peer, head.forwardedFor, [])
        this.#answer(target, Buffer.alloc(0))
        return
      }
      this.#house.checkFresh?.()
      const credential = authenticate(head.carried, this.#snapshot, clock(), door, this.#inbound.link)
      // Nothing of the body is read until it is known who calls.
      if (credential instanceof Promise)
        credential.then(
          known => this.#entered(known),
          (stranger: unknown) => this.#refuse(stranger),
        )
      else this.#enter(credential, target, head)
    } catch (error) {
      // What the headers alone are refused for is told in the dialect of the path too.
      if (this.#target && !this.#head) this.#relay = this.#relayFor(this.#target.caller)
      this.#refuse(error)
    }
  }

  #relayFor(caller: CallerName, requestId = this.id): Relay {
    return new Relay(this.#inbound, requestId, callers[caller], this.#cors)
  }

  /** Answers a browser that asks whether it may ask. */
  #preflight(): boolean {
    const headers = this.#house.door.preflight(this.#inbound)
    if (!headers) return false
    this.#inbound.reply(204, [...headers, 'x-request-id', this.id, 'request-id', this.id], '')
    this.#house.metrics.request('', '', '', 204, 'done')
    this.#phase = 'ended'
    return true
  }

  #entered(credential: Credential): void {
    try {
      this.#enter(credential, this.#target as Target, this.#head as Head) // `start` has set both
    } catch (error) {
      this.#refuse(error)
    }
  }

  /** Who calls is known: from where decides whether the request goes on. */
  #enter(credential: Credential, target: Target, head: Head): void {
    this.#credential = credential
    this.#house.door.admit(this.#peer, head.forwardedFor, credential.principal.addresses)
    if (target.type === 'operation' || (target.type === 'ollama' && target.what === 'show'))
      this.#read(target, head)
    else if (target.type === 'response') this.#ask(target)
    else this.#answer(target, Buffer.alloc(0))
  }

  /** About a response that was made before. */
  #ask(target: Extract<Target, { type: 'response' }>): void {
    const { principal } = this.#credential as Credential // `#enter` has set it
    this.#house.enter(this)
    this.#phase = 'asking'
    this.#inbound.listen(this)
    this.#inbound.proceed()
    this.#asking = new AbortController()
    const { signal } = this.#asking
    answerStored(this.#house, target, { principal, snapshot: this.#snapshot, signal }).then(
      bytes => {
        if (this.#phase !== 'asking') return
        this.#phase = 'settling'
        this.#deliver(bytes, this.#house.closing(), () => this.#finished('done', 200))
      },
      (error: unknown) => {
        if (this.#phase === 'asking') this.#refuse(error)
      },
    )
  }

  #find(): Target {
    const { method, url } = this.#inbound
    try {
      return askedAs(findTarget(method, url, this.#house.limits), this.#inbound)
    } catch (error) {
      this.#relay = this.#relayFor(dialectOf(this.#inbound))
      throw error
    }
  }

  // ---- the caller's side

  /** What the gateway answers by itself. */
  #answer(target: Own, body: Buffer): void {
    const { bytes, type } = answerOwn(target, {
      body,
      principal: this.#credential?.principal,
      snapshot: this.#snapshot,
      now: this.#startedAt,
      version: this.#house.version,
      stopping: this.#house.stopping,
    })
    this.#phase = 'settling'
    this.#deliver(bytes, this.#house.closing(), () => this.#finished('done', 200), type)
  }

  /** Sends a whole answer, coded off the loop where the caller takes that; `told` once it has been handed over. */
  #deliver(bytes: Buffer | string, headers: readonly string[], told: () => void, type?: string): void {
    const { compressor } = this.#house.door
    const large = compressor !== undefined && bytes.length >= leastBytes
    const varied = large ? [...headers, 'vary', 'accept-encoding'] : headers
    const plainly = () => {
      this.#relay.reply(200, bytes, varied, type)
      told()
    }
    const coding = large
      ? compressor.choose(this.#head?.acceptEncoding, type ?? 'application/json', bytes.length)
      : undefined
    if (!coding) {
      plainly()
      return
    }
    compressor?.compress(coding, Buffer.from(bytes)).then(
      coded => {
        this.#relay.reply(200, coded, [...varied, 'content-encoding', coding], type)
        told()
      },
      (error: unknown) => {
        this.#house.observe({ type: 'internal_error', request: this.id, error })
        plainly()
      },
    )
  }

  #read(target: Target, head: Head): void {
    checkMediaType(head, target)
    const coding = requestCoding(head.encoding)
    if (target.type === 'operation' && target.carrying === 'form') {
      if (coding === 'gzip') throw codedForm()
      this.#upload = this.#receive(target, head)
    } else if (coding === 'gzip') this.#gunzip = new BodyGunzip({ bytes: this.#house.limits.bodyBytes }, this)
    else this.#body.expect(head.length)
    this.#house.enter(this)
    this.#inbound.listen(this)
    this.#inbound.proceed()
  }

  #receive({ line }: Operated, head: Head): Upload {
    const { limits, wheel } = this.#house
    const { formBytes: mostBytes, formHeldBytes: heldBytes } = limits
    const now = () => wheel.now
    return new Upload({ inbound: this.#inbound, head, named: line.model, heldBytes, mostBytes, now })
  }

  /** A part of a form, or its end: the rest of it comes while the request is forwarded. */
  #received(upload: Upload, chunk: Buffer | undefined): void {
    if (this.#phase === 'settling' || this.#phase === 'ended') return
    this.#readAt = this.#house.wheel.now
    try {
      if (chunk) upload.push(chunk)
      else upload.end()
      if (this.#phase !== 'reading' || upload.name === undefined) return
      const target = this.#target as Operated // `start` has set it
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
    this.#readAt = this.#house.wheel.now
    if (this.#gunzip) this.#gunzip.push(chunk)
    else this.onDecoded(chunk)
  }

  onWhole(): void {
    if (this.#upload) {
      this.#received(this.#upload, undefined)
      return
    }
    if (this.#phase !== 'reading') return
    if (this.#gunzip) this.#gunzip.end()
    else this.onDecodedWhole()
  }

  onDecoded(part: Buffer): void {
    if (this.#phase !== 'reading') return
    this.#scan?.push(part)
    this.#body.push(part)
    if (!this.#scan && this.#body.bytes > largeBytes) this.#scanLarge()
    if (this.#body.bytes > this.#house.limits.bodyBytes) this.#refuse(bodyTooLarge(this.#house.limits))
  }

  #scanLarge(): void {
    const target = this.#target as Target // `start` has set it
    if (target.type !== 'operation' || target.carrying === 'inference') return
    this.#scan = new RequestScan(target.caller)
    for (const part of this.#body.parts) this.#scan.push(part)
  }

  onUndecodable(fault: Fault): void {
    if (this.#phase === 'reading') this.#refuse(fault)
  }

  onDecodedWhole(): void {
    if (this.#phase !== 'reading') return
    if (this.#body.scattered)
      this.#body.join().then(
        body => this.#whole(body),
        (error: unknown) => this.#refuse(error),
      )
    else this.#whole(this.#body.take())
  }

  #whole(body: Buffer): void {
    if (this.#phase !== 'reading') return
    try {
      const target = this.#target as Target // `start` has set it
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
          readRequest(target.caller, target.operation, body, target.line, this.#scan),
          undefined,
        )
    } catch (error) {
      this.#refuse(error)
    }
  }

  onDrain(): void {
    this.#relay.blocked = false
    if (this.#shortSince === undefined) this.#answering?.resume()
  }

  /** The connection to the caller is closed: the answer has left whole, or nobody waits for it any more. */
  onClose(): void {
    if (this.#phase === 'ended') this.#house.leave(this)
    else if (this.#phase !== 'settling') this.#gone('client_gone')
  }

  /** What is asked is known: from here until an upstream hears of it the opening has it. */
  #open(target: Operated, ask: Ask, passage: Passage | undefined): void {
    const credential = this.#credential as Credential // `start` has set it, as it has the head
    const head = this.#head as Head
    const asked = askedOf(ask, this.#inbound.headers, head.wishes, passage === undefined)
    const route = resolve(ask.model, credential.principal, this.#snapshot, asked)
    this.#route = route
    if (target.carrying === 'count' && !counted(target.caller, route)) {
      this.#relay.reply(200, estimateCount(ask), [
        ...this.#house.closing(),
        'x-switchyard-warning',
        estimated,
      ])
      this.#finished('done', 200)
      return
    }
    this.streamed = ask.stream.on
    this.#follow(ask, route)
    const read = {
      request: this.id,
      startedAt: this.#startedAt,
      head,
      target,
      credential,
      ask,
      route,
      passage,
    }
    this.#opening = new Opening(this.#house, read, this)
    this.#phase = 'opening'
    this.#opening.start()
  }

  #follow(ask: Ask, { workspace, name }: Route): void {
    const { follow } = this.#house
    if (!follow) return
    const traceparent = this.#head?.traceparent
    this.#relay.follower = follow({ request: this.id, workspace, route: name, ask, traceparent })
  }

  found(findings: readonly Finding[]): void {
    if (findings.length === 0) return
    this.#house.metrics.guard(findings)
    this.#house.observe({ type: 'guardrail_found', request: this.id, findings })
  }

  opened(): void {
    this.#phase = 'waiting'
    this.#budget = this.#opening?.budget
    this.#toldAt = this.#house.wheel.now
    this.#opening?.copy()
    this.#answering?.start()
  }

  refused(error: unknown): void {
    this.#refuse(error)
  }

  broken(error: unknown): void {
    this.#house.observe({ type: 'internal_error', request: this.id, error })
    this.stop(faultOf(error), 'upstream_error')
  }

  get #answering(): Answering | undefined {
    return this.#opening?.answering
  }

  // ---- the upstream's side

  committed(held: readonly Buffer[]): void {
    if (this.#phase === 'streaming') {
      this.#firstContentAt = this.#house.clock()
      for (const bytes of held) this.flowed(bytes)
      return
    }
    if (this.#phase !== 'waiting') return
    this.#phase = 'streaming'
    this.#firstContentAt = this.#house.clock()
    this.#wroteAt = this.#house.wheel.now
    this.#relay.commit(this.#known(), held, this.#answering?.media)
    this.#throttle()
  }

  flowed(bytes: Buffer): void {
    this.#wroteAt = this.#house.wheel.now
    this.#relay.write(bytes)
    if (this.#relay.blocked) this.#throttle()
    if (this.#budget) this.#spend(this.#budget)
  }

  /** A stream that has used up what is held for it waits for more, and ends where there is none. */
  #spend(budget: Budget): void {
    const { wheel } = this.#house
    const verdict = budget.at(this.#answering?.deltas ?? 0)
    if (verdict === 'wait') {
      this.#shortSince ??= wheel.now
      this.#answering?.pause()
      if (wheel.now - this.#shortSince < shortMilliseconds) return
    } else if (verdict === 'go') {
      if (this.#shortSince === undefined) return
      this.#shortSince = undefined
      if (!this.#relay.blocked) this.#answering?.resume()
      return
    }
    this.stop(usedUp(), 'budget_cut')
  }

  /** A caller that reads slowly slows its upstream: what waits here stays small. */
  #throttle(): void {
    if (!this.#relay.blocked) return
    this.#answering?.pause()
    this.#relay.watch(this.#house.wheel.now)
  }

  ended(terminal: Buffer): void {
    this.#phase = 'settling'
    this.found(this.#answering?.findings ?? [])
    const end = this.#answering?.stopped ? 'guard_blocked' : 'done'
    this.#settle(end, 200, 'caller').then(
      () => {
        this.#relay.end(terminal)
        this.#finished(end, 200)
      },
      (error: unknown) => {
        this.#relay.breakOff(this.#failureEvent(faultOf(error)))
        this.#finished('upstream_error', 200)
      },
    )
  }

  replied(bytes: Buffer): void {
    if (this.#phase !== 'waiting') return
    this.#phase = 'settling'
    this.found(this.#answering?.findings ?? [])
    this.#firstContentAt = this.#house.clock()
    this.#settle('done', 200, 'caller').then(
      () => {
        this.#deliver(bytes, this.#known(), () => this.#finished('done', 200))
      },
      (error: unknown) => {
        const fault = faultOf(error)
        this.#relay.refuse(fault, this.#known())
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
    this.#reason = fault.reason
    this.#phase = 'settling'
    const tell = () => {
      if (bytes) this.#relay.reply(status, bytes, this.#known())
      else this.#relay.refuse(fault, this.#known())
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
    const { committed } = this.#relay
    this.#phase = 'settling'
    this.#reason = fault.reason
    const status = committed ? 200 : fault.status
    const spent = this.#answering?.retriesSpent === true && fault.retryAfterSeconds === undefined
    const tell = () => {
      if (committed) this.#relay.breakOff(this.#failureEvent(fault, type))
      else this.#relay.refuse(fault, spent ? [...this.#known(), ...noRetry] : this.#known())
      this.#finished(end, status)
    }
    const owed = end === 'client_gone' || end === 'budget_cut'
    const billable = committed && !owed ? 'cost' : 'caller'
    void this.#settle(end, status, billable)
      .catch((error: unknown) => this.#unrecorded(error))
      .then(tell)
  }

  /** The bytes that end a stream with a fault, in the caller's dialect. */
  #failureEvent(fault: Fault, type?: string): Buffer {
    return this.#answering?.fail(fault, type) ?? Buffer.alloc(0) // what streams has one
  }

  /** Journals the one usage record; what follows may leave for the caller. */
  #settle(end: EndReason, status: number, billable: 'caller' | 'cost'): Promise<void> {
    const { clock, metrics } = this.#house
    const usage = this.#answering?.used()
    this.#usage = usage
    if (usage) metrics.used(usage)
    const opening = this.#opening as Opening // only what was opened is settled
    const ended: Ended = {
      at: clock(),
      end,
      status,
      attempt: Math.max(1, this.#answering?.attempts ?? 1),
      upstream: this.#answering?.upstream ?? '',
      billable,
      usage,
    }
    return opening.settle(ended, this.#relay.committed)
  }

  /** The caller is told of its own fault first; that the record is missing is told to the operator. */
  #unrecorded(error: unknown): void {
    this.#house.observe({ type: 'usage_not_recorded', request: this.id, error })
  }

  #finished(end: EndReason, status: number): void {
    this.#phase = 'ended'
    this.#upload?.close()
    this.#gunzip?.destroy()
    this.#opening?.release(this.#usage, end)
    const { metrics, clock, observe } = this.#house
    const ended = this.#ended(end, status, clock())
    const { caller, operation, route, milliseconds, waited, firstContent, usage, cache } = ended
    metrics.request(caller, operation, route ?? '', status, end)
    metrics.times(milliseconds, waited, firstContent)
    if (this.streamed && end === 'done' && usage && firstContent !== undefined)
      metrics.pace(milliseconds - firstContent, usedBy(usage).outputTokens)
    if (cache) metrics.cache(cache)
    observe(ended)
    if (this.#inbound.closed) this.#house.leave(this)
  }

  #ended(end: EndReason, status: number, now: number): RequestEnded {
    const head = this.#head
    const principal = this.#credential?.principal
    const answering = this.#answering
    const firstContentAt = this.#firstContentAt
    const target = this.#target
    // A stream waits for its upstream until the end.
    const streaming = this.streamed && firstContentAt !== undefined ? now - firstContentAt : 0
    return {
      type: 'request_ended',
      request: this.id,
      callerId: head?.requestId,
      client: this.#house.door.callerOf(this.#peer, head?.forwardedFor),
      key: principal?.key,
      workspace: principal?.workspace,
      project: principal?.project,
      caller: target?.caller ?? '',
      operation: target?.type === 'operation' ? target.operation : '',
      route: this.#route?.name,
      model: this.#opening?.admitted.model,
      streamed: this.streamed,
      maxOutput: this.#opening?.ask.maxOutput,
      upstream: answering?.upstream || undefined,
      attempts: answering?.attempts ?? 0,
      tries: answering?.tries ?? noTries,
      cache: answering?.cache,
      detour: answering?.detour,
      status,
      end,
      reason: this.#reason,
      startedAt: this.#startedAt,
      milliseconds: now - this.#startedAt,
      waited: (answering?.waited ?? 0) + streaming,
      firstContent: firstContentAt === undefined ? undefined : firstContentAt - this.#startedAt,
      bytesIn: this.#upload?.bytes ?? this.#body.bytes,
      bytesOut: this.#relay.sent,
      usage: this.#usage,
      warning: answering?.warning || undefined,
      traceparent: head?.traceparent,
      tracestate: head?.tracestate,
    }
  }

  #gone(end: EndReason): void {
    const phase = this.#phase
    const { metrics, clock } = this.#house
    const learned = clock()
    this.#asking?.abort()
    this.#opening?.cancel()
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
    this.#reason = fault.reason
    if (fault.code === 'internal') this.#house.observe({ type: 'internal_error', request: this.id, error })
    const unread =
      !this.#inbound.complete &&
      (this.#upload !== undefined ||
        fault.code === 'too_large' ||
        fault.status === 408 ||
        fault.reason === 'malformed_request')
    this.#relay.refuse(fault, this.#opening ? this.#known() : this.#house.closing(), unread)
    this.#finished('refused', fault.status)
  }

  /** Ends the request where it stands: its key is no longer accepted, or the gateway stops. */
  stop(fault: Fault, end: EndReason): void {
    if (this.#phase === 'reading' || this.#phase === 'asking') {
      this.#asking?.abort()
      this.#refuse(fault)
    } else if (this.#phase === 'opening' || this.#phase === 'waiting' || this.#phase === 'streaming') {
      this.#opening?.cancel()
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
    const { limits } = this.#house
    if (now - this.#startedAt >= (this.#opening?.times ?? limits).total) {
      this.stop(new Fault('deadline', deadlines.total, { reason: 'total' }), 'our_timeout')
      return
    }
    this.#commitEarly(now)
    const { blocked } = this.#relay
    if (this.#upload) this.#tickUpload(this.#upload, now)
    this.#answering?.tick(now, blocked || this.#shortSince !== undefined)
    if (this.#phase !== 'streaming') return
    this.#tellProgress(now)
    if (this.#shortSince !== undefined && this.#budget) this.#spend(this.#budget)
    if (this.#phase !== 'streaming') return
    if (blocked) this.#tickBlocked(now)
    else if (now - this.#wroteAt >= limits.ping) {
      this.#wroteAt = now
      this.#relay.ping()
    }
  }

  /** A stream tells the journal now and then how far it has come. */
  #tellProgress(now: number): void {
    const deltas = this.#answering?.deltas ?? 0
    const more = deltas - this.#toldDeltas
    if (more === 0 || (more < toldDeltas && now - this.#toldAt < toldMilliseconds)) return
    this.#toldDeltas = deltas
    this.#toldAt = now
    const ended = {
      at: this.#house.clock(),
      end: 'gateway_lost',
      status: 0,
      attempt: Math.max(1, this.#answering?.attempts ?? 1),
      upstream: this.#answering?.upstream ?? '',
      billable: 'caller',
      usage: this.#answering?.progress(),
    } as const
    this.#opening?.progress(ended).catch((error: unknown) => this.#unrecorded(error))
  }

  /** Callers behind impatient balancers are told early that a stream will come, where their route says so. */
  #commitEarly(now: number): void {
    const { commitAfter } = this.#route ?? {}
    if (commitAfter === undefined || this.#phase !== 'waiting' || !this.streamed) return
    // Who waits for a replica is promised nothing yet.
    if (now - this.#startedAt < commitAfter || this.#answering?.attempts === 0) return
    this.#phase = 'streaming'
    this.#wroteAt = now
    this.#answering?.seal()
    this.#relay.commit(this.#known(), [], undefined)
  }

  #tickReading(now: number): void {
    const { bodyGap, bodyTotal } = this.#house.limits
    if (now - this.#readAt < bodyGap && now - this.#startedAt < bodyTotal) return
    this.#refuse(callerSlow())
  }

  /** A caller that sends nothing more of its form, though nobody told it to wait. */
  #tickUpload({ paused, whole }: Upload, now: number): void {
    if (paused || whole) this.#readAt = now
    else if (now - this.#readAt >= this.#house.limits.bodyGap) this.stop(callerSlow(), 'refused')
  }

  #tickBlocked(now: number): void {
    if (this.#relay.stalled(now) < this.#house.limits.callerStall) return
    this.#gone('client_gone')
    this.#relay.destroy()
  }

  /** A key that is no longer accepted ends what it began. */
  #check(now: number): void {
    const credential = this.#credential as Credential // set before the call ticks
    const refusal = recheck(credential, this.#house.snapshot(), now)
    if (refusal) this.stop(refusal, 'client_gone')
  }

  /** Headers of an answer of which a route and attempts are known. */
  #known(): string[] {
    // What an upstream has answered before it had the whole form leaves the rest of it unread.
    const unread = this.#upload !== undefined && !this.#inbound.complete
    const headers = unread ? ['connection', 'close'] : [...this.#house.closing()]
    const answering = this.#answering
    if (this.#opening) headers.push('x-switchyard-model', this.#opening.admitted.model)
    if (answering) addAnswerHeaders(headers, answering)
    if (this.#route?.exposeUpstream && answering && answering.upstream !== '')
      headers.push('x-switchyard-upstream', answering.upstream)
    const { caller } = this.#target ?? {}
    const verdict = this.#opening?.verdict
    if (verdict) addLimitHeaders(headers, verdict, caller === 'anthropic' ? caller : 'openai')
    const cost = this.#usage && this.#opening?.cost(this.#usage)
    if (cost !== undefined) headers.push('x-switchyard-cost', cost)
    const spent = this.#house.clock() - this.#startedAt
    headers.push('openai-processing-ms', String(Math.round(spent)))
    const overhead = spent - (answering?.waited ?? 0)
    headers.push('x-switchyard-overhead-ms', String(Math.max(0, Math.round(overhead))))
    return headers
  }
}

const codedForm = () =>
  new Fault('unsupported', 'Compressed forms are not read: send the form as it is.', {
    reason: 'encoding',
    status: 415,
  })

/** Milliseconds for which a stream waits for more money. */
const shortMilliseconds = 1000
/** The journal is told of a stream after so many deltas, or so many milliseconds. */
const toldDeltas = 1024
const toldMilliseconds = 5000

const usedUp = () =>
  new Fault(
    'exhausted',
    'The balance is used up: the answer ends here. Ask its administrator to pay in, or ask for less output.',
    { reason: 'insufficient_quota' },
  )

const nothing = Buffer.alloc(0)
const noRetry = ['x-should-retry', 'false'] as const
const noTries: readonly AttemptEnded[] = []

/** What is answered without a credential: it tells nothing but that somebody is there. */
function isOpen(target: Target): target is Own {
  if (target.type === 'ollama') return target.what === 'root'
  return target.type === 'inference' && (target.what === 'live' || target.what === 'ready')
}

const estimated = 'estimated=input_tokens'

/** Some upstream counts in the caller's own dialect. */
function counted(caller: CallerName, { tiers }: Route): boolean {
  const { dialect } = callers[caller]
  return tiers.some(({ upstreams }) => upstreams.some(({ speech }) => speech.dialect === dialect))
}

/** What was decided on the way to an answer. */
function addAnswerHeaders(
  headers: string[],
  { attempts, tier, detour, warning, cache, age }: Answering,
): void {
  if (attempts > 0) headers.push('x-switchyard-attempts', String(attempts))
  if (detour !== undefined) headers.push('x-switchyard-fallback', detour)
  else if (tier > 0) headers.push('x-switchyard-fallback', String(tier))
  if (warning !== '') headers.push('x-switchyard-warning', warning)
  if (cache !== undefined) headers.push('x-switchyard-cache', cache)
  if (age !== undefined) headers.push('age', String(age))
}
