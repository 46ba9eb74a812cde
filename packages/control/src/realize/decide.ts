// One revision on the machine: which of its replicas run, and what each of them is. Pure.
import {
  type Action,
  type Decision,
  type ObservedReplica,
  timestamp,
  type Workload,
  type WorkloadReplica,
} from '@switchyard/runtime'
import {
  type EndpointDocument,
  type EngineDocument,
  isDeleting,
  type ReplicaDocument,
  type RevisionDocument,
} from '../documents.ts'
import { type Failure, failure, lastWords, loopAt, reasonOf, restartDelayMs, streakOf } from './failure.ts'
import type { Limits, Vital } from './vitals.ts'

export interface RealizeObserved {
  readonly replicas: readonly ReplicaDocument[]
  /** False when the platform could not be listed: nothing is concluded from absence. */
  readonly complete: boolean
  readonly running: readonly ObservedReplica[]
  readonly vitals: ReadonlyMap<string, Vital>
  /** Milliseconds until the next generation probe is due. */
  readonly probeIn?: number
  readonly endpoint: EndpointDocument['spec'] | undefined
  readonly engine: EngineDocument['spec'] | undefined
}

/** Gateways hear of a drain within this time; only then may a replica that seems idle go. */
const heardMs = 2000
/** Requests have ended by then: what is left to do is to leave. */
const graceSeconds = 10
/** A process that hears nothing any more is not waited for. */
const hungGraceSeconds = 1

export interface Verdict {
  /** Absent: it is to be gone. */
  readonly entry?: WorkloadReplica
  readonly status: ReplicaDocument['status']
  readonly again?: number
}

export function decideRealize(revision: RevisionDocument, observed: RealizeObserved, now: number): Decision {
  const { replicas, complete, running } = observed
  if (replicas.length === 0 && running.length === 0) return { actions: [] }
  const verdicts = replicas.map(replica => ({ replica, verdict: judge(replica, revision, observed, now) }))
  const entries = verdicts.map(({ verdict }) => verdict.entry).filter(entry => entry !== undefined)
  const statuses = verdicts.map(
    ({ replica, verdict }): Action => ({
      do: 'status',
      of: replica,
      status: { ...verdict.status, conditions: [] },
    }),
  )
  const events = verdicts.flatMap(({ replica, verdict }) => turned(replica, verdict))
  const work: readonly Action[] =
    complete && differs(entries, running) ? [{ do: 'run', work: workload(revision, observed, entries) }] : []
  const waits = [...verdicts.map(({ verdict }) => verdict.again), observed.probeIn].filter(
    wait => wait !== undefined,
  )
  return {
    actions: [...statuses, ...events, ...work],
    ...(waits.length > 0 ? { again: Math.max(50, Math.min(...waits)) } : {}),
  }
}

export function judge(
  replica: ReplicaDocument,
  revision: RevisionDocument,
  observed: RealizeObserved,
  now: number,
): Verdict {
  const seen = observed.running.find(({ id }) => id === replica.metadata.id)
  const entry = entryOf(replica)
  const { phase: _, observedGeneration: __, conditions: ___, ...before } = replica.status
  if (!seen && !observed.complete) return { entry, status: before }
  if (replica.spec.drain || isDeleting(replica)) return leave(replica, before, entry, seen, observed, now)
  if (!seen) return { entry, status: { ...without(before), state: 'Placed' } }
  const context = { before, entry, seen, now, revision, observed }
  return seen.state === 'exited' ? afterExit(context) : alive(context)
}

function entryOf({ metadata, spec }: ReplicaDocument): WorkloadReplica {
  const { accelerator, devices: ids } = spec.assignment ?? {}
  const own = accelerator && ids ? { devices: { accelerator, ids } } : {}
  return { id: metadata.id, ordinal: spec.ordinal, ...own }
}

interface Context {
  readonly before: ReplicaDocument['status']
  readonly entry: WorkloadReplica
  readonly seen: ObservedReplica
  readonly now: number
  readonly revision: RevisionDocument
  readonly observed: RealizeObserved
}

/** What belongs to a process goes with it; why the last one failed stays until one is ready. */
function without(status: ReplicaDocument['status']): ReplicaDocument['status'] {
  const { address: _, readyAt: __, startedAt: ___, ...rest } = status
  return rest
}

