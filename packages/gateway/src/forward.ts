// Route, Ask -> the first attempt that answers. What is tried, and what after it, is decided in `choose` and told to
// `health`; nothing is tried again after the first content.
import {
  type Carriage,
  callers,
  type Reply,
  type Speech,
  tokensDelivered,
  type Usage,
  usageSoFar,
} from '@switchyard/dialects'
import { Fault } from '@switchyard/kinds'
import type { AnsweredBy, Ended, EndReason, LimitClaim, Verdict } from '@switchyard/runtime'
import { reservation, usedBy } from './admission.ts'
import type { AnswerHearer, Answering } from './answering.ts'
import { Attempt, type AttemptHearer } from './attempt.ts'
import { type Blocks, blocksOf } from './choose/blocks.ts'
import { choose, type Facts, remember } from './choose/choose.ts'
import { fallbackOf } from './choose/fallback.ts'
import { hedgeAfter } from './choose/hedge.ts'
import { refusalOf as noTarget, type Reason } from './choose/reason.ts'
import { mayRetry, pauseOf } from './choose/retry.ts'
import type { Target } from './choose/tier.ts'
import { Tried } from './ended.ts'
import { type Failure, faultOf, late, overLimit } from './failure.ts'
import type { Finding, Guards } from './guard/index.ts'
import { AnswerGuard } from './guarding.ts'
import { heldFor } from './hold.ts'
import type { Guest, Place } from './hold-room.ts'
import type { House } from './house.ts'
import { carriageTo, headersTo, type Order, speechFor } from './order.ts'
import type { Media } from './passage.ts'
import { refusalOf } from './rejection.ts'
import { answeredBy, type Route, type Times, type Upstream } from './route.ts'
import type { Traffic } from './traffic.ts'

interface Made {
  readonly speech: Speech
  readonly served: string
  readonly carriage: Carriage
}

const noneMade: readonly Made[] = Object.freeze([])
const nothing = Buffer.alloc(0)
const noFindings: readonly Finding[] = Object.freeze([])
const allAble = () => 2 as const

export class Forward implements AttemptHearer, Answering, Guest {
  /** Attempts so far. */
  attempts = 0
  retriesSpent = false
  /** Milliseconds that upstreams have been waited for, before there was one too. */
  waited = 0
  /** The attempt that is relayed, or was tried last. */
  attempt: Attempt | undefined
  /** The tier of that attempt, from 0. */
  tier = 0
  readonly cache: 'bypass' | undefined
  readonly age = undefined
  /** The guard of the answer that is relayed. */
  guard: AnswerGuard | undefined
  /** Why another route has taken over. */
  detour: string | undefined
  /** What was tried, in order: that of an attempt stands at its number less one. */
  readonly tries: Tried[] = []
  spares: Ended[] | undefined
  readonly #house: House
  readonly #order: Order
  readonly #hearer: AnswerHearer
  readonly #visited: string[]
  readonly #tried: Target<Upstream>[] = []
  /** Carriages, one for each speech and name of the model. */
  #made: readonly Made[] = noneMade
  /** Upstreams that cannot be asked this. */
  #unable: Set<Upstream> | undefined
  #route: Route
  #traffic: Traffic
  #blocks: Blocks | undefined
  #refusal: Fault | undefined
  #sealed = false
  /** Refusals by upstreams' own limits. */
  #limited = 0
  #claims: Map<Attempt, LimitClaim> | undefined
  #first: Attempt | undefined
  /** A copy of the first attempt, elsewhere. */
  #second: Attempt | undefined
  #waitingSince = 0
  #over = false
  #retry: NodeJS.Timeout | undefined
  /** Where it waits for a ready replica. */
  #place: Place | undefined

  constructor(house: House, order: Order, hearer: AnswerHearer, cache?: 'bypass') {
    this.cache = cache
    this.#house = house
    this.#order = order
    this.#route = order.route
    this.#traffic = house.traffic(order.route)
    this.#visited = [order.route.id]
    this.#hearer = hearer
  }

  get times(): Times {
    return this.#order.times
  }

  get upstream(): string {
    return this.attempt?.upstream.name ?? ''
  }

