// Room under every limit above a request: claimed in one step before it goes upstream, settled once on what it used.
import { type Ask, meters, type Usage } from '@switchyard/dialects'
import { Fault, type LimitsSpec, type ModelLimits } from '@switchyard/kinds'
import {
  type Amounts,
  type Bucket,
  type LimitClaim as Claim,
  type LimitDimension,
  type Limiter,
  type LimitLevel,
  nothingUsed,
  type Observe,
  type Refused,
  rateBucket,
  renewEveryMs,
  Slots,
  seatBucket,
  type Verdict,
} from '@switchyard/runtime'
import type { Route } from './route.ts'

/** The limits of one level above a key, and whose they are. */
export interface LimitScope {
  readonly level: LimitLevel
  /** Unique within the level. */
  readonly subject: string
  readonly limits: LimitsSpec
}

const minute = 60_000
const second = 1000
const mostModels = 1000

/** Buckets of one key, by the model that is asked for. */
export class Limited {
  readonly #scopes: readonly LimitScope[]
  readonly #byModel = new Map<string, readonly Bucket[]>()

  constructor(scopes: readonly LimitScope[]) {
    this.#scopes = scopes
  }

  buckets(model: string): readonly Bucket[] {
    let buckets = this.#byModel.get(model)
    if (!buckets) {
      buckets = Object.freeze(this.#scopes.flatMap(scope => bucketsOf(scope, model)))
      if (this.#byModel.size >= mostModels) this.#byModel.clear()
      this.#byModel.set(model, buckets)
    }
    return buckets
  }
}

export function bucketsOf({ level, subject, limits }: LimitScope, model: string): readonly Bucket[] {
  const whole = bucketsFor(level, `${level}/${subject}`, limits)
  const single = Object.entries(limits.models ?? {})
    .filter(([pattern]) => fits(pattern, model))
    .flatMap(([pattern, its]) => bucketsFor(level, `${level}/${subject}/${pattern}`, its))
  return [...whole, ...single]
}

const fits = (pattern: string, model: string): boolean =>
  pattern.endsWith('*') ? model.startsWith(pattern.slice(0, -1)) : model === pattern

function bucketsFor(level: LimitLevel, key: string, limits: ModelLimits): readonly Bucket[] {
  const { requests, inputTokens, outputTokens, tokens, concurrency } = limits
  const buckets: Bucket[] = []
  const rate = (
    dimension: 'requests' | 'input_tokens' | 'output_tokens' | 'tokens',
    limit: number,
    windowMs: number,
    burst: number | undefined,
  ) =>
    buckets.push(
      rateBucket({
        key: `${key}/${dimension}`,
        level,
        dimension,
        limit,
        windowMs,
        ...(burst !== undefined && { burst }),
      }),
    )
  if (requests?.perMinute !== undefined) rate('requests', requests.perMinute, minute, requests.burst)
  if (requests?.perSecond !== undefined) rate('requests', requests.perSecond, second, requests.burst)
  if (inputTokens) rate('input_tokens', inputTokens.perMinute, minute, inputTokens.burst)
  if (outputTokens) rate('output_tokens', outputTokens.perMinute, minute, outputTokens.burst)
  if (tokens) rate('tokens', tokens.perMinute, minute, tokens.burst)
  if (concurrency !== undefined)
    buckets.push(seatBucket({ key: `${key}/concurrency`, level, limit: concurrency }))
  return buckets
}

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
    money: 0n,
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
export function exhausted({ reason, level, dimension, retryAfterMs }: Refused): Fault {
  const limit = `the limit of ${words[dimension]} of the ${level}`
  const message =
    reason === 'reservation_exceeds_limit'
      ? `The request may use more than ${limit} ever allows: ask for less output, or send less.`
      : reason === 'insufficient_quota'
        ? `The budget of the ${level} is used up: ask its administrator.`
        : `This would exceed ${limit}: wait as long as retry-after says.`
  return new Fault('exhausted', message, {
    reason,
    ...(retryAfterMs !== undefined && { retryAfterSeconds: retryAfterMs / 1000 }),
  })
}

/** What a request that was sent has used. */
export function usedBy(usage: Usage | undefined): Amounts {
  let inputTokens = 0
  let outputTokens = 0
  if (usage)
    for (const unit in usage.quantities) {
      const count = Number(usage.quantities[unit as keyof typeof usage.quantities]) // tokens of one request fit
      if (unit.startsWith('tok.in.')) inputTokens += count
      else if (unit.startsWith('tok.out.')) outputTokens += count
    }
  return { requests: 1, inputTokens, outputTokens, money: 0n }
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

/** The claims of one gateway: keeps the seats of those that run, and settles each, later when it cannot be now. */
export class Admissions implements Disposable {
  readonly #limiter: Limiter
  readonly #observe: Observe<AdmissionObservation>
  readonly #running = new Slots<Claim>()
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
    this.#running.delete(claim.id)
    this.#settle({ claim, used })
  }

  /** Seats of a bucket that calls of this gateway hold. */
  seated(key: string): number {
    let held = 0
    for (const { buckets } of this.#running.values()) if (buckets.some(bucket => bucket.key === key)) held++
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
    if (verdict.type === 'admitted') {
      this.#running.set(verdict.id, verdict)
      this.#timer ??= setInterval(this.#renew, renewEveryMs).unref()
    }
    return verdict
  }

  readonly #renew = (): void => {
    for (const one of this.#unsettled.splice(0)) this.#settle(one)
    const seated = [...this.#running.values()].filter(({ buckets }) =>
      buckets.some(({ type }) => type === 'seats'),
    )
    if (seated.length > 0) this.#attempt(() => this.#limiter.renew(seated), undefined)
    if (this.#running.size === 0 && this.#unsettled.length === 0) this[Symbol.dispose]()
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
