// References of a document: where they point, and that each target exists, stays, is lent here and may be used.
import { type Detail, type Document, Fault, findKind, type Kind, permissions } from '@switchyard/kinds'
import type { Key, ReferenceTo, Store, WriteTransaction } from '@switchyard/runtime'
import { type Caller, lentTo, missing, permits, readPlace } from './authorize.ts'
import { invalid } from './invalid.ts'
import { isObject } from './merge-patch.ts'
import { valueAt } from './selector.ts'

export interface Pointer {
  readonly path: string
  readonly target: Key
}

/** Where the references of a document point. A name without `platform/` is of the document's own workspace. */
export function pointersOf(
  kind: Kind,
  document: {
    readonly metadata: Pick<Document['metadata'], 'workspace' | 'project'>
    readonly spec: unknown
  },
): readonly Pointer[] {
  const { workspace, project } = document.metadata
  const placed = kind.references.flatMap(({ path, to }) =>
    valuesAt(document, path).map(found => ({ ...found, to })),
  )
  const pointers = placed.flatMap(({ path, value, to }): readonly Pointer[] => {
    if (to === 'owner') {
      if (!isObject(value) || typeof value.kind !== 'string' || typeof value.name !== 'string') return []
      const owner = findKind(value.kind)
      if (!owner) return []
      return [
        {
          path,
          target: {
            kind: owner.kind,
            workspace: owner.scope === 'platform' ? null : workspace,
            name: value.name,
          },
        },
      ]
    }
    if (typeof value !== 'string') return []
    const platform = value.startsWith('platform/')
    const name = platform ? value.slice('platform/'.length) : value
    return [{ path, target: { kind: to, workspace: platform ? null : workspace, name } }]
  })
  if (project === null) return pointers
  return [...pointers, { path: 'metadata.project', target: { kind: 'Project', workspace, name: project } }]
}

/** Values at a path, each with its own path: `[]` after a step walks a list, whose places become steps. */
function valuesAt(
  document: unknown,
  path: string,
): readonly { readonly path: string; readonly value: unknown }[] {
  const cut = path.indexOf('[]')
  if (cut === -1) return [{ path, value: valueAt(document, path) }]
  const [list, rest] = [path.slice(0, cut), path.slice(cut + '[]'.length).replace(/^\./, '')]
  const items: unknown = valueAt(document, list)
  if (!Array.isArray(items)) return []
  return items.flatMap((item: unknown, place) => {
    const found = rest === '' ? [{ path: '', value: item }] : valuesAt(item, rest)
    return found.map(({ path: inner, value }) => ({
      path: [list, place, inner].filter(step => step !== '').join('.'),
      value,
    }))
  })
}

export interface Resolved {
  readonly references: readonly ReferenceTo[]
  /** Target documents by path. */
  readonly targets: ReadonlyMap<string, Document>
}

/** `use` where there is such a permission, else `read`. */
function verbFor(kind: Kind): 'use' | 'read' {
  return permissions.includes(`${kind.noun}:use`) ? 'use' : 'read'
}

const sameKey = (a: Key, b: Key) => a.kind === b.kind && a.workspace === b.workspace && a.name === b.name

/**
 * Locks every target until commit, so that none is deleted meanwhile. Rights are asked for what the write
 * points at anew (`before` is what it pointed at); `known` are people and accounts that it may name.
 */
export async function resolveReferences(
  tx: WriteTransaction,
  caller: Caller,
  document: Pick<Document, 'metadata' | 'spec'>,
  pointers: readonly Pointer[],
  before: readonly Pointer[],
  known: Acquaintances,
): Promise<Resolved> {
  const problems: Detail[] = []
  const targets = new Map<string, Document>()
  // One order for every writer, so that two never wait for each other.
  const ordered = [...pointers].sort((a, b) => keyText(a.target).localeCompare(keyText(b.target)))
  for (const { path, target } of ordered) {
    const kind = findKind(target.kind)
    if (!kind) throw new TypeError(`A reference at ${path} points at ${target.kind}, which is no kind.`)
    // People and accounts are referred to by those who may not list them; the reference itself holds the row.
    const found = (await tx.lock(target, 'share')) ?? known.get(keyText(target))
    const isNew = !before.some(old => old.path === path && sameKey(old.target, target))
    if (!found || (isNew && !lentTo(found, document.metadata.workspace) && !isPrincipal(target))) {
      problems.push({
        path,
        rule: 'reference',
        message: `there is no ${kind.kind} ${nameOf(target)} that may be used here`,
      })
      continue
    }
    if (isNew) checkTarget(caller, kind, found, document, path, problems)
    targets.set(path, found)
  }
  if (problems.length > 0) throw invalid(problems, 'bad_reference')
  const references = pointers.flatMap(({ path }) => {
    const id = targets.get(path)?.metadata.id
    return id === undefined ? [] : [{ path, id }]
  })
  return { references, targets }
}

function checkTarget(
  caller: Caller,
  kind: Kind,
  found: Document,
  { metadata }: Pick<Document, 'metadata'>,
  path: string,
  problems: Detail[],
): void {
  const { name, workspace, deletionTimestamp } = found.metadata
  if (deletionTimestamp !== undefined)
    throw new Fault('conflict', `${kind.kind} ${name} is being deleted and takes no new references.`, {
      reason: 'terminating',
      details: [{ path, rule: 'terminating', message: 'is being deleted' }],
    })
  // A role is given to people by those who may assign it; they need not be able to read the list of people.
  if (isPrincipal({ kind: kind.kind })) return
  const verb = verbFor(kind)
  if (permits(caller, kind, verb, found)) return
  if (permits(caller, kind, 'read', found))
    throw missing(caller, `${kind.noun}:${verb}`, readPlace(found) ?? metadata.workspace)
  const message = `there is no ${kind.kind} ${workspace === null ? `platform/${name}` : name} that may be used here`
  problems.push({ path, rule: 'reference', message })
}

/** Owners and subjects: their own rules (`api_key:any`, what may be granted) stand in the kind's rules. */
export function isPrincipal({ kind }: Pick<Key, 'kind'>): boolean {
  return kind === 'User' || kind === 'ServiceAccount'
}

export function nameOf({ workspace, name }: Pick<Key, 'workspace' | 'name'>): string {
  return workspace === null ? `platform/${name}` : name
}

/** Documents that a write may point at without the right to read them, by `keyText`. */
export type Acquaintances = ReadonlyMap<string, Document>

/**
 * Reads, as the server, the people and accounts that a spec names.
 * Before the write's own transaction: one that waits for a second connection may wait for ever.
 */
export async function acquaint(
  store: Store,
  kind: Kind,
  workspace: string | null,
  spec: unknown,
): Promise<Acquaintances> {
  const owners = kind.references.some(({ to }) => to === 'owner')
    ? pointersOf(kind, { metadata: { workspace, project: null }, spec }).filter(({ target }) =>
        isPrincipal(target),
      )
    : []
  const keys = owners.map(({ target }) => target)
  if (keys.length === 0) return new Map()
  return store.read({ role: 'control' }, async tx => {
    const known = new Map<string, Document>()
    for (const key of keys) {
      const found = await tx.get(key)
      if (found) known.set(keyText(key), found)
    }
    return known
  })
}

export function keyText({ kind, workspace, name }: Key): string {
  return `${kind}\0${workspace ?? ''}\0${name}`
}

/** Whether two lists point at the same targets from the same paths. */
export function samePointers(a: readonly Pointer[], b: readonly Pointer[]): boolean {
  return (
    a.length === b.length &&
    a.every(one => b.some(other => other.path === one.path && sameKey(other.target, one.target)))
  )
}
