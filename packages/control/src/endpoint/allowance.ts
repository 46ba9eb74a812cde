// What a quota makes of a step of the rollout: fewer replicas come, and borrowed ones go back. Pure.
import type { Allowance, Claim, Share } from '@switchyard/runtime'
import { claim, type ReplicaDocument } from '../documents.ts'
import { countedIn } from '../quota.ts'
import type { Needs, Room } from './place.ts'
import type { Step } from './rollout.ts'

export interface Allowed {
  readonly step: Step
  /** For replicas that take whatever product there is. */
  readonly room: Room
  /** None without a quota. */
  readonly claims: readonly Claim[]
  readonly again?: number
}

/** Whoever waits for a quota looks again, should nothing wake it. */
const againMs = 5000

/** `live` are the replicas of the endpoint that stay unless the step says otherwise; each new one needs `needs`. */
export function allow(
  step: Step,
  live: readonly ReplicaDocument[],
  allowance: Allowance | undefined,
  needs: Needs = {},
): Allowed {
  if (!allowance) return { step, room: () => Number.POSITIVE_INFINITY, claims: [] }
  const { quota, shares, returns } = allowance
  const owed = live.filter(
    replica => returns.includes(replica.metadata.name) && !step.leave.includes(replica),
  )
  const rooms = shares
    .filter(share => concerns(share, needs))
    .map(share => ({ share, room: roomOf(share, needs) }))
    .toSorted((one, other) => one.room - other.room)
  const [tightest] = rooms
  const create = Math.min(step.create, tightest?.room ?? step.create)
  const borrowed = shares.find(share => share.borrowed > 0)
  const claims =
    owed.length > 0
      ? claim(
          'QuotaOk',
          'False',
          'Returned',
          `Of quota ${quota} ${owed.length} borrowed replicas go back to those who lent them: ${counted(borrowed ?? shares[0])}.`,
        )
      : create < step.create
        ? claim(
            'QuotaOk',
            'False',
            'Exceeded',
            `${step.create - create} more replicas would exceed quota ${quota}: ${counted(tightest?.share)}. Have it raised, run fewer, or allow spec.rollout.maxUnavailable so that an old one may go first.`,
          )
        : claim('QuotaOk', 'True', 'Within', '')
  return {
    step: { ...step, create, leave: [...step.leave, ...owed] },
    room: product => {
      const own = shares.find(share => share.accelerator === needs.accelerator && share.product === product)
      return own && needs.accelerator !== undefined ? roomOf(own, needs) : Number.POSITIVE_INFINITY
    },
    claims: [claims],
    ...(claims.status === 'False' ? { again: againMs } : {}),
  }
}

/** Whether every new replica counts in it, whichever devices it is given. */
const concerns = ({ accelerator, product }: Share, needs: Needs) =>
  accelerator === undefined ||
  (needs.devices !== undefined &&
    accelerator === needs.accelerator &&
    (product === undefined || product === needs.product))

/** Replicas that may still come. */
const roomOf = ({ accelerator, limit, used }: Share, { devices = 1 }: Needs) =>
  Math.floor(Math.max(0, limit - used) / (accelerator === undefined ? 1 : devices))

const counted = (share: Share | undefined) =>
  share
    ? `${share.used} of ${share.limit} ${countedIn(share)} are used, ${share.nominal} are its own and ${share.borrowed} borrowed`
    : ''
