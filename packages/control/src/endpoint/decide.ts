// An endpoint: which revision it should be, which replicas come and go, and what it says of itself. Pure.
import { type Action, type Allowance, type Claim, type Decision, timestamp } from '@switchyard/runtime'
import {
  claim,
  type EndpointDocument,
  finalizers,
  inputsAnnotation,
  isDeleting,
  partName,
  type ReplicaDocument,
  type RevisionDocument,
} from '../documents.ts'
import { type Allowed, allow } from './allowance.ts'
import { type Assignment, type Ground, type Needs, type Placed, place } from './place.ts'
import { type Numbers, numbersOf, revisionStatuses, statusOf } from './report.ts'
import { restOf } from './rest.ts'
import { step } from './rollout.ts'
import { inputsOf, type Resolving, renderer, resolve } from './template.ts'

export interface EndpointObserved extends Resolving {
  /** Owned by this very endpoint, not by one that had its name before. */
  readonly revisions: readonly RevisionDocument[]
  readonly replicas: readonly ReplicaDocument[]
  /** Milliseconds since it was asked for; 0 where it never sleeps. */
  readonly quietMs: number
  /** Of its workspace to the quota there; undefined without one. */
  readonly allowance?: Allowance | undefined
  /** Undefined for an endpoint whose replicas need nothing of their own. */
  readonly ground?: Ground | undefined
}

export function decideEndpoint(
  endpoint: EndpointDocument,
  observed: EndpointObserved,
  now: number,
): Decision {
  const { revisions, replicas } = observed
  const deleting = isDeleting(endpoint)
  const wanted = deleting ? kept(endpoint, revisions) : choose(endpoint, observed)
  const present = replicas.filter(replica => !isGone(replica))
  const live = present.filter(replica => !replica.spec.drain && !isDeleting(replica))
  const rest = restOf(endpoint, live, observed.quietMs, now)
  const want = deleting || endpoint.spec.paused || rest.asleep ? 0 : endpoint.spec.replicas
  // A revision made just now has no document yet: its replicas follow when it is seen.
  const exists = revisions.some(({ spec }) => spec.number === wanted.desired)
  const rollout = step(
    { want, revision: exists ? wanted.desired : undefined, live, limits: endpoint.spec.rollout },
    now,
  )
  const needs = revisions.find(({ spec }) => spec.number === wanted.desired)?.spec.template.resources
  const allowed = allow(rollout, live, observed.allowance, needs)
  const placed = placedOn(observed, wanted.desired, needs, allowed, live)
  const next = { ...allowed.step, create: placed.assignments.length }
  const staying = live.filter(replica => !next.leave.includes(replica))
  const numbers = numbersOf(endpoint, wanted.desired, revisions, staying)
  const undrained = present.filter(replica => isDeleting(replica) && !replica.spec.drain)
  const report = statusOf(
    {
      endpoint,
      want,
      asleep: rest.asleep,
      numbers,
      live: staying,
      claims: [wanted.resolved, ...placed.claims, ...allowed.claims],
      resolved: wanted.resolved,
      step: next,
      leaving: present.filter(replica => !staying.includes(replica)),
    },
    now,
  )
  const creating =
    wanted.desired === undefined ? [] : created(endpoint, wanted.desired, replicas, placed.assignments)
  const removals = [
    ...replicas.filter(isGone).flatMap(gone => removed(gone, finalizers.replica)),
    ...trimmed(endpoint, revisions, replicas, numbers).flatMap(old => removed(old, finalizers.revision)),
  ]
  const finished = deleting && replicas.length === 0 && revisions.length === 0
  const again = [next.again, report.again, rest.again, allowed.again, placed.again].filter(
    each => each !== undefined,
  )
  const actions: readonly Action[] = [
    ...wanted.actions,
    ...[...next.leave, ...undrained].map(replica => drained(endpoint, replica, now)),
    ...creating,
    ...revisionStatuses(revisions, present, numbers),
    ...removals,
    ...turned(endpoint, report.status.conditions ?? []),
    ...(!deleting && !endpoint.metadata.finalizers.includes(finalizers.endpoint)
      ? [{ do: 'finalizer', of: endpoint, add: finalizers.endpoint } as const]
      : []),
  ]
  if (finished) return { actions: [{ do: 'finalizer', of: endpoint, remove: finalizers.endpoint }] }
  return { actions, status: report.status, ...(again.length > 0 ? { again: Math.min(...again) } : {}) }
}

/** Its process was seen to be gone, by who runs it. */
const isGone = ({ status }: ReplicaDocument) => status.state === 'Stopped'

interface Wanted {
  readonly desired?: number
  readonly resolved: Claim
  readonly actions: readonly Action[]
}

/** The revision that it has, whatever the spec says by now. */
function kept({ status }: EndpointDocument, revisions: readonly RevisionDocument[]): Wanted {
  const number = status.revisions?.desired
  const found = revisions.some(({ spec }) => spec.number === number)
  return {
    ...(found && number !== undefined ? { desired: number } : {}),
    resolved: resolvedClaim,
    actions: [],
  }
}

const resolvedClaim = claim('Resolved', 'True', 'Resolved', '')