function leave(
  { spec }: ReplicaDocument,
  before: ReplicaDocument['status'],
  entry: WorkloadReplica,
  seen: ObservedReplica | undefined,
  observed: RealizeObserved,
  now: number,
): Verdict {
  if (!seen) return { status: { ...without(before), state: 'Stopped' } }
  const status = { ...before, state: 'Draining' } as const
  if (seen.state === 'exited') return { status, again: 1000 }
  // Deleted by hand: control sets the drain, and its deadline, in a moment.
  if (!spec.drain) return { entry, status, again: 1000 }
  const since = Date.parse(spec.drain.since)
  const left = Date.parse(spec.drain.deadline) - now
  const limits = limitsOf(observed.endpoint)
  const hung =
    seen.failing !== undefined &&
    seen.failing.count >= 3 &&
    now - Date.parse(seen.failing.since) >= limits.stallSeconds * 1000
  const { progress } = seen
  // Unknown is not idle: without a sample from after the drain it goes on to the deadline.
  const idle =
    progress !== undefined &&
    progress.running + progress.waiting === 0 &&
    Date.parse(progress.at) >= since + heardMs / 2
  const neverServed = before.readyAt === undefined
  const heard = now - since >= heardMs
  if (left <= 0 || hung || neverServed || (heard && idle)) return { status, again: 1000 }
  return { entry, status, again: Math.min(500, left) }
}

function afterExit({ before, entry, seen, now, revision, observed }: Context): Verdict {
  const { exit, exits = [] } = seen
  if (!exit) return { entry, status: before }
  const streak = Math.max(1, streakOf(exits))
  const due = Date.parse(exit.at) + restartDelayMs(streak)
  const failed = failureAfter({ before, entry, seen, now, revision, observed }, streak)
  const waiting = now < due
  const status: ReplicaDocument['status'] = {
    ...without(before),
    restarts: seen.restarts,
    startedAt: seen.startedAt,
    state: failed && waiting ? 'Failed' : 'Starting',
    ...(failed ? { failure: failed } : {}),
  }
  return waiting ? { entry: { ...entry, doomed: true }, status, again: due - now } : { entry, status }
}

function failureAfter({ before, seen, revision, observed }: Context, streak: number): Failure | undefined {
  const { exit } = seen
  if (!exit) return before.failure
  const { binary } = revision.spec.template.engine
  const reason = reasonOf(exit, observed.engine, binary)
  if (reason) return failure(reason, lastWords(exit), exit.at, exit)
  // We ended it ourselves, for the reason that stands there.
  const ours = before.failure?.reason === 'Stalled' || before.failure?.reason === 'StartTimeout'
  if (before.failure && ours && before.startedAt === seen.startedAt)
    return { ...failure(before.failure.reason, '', before.failure.at, exit), message: before.failure.message }
  if (streak < loopAt) return before.failure
  return failure('CrashLoop', `${streak} ends in a row. ${lastWords(exit)}`, exit.at, exit)
}

function alive(context: Context): Verdict {
  const { before, entry, seen, now, observed, revision } = context
  const sameLife = before.startedAt === seen.startedAt
  const limits = limitsOf(observed.endpoint)
  const vital = observed.vitals.get(seen.id)
  const base: ReplicaDocument['status'] = {
    ...(sameLife ? before : without(before)),
    startedAt: seen.startedAt,
    restarts: seen.restarts,
  }
  const condemned = sameLife && before.state === 'Failed' ? before.failure : undefined
  const why = condemned ?? condemn(seen, vital, limits, startupOf(revision, observed), now)
  if (why)
    return {
      entry: { ...entry, doomed: true, graceSeconds: hungGraceSeconds },
      status: { ...base, state: 'Failed', failure: why },
      again: 500,
    }
  // Just adopted, not asked yet: it is what it was.
  if (seen.state === 'unknown')
    return { entry, status: sameLife ? base : { ...base, state: 'Starting' }, again: 500 }
  if (seen.state === 'starting') {
    const left = Date.parse(seen.startedAt) + startupOf(revision, observed) * 1000 - now
    return { entry, status: { ...base, state: 'Starting' }, again: left }
  }
  const suspect = (seen.failing?.count ?? 0) >= 3 || (vital?.failed ?? 0) >= 2
  const { failure: _, ...healthy } = base
  const status: ReplicaDocument['status'] = {
    ...healthy,
    address: seen.address,
    readyAt: base.readyAt ?? timestamp(now),
    state: suspect ? 'Suspect' : 'Ready',
    ...(suspect && before.state !== 'Suspect' && vital ? { lastProgressAt: timestamp(vital.movedAt) } : {}),
  }
  return { entry, status, ...watchful(seen, suspect) }
}

