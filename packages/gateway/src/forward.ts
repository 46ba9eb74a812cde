// Route, Ask -> the first attempt that answers. Upstreams are tried in the order of their tiers, another one each
// time while one is left, and only before the first content.
import {
  type Ask,
  type Carriage,
  type CarriageOptions,
  carry,
  carryCount,
  carryEmbeddings,
  carryOpenai,
  type Reply,
  type Speech,
} from '@switchyard/dialects'
import { Fault } from '@switchyard/kinds'
import { Attempt, type AttemptHearer } from './attempt.ts'
import { backoff, choose } from './balance.ts'
import { type Failure, late } from './failure.ts'
import type { House } from './house.ts'
import type { Carrying, Operated } from './paths.ts'
import { type Rejection, refusalOf } from './rejection.ts'
import { noUpstream } from './resolve.ts'
import type { Route, Times, Upstream } from './route.ts'

/** What is heard of a forwarded request: one beginning at most, and one end. */
export interface ForwardHearer {
  /** The first content has come: what the attempt holds may leave. */
  committed(attempt: Attempt): void
  flowed(bytes: Buffer): void
  ended(attempt: Attempt, terminal: Buffer): void
  replied(attempt: Attempt, reply: Reply): void
  /** An upstream has refused the request itself, and no route has an answer to that. */
  rejected(attempt: Attempt, status: number, rejection: Rejection): void
  /** No attempt is left, or one has failed after its first content. */
  failed(failure: Failure): void
}

export interface Order {
  readonly request: string
  readonly ask: Ask
  readonly target: Operated
  readonly route: Route
  /** What of the caller's headers upstreams are to see. */
  readonly forwarded: readonly string[] | undefined
  readonly times: Times
  readonly attempts: number
  /** Milliseconds since 1970. */
  readonly startedAt: number
  readonly replyBytes: number
}

type Carrier = (ask: Ask, path: string, to: Speech, options: CarriageOptions) => Carriage | undefined

/** Throws `invalid` where the upstream cannot be asked this; undefined where another one may. */
const carriages: Readonly<Record<Carrying, Carrier>> = {
  chat: (ask, _path, to, options) => carry(ask, to, options),
  embeddings: (ask, _path, to, options) => carryEmbeddings(ask, to, options),
  same: carryOpenai,
  count: (ask, _path, to, options) => carryCount(ask, to, options),
}

export class Forward implements AttemptHearer {
  /** Attempts so far. */
  attempts = 0
  /** Milliseconds that upstreams have been waited for. */
  waited = 0
  /** The attempt that is relayed, or was tried last. */
  attempt: Attempt | undefined
  /** The tier of that attempt, from 0. */
  tier = 0
  /** Why another route has taken over. */
  detour: string | undefined
  readonly #house: House
  readonly #order: Order
  readonly #hearer: ForwardHearer
  /** Routes that have been taken instead. */
  readonly #taken: string[] = []
  readonly #tried: Upstream[] = []
  readonly #carriages = new Map<string, Carriage>()
  #route: Route
  #refusal: Fault | undefined
  #live: Attempt | undefined
  #sentAt = 0
  #over = false
  #retry: NodeJS.Timeout | undefined

  constructor(house: House, order: Order, hearer: ForwardHearer) {
    this.#house = house
    this.#order = order
    this.#route = order.route
    this.#hearer = hearer
  }

  start(): void {
    this.#house.budget(this.#route).deposit()
    this.#next()
  }

