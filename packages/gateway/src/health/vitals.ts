// The health of one model at one upstream: what may begin there, what is under way, and how it went.
import { Breaker, type BreakerState } from './breaker.ts'
import type { CheckState, Checks } from './checks.ts'
import { type HealthOutcome, outcomes } from './outcome.ts'
import { Pace } from './pace.ts'

/** Why an upstream gets nothing for now. */
export type Unfit = 'misconfigured' | 'cooling' | 'ejected' | 'failing_checks' | 'open' | 'probing'

/** Whether engine metrics correct the count of requests: `stale` is a source that has stopped telling. */
export type MetricsState = 'none' | 'fresh' | 'stale'

const mostCooling = 60_000
const usualCooling = 1_000
const retest = 60_000
const ejection = 30_000
const metricsLife = 2_000

/** A frozen picture for metrics, `route explain` and a route's status. */
export interface VitalsState {
  readonly upstream: string
  readonly model: string
  readonly unfit: Unfit | undefined
  /** When that may end, in milliseconds; undefined when no time is known. */
  readonly until: number | undefined
  readonly breaker: BreakerState
  readonly checks: CheckState
  readonly metrics: MetricsState
  readonly inflight: number
  /** Requests there by the latest knowledge, others' included. */
  readonly load: number
  /** Of the last 10 s. */
  readonly calls: number
  readonly faults: number
  readonly slow: number
  /** Milliseconds to the first content of streams; undefined until measured. */
  readonly average: number | undefined
  readonly p95: number | undefined
  readonly lastFault: HealthOutcome | undefined
  readonly lastFaultAt: number | undefined
}

export class Vitals {
  readonly upstream: string
  readonly model: string
  readonly breaker: Breaker
  /** Of streams, and of replies that come whole. */
  readonly streams = new Pace()
  readonly replies = new Pace()
  readonly #checks: Checks
  #inflight = 0
  #coolingUntil = 0
  #ejectedUntil = 0
  #misconfigured = false
  #retestAt = 0
  #testing = 0
  #others = 0
  #metricsAt = Number.NEGATIVE_INFINITY
  #lastFault: HealthOutcome | undefined
  #lastFaultAt: number | undefined

  /** `random` is uniform in [0, 1) and jitters the breaker. */
  constructor(upstream: string, model: string, checks: Checks, random: () => number) {
    this.upstream = upstream
    this.model = model
    this.breaker = new Breaker(random)
    this.#checks = checks
  }

  /** Attempts begun here and not ended: exact. */
  get inflight(): number {
    return this.#inflight
  }

  /** `inflight` and what others have there, when the engine has told within 2 s. */
  load(now: number): number {
    return now - this.#metricsAt < metricsLife ? this.#inflight + this.#others : this.#inflight
  }

  /** An attempt begins. The ticket must be ended, whatever happens. */
  begin(now: number, streamed: boolean): Ticket {
    this.#inflight++
    const test = this.#misconfigured
    if (test) this.#testing++
    return new Ticket(this, now, streamed, this.breaker.begin(now), this.breaker.epoch, test)
  }

