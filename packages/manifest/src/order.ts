// The order in which documents must be written: what is referred to comes first, whatever the file says.
import { findKind, type Kind, kinds } from '@switchyard/kinds'
import { sentence } from './place.ts'
import { refusal } from './problem.ts'
import { type Entry, keyOf } from './read.ts'

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

interface Found {
  readonly path: string
  readonly value: unknown
}

/** Values at a path, each with its own: `[]` after a part walks an array. */
function valuesAt(value: unknown, path: string): readonly Found[] {
  const [before = '', ...after] = path.split('[]')
  let here = value
  for (const part of before.split('.').filter(Boolean)) here = isRecord(here) ? here[part] : undefined
  if (after.length === 0) return here === undefined ? [] : [{ path, value: here }]
  const rest = after.join('[]').replace(/^\./, '')
  const items: unknown[] = Array.isArray(here) ? here : []
  return items.flatMap((item, index) => {
    const at = `${before}[${index}]`
    if (rest === '') return [{ path: at, value: item }]
    return valuesAt(item, rest).map(found => ({ ...found, path: `${at}.${found.path}` }))
  })
}

/** A place where a document names another one. */
export interface Edge {
  /** With the indexes of lists. */
  readonly path: string
  readonly kind: Kind
  readonly workspace: string | null
  readonly name: string
  /** As `keyOf` writes it. */
  readonly key: string
}

const edge = (path: string, to: string, workspace: string | null, name: string): Edge[] => {
  const kind = findKind(to)
  if (!kind) return []
  const target = { kind, workspace: kind.scope === 'platform' ? null : workspace, name }
  return [{ path, ...target, key: keyOf(target) }]
}

/** Everything that a document refers to: its workspace, its project, and the references of its kind. */
export function referencesOf(entry: Entry): readonly Edge[] {
  const { kind, workspace, manifest } = entry
  const { project } = manifest.metadata
  return [
    ...(workspace === null ? [] : edge('metadata.workspace', 'Workspace', null, workspace)),
    ...(typeof project === 'string' ? edge('metadata.project', 'Project', workspace, project) : []),
    ...kind.references.flatMap(({ path, to }) =>
      valuesAt(manifest, path).flatMap(({ path: at, value }) => {
        if (to === 'owner' && isRecord(value))
          return edge(at, String(value.kind), workspace, String(value.name))
        if (typeof value !== 'string') return []
        const shared = value.startsWith('platform/')
        return edge(at, to, shared ? null : workspace, shared ? value.slice('platform/'.length) : value)
      }),
    ),
  ]
}

const rank = (entry: Entry) => kinds.findIndex(({ kind }) => kind === entry.kind.kind)

/** Kahn's algorithm; of those that are free the earlier kind goes first, then the earlier in the files. */
export function order(entries: readonly Entry[]): readonly Entry[] {
  const byKey = new Map(entries.map(entry => [keyOf(entry), entry]))
  const waits = new Map(
    entries.map(entry => [
      entry,
      new Set(
        referencesOf(entry)
          .flatMap(({ key }) => byKey.get(key) ?? [])
          .filter(other => other !== entry),
      ),
    ]),
  )
  const ordered = new Set<Entry>()
  const left = entries.toSorted((a, b) => rank(a) - rank(b))
  while (left.length > 0) {
    const at = left.findIndex(entry => [...(waits.get(entry) ?? [])].every(other => ordered.has(other)))
    if (at === -1) throw refusal([cycle(left, waits)])
    for (const entry of left.splice(at, 1)) ordered.add(entry)
  }
  return [...ordered]
}

/** One circle among those that wait for each other, as a sentence. */
function cycle(left: readonly Entry[], waits: ReadonlyMap<Entry, ReadonlySet<Entry>>): string {
  const stuck = new Set(left)
  const path: Entry[] = []
  let next = left[0]
  while (next && !path.includes(next)) {
    path.push(next)
    next = [...(waits.get(next) ?? [])].find(other => stuck.has(other))
  }
  const circle = next ? [...path.slice(path.indexOf(next)), next] : path
  const words = circle.map(({ kind, name }) => `${kind.kind.toLowerCase()}/${name}`).join(' -> ')
  const first = circle[0]
  return first ? sentence(first.place, '', `these refer to each other in a circle: ${words}`) : words
}