/** What may turn bad is looked at again soon; an idle replica wakes by its hints. */
function watchful(seen: ObservedReplica, suspect: boolean): { readonly again?: number } {
  if (suspect || seen.failing) return { again: 500 }
  const busy = seen.progress && seen.progress.running + seen.progress.waiting > 0
  return busy ? { again: 2000 } : {}
}

/** Why a living process has to be replaced; undefined when it has not. */
function condemn(
  seen: ObservedReplica,
  vital: Vital | undefined,
  limits: Limits,
  startupSeconds: number,
  now: number,
): Failure | undefined {
  const at = timestamp(now)
  const seconds = (milliseconds: number) => Math.round(milliseconds / 1000)
  if (seen.state === 'starting' && now - Date.parse(seen.startedAt) >= startupSeconds * 1000)
    return failure('StartTimeout', `It had ${startupSeconds} s.`, at)
  if (seen.failing && seen.failing.count >= 3) {
    const silent = now - Date.parse(seen.failing.since)
    if (silent >= limits.stallSeconds * 1000)
      return failure('Stalled', `It has not answered its alive probe for ${seconds(silent)} s.`, at)
  }
  const still = seen.progress && vital?.stillSince !== undefined ? now - vital.stillSince : 0
  if (still >= limits.stallSeconds * 1000 && still > 0)
    return failure(
      'Stalled',
      `Requests were under way and nothing was generated for ${seconds(still)} s.`,
      at,
    )
  if (vital && vital.failed >= 3)
    return failure(
      'Stalled',
      `It was asked for one token ${vital.failed} times: ${vital.message ?? 'no answer'}.`,
      at,
    )
  return undefined
}

export const limitsOf = (endpoint: EndpointDocument['spec'] | undefined): Limits =>
  endpoint?.probes ?? { generationSeconds: 60, stallSeconds: 60 }

const startupOf = ({ spec }: RevisionDocument, { endpoint }: RealizeObserved) =>
  endpoint?.startupSeconds ?? spec.template.startupSeconds

/** Whether what runs is not what is wanted. */
function differs(entries: readonly WorkloadReplica[], running: readonly ObservedReplica[]): boolean {
  const wanted = new Map(entries.map(entry => [entry.id, entry]))
  const seen = new Map(running.map(replica => [replica.id, replica]))
  return (
    entries.some(({ id, doomed = false }) => {
      const lives = seen.has(id) && seen.get(id)?.state !== 'exited'
      return doomed ? lives : !lives
    }) || running.some(({ id }) => !wanted.has(id))
  )
}

function workload(
  revision: RevisionDocument,
  { engine }: RealizeObserved,
  replicas: readonly WorkloadReplica[],
): Workload {
  const { metadata, spec } = revision
  const { argv, env, probes, engine: program } = spec.template
  return {
    id: metadata.id,
    workspace: metadata.workspace ?? '',
    endpoint: spec.endpoint,
    revision: spec.number,
    binary: program.binary,
    argv: argv.slice(1),
    env,
    probes:
      probes.metrics === undefined
        ? { alive: probes.alive }
        : { alive: probes.alive, metrics: probes.metrics },
    ...(engine ? { signals: engine.signals.map(({ signal, metric }) => ({ signal, metric })) } : {}),
    graceSeconds,
    replicas,
  }
}

function turned(replica: ReplicaDocument, { status }: Verdict): readonly Action[] {
  const before = replica.status
  if (status.failure && status.failure.at !== before.failure?.at)
    return [
      {
        do: 'event',
        of: replica,
        type: 'Warning',
        reason: status.failure.reason,
        message: status.failure.message,
      },
    ]
  if ((status.restarts ?? 0) > (before.restarts ?? 0))
    return [
      {
        do: 'event',
        of: replica,
        type: 'Warning',
        reason: 'Restarted',
        message: `The engine ended and was started again, ${status.restarts} times so far.`,
      },
    ]
  return []
}
