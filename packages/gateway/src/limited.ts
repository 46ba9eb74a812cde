// The limits above a key as buckets, by the model that is asked for. Those of money are of a period, and so others when
// that has ended.
import { type LimitsSpec, type ModelLimits, type MoneyLimit, parseDecimal, periodAt } from '@switchyard/kinds'
import {
  type Bucket,
  type LimitLevel,
  type QuotaBucket,
  quotaBucket,
  rateBucket,
  seatBucket,
} from '@switchyard/runtime'

/** The limits of one level above a key, and whose they are. */
export interface LimitScope {
  readonly level: LimitLevel
  /** Unique within the level. */
  readonly subject: string
  readonly limits: LimitsSpec
  /** IANA name; of periods that have no other. */
  readonly timezone: string
}

/** What stands above a request. */
export interface Above {
  /** Outermost level first. */
  readonly buckets: readonly Bucket[]
  /** In which its cost is limited; none where no limit is of money. */
  readonly currencies: readonly string[]
  /** Milliseconds since 1970 from which other buckets stand there. */
  readonly until: number
}

const minute = 60_000
const second = 1000
const mostModels = 1000

/** Buckets of one key. */
export class Limited {
  /** There is no limit at all. */
  readonly none: boolean
  readonly #scopes: readonly LimitScope[]
  readonly #byModel = new Map<string, Above>()

  constructor(scopes: readonly LimitScope[]) {
    this.none = scopes.length === 0
    this.#scopes = scopes
  }

  /** `now` in milliseconds since 1970. */
  above(model: string, now: number): Above {
    let above = this.#byModel.get(model)
    if (!above || now >= above.until) {
      above = aboveOf(this.#scopes, model, now)
      if (this.#byModel.size >= mostModels) this.#byModel.clear()
      this.#byModel.set(model, above)
    }
    return above
  }
}

function aboveOf(scopes: readonly LimitScope[], model: string, now: number): Above {
  const all = scopes.map(scope => {
    const purses = limitsFor(scope, model).flatMap(([key, { money }]) =>
      money ? pursesOf(scope, key, money, now) : [],
    )
    return { buckets: [...bucketsOf(scope, model), ...purses], purses }
  })
  const purses = all.flatMap(one => one.purses)
  return Object.freeze({
    buckets: Object.freeze(all.flatMap(({ buckets }) => buckets)),
    currencies: Object.freeze([...new Set(purses.map(({ currency }) => currency))]),
    until: Math.min(...purses.map(({ resetsAtMs }) => resetsAtMs)),
  })
}

type Untimed = Omit<LimitScope, 'timezone'>

/** All but those of money. */
export function bucketsOf(scope: Untimed, model: string): readonly Bucket[] {
  return limitsFor(scope, model).flatMap(([key, limits]) => bucketsFor(scope.level, key, limits))
}

/** The limits for all models and those for this one, each with the beginning of its keys. */
function limitsFor(
  { level, subject, limits }: Untimed,
  model: string,
): readonly (readonly [string, ModelLimits])[] {
  const key = `${level}/${subject}`
  const single = Object.entries(limits.models ?? {}).filter(([pattern]) => fits(pattern, model))
  return [[key, limits], ...single.map(([pattern, its]) => [`${key}/${pattern}`, its] as const)]
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

const fields = [
  ['perHour', 'hour'],
  ['perDay', 'day'],
  ['perWeek', 'week'],
  ['perMonth', 'month'],
] as const

const microUnit = 1_000_000n // of 10^-12

/** One for each period that the moment is in. The amount is no part of the key: a limit that is raised forgets nothing. */
function pursesOf(
  { level, timezone: home }: LimitScope,
  key: string,
  money: MoneyLimit,
  now: number,
): readonly QuotaBucket[] {
  const { currency, timezone = home } = money
  return fields.flatMap(([field, period]) => {
    const amount = money[field]
    if (amount === undefined) return []
    const { startsAt, endsAt } = periodAt(period, timezone, now)
    return quotaBucket({
      key: `${key}/money/${currency}/${period}/${startsAt}`,
      level,
      dimension: 'money',
      limit: (parseDecimal(amount) ?? 0n) / microUnit,
      resetsAtMs: endsAt,
      currency,
    })
  })
}
