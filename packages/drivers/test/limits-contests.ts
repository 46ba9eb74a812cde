// What racing gateways ask for: for every level and dimension one tight limit, between wide ones that must
// count exactly what was admitted.
import {
  type Amounts,
  type Bucket,
  type LimitDimension,
  type LimitLevel,
  quotaBucket,
  rateBucket,
  seatBucket,
} from '@switchyard/runtime'

export interface Contest {
  /** Level and dimension of the tight limit. */
  readonly name: string
  /** The tight one is the second. */
  readonly buckets: readonly Bucket[]
  readonly amounts: Amounts
  /** How much of the tight dimension one claim takes. */
  readonly each: number
}

const levels: readonly LimitLevel[] = ['platform', 'workspace', 'project', 'key', 'provider']
const dimensions: readonly LimitDimension[] = [
  'requests',
  'input_tokens',
  'output_tokens',
  'tokens',
  'concurrency',
  'money',
]
const windowMs = 10_000
const each = { requests: 1, input_tokens: 7, output_tokens: 5, tokens: 12, concurrency: 1, money: 3 } as const
const amounts: Amounts = { requests: 1, inputTokens: 7, outputTokens: 5, money: { USD: 3n } }
/** Claims that fit at once. */
export const fits = 20

function tight(key: string, level: LimitLevel, dimension: LimitDimension): Bucket {
  const limit = fits * each[dimension]
  if (dimension === 'concurrency') return seatBucket({ key, level, limit })
  if (dimension === 'money')
    return quotaBucket({
      key,
      level,
      dimension,
      limit: BigInt(limit),
      resetsAtMs: Number.POSITIVE_INFINITY,
      currency: 'USD',
    })
  return rateBucket({ key, level, dimension, limit, windowMs })
}

/** Counts every claim that was admitted, and nothing else. */
export const witnesses = (prefix: string): readonly [Bucket, Bucket] => [
  quotaBucket({
    key: `${prefix}/witness`,
    level: 'platform',
    dimension: 'requests',
    limit: 1_000_000n,
    resetsAtMs: Number.POSITIVE_INFINITY,
  }),
  seatBucket({ key: `${prefix}/witness`, level: 'provider', limit: 1_000_000 }),
]

export const contests = (prefix: string): readonly Contest[] =>
  levels.flatMap(level =>
    dimensions.map(dimension => {
      const name = `${level} ${dimension}`
      const [outer, inner] = witnesses(prefix)
      const buckets = [outer, tight(`${prefix}/${name}`, level, dimension), inner]
      return { name, buckets, amounts, each: each[dimension] }
    }),
  )
