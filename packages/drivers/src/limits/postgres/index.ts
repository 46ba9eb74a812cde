// Limits in PostgreSQL, for several gateways without a Redis: one function call for each step, on the server's
// clock. The database must be migrated; connections work as the gateway's role.
import { Fault } from '@switchyard/kinds'
import {
  type Booking,
  type Bucket,
  claimMs,
  costsOf,
  type LimitClaim,
  type Limiter,
  neverPasses,
  quotaKeepMs,
  seatMs,
  settlementIn,
  type Verdict,
  verdictOf,
} from '@switchyard/runtime'
import { openGatewayPool } from '../../gateway-pool.ts'

export interface PostgresLimiterOptions {
  readonly url: string
  /** Connections at most, default 4. */
  readonly connections?: number
  /** Milliseconds that a call may take, waiting for a connection included; default 2 000. */
  readonly timeoutMs?: number
  /** Milliseconds until a seat that is not renewed lapses, default 30 000. */
  readonly seatMs?: number
  readonly observe?: (observation: PostgresLimiterObservation) => void
}

export type PostgresLimiterObservation =
  | { readonly type: 'limits_connection_lost'; readonly error: Error }
  | { readonly type: 'limits_not_pruned'; readonly error: unknown }

const admitText = 'select said, now_us, filled from limit_admit($1, $2, $3, $4, $5, $6, $7, $8)'
const changeText = 'select limit_change($1, $2, $3, $4, $5, $6, $7)'
const renewText = 'select limit_renew($1, $2, $3, $4, $5)'
const pruneText = 'select limit_prune(1000) as gone'

const claimUs = claimMs * 1000
/** Of so many admissions one drops what has lapsed, on a connection of its own time. */
const pruneEvery = 500

/** The new owner disposes of it. Connects with the first use. */
export function openPostgresLimiter(options: PostgresLimiterOptions): Limiter {
  const { url, connections = 4, timeoutMs = 2000, observe = () => {} } = options
  const seatUs = (options.seatMs ?? seatMs) * 1000
  const pool = openGatewayPool({
    url,
    name: 'switchyard-limits',
    connections,
    timeoutMs,
    // A crash of the database forgets what was counted in its last half second, and no request waits for its disk.
    settings: ['synchronous_commit=off'],
    refusal: {
      message: 'The limits cannot be checked right now: try again in a moment.',
      reason: 'limiter_unavailable',
    },
    lost: error => observe({ type: 'limits_connection_lost', error }),
  })
  let admissions = 0
  let pruning: Promise<void> | undefined

  async function prune(): Promise<void> {
    try {
      await pool.ask('limit_prune', pruneText, [])
    } catch (error) {
      observe({ type: 'limits_not_pruned', error })
    }
    pruning = undefined
  }

  async function admit(claim: LimitClaim, costs: readonly number[]): Promise<Verdict> {
    const { id, buckets } = claim
    const answer = await pool.ask('limit_admit', admitText, [
      id,
      buckets.map(({ type }) => type),
      buckets.map(keyOf),
      costs,
      buckets.map(({ bound }) => bound),
      buckets.map(endOf),
      seatUs,
      claimUs,
    ])
    if (++admissions % pruneEvery === 0) pruning ??= prune()
    const { said, now, before } = readAnswer(answer)
    if (said === -1)
      throw new Fault('conflict', `The claim ${id} was admitted or settled before: give each its own id.`, {
        reason: 'claim_used',
      })
    return verdictOf(claim, costs, said === 1, now, before)
  }

  async function change(id: string, booking: boolean, bookings: readonly Booking[]): Promise<void> {
    const real = bookings.filter(({ by }) => by !== 0)
    await pool.ask('limit_change', changeText, [
      id,
      booking,
      real.map(({ bucket }) => bucket.type),
      real.map(({ bucket }) => keyOf(bucket)),
      real.map(({ by }) => by),
      real.map(({ bucket }) => endOf(bucket)),
      claimUs,
    ])
  }

  return {
    admit(claim) {
      const costs = costsOf(claim)
      return neverPasses(claim, costs) ?? admit(claim, costs)
    },

    settle: ({ id, buckets, amounts }, used) =>
      change(
        id,
        false,
        buckets.map(bucket => ({ bucket, by: settlementIn(bucket, amounts, used) })),
      ),

    async renew(claims) {
      const seats = claims.flatMap(({ id, buckets }) =>
        buckets.filter(({ type }) => type === 'seats').map(bucket => ({ id, key: keyOf(bucket) })),
      )
      await pool.ask('limit_renew', renewText, [
        claims.map(({ id }) => id),
        seats.map(({ id }) => id),
        seats.map(({ key }) => key),
        seatUs,
        claimUs,
      ])
    },

    book: (id, bookings) => change(id, true, bookings),

    async [Symbol.asyncDispose]() {
      await pruning
      await pool[Symbol.asyncDispose]()
    },
  }
}

const keyOf = ({ type, key }: Bucket) => `${type}/${key}`

/** Microseconds since 1970 at which a quota's row says nothing any more; null is never. */
function endOf(bucket: Bucket): number | null {
  if (bucket.type !== 'quota' || bucket.resetsAtMs === Number.POSITIVE_INFINITY) return null
  return (bucket.resetsAtMs + quotaKeepMs) * 1000
}

/** PostgreSQL writes a bigint as text; those of the limits are below 2^53. */
function readAnswer(answer: unknown): { said: number; now: number; before: number[] } {
  if (answer !== null && typeof answer === 'object' && 'now_us' in answer && 'said' in answer)
    if ('filled' in answer && Array.isArray(answer.filled))
      return { said: Number(answer.said), now: Number(answer.now_us), before: answer.filled.map(Number) }
  throw new TypeError('the function of the limits answered what it cannot')
}
