// Which replicas come and which go, so that the new revision is ready before the old one leaves.
import type { EndpointDocument, ReplicaDocument } from '../documents.ts'

export interface Rollout {
  /** Replicas to have. */
  readonly want: number
  /** Number of the revision that they should be of; undefined when none could be made yet. */
  readonly revision: number | undefined
  /** Replicas that stay unless this decision says otherwise. */
  readonly live: readonly ReplicaDocument[]
  readonly limits: EndpointDocument['spec']['rollout']
}

export interface Step {
  readonly create: number
  readonly leave: readonly ReplicaDocument[]
  /** Neither one more nor one less is allowed, so nothing can ever move. */
  readonly blocked: boolean
  /** Milliseconds until a ready replica has been ready long enough. */
  readonly again?: number
}

export function step({ want, revision, live, limits }: Rollout, now: number): Step {
  const readyFor = ({ status }: ReplicaDocument) =>
    status.state === 'Ready' && status.readyAt !== undefined ? now - Date.parse(status.readyAt) : undefined
  const required = limits.minReadySeconds * 1000
  const counts = (replica: ReplicaDocument) => (readyFor(replica) ?? -1) >= required
  const fresh = live.filter(({ spec }) => spec.revision === revision)
  const old = live.filter(({ spec }) => spec.revision !== revision)

  if (revision === undefined || want === 0)
    return {
      create: 0,
      leave: expendable(live, counts).slice(0, Math.max(0, live.length - want)),
      blocked: false,
    }

  const surplus = expendable(fresh, counts).slice(0, Math.max(0, fresh.length - want))
  const kept = fresh.filter(replica => !surplus.includes(replica))
  // An old one that serves nobody holds a place and gives nothing.
  const useless = old.filter(({ status }) => status.state !== 'Ready' && status.state !== 'Suspect')
  const useful = old.filter(replica => !useless.includes(replica))
  const available = kept.filter(counts).length + useful.length
  const spare = Math.max(0, available - Math.max(0, want - limits.maxUnavailable))
  const retired = expendable(useful, counts).slice(0, spare)
  const leave = [...surplus, ...useless, ...retired]

  const staying = kept.length + useful.length - retired.length
  const create = Math.max(0, Math.min(want - kept.length, want + limits.maxSurge - staying))
  const waits = kept.map(readyFor).filter(time => time !== undefined && time < required)
  const again = waits.map(time => required - (time ?? 0))
  return {
    create,
    leave,
    blocked: create === 0 && leave.length === 0 && kept.length < want,
    ...(again.length > 0 ? { again: Math.min(...again) } : {}),
  }
}

/** Who goes first: what is not ready, then the older revision, then the higher ordinal. */
function expendable(
  replicas: readonly ReplicaDocument[],
  counts: (replica: ReplicaDocument) => boolean,
): readonly ReplicaDocument[] {
  return replicas.toSorted(
    (a, b) =>
      Number(counts(a)) - Number(counts(b)) ||
      a.spec.revision - b.spec.revision ||
      b.spec.ordinal - a.spec.ordinal,
  )
}
