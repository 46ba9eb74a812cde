// A copy of a request at another upstream, whose answer is thrown away. What it cost is recorded and billed to nobody;
// its faults and its slowness reach nobody either.
import { deliveredUsage, type Reply } from '@switchyard/dialects'
import { Fault } from '@switchyard/kinds'
import type { Admission, EndReason } from '@switchyard/runtime'
import { Attempt, type AttemptHearer } from './attempt.ts'
import type { Shadow } from './choose/shadow.ts'
import { type Failure, late } from './failure.ts'
import type { Vitals } from './health/vitals.ts'
import type { House } from './house.ts'
import { carriageTo, headersTo, type Order } from './order.ts'
import { answeredBy, type Upstream } from './route.ts'
import type { Ticking } from './wheel.ts'

export class ShadowCall implements AttemptHearer, Ticking {
  place = -1
  readonly #house: House
  readonly #order: Order
  readonly #admitted: Admission
  readonly #counter: Shadow
  readonly #vitals: Vitals
  readonly #upstream: Upstream
  #attempt: Attempt | undefined

  /** `counter` has counted its beginning; `admitted` is of the request that it copies. */
  constructor(
    house: House,
    order: Order,
    admitted: Admission,
    upstream: Upstream,
    vitals: Vitals,
    counter: Shadow,
  ) {
    this.#house = house
    this.#order = order
    // A request of its own in the records: that of the caller has one end, and this is another.
    this.#admitted = { ...admitted, request: house.uuid(), at: house.clock() }
    this.#upstream = upstream
    this.#vitals = vitals
    this.#counter = counter
  }

  start(): void {
    const { upstreams, wheel, clock } = this.#house
    const { ask, replyBytes } = this.#order
    try {
      const carriage = carriageTo(this.#upstream, this.#order, this.#order.route, undefined)
      if (!carriage) {
        this.#counter.end()
        return
      }
      this.#attempt = new Attempt(
        {
          number: 1,
          upstream: this.#upstream,
          tier: 0,
          vitals: this.#vitals,
          ticket: this.#vitals.begin(clock(), ask.stream.on),
          carriage,
          headers: headersTo(this.#upstream, this.#order),
          streamed: ask.stream.on,
          replyBytes,
          wheel,
        },
        upstreams.at(this.#upstream.origin),
        this,
      )
    } catch (error) {
      this.#counter.end()
      if (!(error instanceof Fault)) throw error
      return
    }
    wheel.add(this)
    this.#attempt.send()
  }

  tick(now: number): void {
    const attempt = this.#attempt
    if (!attempt) return
    const { firstContent, idle, total } = this.#order.times
    if (!attempt.begun && now - attempt.sentAt >= firstContent) attempt.abandon(late('first_token'))
    else if (attempt.begun && now - attempt.heardAt >= idle) attempt.abandon(late('idle'))
    else if (now - attempt.sentAt >= total) attempt.abandon(late('total'))
  }

  began(attempt: Attempt): void {
    attempt.held = []
    attempt.ticket.content(this.#house.clock())
  }

  flowed(): void {}

  ended(attempt: Attempt): void {
    attempt.ticket.end('answered', this.#house.clock())
    const { tap } = attempt
    this.#record('done', tap?.usage ?? (tap && tap.deltas > 0 ? deliveredUsage(tap) : undefined))
  }

  replied(attempt: Attempt, { usage }: Reply): void {
    attempt.ticket.end('answered', this.#house.clock())
    this.#record('done', usage)
  }

  rejected(attempt: Attempt): void {
    attempt.ticket.end('rejected', this.#house.clock())
    this.#record('refused', undefined)
  }

  failed(attempt: Attempt, { health, outcome, cause }: Failure): void {
    attempt.ticket.end(health, this.#house.clock())
    const { request } = this.#admitted
    this.#house.observe({ type: 'attempt_failed', request, upstream: this.#upstream.name, outcome, cause })
    this.#record('upstream_error', attempt.tap?.usage)
  }

  #record(end: EndReason, usage: Reply['usage']): void {
    const { wheel, journal, clock, observe, metrics } = this.#house
    wheel.delete(this)
    this.#counter.end()
    metrics.attempt(this.#upstream.name, 'shadow')
    const ended = {
      at: clock(),
      end,
      status: end === 'done' ? 200 : 0,
      attempt: 1,
      upstream: this.#upstream.name,
      by: answeredBy(this.#upstream, this.#order.ask.model),
      billable: 'cost',
      usage,
    } as const
    const admitted = this.#admitted
    const { request } = admitted
    journal
      .append({ kind: 'usage', admitted, ended })
      .catch((error: unknown) => observe({ type: 'usage_not_recorded', request, error }))
  }
}
