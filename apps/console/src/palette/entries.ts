// What the palette offers: where to go, whom to look at, what to do.
import { useNavigate, useRouter } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { useMay } from '../api/catalogue.ts'
import { onPlatform } from '../kinds/list.tsx'
import { useLive } from '../kinds/live.tsx'
import { oneOf } from '../kinds/names.ts'
import { prefer, type Theme, usePreferences } from '../preferences.ts'
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

function useActions(help: () => void): readonly Entry[] {
  const { t } = useTranslation('palette')
  const { t: say } = useTranslation()
  const { workspace, theme, language } = usePreferences()
  const may = useMay()
  const session = useSession()
  const { documents } = useLive('Workspace')
  const workspaces = may('workspace:read') ? documents : []
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
