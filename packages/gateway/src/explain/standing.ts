// What remains under the limits above a key. A claim of nothing is asked for and given back, which changes no limit;
// seats cannot be asked for without taking one, so those that this gateway's own calls hold are counted.
import { formatDecimal } from '@switchyard/kinds'
import { type Bucket, nothingUsed, tightest, type Verdict } from '@switchyard/runtime'
import type { Admissions } from '../admission.ts'
import type { Principal } from '../snapshot.ts'
import type { Standing } from './explanation.ts'

export async function standings(
  { limited }: Principal,
  model: string,
  admissions: Admissions,
  id: string,
  now: number,
): Promise<readonly Standing[]> {
  const { buckets } = limited.above(model, now)
  const asked = buckets.filter(({ type }) => type !== 'seats')
  const seats = buckets.filter(({ type }) => type === 'seats')
  const verdict = asked.length === 0 ? undefined : await look(admissions, asked, id)
  const told = asked.flatMap((bucket, index) => {
    const { atUs = 0, filled = [] } = verdict ?? {}
    const standing = tightest({ buckets: [bucket], filled: [filled[index] ?? 0], atUs }, bucket.dimension)
    return standing ? [standingOf(bucket, standing.limit, standing.remaining, standing.resetMs)] : []
  })
  const held = seats.map(bucket =>
    standingOf(bucket, bucket.bound, Math.max(0, bucket.bound - admissions.seated(bucket.key)), undefined),
  )
  return [...told, ...held]
}

async function look(admissions: Admissions, buckets: readonly Bucket[], id: string): Promise<Verdict> {
  const verdict = await admissions.admit({ id, buckets, amounts: nothingUsed })
  if (verdict.type === 'admitted') admissions.void(verdict)
  return verdict
}

function standingOf(bucket: Bucket, limit: number, remaining: number, resetMs: number | undefined): Standing {
  return Object.freeze({
    level: bucket.level,
    dimension: bucket.dimension,
    ...amounts(bucket, limit, remaining),
    windowMs: bucket.type === 'rate' ? bucket.windowMs : undefined,
    resetMs,
  })
}

/** Of money as decimals. */
function amounts(bucket: Bucket, limit: number, remaining: number) {
  if (bucket.dimension !== 'money') return { limit, remaining }
  return { limit: decimal(limit), remaining: decimal(remaining), currency: bucket.currency }
}

const decimal = (microUnits: number) => formatDecimal(BigInt(microUnits) * 1_000_000n)
