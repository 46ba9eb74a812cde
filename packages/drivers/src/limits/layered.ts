// Keeps requests moving when the limits that gateways share are slow or gone: a deadline, a breaker, and this
// gateway's own share in memory meanwhile, which is booked on return.
//
//   shared --5 failures in a row--> degraded --5 s--> booking --it is counted--> shared
//                                       ^------------it is not----|
import { Fault } from '@switchyard/kinds'
import {
  type Amounts,
  type Booking,
  type Bucket,
  type Clock,
  costsOf,
  type LimitClaim,
  type Limiter,
  mostFilled,
  neverPasses,
  nothingUsed,
  type Observe,
  settlementIn,
  shareOf,
  type Verdict,
} from '@switchyard/runtime'
import { Deadlines } from './deadlines.ts'
import { openMemoryLimiter } from './memory.ts'

export type LimiterObservation =
  /** Every gateway now gives its own share; money is refused. */
  | { readonly type: 'limiter_degraded'; readonly error: unknown }
  /** What was given meanwhile is booked in so many buckets. */
  | { readonly type: 'limiter_recovered'; readonly milliseconds: number; readonly booked: number }
  /** More settlements wait than are kept: the oldest never comes, and what it reserved stays spent. */
  | { readonly type: 'limiter_settlement_dropped'; readonly claim: string }

export interface LayeredOptions {
  /** Becomes the layered limiter's own. */
  readonly shared: Limiter
  readonly clock: Pick<Clock, 'now' | 'monotonic'>
  readonly id: () => string
  /** How many gateways live, this one included; read when the shared limits are lost. */
  readonly gateways: () => number
  readonly observe: Observe<LimiterObservation>
  /** Milliseconds for one answer, default 50: Redis. 250 suits PostgreSQL. */
  readonly deadlineMs?: number
  /** Failures in a row after which it is not asked any more, default 5. */
  readonly failures?: number
  /** Milliseconds for which it is not, default 5 000. */
  readonly coolMs?: number
  /**
   * What is done meanwhile, default `local_share`: `closed` refuses, `open` lets everything pass and counts it. What
   * costs money is refused under each.
   */
  readonly onLoss?: LossPolicy
  /** Settlements that wait at most, default 10,000. */
  readonly backlog?: number
}

export type LossPolicy = 'local_share' | 'closed' | 'open'

/** A settlement or a booking that could not be carried out yet; either may be repeated. */
type Owed =
  | { readonly claim: LimitClaim; readonly used: Amounts }
  | { readonly id: string; readonly bookings: readonly Booking[] }

interface Shares {
  readonly holders: number
  readonly buckets: readonly Bucket[] | undefined
}

const away = (cause?: unknown) =>
  new Fault('unavailable', 'The limits cannot be checked right now: try again in a moment.', {
    reason: 'limiter_unavailable',
    retryAfterSeconds: 1,
    ...(cause !== undefined && { cause }),
  })

/** The new owner disposes of it, and so of the shared one. `settle` and `renew` never fail: they are made up for. */
export function openLayeredLimiter(options: LayeredOptions): Limiter {
  return new LayeredLimiter(options)
}

class LayeredLimiter implements Limiter {
  readonly #options: LayeredOptions
  readonly #deadlines: Deadlines
  readonly #local: ReturnType<typeof openMemoryLimiter>
  /** Claims that were admitted here, with their shares and the era that they belong to. */
  readonly #locals = new Map<string, { readonly share: LimitClaim; readonly era: number }>()
  readonly #shares = new WeakMap<readonly Bucket[], Shares>()
  /** From a share to the whole. */
  readonly #wholes = new WeakMap<Bucket, Bucket>()
  readonly #owed: Owed[] = []
  #holders = 1
  /** Ends when what was given here has been booked. */
  #era = 0
  #dirty = false
  #failures = 0
  #degradedAt: number | undefined
  #askAgainAt = 0
  #booking: Promise<void> | undefined
  /** What of this era was booked, and the booking that may have been counted. */
  readonly #booked = new Map<string, number>()
  #pending: { readonly id: string; readonly bookings: readonly Booking[] } | undefined
  #flushing: Promise<void> | undefined

