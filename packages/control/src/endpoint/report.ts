// What an endpoint and its revisions say about themselves, derived anew from their replicas each time.
import type { FailureReason } from '@switchyard/kinds'
import type { Action, Claim, Status } from '@switchyard/runtime'
import {
  claim,
  type EndpointDocument,
  isDeleting,
  type ReplicaDocument,
  type RevisionDocument,
} from '../documents.ts'
import type { Step } from './rollout.ts'

/** A replica that failed so does not mend by trying again at once. */
const terminal: ReadonlySet<FailureReason> = new Set([
  'ModelAbsent',
  'ModelCorrupt',
  'BadArguments',
  'HostMemory',
  'CrashLoop',
  'StartTimeout',
  'EngineAbsent',
  'Unschedulable',
])
const degradedAfterMs = 30_000
/** Conditions that say why no replica comes. */
const hindrances: ReadonlySet<string> = new Set(['Placed', 'QuotaOk'])

export interface Numbers {
  readonly desired?: number
  readonly active?: number
  readonly lastReady?: number
}

export interface Report {
  readonly endpoint: EndpointDocument
  readonly want: number
  /** Nobody asks for it. */
  readonly asleep: boolean
  readonly numbers: Numbers
  readonly live: readonly ReplicaDocument[]
  readonly leaving: readonly ReplicaDocument[]
  readonly resolved: Claim
  /** `resolved`, and what else is claimed already. */
  readonly claims: readonly Claim[]
  readonly step: Step
}

export type Failure = NonNullable<ReplicaDocument['status']['failure']>

const isReady = ({ status }: ReplicaDocument) => status.state === 'Ready'

/** The newest failure of a revision that none of its replicas has overcome. */
export function failureOf(replicas: readonly ReplicaDocument[]): Failure | undefined {
  if (replicas.some(isReady)) return undefined
  return replicas
    .map(({ status }) => status.failure)
    .filter(failure => failure !== undefined)
    .filter(({ reason }) => terminal.has(reason))
    .toSorted((a, b) => Date.parse(b.at) - Date.parse(a.at))[0]
}

/** The revision that answers now: the newest with a ready replica, else the one that did. */
export function numbersOf(
  endpoint: EndpointDocument,
  desired: number | undefined,
  revisions: readonly RevisionDocument[],
  replicas: readonly ReplicaDocument[],
): Numbers {
  const before = endpoint.status.revisions ?? {}
  const exists = (number: number | undefined) => revisions.some(({ spec }) => spec.number === number)
  const serving = replicas.filter(isReady).map(({ spec }) => spec.revision)
  const active = serving.length > 0 ? Math.max(...serving) : exists(before.active) ? before.active : undefined
  const lastReady = serving.length > 0 ? active : exists(before.lastReady) ? before.lastReady : undefined
  return {
    ...(desired === undefined ? {} : { desired }),
    ...(active === undefined ? {} : { active }),
    ...(lastReady === undefined ? {} : { lastReady }),
  }
}

export function statusOf(report: Report, now: number): { readonly status: Status; readonly again?: number } {
  const { endpoint, want, numbers, live, leaving, claims } = report
  const ready = live.filter(isReady).length
  const placed = live.filter(({ status }) => status.state === undefined || status.state === 'Placed').length
  const degraded = degradation(endpoint, ready, want, now)
  return {
    status: {
      ...(Object.keys(numbers).length > 0 ? { revisions: numbers } : {}),
      replicas: {
        desired: want,
        placed,
        starting: live.length - placed - ready,
        ready,
        draining: leaving.length,
      },
      conditions: [
        ...claims,
        readiness(report, ready),
        progress(report),
        degraded.claim,
        ...deletion(report),
      ],
    },
    ...(degraded.again === undefined ? {} : { again: degraded.again }),
  }
}

function readiness(
  { endpoint, want, asleep, numbers, live, leaving, resolved, claims }: Report,
  ready: number,
): Claim {
  const no = (reason: string, message: string) => claim('Ready', 'False', reason, message)
  if (isDeleting(endpoint)) return no('Draining', 'The endpoint is being deleted.')
  if (endpoint.spec.paused) return no('Paused', 'The endpoint is paused; resume it to serve again.')
  if (asleep)
    return no(
      'Idle',
      `Nobody has asked for it for ${endpoint.spec.idleSeconds} s; the next request wakes it.`,
    )
  if (want === 0) return no('Scaled', 'spec.replicas is 0; raise it to serve again.')
  if (ready > 0)
    return claim('Ready', 'True', 'Ready', ready < want ? `${ready} of ${want} replicas are ready.` : '')
  const failure = failureOf(live.filter(({ spec }) => spec.revision === numbers.desired))
  if (failure) return no(failure.reason, failure.message)
  if (numbers.desired === undefined) return no('NoReplica', resolved.message)
  if (live.length === 0) {
    const hindered = claims.find(({ type, status }) => hindrances.has(type) && status === 'False')
    const message = hindered?.message ?? 'No replica has been placed yet.'
    return no(leaving.length > 0 ? 'Draining' : 'NoReplica', message)
  }
  return no('Starting', `${live.length} of ${want} replicas are starting.`)
}

