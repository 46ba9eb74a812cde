// From what a driver read to what the caller is told: which bucket refuses and until when, which is tightest.
import type { Admitted, LimitClaim, LimitDimension, LimitReason, Refused, Verdict } from './limiter.ts'
import { type Bucket, costIn, unitsOf } from './limiter-bucket.ts'

/** Whether the bucket takes it. What costs nothing passes, in debt too. */
export const passes = (filled: number, cost: number, bound: number): boolean =>
  cost === 0 || filled + cost <= bound

/** The costs of the claim under each bucket. The list is frozen, for which V8's `map` has no quick way. */
export function costsOf({ buckets, amounts }: LimitClaim): number[] {
  const costs: number[] = []
  for (let i = 0; i < buckets.length; i++) costs.push(costIn(buckets[i]!, amounts)) // within its length
  return costs
}

/** The refusal of a claim that some bucket can never hold; no driver need be asked. */
export function neverPasses({ buckets }: LimitClaim, costs: readonly number[]): Refused | undefined {
  for (let i = 0; i < buckets.length; i++) {
    if (costs[i] !== Number.POSITIVE_INFINITY) continue
    const { level, dimension } = buckets[i]! // within its length
    const reason = dimension === 'money' ? 'insufficient_quota' : 'reservation_exceeds_limit'
    return refused(reason, level, dimension, undefined, [], 0, [])
  }
  return undefined
}

/** `filled` is with the claim in it. */
export function admitted(claim: LimitClaim, atUs: number, filled: readonly number[]): Admitted {
  const { id, buckets, amounts } = claim
  return { type: 'admitted', id, buckets, amounts, atUs, filled }
}

/**
 * The refusal of a claim that does not fit into what was read. It names the bucket that takes longest to have
 * room, the outermost of equals: when that one passes, all do.
 */
export function refusal(
  { buckets }: LimitClaim,
  costs: readonly number[],
  atUs: number,
  filled: readonly number[],
): Refused {
  let worst: Bucket | undefined
  let longest = -1
  for (const [i, bucket] of buckets.entries()) {
    const held = filled[i] ?? 0
    const cost = costs[i] ?? 0
    if (passes(held, cost, bucket.bound)) continue
    const wait = waitUs(bucket, held + cost - bucket.bound, atUs)
    if (wait <= longest) continue
    longest = wait
    worst = bucket
  }
  if (!worst) throw new TypeError('a claim that passes every bucket was refused')
  const retryAfterMs = longest === Number.POSITIVE_INFINITY ? undefined : Math.ceil(longest / 1000)
  return refused(reasonOf(worst), worst.level, worst.dimension, retryAfterMs, buckets, atUs, filled)
}

/** The verdict on what was read before the claim; for drivers that decide and read in one step elsewhere. */
export function verdictOf(
  claim: LimitClaim,
  costs: readonly number[],
  passed: boolean,
  atUs: number,
  before: readonly number[],
): Verdict {
  if (!passed) return refusal(claim, costs, atUs, before)
  return admitted(
    claim,
    atUs,
    before.map((held, i) => held + (costs[i] ?? 0)),
  )
}

/** How one bucket stands, in units of its dimension. */
export interface Standing {
  readonly bucket: Bucket
  readonly limit: number
  readonly remaining: number
  /** Milliseconds until it is empty again, rounded up; undefined when no time empties it. */
  readonly resetMs: number | undefined
}

/** The bucket of one dimension with the least that remains; undefined when none was asked. */
export function tightest(
  { buckets, filled, atUs }: Pick<Verdict, 'buckets' | 'filled' | 'atUs'>,
  dimension: LimitDimension,
): Standing | undefined {
  let found: Bucket | undefined
  let least = Number.POSITIVE_INFINITY
  let held = 0
  for (let i = 0; i < buckets.length; i++) {
    const bucket = buckets[i]! // within its length
    if (bucket.dimension !== dimension) continue
    const here = filled[i] ?? 0
    const room = Math.max(0, bucket.bound - here)
    const remaining = bucket.type === 'rate' ? Math.min(bucket.burst, unitsOf(bucket, room)) : room
    if (found && remaining >= least) continue
    found = bucket
    least = remaining
    held = here
  }
  if (!found) return undefined
  return {
    bucket: found,
    limit: found.type === 'rate' ? found.limit : found.bound,
    remaining: least,
    resetMs: resetMs(found, held, atUs),
  }
}

const seatRetryUs = 1_000_000

function waitUs(bucket: Bucket, excess: number, atUs: number): number {
  if (bucket.type === 'rate') return excess
  if (bucket.type === 'seats') return seatRetryUs
  return Math.max(0, bucket.resetsAtMs * 1000 - atUs)
}

function resetMs(bucket: Bucket, held: number, atUs: number): number | undefined {
  if (bucket.type === 'rate') return Math.ceil(held / 1000)
  if (bucket.type === 'seats' || bucket.resetsAtMs === Number.POSITIVE_INFINITY) return undefined
  return Math.max(0, Math.ceil(bucket.resetsAtMs - atUs / 1000))
}

function reasonOf({ dimension }: Bucket): LimitReason {
  if (dimension === 'money') return 'insufficient_quota'
  return dimension === 'concurrency' ? 'concurrency_exceeded' : 'rate_limit_exceeded'
}

const refused = (
  reason: LimitReason,
  level: Refused['level'],
  dimension: LimitDimension,
  retryAfterMs: number | undefined,
  buckets: readonly Bucket[],
  atUs: number,
  filled: readonly number[],
): Refused => ({ type: 'refused', reason, level, dimension, retryAfterMs, buckets, atUs, filled })
