// Where the references of a document point.
import { valueAt } from '@switchyard/api/selector'
import type { Document, KindInfo } from '../api/catalogue.ts'

export interface Pointer {
  readonly path: string
  readonly kind: string
  readonly workspace: string | null
  readonly name: string
}

interface Found {
  readonly path: string
  readonly value: unknown
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** `[]` after a step walks a list, whose places become steps. */
function valuesAt(value: unknown, path: string): readonly Found[] {
  const cut = path.indexOf('[]')
  if (cut === -1) return [{ path, value: path === '' ? value : valueAt(value, path) }]
  const [list, rest] = [path.slice(0, cut), path.slice(cut + 2).replace(/^\./, '')]
  const items = valueAt(value, list)
  if (!Array.isArray(items)) return []
  return items.flatMap((item: unknown, place) =>
    valuesAt(item, rest).map(found => ({
      ...found,
      path: [list, place, found.path].filter(step => step !== '').join('.'),
    })),
  )
}

/** A name without `platform/` is of the document's own workspace. */
export function pointersOf(
  kind: Pick<KindInfo, 'references'>,
  document: Pick<Document, 'metadata' | 'spec'>,
  scopeOf: (kind: string) => KindInfo['scope'] | undefined,
): readonly Pointer[] {
  const { workspace, project } = document.metadata
  const placeOf = (target: string) => (scopeOf(target) === 'platform' ? null : workspace)
  const pointers = kind.references.flatMap(({ path, to }) =>
    valuesAt(document, path).flatMap((found): readonly Pointer[] => {
      const { value } = found
      if (to === 'owner')
        return isRecord(value) && typeof value.kind === 'string' && typeof value.name === 'string'
          ? [{ path: found.path, kind: value.kind, workspace: placeOf(value.kind), name: value.name }]
          : []
      if (typeof value !== 'string') return []
      return value.startsWith('platform/')
        ? [{ path: found.path, kind: to, workspace: null, name: value.slice('platform/'.length) }]
        : [{ path: found.path, kind: to, workspace: placeOf(to), name: value }]
    }),
  )
  return project
    ? [...pointers, { path: 'metadata.project', kind: 'Project', workspace, name: project }]
    : pointers
}
