// Where somebody may call models: the workspaces, and the projects of one.
import { useMay } from '../api/catalogue.ts'
import { useLive } from '../kinds/live.tsx'
import { projectOf, usePreferences } from '../preferences.ts'

export interface Choice {
  readonly value: string
  readonly label: string
}

/** Workspaces in which the person holds the permission. */
export function useWorkspaces(permission: string): readonly Choice[] {
  const may = useMay()
  return useLive('Workspace')
    .documents.filter(({ metadata }) => may(permission, metadata.name))
    .map(({ metadata: { name, displayName } }) => ({ value: name, label: displayName ?? name }))
}

export function useProjects(workspace: string): readonly Choice[] {
  return useLive('Project')
    .documents.filter(({ metadata }) => metadata.workspace === workspace)
    .map(({ metadata: { name, displayName } }) => ({ value: name, label: displayName ?? name }))
}

/** The one that is looked at, or the only one; else none is chosen yet. */
export function useFirstWorkspace(choices: readonly Choice[]): string {
  const { workspace } = usePreferences()
  if (choices.some(({ value }) => value === workspace)) return workspace
  return choices.find(({ value }) => value === 'default')?.value ?? choices[0]?.value ?? ''
}

/** The project that is looked at, where that is the workspace. */
export function useFirstProject(workspace: string): string {
  const preferences = usePreferences()
  return preferences.workspace === workspace ? projectOf(preferences) : ''
}
