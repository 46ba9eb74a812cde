// What the documents of one file mean together: where they point, and what routes make of each other.
import { Fault } from '@switchyard/kinds'
import { unpricedLimits } from './judge-prices.ts'
import { fallbackLoops, hiddenNames, idleTargets, unknownModels } from './judge-routes.ts'
import { nearest } from './nearest.ts'
import { type Edge, order, referencesOf } from './order.ts'
import { type Problem, problemAt } from './problem.ts'
import { type Entry, keyOf } from './read.ts'

export interface JudgeOptions {
  /** Documents that stand elsewhere are another's to look for: the server's, which is asked too. */
  readonly elsewhere: 'warn' | 'ignore'
}

/** What comes with every installation, beside the platform's clusters, engines and roles. */
const shipped: ReadonlySet<string> = new Set(['Workspace|default'])
const shippedKinds: ReadonlySet<string> = new Set(['Cluster', 'Engine', 'Role'])

const isShipped = ({ kind, workspace, name }: Edge) =>
  workspace === null && (shipped.has(`${kind.kind}|${name}`) || shippedKinds.has(kind.kind))

const named = ({ kind, workspace, name }: Pick<Edge, 'kind' | 'workspace' | 'name'>) =>
  `${kind.kind} ${workspace === null && kind.scope === 'either' ? `platform/${name}` : name}`

/** Every problem of documents that are right by themselves, in the order of the file. */
export function judge(entries: readonly Entry[], { elsewhere }: JudgeOptions): readonly Problem[] {
  const byKey = new Map(entries.map(entry => [keyOf(entry), entry]))
  const problems = [
    ...entries.flatMap(entry => pointsSomewhere(entry, byKey, elsewhere)),
    ...hiddenNames(entries),
    ...idleTargets(entries),
    ...unknownModels(entries, byKey),
    ...(elsewhere === 'warn' ? unpricedLimits(entries) : []),
  ]
  const loops = fallbackLoops(entries)
  return [...problems, ...loops, ...(loops.length > 0 ? [] : circles(entries))]
}

function pointsSomewhere(
  entry: Entry,
  byKey: ReadonlyMap<string, Entry>,
  elsewhere: JudgeOptions['elsewhere'],
): readonly Problem[] {
  return referencesOf(entry).flatMap((edge): readonly Problem[] => {
    const { path } = edge
    const target = byKey.get(edge.key)
    if (target === entry)
      return [
        problemAt(entry.place, { path, rule: 'circle', message: 'must be another document than this one' }),
      ]
    if (target) return lent(entry, edge, target)
    if (isShipped(edge) || elsewhere === 'ignore') return []
    const known = [...byKey.values()]
      .filter(({ kind, workspace }) => kind === edge.kind && workspace === edge.workspace)
      .map(({ name }) => name)
    const near = nearest(edge.name, known)
    const message = near
      ? `there is no ${named(edge)} in this file; did you mean ${near}?`
      : `${named(edge)} is not in this file, so it must be there already: look with --server`
    return [problemAt(entry.place, { path, rule: 'elsewhere', message }, 'warning')]
  })
}

/** A platform document may be used by a workspace that it is shared with. */
function lent(entry: Entry, edge: Edge, target: Entry): readonly Problem[] {
  if (edge.kind.scope !== 'either' || target.workspace !== null || entry.workspace === null) return []
  if (edge.kind.kind === 'Role') return []
  const parsed = edge.kind.spec.safeParse(target.manifest.spec ?? {})
  if (!parsed.success) return []
  const { share } = parsed.data as { readonly share?: unknown } // any kind's spec; narrowed below
  if (share === 'all' || (Array.isArray(share) && share.includes(entry.workspace))) return []
  if (share === undefined) return []
  const message = `${named(edge)} is not shared with the workspace ${entry.workspace}: name it in its spec.share`
  return [problemAt(entry.place, { path: edge.path, rule: 'not_shared', message })]
}

/** References that go round: nothing could be written first. */
function circles(entries: readonly Entry[]): readonly Problem[] {
  try {
    order(entries)
    return []
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    const [, line = error.message] = error.message.split('\n')
    const message = line.replace(/^.*?: (?=these refer)/, '').trim()
    const first = entries.find(({ place }) => line.trim().startsWith(`${place.file}:${place.line('') ?? 1}`))
    return first ? [problemAt(first.place, { path: '', rule: 'circle', message })] : []
  }
}