  /** Ends it unheard; what is under way is cancelled. */
  cancel(): void {
    if (this.#over) return
    this.#over = true
    clearTimeout(this.#retry)
    const live = this.#live
    this.#live = undefined
    if (!live) return
    live.cancel()
    this.#house.metrics.attempt(live.upstream.name, 'cancelled')
  }

  pause(): void {
    this.#live?.pause()
  }

  resume(): void {
    this.#live?.resume()
  }

  /** Called every 100 ms while it is under way; `blocked` while the caller takes nothing. */
  tick(now: number, blocked: boolean): void {
    const live = this.#live
    if (!live) return
    const { firstContent, idle, stall } = this.#order.times
    if (!live.begun) {
      if (now - live.sentAt >= firstContent) live.abandon(late('first_token'))
    } else if (!blocked && (now - live.heardAt >= idle || now - live.contentAt >= stall))
      live.abandon(late('idle'))
  }

  // ---- what attempts tell

  began(attempt: Attempt): void {
    this.#answered()
    this.#hearer.committed(attempt)
  }

  flowed(_attempt: Attempt, bytes: Buffer): void {
    this.#hearer.flowed(bytes)
  }

  ended(attempt: Attempt, terminal: Buffer): void {
    this.#end(attempt)
    this.#hearer.ended(attempt, terminal)
  }

  replied(attempt: Attempt, reply: Reply): void {
    this.#answered()
    this.#end(attempt)
    this.#hearer.replied(attempt, reply)
  }

  rejected(attempt: Attempt, status: number, body: Buffer): void {
    this.#answered()
    const rejection = refusalOf(attempt.carriage, status, body)
    const other = this.#detour(rejection.fault)
    if (other) {
      this.#take(other, attempt, rejection.fault.reason)
      return
    }
    this.#end(attempt)
    this.#hearer.rejected(attempt, status, rejection)
  }

  /** The route that takes over what this one's upstreams refuse for such a reason; each is taken once. */
  #detour({ reason }: Fault): Route | undefined {
    const { onContextLength, onContentFilter, workspace } = this.#route
    const name =
      reason === 'context_length_exceeded'
        ? onContextLength
        : reason === 'content_filter'
          ? onContentFilter
          : undefined
    if (name === undefined || this.#taken.includes(name)) return undefined
    return this.#house.route(workspace, name)
  }

  #take(route: Route, { upstream }: Attempt, reason: string): void {
    const { metrics } = this.#house
    metrics.attempt(upstream.name, 'answered')
    metrics.fallback(reason)
    this.#live = undefined
    this.#taken.push(route.id)
    this.detour = reason
    this.#route = route
    this.#tried.length = 0
    this.#carriages.clear()
    this.#next()
  }

  failed(attempt: Attempt, failure: Failure): void {
    const { metrics, observe } = this.#house
    const { outcome, cause } = failure
    metrics.attempt(attempt.upstream.name, outcome)
    observe({
      type: 'attempt_failed',
      request: this.#order.request,
      upstream: attempt.upstream.name,
      outcome,
      cause,
    })
    this.#live = undefined
    if (attempt.begun) {
      this.#over = true
      this.#hearer.failed(failure)
      return
    }
    this.#answered()
    this.#again(failure)
  }

  // ---- the next attempt

  readonly #next = (): void => {
    if (this.#over) return
    for (;;) {
      const upstream = this.#choose()
      if (!upstream) {
        this.#over = true
        const fault = this.#refusal ?? noUpstream(this.#route)
        this.#hearer.failed({ outcome: 'unasked', next: false, fault })
        return
      }
      this.#tried.push(upstream)
      const carriage = this.#carriage(upstream)
      if (!carriage) continue
      this.#send(upstream, carriage)
      return
    }
  }

  /** The first tier with an upstream that has not been tried; when all have been, the first tier again. */
  #choose(): Upstream | undefined {
    const { inflight, turn } = this.#house
    const { tiers } = this.#route
    for (let i = 0; i < tiers.length; i++) {
      const upstreams = tiers[i]?.upstreams ?? []
      if (!upstreams.some(one => !this.#tried.some(({ key }) => key === one.key))) continue
      this.tier = i
      return choose(upstreams, inflight, this.#tried, turn())
    }
    if (this.attempts === 0) return undefined
    this.tier = 0
    return choose(tiers[0]?.upstreams ?? [], inflight, this.#tried, turn())
  }

  /** Undefined when the upstream cannot be asked this. */
  #carriage(upstream: Upstream): Carriage | undefined {
    const { ask, request, startedAt } = this.#order
    const { served = ask.model, speech } = upstream
    const key = `${upstream.provider} ${speech.dialect} ${served}`
    const known = this.#carriages.get(key)
    if (known) return known
    try {
      const carriage = carriages[this.#order.target.carrying](ask, this.#order.target.path, speech, {
        served,
        shown: this.#route.exposeModel ? undefined : ask.model,
        strict: this.#route.strict,
        maxOutput: upstream.maxOutput,
        about: { id: request, created: Math.floor(startedAt / 1000) },
      })
      if (carriage) this.#carriages.set(key, carriage)
      return carriage
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      this.#refusal = error
      return undefined
    }
  }

  #send(upstream: Upstream, carriage: Carriage): void {
    const { upstreams, wheel, clock } = this.#house
    const { ask, forwarded, replyBytes } = this.#order
    const own = ask.stream.on ? upstream.streamHeaders : upstream.headers
    this.attempts++
    this.#sentAt = clock()
    const attempt = new Attempt(
      {
        number: this.attempts,
        upstream,
        carriage,
        headers: forwarded ? [...own, ...forwarded] : own,
        streamed: ask.stream.on,
        replyBytes,
        wheel,
      },
      upstreams.at(upstream.origin),
      this,
    )
    this.attempt = attempt
    this.#live = attempt
    attempt.send()
  }

  #again(failure: Failure): void {
    const { metrics, clock, stopping } = this.#house
    const now = clock()
    const { startedAt, times, attempts } = this.#order
    const again =
      failure.next && this.attempts < attempts && now - startedAt < times.total && !stopping && !this.#over
    if (!again) {
      this.#over = true
      this.#hearer.failed(failure)
      return
    }
    if (!this.#house.budget(this.#route).take(now)) {
      metrics.retryBudgetExhausted++
      this.#over = true
      this.#hearer.failed(failure)
      return
    }
    metrics.retries++
    // A retry looks at the newest snapshot: the replica that failed may be gone from it, and another one ready.
    this.#route = this.#house.current(this.#route)
    const fresh = this.#route.tiers.some(({ upstreams }) =>
      upstreams.some(one => !this.#tried.some(({ key }) => key === one.key)),
    )
    if (fresh) this.#next()
    else this.#retry = setTimeout(this.#next, backoff(this.attempts, this.#house.random()))
  }

  #answered(): void {
    this.waited += this.#house.clock() - this.#sentAt
  }

  #end({ upstream }: Attempt): void {
    this.#over = true
    this.#live = undefined
    this.#house.metrics.attempt(upstream.name, 'answered')
  }
}