function progress({ endpoint, want, numbers, live, step }: Report): Claim {
  if (want === 0 || isDeleting(endpoint)) return claim('Progressing', 'True', 'Complete', '')
  const ofDesired = live.filter(({ spec }) => spec.revision === numbers.desired)
  const failure = failureOf(ofDesired)
  if (failure) {
    const stays = live.some(isReady) ? ' The revision before goes on serving.' : ''
    return claim(
      'Progressing',
      'False',
      failure.reason,
      `Revision ${numbers.desired} cannot start: ${failure.message}${stays}`,
    )
  }
  if (step.blocked)
    return claim(
      'Progressing',
      'False',
      'RolloutBlocked',
      'maxSurge and maxUnavailable are both 0, so no replica can come and none can go; allow one of them in spec.rollout.',
    )
  const complete = live.length === want && ofDesired.length === want && ofDesired.every(isReady)
  return complete
    ? claim('Progressing', 'True', 'Complete', '')
    : claim(
        'Progressing',
        'True',
        'Progressing',
        `${ofDesired.filter(isReady).length} of ${want} replicas are of the wanted revision and ready.`,
      )
}

/** Degraded is said after 30 s with too few; until then it is not known whether it lasts. */
function degradation(
  endpoint: EndpointDocument,
  ready: number,
  want: number,
  now: number,
): { readonly claim: Claim; readonly again?: number } {
  if (ready === 0 || ready >= want) return { claim: claim('Degraded', 'False', 'AsDesired', '') }
  const message = `${ready} of ${want} replicas are ready.`
  const before = endpoint.status.conditions?.find(({ type }) => type === 'Degraded')
  if (before?.status === 'True') return { claim: claim('Degraded', 'True', 'Degraded', message) }
  const since = before?.status === 'Unknown' ? Date.parse(before.lastTransitionTime) : now
  const left = since + degradedAfterMs - now
  return left <= 0
    ? { claim: claim('Degraded', 'True', 'Degraded', message) }
    : { claim: claim('Degraded', 'Unknown', 'Degraded', message), again: left }
}

function deletion({ endpoint, leaving, live }: Report): readonly Claim[] {
  if (!isDeleting(endpoint)) return []
  const left = leaving.length + live.length
  return [
    left > 0
      ? claim(
          'Deleting',
          'True',
          'Draining',
          `${left} replicas finish their requests, at most ${endpoint.spec.drainSeconds} s.`,
        )
      : claim('Deleting', 'True', 'Removing', 'The last revisions are being removed.'),
  ]
}

/** The status of each revision, as far as its replicas tell. */
export function revisionStatuses(
  revisions: readonly RevisionDocument[],
  replicas: readonly ReplicaDocument[],
  { desired, active }: Numbers,
): readonly Action[] {
  return revisions.map(revision => {
    const mine = replicas.filter(({ spec }) => spec.revision === revision.spec.number)
    const readyAt = mine
      .filter(isReady)
      .map(({ status }) => status.readyAt)
      .find(at => at !== undefined)
    const everReady = revision.status.everReady || readyAt !== undefined
    const firstReadyAt = revision.status.firstReadyAt ?? readyAt
    const failed = failureOf(mine) ?? (mine.length === 0 ? revision.status.failure : undefined)
    const { number } = revision.spec
    const condition =
      number === active
        ? claim('Active', 'True', 'Active', '')
        : everReady || (desired !== undefined && number !== desired)
          ? claim('Active', 'False', 'Superseded', '')
          : claim('Active', 'False', 'Candidate', '')
    return {
      do: 'status',
      of: revision,
      status: {
        ...(everReady ? { everReady } : {}),
        ...(firstReadyAt === undefined ? {} : { firstReadyAt }),
        ...(failed && !everReady ? { failure: { reason: failed.reason, message: failed.message } } : {}),
        conditions: [condition],
      },
    }
  })
}
