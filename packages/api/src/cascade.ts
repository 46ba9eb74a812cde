// Deleting a document with all that hangs on it. The plan is read as the server, because the caller may not see
// all of it; the deletes run as the caller, in one transaction. What cannot go at once is marked in it, and goes
// with what holds it: the database sees to that, so nothing waits for this process.
import { type Document, Fault, type Kind, kinds } from '@switchyard/kinds'
import type { Key, ReadTransaction, Store, WriteTransaction } from '@switchyard/runtime'
import { absent, type Caller, missing, permits, rightsPlace } from './authorize.ts'
import { checkShipped, kindOf, marked } from './leaving.ts'
import { checkIfMatch } from './listing.ts'
import { isPrincipal } from './references.ts'

/** One document that goes, and how many referred to it when the plan was read. */
interface Planned {
  readonly document: Document
  readonly referrers: number
}

export interface Plan {
  /** What hangs on the target; what refers comes before what it refers to. */
  readonly dependents: readonly Planned[]
  readonly target: Planned
}

/** Referrers of one document that are followed; with more of them a person should look first. */
const followed = 1000

/** Everything that goes with a document; undefined when it is not there. */
export function planCascade(store: Store, key: Key): Promise<Plan | undefined> {
  return store.read({ role: 'control' }, async tx => {
    const document = await tx.get(key)
    if (!document) return undefined
    const { total } = await tx.referrers(document.metadata.id, 1)
    const found =
      document.kind === 'Workspace' ? await contentsOf(tx, key.name) : await referrersOf(tx, document)
    const dependents = found.toSorted((a, b) => turnOf(a.document) - turnOf(b.document))
    return { dependents, target: { document, referrers: total } }
  })
}

async function contentsOf(tx: ReadTransaction, workspace: string): Promise<readonly Planned[]> {
  const contents: Document[] = []
  for (const { kind } of kinds.filter(({ scope }) => scope !== 'platform'))
    contents.push(...(await tx.list({ kind, workspace })).items)
  // Control takes its own documents away with their endpoint; without one, nobody else would.
  const endpoints = contents.some(({ kind }) => kind === 'Endpoint')
  return contents
    .filter(document => !endpoints || !kindOf(document).system)
    .map(document => ({ document, referrers: Number.POSITIVE_INFINITY }))
}

async function referrersOf(tx: ReadTransaction, target: Document): Promise<readonly Planned[]> {
  const found = new Map<string, Planned>()
  const open: Document[] = [target]
  for (let document = open.pop(); document; document = open.pop()) {
    const { referrers } = await tx.referrers(document.metadata.id, followed)
    for (const key of referrers) {
      const referrer = await tx.get(key)
      if (!referrer || kindOf(referrer).system || found.has(referrer.metadata.id)) continue
      const { total } = await tx.referrers(referrer.metadata.id, 1)
      found.set(referrer.metadata.id, { document: referrer, referrers: total })
      open.push(referrer)
    }
  }
  return [...found.values()]
}

const turns = new Map<string, number>()

/**
 * When a document has its turn: after every kind that refers to its own. What gives rights goes last, because
 * the deletes before it may rest on them.
 */
function turnOf({ kind }: Pick<Document, 'kind'>): number {
  if (kind === 'RoleAssignment') return kinds.length
  if (kind === 'Role') return kinds.length + 1
  const known = turns.get(kind)
  if (known !== undefined) return known
  const refersHere = (other: Kind) =>
    other.kind !== kind &&
    (kind === 'Project' || // which any document may name
      other.references.some(({ to }) => to === kind || (to === 'owner' && isPrincipal({ kind }))))
  const turn = 1 + Math.max(0, ...kinds.filter(refersHere).map(other => turnOf(other)))
  turns.set(kind, turn)
  return turn
}

/** Refuses unless the caller may delete every document of the plan. */
export function authorizeCascade(caller: Caller, { dependents, target }: Plan): void {
  const seen = dependents.filter(({ document }) => permits(caller, kindOf(document), 'read', document))
  for (const { document } of seen) {
    const kind = kindOf(document)
    checkShipped(document)
    if (!permits(caller, kind, 'delete', document))
      throw missing(caller, `${kind.noun}:delete`, rightsPlace(document))
  }
  const hidden = dependents.length - seen.length
  if (hidden === 0) return
  const { kind, metadata } = target.document
  const count = hidden === 1 ? 'a document' : `${hidden} documents`
  throw new Fault(
    'denied',
    `${count} that you may not read would go with ${kind} ${metadata.name}. Ask an administrator to delete it.`,
    { reason: 'cascade_hidden' },
  )
}

export interface CascadeAsk {
  readonly caller: Caller
  readonly wanted: '*' | readonly string[] | undefined
  readonly now: number
}

/** Runs in the caller's own transaction. */
export async function cascade(
  tx: WriteTransaction,
  { dependents, target }: Plan,
  { caller, wanted, now }: CascadeAsk,
): Promise<{ readonly document: Document; readonly gone: boolean }> {
  const { kind } = target.document
  const lock = async () => {
    const document = await tx.lock(keyOf(target.document), 'update')
    if (!document || document.metadata.id !== target.document.metadata.id)
      throw absent(kind, target.document.metadata.name)
    checkIfMatch(wanted, document)
    return document
  }
  // A Workspace is held first, so that nothing comes in; any other document after what refers to it, in the
  // order in which writers hold them.
  const held = kind === 'Workspace' ? await lock() : undefined
  if (held?.metadata.deletionTimestamp !== undefined) return { document: held, gone: false }
  for (const planned of dependents) {
    const standing = await tx.lock(keyOf(planned.document), 'update')
    if (standing?.metadata.id === planned.document.metadata.id)
      await retire(tx, standing, planned, caller, now)
  }
  const document = held ?? (await lock())
  if (document.metadata.deletionTimestamp !== undefined) return { document, gone: false }
  checkShipped(document)
  return kind === 'Workspace'
    ? leaveWorkspace(tx, document, caller, now)
    : retire(tx, document, target, caller, now)
}

/** Marks a Workspace; the database takes it away as soon as it is empty, and refuses what would strand in it. */
export async function leaveWorkspace(
  tx: WriteTransaction,
  document: Document,
  caller: Caller,
  now: number,
): Promise<{ readonly document: Document; readonly gone: boolean }> {
  if (document.metadata.deletionTimestamp !== undefined) return { document, gone: false }
  const left = await tx.update(marked(document, caller, now), null)
  return { document: left, gone: (await tx.get(keyOf(document))) === undefined }
}

/** Takes one document away, or marks it while it has finalizers or something still refers to it. */
async function retire(
  tx: WriteTransaction,
  document: Document,
  { referrers }: Planned,
  caller: Caller,
  now: number,
): Promise<{ readonly document: Document; readonly gone: boolean }> {
  if (document.metadata.deletionTimestamp !== undefined) return { document, gone: false }
  const { name, id, finalizers } = document.metadata
  const { total } = await tx.referrers(id, 1)
  if (total > referrers && kindOf(document).kind !== 'Endpoint')
    throw new Fault('conflict', `Something has just begun to use ${document.kind} ${name}. Try again.`, {
      reason: 'raced',
    })
  if (total === 0 && finalizers.length === 0) {
    await tx.remove(document)
    return { document, gone: true }
  }
  return { document: await tx.update(marked(document, caller, now), null), gone: false }
}

function keyOf({ kind, metadata: { workspace, name } }: Document): Key {
  return { kind, workspace, name }
}