  constructor(options: LayeredOptions) {
    this.#options = options
    const { clock, deadlineMs = 50 } = options
    this.#deadlines = new Deadlines(
      deadlineMs,
      () => clock.monotonic(),
      () => away(`no answer within ${deadlineMs} ms`),
    )
    this.#local = openMemoryLimiter({ clock })
  }

  admit(claim: LimitClaim): Verdict | Promise<Verdict> {
    if (this.#isDegraded()) return this.#admitLocally(claim)
    const answer = this.#options.shared.admit(claim)
    return answer instanceof Promise ? this.#admitShared(claim, answer) : answer
  }

  settle(claim: LimitClaim, used: Amounts): void {
    const local = this.#locals.get(claim.id)
    if (local) {
      this.#locals.delete(claim.id)
      if (local.era === this.#era) this.#local.settle(local.share, used)
      else this.#owe({ id: `late:${claim.id}`, bookings: this.#correction(local.share, used) })
    } else this.#owe({ claim, used })
    if (!this.#isDegraded()) void this.#flush()
  }

  async renew(claims: readonly LimitClaim[]): Promise<void> {
    const shared: LimitClaim[] = []
    for (const claim of claims) {
      const local = this.#locals.get(claim.id)
      if (!local) shared.push(claim)
      else if (local.era === this.#era) this.#local.renew([local.share])
    }
    if (shared.length === 0 || this.#isDegraded()) return
    await this.#ask(async () => this.#options.shared.renew(shared))
  }

  async book(id: string, bookings: readonly Booking[]): Promise<void> {
    this.#owe({ id, bookings })
    if (!this.#isDegraded()) await this.#flush()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#booking
    if (this.#degradedAt === undefined) {
      if (this.#dirty) await this.#book()
      await this.#flush()
    }
    this.#deadlines[Symbol.dispose]()
    await this.#options.shared[Symbol.asyncDispose]()
    await this.#local[Symbol.asyncDispose]()
  }

  async #admitShared(claim: LimitClaim, answer: Promise<Verdict>): Promise<Verdict> {
    try {
      const verdict = await this.#deadlines.within(answer)
      this.#succeeded()
      return verdict
    } catch (error) {
      if (!(error instanceof Fault) || error.code !== 'unavailable') throw error
      // It may have been counted all the same.
      this.#owe({ claim, used: nothingUsed })
      this.#failed(error)
      return this.#admitLocally(claim)
    }
  }

  #admitLocally(claim: LimitClaim): Verdict {
    const { buckets } = this.#sharesOf(claim.buckets)
    const costs = costsOf(claim)
    const priced = claim.buckets.some(({ dimension }, i) => dimension === 'money' && costs[i] !== 0)
    if (!buckets || priced || this.#options.onLoss === 'closed') throw away()
    const share: LimitClaim = { id: claim.id, buckets, amounts: claim.amounts }
    const verdict = this.#local.admit(share)
    if (verdict.type === 'admitted') {
      this.#dirty = true
      this.#locals.set(claim.id, { share, era: this.#era })
      // Nobody is told of a limit that is not kept.
      return this.#isOpen ? { ...verdict, buckets: [], filled: [] } : verdict
    }
    // Too much for a share is not too much for the whole, which will be back.
    if (verdict.retryAfterMs === undefined && !neverPasses(claim, costs)) throw away()
    return verdict
  }

  #sharesOf(buckets: readonly Bucket[]): Shares {
    if (!this.#dirty) this.#holders = this.#isOpen ? 1 : Math.max(1, Math.floor(this.#options.gateways()))
    const known = this.#shares.get(buckets)
    if (known?.holders === this.#holders) return known
    const parts = buckets.map(bucket => {
      if (bucket.dimension === 'money') return bucket
      const part = this.#isOpen ? opened(bucket) : shareOf(bucket, this.#holders)
      if (part) this.#wholes.set(part, bucket)
      return part
    })
    const whole = parts.every(part => part !== undefined) ? Object.freeze(parts) : undefined
    const shares = { holders: this.#holders, buckets: whole }
    this.#shares.set(buckets, shares)
    return shares
  }

  get #isOpen(): boolean {
    return this.#options.onLoss === 'open'
  }

  /** Whether this gateway is on its own; begins to end that when its time has come. */
  #isDegraded(): boolean {
    if (this.#degradedAt === undefined) return false
    if (this.#options.clock.monotonic() >= this.#askAgainAt) this.#booking ??= this.#book()
    return true
  }

  #succeeded(): void {
    this.#failures = 0
    if (this.#degradedAt !== undefined) return
    if (this.#dirty) this.#booking ??= this.#book()
    else if (this.#owed.length > 0) void this.#flush()
  }

  #failed(error: unknown): void {
    const { failures = 5, coolMs = 5000, clock, observe } = this.#options
    this.#failures++
    if (this.#degradedAt !== undefined || this.#failures < failures) return
    this.#degradedAt = clock.monotonic()
    this.#askAgainAt = this.#degradedAt + coolMs
    observe({ type: 'limiter_degraded', error })
  }

  /** Asks the shared limits aside from any request; whether they answered in time. */
  async #ask(work: () => Promise<void>): Promise<boolean> {
    try {
      await this.#deadlines.within(work())
      this.#failures = 0
      return true
    } catch (error) {
      this.#failed(error)
      return false
    }
  }

  /** Books what was given here; that it is counted is how we learn that the shared limits are back. */
  async #book(): Promise<void> {
    const { id, shared, clock, observe, coolMs = 5000 } = this.#options
    this.#pending ??= { id: id(), bookings: this.#given() }
    const pending = this.#pending
    if (!(await this.#ask(async () => shared.book(pending.id, pending.bookings)))) {
      this.#askAgainAt = clock.monotonic() + coolMs
      this.#booking = undefined
      return
    }
    this.#pending = undefined
    for (const { bucket, by } of pending.bookings)
      this.#booked.set(bucket.key, (this.#booked.get(bucket.key) ?? 0) + by)
    // What was given while that was under way.
    const rest = this.#given()
    if (rest.length > 0) this.#owe({ id: id(), bookings: rest })
    const booked = this.#booked.size
    const since = this.#degradedAt
    this.#booked.clear()
    this.#local.clear()
    this.#era++
    this.#dirty = false
    this.#degradedAt = undefined
    this.#booking = undefined
    if (since !== undefined)
      observe({ type: 'limiter_recovered', milliseconds: Math.round(clock.monotonic() - since), booked })
    await this.#flush()
  }

  /** What the shares hold and was not booked yet, in the measure of the whole buckets. */
  #given(): readonly Booking[] {
    return this.#local
      .held()
      .map(({ bucket, by }) => {
        const whole = this.#wholes.get(bucket) ?? bucket
        const held = whole.type === 'rate' ? Math.ceil(by / this.#holders) : by
        const left = held - (this.#booked.get(bucket.key) ?? 0)
        return { bucket: whole, by: whole.type === 'rate' ? Math.max(0, left) : left }
      })
      .filter(({ by }) => by !== 0)
  }

  #owe(owed: Owed): void {
    const { backlog = 10_000, observe } = this.#options
    if (this.#owed.length >= backlog) {
      const dropped = this.#owed.shift()
      if (dropped)
        observe({
          type: 'limiter_settlement_dropped',
          claim: 'id' in dropped ? dropped.id : dropped.claim.id,
        })
    }
    this.#owed.push(owed)
  }

  /** Carries out what is owed until that is nothing, or fails; one at a time of each kind of call. */
  #flush(): Promise<void> {
    this.#flushing ??= this.#pay().finally(() => {
      this.#flushing = undefined
    })
    return this.#flushing
  }

  async #pay(): Promise<void> {
    while (this.#owed.length > 0 && this.#degradedAt === undefined) {
      const batch = this.#owed.splice(0, 256)
      const paid = await Promise.all(batch.map(owed => this.#ask(async () => this.#payOne(owed))))
      const unpaid = batch.filter((_, i) => !paid[i])
      for (const owed of unpaid) this.#owe(owed)
      if (unpaid.length > 0) return
    }
  }

  #payOne(owed: Owed): void | Promise<void> {
    const { shared } = this.#options
    return 'claim' in owed ? shared.settle(owed.claim, owed.used) : shared.book(owed.id, owed.bookings)
  }

  /** What a settlement changes in the whole buckets, of a claim whose reservation was booked. */
  #correction({ buckets, amounts }: LimitClaim, used: Amounts): readonly Booking[] {
    return buckets
      .map(bucket => this.#wholes.get(bucket) ?? bucket)
      .map(bucket => ({ bucket, by: settlementIn(bucket, amounts, used) }))
      .filter(({ by }) => by !== 0)
  }
}

/** The same bucket without a bound, so that it only counts. */
function opened(bucket: Bucket): Bucket {
  if (bucket.type === 'rate') return Object.freeze({ ...bucket, burst: mostFilled, bound: mostFilled })
  return Object.freeze({ ...bucket, bound: mostFilled })
}
