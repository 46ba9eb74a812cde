// Documents of a kind that the person may not be allowed to see: then there are none, and it is known why.
import type { Document as AnyDocument } from '@switchyard/kinds'
import { useCallback, useSyncExternalStore } from 'react'
import { useCatalogue, useMay } from '../api/catalogue.ts'
import { useChanges } from './live.tsx'

export interface Seen<T> {
  readonly documents: readonly T[]
  readonly isComplete: boolean
  /** Whether the person may see any. */
  readonly isAllowed: boolean
}

/** Of every workspace. The caller names the type of the kind's documents. */
export function useSeen<T extends AnyDocument = AnyDocument>(name: string): Seen<T> {
  const changes = useChanges()
  const may = useMay()
  const kind = useCatalogue().find(one => one.kind === name)
  const isAllowed = kind !== undefined && may(`${kind.noun}:read`)
  const subscribe = useCallback(
    (listener: () => void) => (isAllowed ? changes.subscribe(name, listener) : () => undefined),
    [changes, name, isAllowed],
  )
  const live = useSyncExternalStore(subscribe, () => changes.current(name))
  return {
    documents: live.documents as readonly T[], // of this kind, as the server has read them by its schema
    isComplete: !isAllowed || live.isComplete || live.fault !== undefined,
    isAllowed,
  }
}

type Named = Pick<AnyDocument, 'metadata'>

/** How a document of `workspace` refers to this one. */
export const referenceTo = ({ metadata: { workspace, name } }: Named): string =>
  workspace === null ? `platform/${name}` : name

/** Whether a reference within `workspace` means this document. */
export function isMeant({ metadata }: Named, reference: string | undefined, workspace: string): boolean {
  if (reference === undefined) return false
  return metadata.workspace === null
    ? reference === `platform/${metadata.name}`
    : metadata.workspace === workspace && reference === metadata.name
}

/** Whether documents of `workspace` may refer to it: its own, and what the platform lends. */
export function isLent(
  { metadata, spec }: Named & { readonly spec: { readonly share: string | readonly string[] } },
  workspace: string,
): boolean {
  if (metadata.workspace !== null) return metadata.workspace === workspace
  return spec.share === 'all' || (Array.isArray(spec.share) && spec.share.includes(workspace))
}