/** The same revision while the spec asks the same; else the kept one with an equal template, or a new one. */
function choose(endpoint: EndpointDocument, observed: EndpointObserved): Wanted {
  const revisions = observed.revisions.filter(revision => !isDeleting(revision))
  const inputs = inputsOf(endpoint)
  const before = endpoint.status.revisions?.desired
  const current = revisions.find(({ spec }) => spec.number === before)
  if (current && current.metadata.annotations[inputsAnnotation] === inputs)
    return { desired: current.spec.number, resolved: resolvedClaim, actions: [] }

  const resolved = resolve(endpoint, observed)
  if ('reason' in resolved) {
    const status = resolved.reason === 'ModelNotReady' ? 'Unknown' : 'False'
    return {
      ...(current ? { desired: current.spec.number } : {}),
      resolved: claim('Resolved', status, resolved.reason, resolved.message),
      actions: [],
    }
  }
  const equal = revisions.find(({ spec }) => spec.hash === resolved.hash)
  if (equal) {
    const known = equal.metadata.annotations[inputsAnnotation] === inputs
    const annotations = { [inputsAnnotation]: inputs }
    return {
      desired: equal.spec.number,
      resolved: resolvedClaim,
      actions: known ? [] : [{ do: 'annotate', of: equal, annotations }],
    }
  }
  const number = 1 + Math.max(before ?? 0, ...observed.revisions.map(({ spec }) => spec.number))
  const { name } = endpoint.metadata
  return {
    desired: number,
    resolved: resolvedClaim,
    actions: [
      {
        do: 'create',
        draft: {
          ...ownedBy(endpoint, finalizers.revision),
          kind: 'Revision',
          name: partName(name, number),
          annotations: { [inputsAnnotation]: inputs },
          spec: { endpoint: name, number, hash: resolved.hash, renderer, template: resolved.template },
        },
      },
      {
        do: 'event',
        of: endpoint,
        type: 'Normal',
        reason: 'RevisionMade',
        message: `Revision ${number} was made.`,
      },
    ],
  }
}

/** New replicas of the revision, as many as are allowed; those that need nothing of their own have no assignment. */
function placedOn(
  { ground }: EndpointObserved,
  desired: number | undefined,
  needs: Needs | undefined,
  { step: { create }, room }: Allowed,
  live: readonly ReplicaDocument[],
): Omit<Placed, 'assignments'> & { readonly assignments: readonly (Assignment | undefined)[] } {
  if (!needs || !ground) return { assignments: Array.from({ length: create }), claims: [] }
  const holds = live.some(({ spec }) => spec.assignment !== undefined && spec.revision !== desired)
  return place(needs, create, ground, room, holds)
}

function created(
  endpoint: EndpointDocument,
  revision: number,
  replicas: readonly ReplicaDocument[],
  assignments: readonly (Assignment | undefined)[],
): readonly Action[] {
  const taken = new Set(
    replicas.filter(({ spec }) => spec.revision === revision).map(({ spec }) => spec.ordinal),
  )
  const free: number[] = []
  for (let ordinal = 0; free.length < assignments.length; ordinal++)
    if (!taken.has(ordinal)) free.push(ordinal)
  const { name } = endpoint.metadata
  return free.map((ordinal, index) => ({
    do: 'create',
    draft: {
      ...ownedBy(endpoint, finalizers.replica),
      kind: 'Replica',
      name: partName(name, revision, ordinal),
      spec: {
        endpoint: name,
        revision,
        ordinal,
        cluster: endpoint.spec.cluster,
        ...(assignments[index] ? { assignment: assignments[index] } : {}),
      },
    },
  }))
}

function ownedBy({ kind, metadata }: EndpointDocument, finalizer: string) {
  const { id, name, workspace, project } = metadata
  return {
    workspace,
    project,
    ownerReferences: [{ kind, name, id, controller: true, blocksDeletion: true }],
    finalizers: [finalizer],
    references: [{ path: 'spec.endpoint', id }],
  }
}

function drained({ spec }: EndpointDocument, replica: ReplicaDocument, now: number): Action {
  const drain = { since: timestamp(now), deadline: timestamp(now + spec.drainSeconds * 1000) }
  return { do: 'spec', of: replica, spec: { ...replica.spec, drain } }
}

const removed = (of: ReplicaDocument | RevisionDocument, finalizer: string): readonly Action[] => [
  { do: 'delete', of },
  { do: 'finalizer', of, remove: finalizer },
]

/** Revisions that nothing needs: beyond the history, deleted by a person, or of an endpoint that goes. */
function trimmed(
  endpoint: EndpointDocument,
  revisions: readonly RevisionDocument[],
  replicas: readonly ReplicaDocument[],
  { desired, active, lastReady }: Numbers,
): readonly RevisionDocument[] {
  const idle = revisions.filter(
    ({ spec }) => !replicas.some(replica => replica.spec.revision === spec.number),
  )
  if (isDeleting(endpoint)) return idle
  const deleted = idle.filter(isDeleting)
  const retired = idle
    .filter(revision => !isDeleting(revision))
    .filter(({ spec }) => ![desired, active, lastReady].includes(spec.number))
    .toSorted((a, b) => b.spec.number - a.spec.number)
  return [...deleted, ...retired.slice(endpoint.spec.history)]
}

/** An event when the endpoint becomes ready, or stops progressing. */
function turned(endpoint: EndpointDocument, claims: readonly Claim[]): readonly Action[] {
  const news: readonly (readonly [string, Claim['status'], 'Normal' | 'Warning'])[] = [
    ['Ready', 'True', 'Normal'],
    ['Progressing', 'False', 'Warning'],
    ['Resolved', 'False', 'Warning'],
    ['Placed', 'False', 'Warning'],
    ['QuotaOk', 'False', 'Warning'],
  ]
  return news.flatMap(([type, status, tone]): readonly Action[] => {
    const now = claims.find(each => each.type === type)
    const before = endpoint.status.conditions?.find(each => each.type === type)
    if (now?.status !== status || (before?.status === status && before.reason === now.reason)) return []
    const message = now.message || 'The endpoint is ready.'
    return [{ do: 'event', of: endpoint, type: tone, reason: now.reason, message }]
  })
}