  get by(): AnsweredBy | undefined {
    return this.attempt && answeredBy(this.attempt.upstream, this.#order.ask.model)
  }

  get maker(): string | undefined {
    const { attempt } = this
    return attempt?.carriage.same ? attempt.upstream.key : undefined
  }

  get media(): Media | undefined {
    return this.attempt?.media
  }

  get warning(): string {
    if (!this.attempt) return ''
    const { dropped, clamped } = this.attempt.carriage
    const said: string[] = []
    if (dropped.length > 0) said.push(`dropped=${dropped.join(',')}`)
    if (clamped.length > 0) said.push(`clamped=${clamped.join(',')}`)
    return said.join('; ')
  }

  get findings(): readonly Finding[] {
    return this.guard?.findings ?? noFindings
  }

  get stopped(): boolean {
    return this.guard?.stopped ?? false
  }

  seal(): void {
    this.#sealed = true
  }

  fail(fault: Fault, type?: string): Buffer {
    const { attempt } = this
    if (!attempt) return nothing
    return (attempt.tap ?? attempt.carriage.tap()).fail(fault, type)
  }

  used(): Usage | undefined {
    const tap = this.attempt?.tap
    if (!tap) return this.attempt?.reported
    const { metrics } = this.#house
    metrics.malformedEvents += tap.malformed
    const usage = usageSoFar(tap)
    if (usage !== tap.usage) metrics.usageMissing++
    return usage
  }

  get tokens(): number {
    const tap = this.attempt?.tap
    return tap ? tokensDelivered(tap) : 0
  }

  progress(): Usage | undefined {
    const tap = this.attempt?.tap
    return tap && usageSoFar(tap)
  }

  start(): void {
    this.#traffic.deposit(this.#house.clock())
    this.#begin(0)
  }

  /** Ends it unheard; what is under way is cancelled. */
  cancel(): void {
    if (this.#over) return
    this.#over = true
    clearTimeout(this.#retry)
    this.#leave()
    if (this.#first && !this.#first.begun) this.#waited(this.#house.clock())
    this.#drop(this.#first)
    this.#drop(this.#second)
    this.#first = undefined
    this.#second = undefined
  }

  pause(): void {
    this.#first?.pause()
  }

  resume(): void {
    this.#first?.resume()
  }

  /** Called every 100 ms while it is under way; `blocked` while the caller takes nothing. */
  tick(now: number, blocked: boolean): void {
    const { firstContent, idle, stall } = this.#order.times
    const first = this.#first
    if (!first) return
    if (first.begun) {
      if (!blocked && (now - first.heardAt >= idle || now - first.contentAt >= stall))
        first.abandon(late('idle'))
      return
    }
    const second = this.#second
    if (second && now - second.sentAt >= firstContent) second.abandon(late('first_token'))
    // While a form is on its way nothing can be answered, and a second attempt could not read it.
    const { passage } = this.#order
    if (now - Math.max(first.sentAt, passage?.movedAt ?? 0) >= firstContent)
      first.abandon(late('first_token'))
    else if (!second && !passage && this.#traffic.hedges) this.#hedge(first, now)
  }

  // ---- what attempts tell

  began(attempt: Attempt): void {
    this.#wins(attempt)
    const by = this.guard?.blocked
    if (by) {
      attempt.cancel()
      this.#end(attempt, 'answered')
      this.#hearer.blocked(by)
    } else this.#commit(attempt)
  }

  #commit(attempt: Attempt): void {
    const { held } = attempt
    attempt.held = []
    this.#hearer.committed(held)
  }

  flowed(_attempt: Attempt, bytes: Buffer): void {
    this.#hearer.flowed(bytes)
  }

  ended(attempt: Attempt, terminal: Buffer): void {
    this.#end(attempt, 'answered')
    this.#hearer.ended(terminal)
  }

  replied(attempt: Attempt, reply: Reply): void {
    this.#wins(attempt)
    this.#end(attempt, 'answered')
    const by = this.guard?.blocked
    if (by) this.#hearer.blocked(by)
    else {
      if (reply.refusal) this.#hearer.unspeakable(reply.refusal)
      else this.#hearer.replied(reply.bytes)
    }
  }

  rejected(attempt: Attempt, status: number, body: Buffer): void {
    this.#wins(attempt)
    this.#end(attempt, 'rejected')
    const rejection = refusalOf(attempt.carriage, status, body)
    const next = fallbackOf(rejection.meaning, this.#route, this.#visited)
    const { passage, pinned } = this.#order
    const sent = next === undefined || passage?.repeatable === false || pinned !== undefined
    const other = sent ? undefined : this.#house.route(this.#route.workspace, next)
    if (other) this.#detour(other, rejection.fault.reason)
    else this.#hearer.rejected(status, rejection)
  }

  failed(attempt: Attempt, failure: Failure): void {
    const { metrics, observe, clock } = this.#house
    const { outcome, health, cause, retryAfter } = failure
    const upstream = attempt.upstream.name
    metrics.attempt(upstream, outcome)
    observe({ type: 'attempt_failed', request: this.#order.request, upstream, outcome, cause })
    const now = clock()
    this.tries[attempt.number - 1]?.end(outcome, attempt.status, now)
    attempt.ticket.end(health, now, retryAfter === undefined ? undefined : retryAfter * 1000)
    this.#settle(attempt, attempt.tap?.usage)
    const other = attempt === this.#first ? this.#second : this.#first
    this.#first = other
    this.#second = undefined
    if (other) {
      this.#spare(attempt, 'upstream_error')
      this.attempt = other
      return
    }
    if (!attempt.begun) this.#waited(now)
    if (this.#over) return
    this.#again(failure, now, attempt.begun || this.#sealed)
  }

  // ---- without a ready replica

  get route(): Route {
    return this.#route
  }

  get bytes(): number {
    const { ask, passage } = this.#order
    return ask.bytes.length + (passage ? this.#house.limits.formHeldBytes : 0)
  }

  get deadline(): number {
    return this.#order.startedAt + this.#order.times.total
  }

  fits(route: Route): boolean {
    this.#route = route
    return this.#choose(0, false) !== undefined
  }

  proceed(): void {
    this.#leave()
    this.#begin(0)
  }

  refused(fault: Fault): void {
    this.#leave()
    this.#fail({ outcome: 'unasked', health: 'aborted', fault })
  }

  /** Waits for a replica, where one may come; a fault where too many do. */
  #hold(): boolean | Fault {
    const place = this.#house.holding.enter(this)
    if (place === undefined || place instanceof Fault) return place ?? false
    this.#place = place
    this.#waitingSince = this.#house.clock()
    return true
  }

  #leave(): void {
    if (!this.#place) return
    this.#place.leave()
    this.#place = undefined
    this.#waited(this.#house.clock())
  }

  // ---- the next attempt

  /** Chooses and sends; `from` is the first tier that is looked at. */
  #begin(from: number): void {
    const target = this.#choose(from, false)
    if (target) {
      this.#send(target)
      return
    }
    const held = this.#hold()
    if (held instanceof Fault) this.#fail({ outcome: 'unasked', health: 'aborted', fault: held })
    else if (!held) this.#unanswered()
  }

  /** The chosen target that can be asked this, with its carriage made. */
  #choose(fromTier: number, onlyFresh: boolean): Target<Upstream> | undefined {
    const { tiers } = this.#traffic.at(this.#route)
    const facts = this.#facts()
    for (;;) {
      const narrow = this.#route.mixed || this.#unable || this.#order.pinned !== undefined
      const able = narrow ? (one: Target<Upstream>) => this.#able(one) : allAble
      const target = choose(tiers, facts, { tried: this.#tried, fromTier, onlyFresh, able })
      if (!target || this.#carriage(target.to)) return target
      this.#unable ??= new Set()
      this.#unable.add(target.to)
    }
  }

  #able({ to }: Target<Upstream>): 0 | 1 | 2 {
    if (this.#unable?.has(to)) return 0
    const { ask, pinned } = this.#order
    if (pinned !== undefined && to.key !== pinned) return 0
    return speechFor(to, ask).dialect === callers[ask.caller].dialect ? 2 : 1
  }

  #facts(): Facts {
    const { clock, random } = this.#house
    const { ask, session } = this.#order
    if (this.#route.prefixed) this.#blocks ??= blocksOf([ask.bytes], this.#route.workspace, this.#route.name)
    return { now: clock(), random, streamed: ask.stream.on, session, blocks: this.#blocks }
  }

  /** Undefined when the upstream cannot be asked this. */
  #carriage(upstream: Upstream): Carriage | undefined {
    const { ask } = this.#order
    const { speech, served = ask.model } = upstream
    for (const made of this.#made) if (made.speech === speech && made.served === served) return made.carriage
    const { guards } = this.#route.guarding
    const filter = guards && guards.response.rules.length > 0 ? () => this.#guardAnswer(guards) : undefined
    try {
      const carriage = carriageTo(upstream, this.#order, this.#route, filter)
      if (carriage) this.#made = [...this.#made, { speech, served, carriage }]
      return carriage
    } catch (error) {
      // A request that our own conversion breaks on is refused, and the process goes on.
      if (!(error instanceof Fault))
        this.#house.observe({ type: 'internal_error', request: this.#order.request, error })
      this.#refusal ??= faultOf(error)
      return undefined
    }
  }

  #guardAnswer(guards: Guards): AnswerGuard {
    const guard = new AnswerGuard(guards, this.#order.guard)
    this.guard = guard
    return guard
  }

  /** Sends, once there is room under the upstream's own limits. */
  #send(target: Target<Upstream>): void {
    const { buckets } = target.to
    if (buckets.length === 0) {
      this.#dispatch(target, undefined)
      return
    }
    const { request, ask } = this.#order
    const id = `${request}:${this.attempts + this.#limited + 1}`
    const verdict = this.#house.admissions.admit({ id, buckets, amounts: reservation(ask, this.#route) })
    if (verdict instanceof Promise)
      verdict.then(
        said => this.#judged(target, said),
        (error: unknown) => this.#unjudged(error),
      )
    else this.#judged(target, verdict)
  }

  #judged(target: Target<Upstream>, verdict: Verdict): void {
    if (verdict.type === 'admitted') {
      if (this.#over) this.#house.admissions.void(verdict)
      else this.#dispatch(target, verdict)
      return
    }
    if (this.#over) return
    const now = this.#house.clock()
    this.#limited++
    this.#tried.push(target)
    target.vitals.begin(now, false).end('rate_limited', now, verdict.retryAfterMs)
    this.#house.metrics.attempt(target.to.name, 'limited')
    this.#again(overLimit(verdict), now, false)
  }

  #unjudged(error: unknown): void {
    if (this.#over) return
    if (error instanceof Fault) this.#fail({ outcome: 'unasked', health: 'aborted', fault: error })
    else throw error
  }

  #dispatch(target: Target<Upstream>, claim: LimitClaim | undefined): void {
    const { upstreams, wheel, clock } = this.#house
    const { ask, replyBytes, passage } = this.#order
    const upstream = target.to
    const carriage = this.#carriage(upstream)
    if (!carriage) throw new TypeError('a target was chosen that cannot be asked')
    const now = clock()
    if (!this.#first) {
      this.#waitingSince = now
      this.#spare(this.attempt, 'upstream_error')
    }
    this.attempts++
    this.tries.push(new Tried(upstream, ask.model, now))
    this.#tried.push(target)
    this.tier = target.tier
    if (this.#blocks)
      remember(target, { now, random: this.#house.random, streamed: false, blocks: this.#blocks })
    const attempt = new Attempt(
      {
        number: this.attempts,
        upstream,
        vitals: target.vitals,
        ticket: target.vitals.begin(now, ask.stream.on),
        tier: target.tier,
        carriage,
        headers: headersTo(upstream, this.#order),
        passage,
        served: upstream.served ?? ask.model,
        streamed: ask.stream.on,
        replyBytes,
        wheel,
      },
      upstreams.at(upstream.origin),
      this,
    )
    this.attempt = attempt
    if (this.#first) this.#second = attempt
    else this.#first = attempt
    if (claim) {
      this.#claims ??= new Map()
      this.#claims.set(attempt, claim)
    }
    attempt.send()
  }

  /** Gives back what of an upstream's own limits was not used. */
  #settle(attempt: Attempt, usage: Usage | undefined): void {
    const claim = this.#claims?.get(attempt)
    if (!claim) return
    this.#claims?.delete(attempt)
    this.#house.admissions.settle(claim, usedBy(usage))
  }

  #again(failure: Failure, now: number, begun: boolean): void {
    const { metrics, stopping, random } = this.#house
    const { startedAt, times } = this.#order
    const verdict = mayRetry({
      outcome: failure.health,
      attempts: this.attempts + this.#limited,
      most: this.#order.attempts,
      committed: begun || this.#order.passage?.repeatable === false,
    })
    if (!verdict.again || stopping) {
      this.retriesSpent = !verdict.again && verdict.why === 'attempts' && this.attempts > 1
      this.#fail(failure)
      return
    }
    // A retry looks at the newest snapshot: the replica that failed may be gone from it, and another one ready.
    this.#route = this.#house.current(this.#route)
    const target = this.#choose(verdict.tier === 'next' ? this.tier + 1 : 0, false)
    if (!target) {
      // Its only replica is gone: another may be on its way.
      if (heldFor(this.#route) && this.#traffic.budget.take(now) && this.#hold() === true) metrics.retries++
      else this.#fail(failure)
      return
    }
    const triedBefore = this.#tried.some(({ vitals }) => vitals === target.vitals)
    const pause = pauseOf(
      {
        now,
        deadline: startedAt + times.total,
        attempts: this.attempts,
        triedBefore,
        fitAt: target.vitals.fitAt(now),
        random: random(),
      },
      this.#traffic.budget,
    )
    if (typeof pause !== 'number') {
      this.retriesSpent = pause === 'budget'
      if (this.retriesSpent) metrics.retryBudgetExhausted++
      this.#fail(failure)
      return
    }
    metrics.retries++
    if (pause === 0) this.#send(target)
    else this.#retry = setTimeout(() => this.#begin(0), pause)
  }

  /** One copy elsewhere for a request that waits long; the first content wins. */
  #hedge(first: Attempt, now: number): void {
    const { hedges, budget } = this.#traffic
    const waited = now - first.sentAt
    const after = hedgeAfter(first.vitals.streams.p95(now))
    if (!hedges || after === undefined || waited < after) return
    const target = this.#choose(0, true)
    const verdict = hedges.decide(
      {
        now,
        waited,
        after,
        hedged: false,
        committed: false,
        deadline: this.#order.startedAt + this.#order.times.total,
        elsewhere: target !== undefined,
      },
      budget,
    )
    this.#house.metrics.hedge(verdict)
    if (verdict === 'hedge' && target) this.#send(target)
  }

  /** Another route takes over what this one's upstreams have refused. */
  #detour(route: Route, reason: string): void {
    this.#house.metrics.fallback(reason)
    this.#visited.push(route.id)
    this.detour = reason
    this.#route = route
    this.#traffic = this.#house.traffic(route)
    this.#tried.length = 0
    this.#made = noneMade
    this.#unable = undefined
    this.#refusal = undefined
    this.#over = false
    this.#begin(0)
  }

  /** Nothing can be asked, or nothing that could be is fit. */
  #unanswered(): void {
    this.#over = true
    let fault = this.#refusal
    if (!fault) {
      const reasons: Reason[] = []
      const facts = this.#facts()
      choose(this.#traffic.at(this.#route).tiers, facts, { tried: this.#tried }, reasons)
      fault = noTarget(reasons, facts.now)
    }
    this.#hearer.failed({ outcome: 'unasked', health: 'aborted', fault })
  }

  #fail(failure: Failure): void {
    this.#over = true
    this.#hearer.failed(failure)
  }

  /** The first answer: any other attempt is cancelled. */
  #wins(attempt: Attempt): void {
    const now = this.#house.clock()
    this.#waited(now)
    attempt.ticket.content(now)
    const tried = this.tries[attempt.number - 1]
    if (tried) tried.contentAt = now
    const other = attempt === this.#first ? this.#second : this.#first
    this.#first = attempt
    this.#second = undefined
    this.attempt = attempt
    this.tier = attempt.tier
    this.#drop(other)
  }

  #waited(now: number): void {
    this.waited += now - this.#waitingSince
  }

  #drop(attempt: Attempt | undefined): void {
    if (!attempt) return
    const now = this.#house.clock()
    attempt.cancel()
    if (attempt !== this.attempt) this.#spare(attempt, 'client_gone')
    this.#settle(attempt, attempt.tap?.usage)
    attempt.ticket.end('aborted', now)
    this.tries[attempt.number - 1]?.end('cancelled', attempt.status, now)
    this.#house.metrics.attempt(attempt.upstream.name, 'cancelled')
  }

  /** An attempt whose answer nobody has: what its upstream says that it used is a cost of ours. */
  #spare(attempt: Attempt | undefined, end: EndReason): void {
    const usage = attempt?.reported
    if (!attempt || !usage) return
    const { upstream, number, status } = attempt
    this.spares ??= []
    this.spares.push({
      at: this.#house.clock(),
      end,
      status,
      attempt: number,
      upstream: upstream.name,
      by: answeredBy(upstream, this.#order.ask.model),
      billable: 'cost',
      part: 'spare',
      usage,
    })
  }

  #end(attempt: Attempt, outcome: 'answered' | 'rejected'): void {
    const { upstream, ticket, number, status } = attempt
    this.#settle(attempt, attempt.reported)
    const now = this.#house.clock()
    this.#over = true
    this.#first = undefined
    ticket.end(outcome, now)
    this.tries[number - 1]?.end('answered', status, now)
    this.#house.metrics.attempt(upstream.name, 'answered')
  }
}
