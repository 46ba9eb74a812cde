// One realtime session from its opening to its one end: authenticate, resolve, claim, journal, dial, relay, settle.
// Until the upstream has taken it, what goes wrong is an HTTP answer; afterwards an error event and a close.
import { type IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { callers, RealtimeTap, type Usage } from '@switchyard/dialects'
import { Fault } from '@switchyard/kinds'
import {
  type Admission,
  type Amounts,
  type Ended,
  type EndReason,
  noMoney,
  type Verdict,
} from '@switchyard/runtime'
import { type WebSocket, WebSocketServer } from 'ws'
import { exhausted, usedBy } from '../admission.ts'
import { authenticate, type Credential, recheck } from '../authenticate.ts'
import { type Bill, billFor } from '../bill.ts'
import { Body } from '../body.ts'
import { tellDenied } from '../denials.ts'
import { faultOf } from '../failure.ts'
import { dialectOf, type Head, readHead } from '../head.ts'
import type { House, Running } from '../house.ts'
import { unguarded } from '../passage.ts'
import { findSession } from '../paths.ts'
import { Relay } from '../relay.ts'
import { resolve } from '../resolve.ts'
import { answeredBy, type Route } from '../route.ts'
import type { Snapshot } from '../snapshot.ts'
import { type Payment, pay } from '../wallet/payment.ts'
import { NodeInbound } from '../wire/inbound-node.ts'
import { closeAs, codeOf, lost } from './closing.ts'
import { type Dialled, dial } from './dialling.ts'
import { carriedWith, checkHandshake, spoken } from './handshake.ts'
import { LastCount } from './last-count.ts'
import { Pump } from './pump.ts'

type Phase = 'opening' | 'open' | 'closing' | 'ended'

/** Milliseconds for the other side to answer a close. */
const closeMilliseconds = 2_000
const mostEarlyBytes = 64 * 1024
/** What is claimed of money for a session that has not begun. */
const opening = { 'tok.in.*': 1n, 'tok.out.*': 1n } as const

export class Session implements Running {
  readonly id: string
  readonly streamed = true
  place = -1
  readonly #house: House
  readonly #snapshot: Snapshot
  readonly #request: IncomingMessage
  readonly #socket: Socket
  /** What of the WebSocket has come with its opening. */
  readonly #early = new Body()
  /** Of an opening that is refused. */
  readonly #response: ServerResponse
  readonly #inbound: NodeInbound
  /** Address of the caller's socket, as long as it is there. */
  readonly #peer: string
  readonly #startedAt: number
  readonly #abort = new AbortController()
  readonly #tap = new RealtimeTap()
  #relay: Relay
  #phase: Phase = 'opening'
  #head: Head | undefined
  #credential: Credential | undefined
  #route: Route | undefined
  /** The model that was asked for. */
  #named: string | undefined
  #admitted: Admission | undefined
  #claim: Verdict | undefined
  #dialled: Dialled | undefined
  #caller: WebSocket | undefined
  #pumps: readonly [fromCaller: Pump, fromUpstream: Pump] | undefined
  #openedAt: number | undefined
  #closedAt = 0
  #pingedAt = 0
  #pongedAt = 0
  /** Undefined where no limit of money stands above it. */
  #bill: Bill | undefined
  /** Undefined where nothing is paid from a balance. */
  #payment: Payment | undefined
  #claims = 0
  /** Used, and not booked by a claim of its own. */
  #unclaimed: Usage | undefined
  /** Of a response that its caller has left. */
  #lastCount: LastCount | undefined
  #reason: string | undefined

  constructor(house: House, request: IncomingMessage, socket: Socket, early: Buffer) {
    this.#house = house
    this.#request = request
    this.#socket = socket
    if (early.length > 0) this.#early.push(early)
    this.#startedAt = house.clock()
    this.#snapshot = house.snapshot()
    this.id = house.uuid()
    this.#response = new ServerResponse(request)
    this.#response.assignSocket(socket)
    this.#response.on('finish', () => socket.destroySoon())
    this.#inbound = new NodeInbound(request, this.#response)
    this.#peer = this.#inbound.peer
    this.#relay = new Relay(this.#inbound, this.id, callers[dialectOf(this.#inbound)])
  }

  start(): void {
    this.#socket.on('error', this.#onLost)
    this.#socket.on('close', this.#onLost)
    // A socket that nobody reads does not tell that the other side has left.
    this.#socket.on('data', this.#onEarly)
    this.#socket.on('end', this.#onEnd)
    this.#open().catch((error: unknown) => this.#refuse(error))
  }

  // ---- before the upgrade

  async #open(): Promise<void> {
    const { limits, clock, metrics, admissions, journal, door } = this.#house
    const { method, url, headers } = this.#inbound
    const model = findSession(method, url, limits)
    this.#named = model
    const head = readHead(this.#inbound, limits, { caller: 'openai' })
    this.#head = head
    this.#relay = new Relay(this.#inbound, head.requestId ?? this.id, callers.openai)
    checkHandshake(this.#inbound)
    this.#house.checkFresh?.()
    const carried = carriedWith(headers, head.carried)
    const credential = await authenticate(carried, this.#snapshot, clock(), door)
    this.#credential = credential
    const { principal } = credential
    door.admit(this.#peer, head.forwardedFor, principal.addresses)
    this.#abort.signal.throwIfAborted()
    this.#house.enter(this)
    const tags = head.wishes?.get('tags')?.split(',') ?? []
    const route = resolve(model, principal, this.#snapshot, { headers, tags, metadata: () => undefined })
    this.#route = route
    if (route.guarding.guards) throw unguarded({ operation: 'realtime', model })
    const { workspace, project, key, keyName } = principal
    let admitted: Admission = {
      request: this.id,
      at: this.#startedAt,
      workspace,
      project,
      key,
      keyName,
      model,
      endpoint: route.endpoint,
      operation: 'realtime',
      streamed: true,
    }
    const { buckets, currencies } = principal.limited.above(model, clock())
    if (buckets.length > 0) {
      const item = { operation: 'realtime', workspace, model, at: this.#startedAt } as const
      if (currencies.length > 0) this.#bill = billFor(this.#house, currencies, item, opening)
      // A token, so that who has used up a limit is told before the session and not in it.
      const money = this.#bill?.reserved ?? noMoney
      const amounts = { requests: 1, inputTokens: 1, outputTokens: 0, money }
      const verdict = await admissions.admit({ id: this.id, buckets, amounts })
      metrics.limit(verdict)
      this.#claim = verdict
      if (verdict.type !== 'admitted') throw exhausted(verdict)
    }
    const paid = { request: this.id, principal, operation: 'realtime', model, at: this.#startedAt } as const
    const payment = await pay(this.#house, { ...paid, bounds: opening })
    this.#payment = payment
    if (payment) admitted = payment.admitted(admitted)
    this.#abort.signal.throwIfAborted()
    await journal.append({ kind: 'open', admitted })
    this.#admitted = admitted
    this.#abort.signal.throwIfAborted()
    const dialled = await dial(this.#house, {
      request: this.id,
      model,
      route,
      forwarded: head.forwarded,
      session: head.wishes?.get('session'),
      attempts: route.attempts ?? limits.attempts,
      signal: this.#abort.signal,
    })
    this.#dialled = dialled
    // The caller may have left, or been stopped, in the very turn in which the upstream answered.
    this.#abort.signal.throwIfAborted()
    this.#upgrade(dialled)
  }

  /** Who opens a session waits for the answer; a little of what comes before it is kept. */
  readonly #onEarly = (bytes: Buffer): void => {
    this.#early.push(bytes)
    if (this.#early.bytes > mostEarlyBytes) this.#socket.destroy()
  }

  readonly #onEnd = (): void => {
    this.#socket.destroy()
  }

  #refuse(error: unknown): void {
    if (this.#phase !== 'opening') return
    this.#phase = 'closing'
    const left = this.#socket.destroyed
    const fault = this.#abort.signal.aborted ? faultOf(this.#abort.signal.reason) : faultOf(error)
    if (fault.code === 'internal') this.#house.observe({ type: 'internal_error', request: this.id, error })
    const end: EndReason = left
      ? 'client_gone'
      : fault.reason === 'draining'
        ? 'drained'
        : fault.code === 'unavailable'
          ? 'upstream_error'
          : 'refused'
    const tell = () => {
      const headers = fault.status === 426 ? ['upgrade', 'websocket', 'sec-websocket-version', '13'] : []
      if (!left) this.#relay.refuse(fault, headers, true)
      this.#finish(end, left ? 499 : fault.status, fault.reason)
    }
    this.#dialled?.socket.terminate()
    const told = this.#denied(fault)
    if (this.#admitted)
      void this.#settle(end, left ? 499 : fault.status)
        .then(() => told)
        .then(tell)
    else if (told) void told.then(tell)
    else tell()
  }

  /** Waits for the trail, where it is told of this. */
  #denied(fault: Fault): Promise<void> | undefined {
    return tellDenied(this.#house, fault, {
      request: this.id,
      inbound: this.#inbound,
      peer: this.#peer,
      head: this.#head,
      credential: this.#credential,
      kind: 'Route',
      name: this.#named,
    })
  }

  /** The upstream has taken the session: the caller's opening is answered. */
  #upgrade(dialled: Dialled): void {
    const { wheel, limits, clock } = this.#house
    const server = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: limits.realtimeBytes,
      handleProtocols: offered => (offered.has(spoken) ? spoken : false),
    })
    const id = this.#head?.requestId ?? this.id
    server.on('headers', headers => {
      headers.push(`x-request-id: ${id}`, `request-id: ${id}`, `x-switchyard-model: ${this.#admitted?.model}`)
      headers.push(`x-switchyard-attempts: ${dialled.attempts}`)
    })
    this.#response.detachSocket(this.#socket)
    this.#socket.off('data', this.#onEarly).off('end', this.#onEnd).pause()
    server.handleUpgrade(this.#request, this.#socket, this.#early.take(), caller => {
      this.#phase = 'open'
      this.#openedAt = clock()
      this.#caller = caller
      this.#pongedAt = wheel.now
      this.#pingedAt = wheel.now
      const { socket: upstream } = dialled
      const now = () => wheel.now
      this.#pumps = [new Pump(caller, upstream, now), new Pump(upstream, caller, now, this.#heard)]
      caller.on('pong', () => {
        this.#pongedAt = wheel.now
      })
      caller.on('error', this.#onBroken)
      caller.once('close', this.#callerClosed)
      upstream.once('close', this.#upstreamClosed)
      upstream.resume()
      caller.resume()
    })
  }

  // ---- while it is open

  /** What a response has used is booked at once, so that a long session cannot outrun its limits. */
  readonly #heard = (message: Buffer): void => {
    const usage = this.#tap.push(message)
    if (!usage) return
    this.#tellProgress()
    this.#draw(usage)
    const { principal } = this.#credential as Credential // it is open
    const { admissions, clock } = this.#house
    const buckets = principal.limited
      .above(this.#admitted?.model ?? '', clock())
      .buckets.filter(({ dimension }) => dimension.endsWith('tokens') || dimension === 'money')
    if (buckets.length === 0) return
    const amounts = { ...this.#amountsOf(usage), requests: 0 }
    const claim = { id: `${this.id}/${++this.#claims}`, buckets, amounts }
    const judged = (verdict: Verdict) => {
      if (verdict.type === 'admitted') admissions.settle(verdict, verdict.amounts)
      else {
        this.#unclaimed = usage
        this.#fail(exhausted(verdict), 'refused')
      }
    }
    try {
      const verdict = admissions.admit(claim)
      if (verdict instanceof Promise) verdict.then(judged, this.#unjudged)
      else judged(verdict)
    } catch (error) {
      this.#unjudged(error)
    }
  }

  /** The journal knows of each response that is done: should this gateway be lost, they are what is paid for. */
  #tellProgress(): void {
    const { journal, observe } = this.#house
    const admitted = this.#admitted as Admission // it is open
    const lost = this.#endedAs('gateway_lost', 0)
    const ended = this.#payment?.progress(lost, 0n) ?? lost
    journal
      .append({ kind: 'progress', admitted, ended })
      .catch((error: unknown) => observe({ type: 'usage_not_recorded', request: this.id, error }))
  }

  /** A response is held for when it comes: what is held for the session itself is next to nothing. */
  #draw(usage: Usage): void {
    const held = this.#payment?.reach(usage, this.#dialled?.upstream.by.region) ?? true
    const told = (enough: boolean) => {
      if (!enough) this.#fail(usedUp(), 'budget_cut')
    }
    if (held instanceof Promise) held.then(told, this.#unjudged)
    else told(held)
  }

  #amountsOf(usage: Usage | undefined): Amounts {
    return usedBy(usage, usage && this.#bill?.charged(usage, this.#dialled?.upstream.by.region))
  }

  readonly #unjudged = (error: unknown): void => this.#fail(faultOf(error), 'refused')

  readonly #callerClosed = (code: number, reason: Buffer): void => {
    if (this.#phase !== 'open') return
    const { socket } = this.#dialled as Dialled // it is open
    const end = code === lost ? 'client_gone' : 'done'
    this.#left(end, socket, () => closeAs(socket, code === lost ? 1001 : code, reason))
  }

  /** The caller hears nothing more. What a response has used that is under way is told by the upstream alone. */
  #left(end: EndReason, upstream: WebSocket, tell: () => void): void {
    if (!this.#tap.responding) {
      this.#close(end, tell)
      return
    }
    this.#phase = 'closing'
    for (const pump of this.#pumps ?? []) pump.stop()
    this.#lastCount = new LastCount(upstream, this.#tap, this.#house.wheel.now, usage => {
      this.#lastCount = undefined
      this.#unclaimed ??= usage
      this.#close(end, tell)
    })
  }

  readonly #upstreamClosed = (code: number, reason: Buffer): void => {
    if (this.#phase !== 'open') return
    if (code === lost) {
      const message = 'The upstream broke off the session: open a new one.'
      this.#fail(
        new Fault('unavailable', message, { reason: 'upstream_error', status: 502 }),
        'upstream_error',
      )
    } else this.#close('done', () => this.#caller && closeAs(this.#caller, code, reason))
  }

  /** Frames that are none, or too large: what `ws` closes the connection for by itself. */
  readonly #onBroken = (): void => {
    if (this.#phase === 'open') this.#close('refused', () => this.#dialled?.socket.close(1001))
  }

  readonly #onLost = (): void => {
    if (this.#phase === 'opening') this.#abort.abort(new Fault('cancelled', 'The caller has left.'))
    else if (this.#phase === 'closing' && this.#closedAt > 0) this.#leave()
  }

  // ---- the end

  /** Tells the caller why, and ends the session. */
  #fail(fault: Fault, end: EndReason): void {
    if (this.#phase !== 'open') return
    this.#reason = fault.reason
    void this.#denied(fault)
    this.#close(end, () => {
      this.#caller?.send(RealtimeTap.error(fault, this.id))
      this.#caller?.close(codeOf(fault), fault.reason)
      this.#dialled?.socket.close(1001)
    })
  }

  /** The record is in the journal before the last frame leaves. */
  #close(end: EndReason, tell: () => void): void {
    this.#phase = 'closing'
    for (const pump of this.#pumps ?? []) pump.stop()
    void this.#settle(end, 101).then(() => {
      tell()
      this.#closedAt = this.#house.wheel.now
      if (this.#socket.destroyed) this.#leave()
    })
  }

  /** Journals the one usage record. */
  async #settle(end: EndReason, status: number): Promise<void> {
    const { journal, metrics, observe } = this.#house
    const ended = this.#endedAs(end, status)
    const { usage } = this.#tap
    if (usage) metrics.used(usage)
    try {
      const admitted = this.#admitted as Admission // only what was opened is settled
      if (this.#payment)
        await this.#payment.journal(admitted, { ended, committed: status === 101, accepted: true, input: 0n })
      else await journal.append({ kind: 'usage', admitted, ended })
    } catch (error) {
      observe({ type: 'usage_not_recorded', request: this.id, error })
    }
    if (status === 101) this.#finish(end, status)
  }

  #endedAs(end: EndReason, status: number): Ended {
    return {
      at: this.#house.clock(),
      end,
      status,
      attempt: Math.max(1, this.#dialled?.attempts ?? 1),
      upstream: this.#dialled?.upstream.name ?? '',
      by: this.#dialled && answeredBy(this.#dialled.upstream, this.#admitted?.model ?? ''),
      billable: 'caller',
      usage: this.#tap.usage,
    }
  }

  #finish(end: EndReason, status: number, reason = this.#reason): void {
    this.#release(end)
    const { metrics, clock, observe, door } = this.#house
    const now = clock()
    const principal = this.#credential?.principal
    const milliseconds = now - this.#startedAt
    const open = this.#openedAt === undefined ? undefined : this.#openedAt - this.#startedAt
    metrics.request('openai', 'realtime', this.#route?.name ?? '', status, end)
    metrics.times(milliseconds, open === undefined ? 0 : milliseconds, open)
    observe({
      type: 'request_ended',
      request: this.id,
      callerId: this.#head?.requestId,
      client: door.callerOf(this.#peer, this.#head?.forwardedFor),
      key: principal?.key,
      workspace: principal?.workspace,
      project: principal?.project,
      caller: 'openai',
      operation: 'realtime',
      route: this.#route?.name,
      model: this.#admitted?.model,
      streamed: true,
      maxOutput: undefined,
      upstream: this.#dialled?.upstream.name,
      attempts: this.#dialled?.attempts ?? 0,
      tries: [],
      cache: undefined,
      detour: undefined,
      status,
      end,
      reason,
      startedAt: this.#startedAt,
      milliseconds,
      waited: open === undefined ? 0 : milliseconds,
      firstContent: open,
      bytesIn: this.#socket.bytesRead,
      bytesOut: this.#socket.bytesWritten,
      usage: this.#tap.usage,
      warning: undefined,
      traceparent: this.#head?.traceparent,
      tracestate: this.#head?.tracestate,
    })
    if (status !== 101) this.#leave()
  }

  /** Gives back what was claimed and not used, and the place at the upstream. */
  #release(end: EndReason): void {
    const { admissions, clock, metrics } = this.#house
    this.#payment?.release()
    const claim = this.#claim
    this.#claim = undefined
    if (claim?.type === 'admitted') {
      if (this.#dialled) admissions.settle(claim, this.#amountsOf(this.#unclaimed))
      else admissions.void(claim)
    }
    const dialled = this.#dialled
    if (!dialled) return
    const { ticket, pool, upstream, claim: room } = dialled
    if (room) admissions.settle(room, usedBy(this.#tap.usage))
    ticket.end(end === 'upstream_error' ? 'fault' : 'answered', clock())
    metrics.attempt(upstream.name, end === 'upstream_error' ? 'cut' : 'answered')
    pool.release()
  }

  #leave(): void {
    if (this.#phase === 'ended') return
    this.#phase = 'ended'
    this.#dialled?.socket.terminate()
    this.#caller?.terminate()
    this.#house.leave(this)
  }

  stop(fault: Fault, end: EndReason): void {
    if (this.#phase === 'opening') this.#abort.abort(fault)
    else this.#fail(fault, end)
  }

  cut(fault: Fault): void {
    this.stop(fault, 'drained')
    this.#socket.destroy()
  }

  /** Called every 100 ms while it is under way. */
  tick(now: number): void {
    if (this.#phase === 'closing') {
      this.#lastCount?.tick(now)
      if (this.#closedAt > 0 && now - this.#closedAt >= closeMilliseconds) this.#leave()
      return
    }
    this.#check(now)
    if (this.#phase === 'open') this.#tickOpen(now)
  }

  #tickOpen(now: number): void {
    const { realtimeIdle, realtimeTotal, callerStall, ping } = this.#house.limits
    const [fromCaller, fromUpstream] = this.#pumps as [Pump, Pump] // it is open
    const heardAt = Math.max(fromCaller.heardAt, fromUpstream.heardAt)
    if (now - this.#startedAt >= realtimeTotal) this.#fail(over('total'), 'our_timeout')
    else if (now - heardAt >= realtimeIdle) this.#fail(over('idle'), 'our_timeout')
    else if (
      now - (fromUpstream.blockedAt ?? now) >= callerStall ||
      (now - this.#pongedAt >= callerStall && now - heardAt >= callerStall)
    ) {
      const { socket } = this.#dialled as Dialled // it is open
      this.#left('client_gone', socket, () => this.#caller?.terminate())
    } else if (now - this.#pingedAt >= ping) {
      this.#pingedAt = now
      this.#caller?.ping()
      this.#dialled?.socket.ping()
    }
  }

  /** A key that is no longer accepted ends what it began. */
  #check(now: number): void {
    const credential = this.#credential as Credential // set before the session ticks
    const refusal = recheck(credential, this.#house.snapshot(), now)
    if (refusal) this.stop(refusal, 'client_gone')
  }
}

const usedUp = () =>
  new Fault('exhausted', 'The balance is used up: ask its administrator to pay in.', {
    reason: 'insufficient_quota',
  })

const ends = {
  total: 'The session has lasted as long as one may: open a new one.',
  idle: 'Nothing was said for long: open a new session.',
} as const

const over = (reason: keyof typeof ends) => new Fault('deadline', ends[reason], { reason })