  /** Why nothing may begin here now; undefined when it may. */
  unfit(now: number): Unfit | undefined {
    if (this.#misconfigured && (now < this.#retestAt || this.#testing > 0)) return 'misconfigured'
    if (now < this.#coolingUntil) return 'cooling'
    if (now < this.#ejectedUntil) return 'ejected'
    if (this.#checks.state === 'failing') return 'failing_checks'
    if (this.breaker.admits(now)) return undefined
    return this.breaker.state(now) === 'open' ? 'open' : 'probing'
  }

  /** When the reason of `unfit` ends by itself; undefined when no time is known. */
  fitAt(now: number): number | undefined {
    const unfit = this.unfit(now)
    if (unfit === 'cooling') return this.#coolingUntil
    if (unfit === 'ejected') return this.#ejectedUntil
    if (unfit === 'open') return this.breaker.until
    return unfit === 'misconfigured' && now < this.#retestAt ? this.#retestAt : undefined
  }

  /** Requests that the engine itself counts, running and waiting. */
  told(requests: number, now: number): void {
    this.#others = Math.max(0, requests - this.#inflight)
    this.#metricsAt = now
  }

  /** The engine did not answer when it was asked for its count. */
  missed(now: number): void {
    this.#metricsAt = Math.max(this.#metricsAt, now - metricsLife)
  }

  /** Nobody asks the engine for now. */
  unasked(): void {
    this.#metricsAt = Number.NEGATIVE_INFINITY
  }

  eject(now: number): void {
    this.#ejectedUntil = now + ejection
    this.breaker.forget()
  }

  ejected(now: number): boolean {
    return now < this.#ejectedUntil
  }

  /** A new configuration: what was wrong with the old one is forgotten. */
  reconfigured(): void {
    this.#misconfigured = false
    this.#coolingUntil = 0
  }

  state(now: number): VitalsState {
    return Object.freeze({
      upstream: this.upstream,
      model: this.model,
      unfit: this.unfit(now),
      until: this.fitAt(now),
      breaker: this.breaker.state(now),
      checks: this.#checks.state,
      metrics: this.#metrics(now),
      inflight: this.#inflight,
      load: this.load(now),
      calls: this.breaker.calls(now),
      faults: this.breaker.faults(now),
      slow: this.breaker.slow(now),
      average: this.streams.measured ? this.streams.average(now) : undefined,
      p95: this.streams.p95(now),
      lastFault: this.#lastFault,
      lastFaultAt: this.#lastFaultAt,
    })
  }

  /** Called by the ticket, once. */
  release(test: boolean): void {
    this.#inflight--
    if (test) this.#testing--
  }

  /** Called by the ticket: what the outcome means beyond the breaker. */
  mark(outcome: HealthOutcome, now: number, retryAfter: number | undefined): void {
    if (outcome === 'answered') {
      this.#misconfigured = false
      return
    }
    if (outcome === 'aborted' || outcome === 'rejected') return
    this.#lastFault = outcome
    this.#lastFaultAt = now
    if (outcome === 'rate_limited') {
      const cooling = Math.min(mostCooling, Math.max(0, retryAfter ?? usualCooling))
      this.#coolingUntil = Math.max(this.#coolingUntil, now + cooling)
    } else if (outcome === 'misconfigured') {
      this.#misconfigured = true
      this.#retestAt = now + retest
    }
  }

  #metrics(now: number): MetricsState {
    if (this.#metricsAt === Number.NEGATIVE_INFINITY) return 'none'
    return now - this.#metricsAt < metricsLife ? 'fresh' : 'stale'
  }
}

/** One attempt under way. Ending it twice is fine: the first end counts. */
export class Ticket {
  readonly #vitals: Vitals
  readonly #began: number
  readonly #streamed: boolean
  readonly #epoch: number
  readonly #test: boolean
  #probe: boolean
  #answered = false
  #judged = false
  #over = false

  constructor(
    vitals: Vitals,
    began: number,
    streamed: boolean,
    probe: boolean,
    epoch: number,
    test: boolean,
  ) {
    this.#vitals = vitals
    this.#began = began
    this.#streamed = streamed
    this.#probe = probe
    this.#epoch = epoch
    this.#test = test
  }

  /** First content has come. It is what a probe waits for: a long stream must not keep the breaker half open. */
  content(now: number): void {
    if (this.#over || this.#answered) return
    this.#answered = true
    const { streams, replies, breaker } = this.#vitals
    const pace = this.#streamed ? streams : replies
    pace.observe(now - this.#began, now)
    if (!this.#probe) return
    this.#probe = false
    this.#judged = true
    breaker.end(outcomes.answered, this.#epoch, true, now)
  }

  /** `retryAfter`: what a 429 asked for, in milliseconds; 1 s when it did not. */
  end(outcome: HealthOutcome, now: number, retryAfter?: number): void {
    if (this.#over) return
    if (outcome === 'answered') this.content(now)
    this.#over = true
    const vitals = this.#vitals
    vitals.release(this.#test)
    vitals.mark(outcome, now, retryAfter)
    if (outcome === 'answered' && this.#judged) return
    vitals.breaker.end(outcomes[outcome], this.#epoch, this.#probe, now)
  }
}
