// Carries out a decision: everything for the store in one fenced transaction, then what is outside.
import { apiVersion, type Condition, type Document, Fault, findKind } from '@switchyard/kinds'
import type { Action, Claim, Draft, Status, StoreAction } from './action.ts'
import { type Random, timestamp } from './clock.ts'
import type { Orchestrator } from './orchestrator.ts'
import type { Fence, Identity, Key, Store, WriteTransaction } from './store.ts'

/** Conditions that the runtime keeps itself; a decided status never carries them away. */
const kept: ReadonlySet<string> = new Set(['Reconciled'])

export interface Apply {
  readonly store: Store
  readonly as: Identity
  /** Recorded in updatedBy, such as `system:control`. */
  readonly by: string
  readonly fence: Fence
  readonly now: number
  readonly random: Random
  readonly orchestrator?: Orchestrator
  readonly signal: AbortSignal
}

export const keyOf = (document: Document): Key => ({
  kind: document.kind,
  workspace: document.metadata.workspace,
  name: document.metadata.name,
})

/** Returns how many documents were written. Throws what the store or the orchestrator refuses. */
export async function applyActions(actions: readonly Action[], context: Apply): Promise<number> {
  const outside = actions.filter(action => action.do === 'run' || action.do === 'end')
  const inside = actions
    .filter((action): action is StoreAction => !outside.includes(action as never))
    .filter(changes)
  const written = inside.length > 0 ? await write(inside, context) : 0
  const { orchestrator, fence, signal } = context
  for (const action of outside) {
    if (!orchestrator) throw new TypeError(`nothing here can ${action.do} a workload`)
    if (action.do === 'run') await orchestrator.apply(action.work, fence, signal)
    else await orchestrator.remove(action.workload, { graceSeconds: action.graceSeconds }, fence, signal)
  }
  return written
}

/** A status equal to what was observed needs no transaction at all. */
function changes(action: StoreAction): boolean {
  return action.do !== 'status' || !sameStatus(action.of, action.status)
}

async function write(actions: readonly StoreAction[], context: Apply): Promise<number> {
  const { documents } = await context.store.write(
    context.as,
    async tx => {
      for (const action of actions) await perform(tx, action, context)
    },
    { fence: context.fence },
  )
  return documents.size
}

async function perform(tx: WriteTransaction, action: StoreAction, context: Apply): Promise<void> {
  if (action.do === 'create') {
    await tx.insert(draw(action.draft, context), action.draft.references)
    return
  }
  if (action.do === 'event') {
    const { of, type, reason, message } = action
    await tx.event({ object: { ...keyOf(of), id: of.metadata.id }, type, reason, message })
    return
  }
  const current = await tx.lock(keyOf(action.of), 'update')
  if (!current || current.metadata.id !== action.of.metadata.id) return // gone meanwhile: nothing left to change
  const next = changed(current, action, context)
  if (next === 'remove') await tx.remove(await released(tx, current))
  else if (next) await tx.update(withPhase(next), null)
}

/** The store takes no row away that a finalizer still holds. */
async function released(tx: WriteTransaction, document: Document): Promise<Document> {
  if (document.metadata.finalizers.length === 0) return document
  return tx.update({ ...document, metadata: { ...document.metadata, finalizers: [] } }, null)
}

