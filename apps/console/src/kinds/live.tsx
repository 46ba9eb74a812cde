// The documents of a kind as they stand, for a screen.
import { createContext, type ReactNode, use, useCallback, useMemo, useRef, useSyncExternalStore } from 'react'
import type { KindInfo } from '../api/catalogue.ts'
import { projectOf, usePreferences } from '../preferences.ts'
import type { Changes, Live } from './changes.ts'

const context = createContext<Changes | undefined>(undefined)

export function ChangesProvider({ changes, children }: { changes: Changes; children: ReactNode }) {
  return <context.Provider value={changes}>{children}</context.Provider>
}

export function useChanges(): Changes {
  const changes = use(context)
  if (!changes) throw new TypeError('There are no changes around this.')
  return changes
}

/** Of every workspace. */
export function useLive(kind: string): Live {
  const changes = useChanges()
  const subscribe = useCallback((listener: () => void) => changes.subscribe(kind, listener), [changes, kind])
  return useSyncExternalStore(subscribe, () => changes.current(kind))
}

/** Of several kinds, in their order. */
export function useLives(kinds: readonly string[]): readonly Live[] {
  const changes = useChanges()
  const known = useRef<readonly Live[]>([])
  const all = kinds.join(',')
  const names = useMemo(() => (all === '' ? [] : all.split(',')), [all])
  const subscribe = useCallback(
    (listener: () => void) => {
      const ends = names.map(kind => changes.subscribe(kind, listener))
      return () => {
        for (const end of ends) end()
      }
    },
    [changes, names],
  )
  return useSyncExternalStore(subscribe, () => {
    const now = names.map(kind => changes.current(kind))
    if (now.length !== known.current.length || now.some((live, place) => live !== known.current[place]))
      known.current = now
    return known.current
  })
}

/** Whether documents of a kind are in projects. */
export const isInProjects = ({ kind, scope }: Pick<KindInfo, 'kind' | 'scope'>): boolean =>
  scope !== 'platform' && kind !== 'Project'

/**
 * Of the workspace that is looked at, and those of the platform that every workspace sees; of a project that is looked
 * at, what is in it alone.
 */
export function useLiveHere({ kind, scope }: KindInfo): Live {
  const live = useLive(kind)
  const preferences = usePreferences()
  const { workspace: here } = preferences
  const project = isInProjects({ kind, scope }) ? projectOf(preferences) : ''
  return useMemo(() => {
    if (here === '' || scope === 'platform') return live
    const documents = live.documents.filter(
      ({ metadata }) =>
        (metadata.workspace === here && (project === '' || metadata.project === project)) ||
        (metadata.workspace === null && project === ''),
    )
    return { ...live, documents }
  }, [live, here, scope, project])
}
