// What a quota makes of a step of the rollout: fewer replicas come, and borrowed ones go back. Pure.
import type { Allowance, Claim } from '@switchyard/runtime'
import { claim, type ReplicaDocument } from '../documents.ts'
import type { Step } from './rollout.ts'

export interface Allowed {
  readonly step: Step
  /** None without a quota. */
  readonly claims: readonly Claim[]
  readonly again?: number
}

/** Whoever waits for a quota looks again, should nothing wake it. */
const againMs = 5000

/** `live` are the replicas of the endpoint that stay unless the step says otherwise. */
export function allow(
  step: Step,
  live: readonly ReplicaDocument[],
  allowance: Allowance | undefined,
): Allowed {
  if (!allowance) return { step, claims: [] }
  const { quota, used, limit, nominal, borrowed, returns } = allowance
  const owed = live.filter(
    replica => returns.includes(replica.metadata.name) && !step.leave.includes(replica),
  )
  const room = Math.max(0, limit - used)
  const create = Math.min(step.create, room)
  const counted = `${used} of ${limit} replicas are used, ${nominal} are its own and ${borrowed} borrowed`
  const claims =
    owed.length > 0
      ? claim(
          'QuotaOk',
          'False',
          'Returned',
          `Of quota ${quota} ${owed.length} borrowed replicas go back to those who lent them: ${counted}.`,
        )
      : create < step.create
        ? claim(
            'QuotaOk',
            'False',
            'Exceeded',
            `${step.create - create} more replicas would exceed quota ${quota}: ${counted}. Have it raised, run fewer, or allow spec.rollout.maxUnavailable so that an old one may go first.`,
          )
        : claim('QuotaOk', 'True', 'Within', '')
  return {
    step: { ...step, create, leave: [...step.leave, ...owed] },
    claims: [claims],
    ...(claims.status === 'False' ? { again: againMs } : {}),
  }
}
