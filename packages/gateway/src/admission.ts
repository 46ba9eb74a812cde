// Room under every limit above a request: claimed in one step before it goes upstream, settled once on what it used.
import { type Ask, meters, type Usage } from '@switchyard/dialects'
import { Fault } from '@switchyard/kinds'
import {
  type Amounts,
  type Bucket,
  type LimitClaim as Claim,
  Ids,
  type LimitDimension,
  type Limiter,
  type Moneys,
  noMoney,
  nothingUsed,
  type Observe,
  type Refused,
  renewEveryMs,
  type Verdict,
} from '@switchyard/runtime'
import type { Route } from './route.ts'

/** Input that a body may hold at most is its bytes over this. */
const bytesPerToken = 3
/** What an image, a sound or a document in the body is taken for. */
const mediaTokens = 1600
/** Bodies above it are searched for media, whose bytes are no text. */
const searchedBytes = 64 * 1024
const base64Mark = Buffer.from(';base64,')
const quote = 0x22

/** What a request is taken to use until it has been answered. */
export function reservation({ bytes, maxOutput, n, operation }: Ask, { tiers }: Route): Amounts {
  let text = bytes.length
  let media = 0
  if (text > searchedBytes)
    for (let at = bytes.indexOf(base64Mark); at >= 0; at = bytes.indexOf(base64Mark, at)) {
      const end = bytes.indexOf(quote, at)
      media++
      text -= (end < 0 ? bytes.length : end) - at
      if (end < 0) break
      at = end
    }
  const most = tiers[0]?.upstreams[0]?.maxOutput ?? 0
  return {
    requests: 1,
    inputTokens: Math.ceil(text / bytesPerToken) + media * mediaTokens,
    outputTokens: meters[operation].reserves ? Math.min(maxOutput ?? most, most) * n : 0,
    money: noMoney,
  }
}

const words = {
  requests: 'requests',
  input_tokens: 'input tokens',
  output_tokens: 'output tokens',
  tokens: 'tokens',
  concurrency: 'requests at once',
  money: 'money',
} as const satisfies Record<LimitDimension, string>

/** What a caller is told whose claim did not pass. */
export function exhausted({ reason, level, dimension, retryAfterMs, atUs }: Refused): Fault {
  const limit = `the limit of ${words[dimension]} of the ${level}`
  const message =
    reason === 'reservation_exceeds_limit'
      ? `The request may use more than ${limit} ever allows: ask for less output, or send less.`
      : reason === 'insufficient_quota'
        ? overspent(level, retryAfterMs === undefined ? undefined : atUs / 1000 + retryAfterMs)
        : `This would exceed ${limit}: wait as long as retry-after says.`
  return new Fault('exhausted', message, {
    reason,
    ...(retryAfterMs !== undefined && { retryAfterSeconds: retryAfterMs / 1000 }),
  })
}

/** `until` in milliseconds since 1970; undefined where no waiting helps. */
function overspent(level: Refused['level'], until: number | undefined): string {
  if (until === undefined)
    return `The request may cost more than the limit of money of the ${level} ever allows: ask for less output, or its administrator for more.`
  const moment = new Date(Math.floor(until)).toISOString()
  return `What the limit of money of the ${level} has left is less than the request may cost: ask for less output, wait until ${moment}, or ask its administrator for more.`
}

/** What a request that was sent has used, and what that has cost. */
export function usedBy(usage: Usage | undefined, money: Moneys = noMoney): Amounts {
  let inputTokens = 0
  let outputTokens = 0
  if (usage)
    for (const unit in usage.quantities) {
      const count = Number(usage.quantities[unit as keyof typeof usage.quantities]) // tokens of one request fit
      if (unit.startsWith('tok.in.')) inputTokens += count
      else if (unit.startsWith('tok.out.')) outputTokens += count
    }
  return { requests: 1, inputTokens, outputTokens, money }
}

export type AdmissionObservation = {
  readonly type: 'limit_not_settled'
  readonly request: string
  readonly error: unknown
}

interface Unsettled {
  readonly claim: Claim
  readonly used: Amounts
}

const mostUnsettled = 10_000

/** The list is frozen, for which V8's `some` has no quick way. */
function seats(buckets: readonly Bucket[]): boolean {
  for (const { type } of buckets) if (type === 'seats') return true
  return false
}

/** The claims of one gateway: keeps the seats of those that run, and settles each, later when it cannot be now. */
export class Admissions implements Disposable {
  readonly #limiter: Limiter
  readonly #observe: Observe<AdmissionObservation>
  /** Those that run and hold seats. */
  readonly #seated = new Ids<Claim>()
  readonly #unsettled: Unsettled[] = []
  #timer: NodeJS.Timeout | undefined

  constructor(limiter: Limiter, observe: Observe<AdmissionObservation>) {
    this.#limiter = limiter
    this.#observe = observe
  }

  admit(claim: Claim): Verdict | Promise<Verdict> {
    const verdict = this.#limiter.admit(claim)
    if (verdict instanceof Promise) return verdict.then(this.#admitted)
    return this.#admitted(verdict)
  }

  settle(claim: Claim, used: Amounts): void {
    if (this.#seated.size > 0) this.#seated.delete(claim.id)
    this.#settle({ claim, used })
  }

  /** Seats of a bucket that calls of this gateway hold. */
  seated(key: string): number {
    let held = 0
    for (const { buckets } of this.#seated.values()) if (buckets.some(bucket => bucket.key === key)) held++
    return held
  }

  /** For a request that was never sent. */
  void(claim: Claim): void {
    this.settle(claim, nothingUsed)
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  readonly #admitted = (verdict: Verdict): Verdict => {
    if (verdict.type === 'admitted' && seats(verdict.buckets)) {
      this.#seated.set(verdict.id, verdict)
      this.#timer ??= setInterval(this.#renew, renewEveryMs).unref()
    }
    return verdict
  }

  readonly #renew = (): void => {
    for (const one of this.#unsettled.splice(0)) this.#settle(one)
    const seated = [...this.#seated.values()]
    if (seated.length > 0) this.#attempt(() => this.#limiter.renew(seated), undefined)
    if (seated.length === 0 && this.#unsettled.length === 0) this[Symbol.dispose]()
  }

  #settle(one: Unsettled): void {
    this.#attempt(() => this.#limiter.settle(one.claim, one.used), one)
  }

  /** A settlement that fails is kept and tried again; a renewal comes again by itself. */
  #attempt(act: () => void | Promise<void>, one: Unsettled | undefined): void {
    const failed = (error: unknown) => {
      if (!one) return
      if (this.#unsettled.length < mostUnsettled) this.#unsettled.push(one)
      else this.#observe({ type: 'limit_not_settled', request: one.claim.id, error })
      this.#timer ??= setInterval(this.#renew, renewEveryMs).unref()
    }
    try {
      const waiting = act()
      if (waiting) waiting.catch(failed)
    } catch (error) {
      failed(error)
    }
  }
}
