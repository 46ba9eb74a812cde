// What a person has chosen in this browser: language, theme, workspace, project, columns.
import { useSyncExternalStore } from 'react'
import type { Language } from './words/index.ts'

export type Theme = 'light' | 'dark' | 'system'

export interface Preferences {
  readonly language: Language
  readonly theme: Theme
  /** Workspace that is looked at; empty for all. */
  readonly workspace: string
  /** Project that is looked at, by workspace; all of them where there is none. */
  readonly projects: Readonly<Record<string, string>>
  /** Keys without Ctrl do something. */
  readonly shortcuts: boolean
  /** Columns that a list hides, by kind. */
  readonly hidden: Readonly<Record<string, readonly string[]>>
}

const place = 'switchyard.preferences'

const initial: Preferences = {
  language: navigator.language.toLowerCase().startsWith('zh') ? 'zh' : 'en',
  theme: 'system',
  workspace: '',
  projects: {},
  shortcuts: true,
  hidden: {},
}

function kept(): Preferences {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(place) ?? '{}')
    return typeof value === 'object' ? { ...initial, ...value } : initial
  } catch {
    return initial // a browser that keeps nothing, or something else's text: begin anew
  }
}

/** The place of an address, `workspace/project`, as choices; none of what is no such place. */
function chosenIn(
  address: string,
  { projects }: Preferences,
): Pick<Preferences, 'workspace' | 'projects'> | undefined {
  const [workspace = '', project = '', ...more] = address.split('/')
  if (workspace === '' || project === '' || more.length > 0) return undefined
  return { workspace, projects: { ...projects, [workspace]: project } }
}

let preferences = kept()
const listeners = new Set<() => void>()

const subscribe = (listener: () => void) => {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

export const currentPreferences = (): Preferences => preferences

export function prefer(changes: Partial<Preferences>): void {
  preferences = { ...preferences, ...changes }
  try {
    localStorage.setItem(place, JSON.stringify(preferences))
  } catch {
    // Chosen for this page alone where the browser keeps nothing.
  }
  for (const listener of listeners) listener()
}

/** Of the workspace that is looked at; empty for all. */
export const projectOf = ({ workspace, projects }: Preferences): string =>
  Object.hasOwn(projects, workspace) ? (projects[workspace] ?? '') : ''

/** What an address says of where one looks: nothing where that is no project. */
export function placeOf(preferences: Preferences): string | undefined {
  const project = projectOf(preferences)
  return preferences.workspace === '' || project === '' ? undefined : `${preferences.workspace}/${project}`
}

export const preferProject = (project: string): void =>
  prefer({ projects: { ...preferences.projects, [preferences.workspace]: project } })

/** Whoever follows a link or goes back to an address looks where it says. */
export const preferPlace = (address: string): void => prefer(chosenIn(address, preferences) ?? {})

export const usePreferences = (): Preferences => useSyncExternalStore(subscribe, currentPreferences)

const darkness = matchMedia('(prefers-color-scheme: dark)')

export const useIsDark = (): boolean => {
  const { theme } = usePreferences()
  const systemIsDark = useSyncExternalStore(
    listener => {
      darkness.addEventListener('change', listener)
      return () => darkness.removeEventListener('change', listener)
    },
    () => darkness.matches,
  )
  return theme === 'system' ? systemIsDark : theme === 'dark'
}