/** The document after the action; undefined when it is already so. Pure. */
function changed(
  current: Document,
  action: Exclude<StoreAction, { do: 'create' | 'event' }>,
  context: Pick<Apply, 'now' | 'by'>,
): Document | 'remove' | undefined {
  const { metadata } = current
  const touched = { updateTimestamp: timestamp(context.now), updatedBy: context.by }
  switch (action.do) {
    case 'status':
      if (sameStatus(current, action.status)) return undefined
      return { ...current, status: completed(current, action.status, context.now) }
    case 'spec':
      if (metadata.generation !== action.of.metadata.generation)
        throw new Fault(
          'stale',
          `${current.kind} ${metadata.name} was changed meanwhile; it is looked at again`,
        )
      if (canonical(current.spec) === canonical(action.spec)) return undefined
      return {
        ...current,
        spec: action.spec,
        metadata: { ...metadata, ...touched, generation: metadata.generation + 1 },
      }
    case 'annotate':
      return {
        ...current,
        metadata: {
          ...metadata,
          ...touched,
          annotations: { ...metadata.annotations, ...action.annotations },
        },
      }
    case 'delete':
      if (metadata.finalizers.length === 0) return 'remove'
      if (metadata.deletionTimestamp) return undefined
      return {
        ...current,
        metadata: {
          ...metadata,
          ...touched,
          generation: metadata.generation + 1,
          deletionTimestamp: timestamp(context.now),
        },
      }
    case 'finalizer': {
      const finalizers = metadata.finalizers.filter(word => word !== action.remove && word !== action.add)
      if (action.add) finalizers.push(action.add)
      if (metadata.deletionTimestamp && finalizers.length === 0) return 'remove'
      if (canonical(finalizers) === canonical(metadata.finalizers)) return undefined
      return { ...current, metadata: { ...metadata, ...touched, finalizers } }
    }
  }
}

function draw(draft: Draft, { now, by, random }: Apply): Document {
  const at = timestamp(now)
  return withPhase({
    apiVersion,
    kind: draft.kind,
    metadata: {
      id: random.id(),
      name: draft.name,
      workspace: draft.workspace,
      project: draft.project ?? null,
      labels: { ...draft.labels },
      annotations: { ...draft.annotations },
      generation: 1,
      resourceVersion: '0',
      creationTimestamp: at,
      updateTimestamp: at,
      createdBy: by,
      updatedBy: by,
      ownerReferences: [...(draft.ownerReferences ?? [])],
      finalizers: [...(draft.finalizers ?? [])],
    },
    spec: draft.spec,
    status: {},
  })
}

function withPhase(document: Document): Document {
  const phase = findKind(document.kind)?.phase(document)
  return phase === undefined ? document : { ...document, status: { ...statusOf(document), phase } }
}

type Stored = Readonly<Record<string, unknown>> & { readonly conditions?: readonly Condition[] }

/** Every kind's status carries commonStatus; a document never decided about has none yet. */
export const statusOf = (document: Document): Stored => (document.status ?? {}) as Stored

/** The stored form of a decided status: times of conditions that did not turn are kept. */
export function completed(document: Document, status: Status, now: number): Stored {
  const before = statusOf(document).conditions ?? []
  const claimed = status.conditions ?? []
  const conditions = [
    ...claimed.map(claim => condition(document, before, claim, now)),
    ...before.filter(({ type }) => kept.has(type) && !claimed.some(claim => claim.type === type)),
  ].sort((a, b) => (a.type < b.type ? -1 : 1))
  const next = { ...status, observedGeneration: document.metadata.generation, conditions }
  return Object.fromEntries(Object.entries(next).filter(([, value]) => value !== undefined))
}

function condition(document: Document, before: readonly Condition[], claim: Claim, now: number): Condition {
  const old = before.find(({ type }) => type === claim.type)
  return {
    ...claim,
    observedGeneration: document.metadata.generation,
    lastTransitionTime: old?.status === claim.status ? old.lastTransitionTime : timestamp(now),
  }
}

function sameStatus(document: Document, status: Status): boolean {
  const { phase, ...stored } = statusOf(document)
  const next = completed(document, status, 0)
  if (canonical(bare(next)) !== canonical(bare(stored))) return false
  return phase === findKind(document.kind)?.phase({ ...document, status: { ...next, phase } })
}

/** Without the moments, which say only since when. */
function bare(status: Stored): unknown {
  return {
    ...status,
    conditions: (status.conditions ?? [])
      .map(condition => ({ ...condition, lastTransitionTime: undefined }))
      .sort((a, b) => (a.type < b.type ? -1 : 1)),
  }
}

/** JSON with sorted keys, so that equal values are equal text. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
}
