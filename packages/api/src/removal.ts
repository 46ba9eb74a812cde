// Deleting documents: refused while others refer to it, soft while finalizers remain, final otherwise.
import { type Document, Fault, findKind, type Kind, kinds } from '@switchyard/kinds'
import type { IdentityStore, Key, Store, WriteTransaction } from '@switchyard/runtime'
import { absent, authorize, type Caller, identityOf, missing, permits, rightsPlace } from './authorize.ts'
import { authorizeCascade, cascade, leaveWorkspace, planCascade } from './cascade.ts'
import { etag } from './document.ts'
import { checkShipped, kindOf, marked } from './leaving.ts'
import { checkIfMatch, ifMatchOf } from './listing.ts'
import { isPrincipal, nameOf } from './references.ts'
import type { Answer } from './route.ts'

export interface RemovalOptions {
  readonly store: Store
  readonly identity: IdentityStore
  readonly now: () => number
}

export interface RemovalAsk {
  readonly caller: Caller
  readonly dryRun: boolean
  readonly ifMatch: string | undefined
  readonly force: boolean
  /** Delete what depends on it too, and what a Workspace holds. */
  readonly cascade: boolean
}

const namedReferrers = 10
/** Referrers are looked at in one go; more than these only count. */
const lookedAt = 500

export async function deleteDocument(
  { store, identity, now }: RemovalOptions,
  kind: Kind,
  key: Key,
  ask: RemovalAsk,
): Promise<Answer> {
  const wanted = ifMatchOf(ask.ifMatch)
  if (ask.force) authorize(ask.caller, 'system:force', null)
  if (ask.force && ask.cascade)
    throw new Fault('invalid', 'Use cascade or force: force goes to the one document that hangs.', {
      details: [{ path: 'force', rule: 'exclusive', message: 'cannot be used together with cascade' }],
    })
  const plan = ask.cascade ? await planCascade(store, key) : undefined
  const written = await store.write(
    identityOf(ask.caller),
    async tx => {
      const seen = await tx.get(key)
      if (!seen || !permits(ask.caller, kind, 'read', seen)) throw absent(kind.kind, key.name)
      if (!ask.cascade) return remove(tx, ask, seen, wanted, now())
      if (!permits(ask.caller, kind, 'delete', seen))
        throw missing(ask.caller, `${kind.noun}:delete`, rightsPlace(seen))
      if (plan?.target.document.metadata.id !== seen.metadata.id) throw absent(kind.kind, key.name)
      authorizeCascade(ask.caller, plan)
      return cascade(tx, plan, { caller: ask.caller, wanted, now: now() })
    },
    { dryRun: ask.dryRun },
  )
  if (kind.kind === 'User' && !ask.dryRun) await identity.endSessionsOf(key.name)
  const { document, gone } = written.value
  const final = written.documents.get(document.metadata.id) ?? document
  return { status: gone ? 200 : 202, headers: gone ? {} : { etag: etag(final) }, body: final }
}

export interface Removed {
  readonly document: Document
  readonly gone: boolean
}

/** Removes a document within a transaction of the caller's own, or marks it while its finalizers run. */
export async function remove(
  tx: WriteTransaction,
  ask: Pick<RemovalAsk, 'caller' | 'force'>,
  seen: Document,
  wanted: '*' | readonly string[] | undefined,
  now: number,
): Promise<Removed> {
  const kind = kindOf(seen)
  if (!permits(ask.caller, kind, 'delete', seen))
    throw missing(ask.caller, `${kind.noun}:delete`, rightsPlace(seen))
  const { workspace, name } = seen.metadata
  const document = await tx.lock({ kind: seen.kind, workspace, name }, 'update')
  if (!document) throw absent(kind.kind, name)
  checkIfMatch(wanted, document)
  if (document.metadata.deletionTimestamp !== undefined && !ask.force) return { document, gone: false }
  checkShipped(document)
  if (document.kind === 'Workspace') {
    await checkEmpty(tx, name)
    return leaveWorkspace(tx, document, ask.caller, now)
  }
  const cascaded = await clearReferrers(tx, ask, document, now)

  const finalizers = ask.force ? [] : document.metadata.finalizers
  if (finalizers.length === 0 && !cascaded.waiting) {
    if (ask.force && document.metadata.finalizers.length > 0)
      await tx.event({
        object: { kind: document.kind, workspace, name, id: document.metadata.id },
        type: 'Warning',
        reason: 'Orphaned',
        message: `Deleted by force while ${document.metadata.finalizers.join(', ')} had not finished: look for what is left running outside.`,
      })
    await tx.remove(document)
    return { document, gone: true }
  }
  return { document: await tx.update(marked(document, ask.caller, now), null), gone: false }
}

/**
 * Refuses while something refers to the document that is not to go with it. What goes with it is removed here,
 * unless control owns it: then it is waited for.
 */
async function clearReferrers(
  tx: WriteTransaction,
  ask: Pick<RemovalAsk, 'caller' | 'force'>,
  document: Document,
  now: number,
): Promise<{ readonly waiting: boolean }> {
  const { referrers, total } = await tx.referrers(document.metadata.id, lookedAt)
  const dependents = referrers.filter(referrer => goesWith(referrer.kind, document.kind))
  const refusing = referrers.filter(referrer => !goesWith(referrer.kind, document.kind))
  // Those that the caller may not read are counted, not named, and refuse like the others.
  if (refusing.length > 0 || total > referrers.length)
    throw inUse(document, refusing, total - dependents.length)
  let waiting = false
  for (const dependent of dependents) {
    const found = await tx.get(dependent)
    if (!found) continue
    if (kindOf(found).system) waiting = true
    else await remove(tx, ask, found, undefined, now)
  }
  return { waiting }
}

function goesWith(referrer: string, target: string): boolean {
  const references = findKind(referrer)?.references ?? []
  return references.some(
    ({ to, onDelete }) =>
      onDelete === 'cascade' && (to === target || (to === 'owner' && isPrincipal({ kind: target }))),
  )
}

function inUse(document: Document, referrers: readonly Key[], total: number): Fault {
  const named = referrers.slice(0, namedReferrers).map(key => `${key.kind} ${nameOf(key)}`)
  const others = total - named.length
  const list = [
    ...named,
    ...(others > 0 ? [`${others} ${named.length > 0 ? 'more' : 'that you may not read'}`] : []),
  ]
  return new Fault(
    'conflict',
    `${document.kind} ${document.metadata.name} is in use by ${list.join(', ')}. Delete or change those first, or delete it with cascade.`,
    {
      reason: 'in_use',
      details: named.map(message => ({ path: '', rule: 'referrer', message })),
    },
  )
}

/** A workspace goes when nothing is left in it. */
async function checkEmpty(tx: WriteTransaction, workspace: string): Promise<void> {
  const left: Key[] = []
  for (const { kind } of kinds.filter(({ scope }) => scope !== 'platform')) {
    const { items } = await tx.list({ kind, workspace, limit: namedReferrers + 1 })
    left.push(...items.map(({ metadata }) => ({ kind, workspace, name: metadata.name })))
  }
  if (left.length === 0) return
  const named = left.slice(0, namedReferrers).map(({ kind, name }) => `${kind} ${name}`)
  const more = left.length > named.length ? ` and more` : ''
  throw new Fault(
    'conflict',
    `Workspace ${workspace} still holds ${named.join(', ')}${more}. Delete those first, or delete it with cascade.`,
    {
      reason: 'in_use',
      details: named.map(message => ({ path: '', rule: 'referrer', message })),
    },
  )
}
