// The order in which documents must be written: what is referred to comes first, whatever the file says.
import { findKind, kinds } from '@switchyard/kinds'
import { readPath } from '../output/cell.ts'
import { shortName } from '../output/formats.ts'
import { sentence } from './place.ts'
import { type Entry, keyOf, refusal } from './read.ts'

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Values at a path; `[]` after a part walks an array. */
function valuesAt(value: unknown, path: string): unknown[] {
  const [before = '', ...after] = path.split('[]')
  const here = readPath(value, before.replace(/^\.|\.$/g, ''))
  if (after.length === 0) return here === undefined ? [] : [here]
  const rest = after.join('[]').replace(/^\./, '')
  const items: unknown[] = Array.isArray(here) ? here : []
  return rest === '' ? items : items.flatMap(item => valuesAt(item, rest))
}

interface Edge {
  readonly path: string
  readonly key: string
}

const edge = (path: string, to: string, workspace: string | null, name: string): Edge[] => {
  const kind = findKind(to)
  return kind
    ? [{ path, key: keyOf({ kind, workspace: kind.scope === 'platform' ? null : workspace, name }) }]
    : []
}

/** Everything that a document refers to: its workspace, its project, and the references of its kind. */
export function referencesOf(entry: Entry): readonly Edge[] {
  const { kind, workspace, manifest } = entry
  const { project } = manifest.metadata
  return [
    ...(workspace === null ? [] : edge('metadata.workspace', 'Workspace', null, workspace)),
    ...(typeof project === 'string' ? edge('metadata.project', 'Project', workspace, project) : []),
    ...kind.references.flatMap(({ path, to }) =>
      valuesAt(manifest, path).flatMap(value => {
        if (to === 'owner' && isRecord(value))
          return edge(path, String(value.kind), workspace, String(value.name))
        if (typeof value !== 'string') return []
        const shared = value.startsWith('platform/')
        return edge(path, to, shared ? null : workspace, shared ? value.slice('platform/'.length) : value)
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
  const words = circle.map(entry => shortName(entry.kind, entry.name)).join(' -> ')
  const first = circle[0]
  return first ? sentence(first.place, '', `these refer to each other in a circle: ${words}`) : words
}
