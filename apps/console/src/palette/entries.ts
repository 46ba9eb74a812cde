// What the palette offers: where to go, whom to look at, what to do.
import { useNavigate, useRouter } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { useCatalogue, useMay } from '../api/catalogue.ts'
import { oneOf, onPlatform } from '../kinds/names.ts'
import { useSeen } from '../kinds/seen.ts'
import { prefer, preferProject, projectOf, type Theme, usePreferences } from '../preferences.ts'
import { useSession } from '../session/context.tsx'
import { type Language, languages } from '../words/index.ts'
import { useFound } from './found.ts'
import { usePlaces } from './places.ts'

export interface Entry {
  readonly id: string
  readonly label: string
  /** Which of several of one name. */
  readonly hint?: string
  readonly run: () => void
}

export interface Section {
  readonly title: 'screens' | 'documents' | 'actions'
  readonly entries: readonly Entry[]
}

/** Every word of what was written is somewhere in it; what begins with it comes first. */
export function matching(entries: readonly Entry[], text: string): readonly Entry[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  const [first] = words
  if (first === undefined) return entries
  const rank = ({ label }: Entry) => (label.toLowerCase().startsWith(first) ? 0 : 1)
  return entries
    .filter(({ label, hint = '', id }) => {
      const whole = `${label} ${hint} ${id}`.toLowerCase()
      return words.every(word => whole.includes(word))
    })
    .sort((one, other) => rank(one) - rank(other))
}

/** Where something new is made, as far as the person may. */
function useCreating(): readonly Entry[] {
  const { t } = useTranslation('palette')
  const { language } = usePreferences()
  const catalogue = useCatalogue()
  const may = useMay()
  const navigate = useNavigate()
  return catalogue
    .filter(({ system, noun, heldAbove, scope }) => {
      const place = heldAbove || scope === 'platform' ? null : undefined
      return !system && may(`${noun}:create`, place)
    })
    .map(kind => ({
      id: `create ${kind.kind} ${kind.noun}`,
      label: t('create', { kind: oneOf(kind, language) }),
      run: () => void navigate({ to: '/$plural/new', params: { plural: kind.plural } }),
    }))
}

/** The projects of the workspace that is looked at. */
function useProjects(): readonly Entry[] {
  const { t } = useTranslation('palette')
  const preferences = usePreferences()
  const may = useMay()
  const { documents } = useSeen('Project')
  const { workspace } = preferences
  if (workspace === '' || !may('project:read', workspace)) return []
  const project = projectOf(preferences)
  const here = documents.filter(
    ({ metadata }) => metadata.workspace === workspace && metadata.name !== project,
  )
  return [
    ...(project === ''
      ? []
      : [{ id: 'every project', label: t('allProjects'), run: () => preferProject('') }]),
    ...here.map(({ metadata: { name, displayName } }) => ({
      id: `project ${name}`,
      label: t('project', { name: displayName ?? name }),
      run: () => preferProject(name),
    })),
  ]
}

function useActions(help: () => void): readonly Entry[] {
  const { t } = useTranslation('palette')
  const { t: say } = useTranslation()
  const { workspace, theme, language } = usePreferences()
  const session = useSession()
  const { documents: workspaces } = useSeen('Workspace')
  const creating = useCreating()
  const projects = useProjects()
  const signOut = async () => {
    await session.signOut()
    location.reload()
  }
  return [
    ...(workspace === ''
      ? []
      : [{ id: 'everywhere', label: t('everywhere'), run: () => prefer({ workspace: '' }) }]),
    ...workspaces
      .filter(({ metadata }) => metadata.name !== workspace)
      .map(({ metadata: { name, displayName } }) => ({
        id: `workspace ${name}`,
        label: t('workspace', { name: displayName ?? name }),
        run: () => prefer({ workspace: name }),
      })),
    ...projects,
    ...(['light', 'dark', 'system'] as const satisfies readonly Theme[])
      .filter(one => one !== theme)
      .map(one => ({
        id: `theme ${one}`,
        label: t('theme', { name: say(`shell.${one}`) }),
        run: () => prefer({ theme: one }),
      })),
    ...(Object.keys(languages) as Language[]) // its own keys
      .filter(one => one !== language)
      .map(one => ({
        id: `language ${one}`,
        label: t('language', { name: languages[one] }),
        run: () => prefer({ language: one }),
      })),
    ...creating,
    { id: 'shortcuts', label: t('shortcuts'), run: help },
    { id: 'sign out', label: say('shell.signOut'), run: () => void signOut() },
  ]
}

export function useSections(text: string, help: () => void) {
  const navigate = useNavigate()
  const router = useRouter()
  const { language } = usePreferences()
  const places = usePlaces()
  const actions = useActions(help)
  const found = useFound(text)
  const screens = places.map(({ to, title }) => ({
    id: to,
    label: title,
    run: () => router.history.push(`/console${to}`),
  }))
  const documents = (found.data ?? []).map(({ kind, document: { metadata } }) => ({
    id: metadata.id,
    label: metadata.displayName ?? metadata.name,
    hint: [oneOf(kind, language), metadata.workspace].filter(Boolean).join(' · '),
    run: () =>
      void navigate({
        to: '/$plural/$workspace/$name',
        params: { plural: kind.plural, workspace: metadata.workspace ?? onPlatform, name: metadata.name },
      }),
  }))
  const sections: readonly Section[] = [
    { title: 'screens', entries: matching(screens, text) },
    { title: 'documents', entries: text.trim().length > 1 ? documents : [] },
    { title: 'actions', entries: matching(actions, text) },
  ]
  return {
    sections: sections.filter(({ entries }) => entries.length > 0),
    isLooking: found.isFetching,
    hasFailed: found.isError,
  }
}
