// Where one can go: the screens and the lists of kinds, as far as the person may see them.
import { useTranslation } from 'react-i18next'
import { useCatalogue, useMay } from '../api/catalogue.ts'
import { titleOf } from '../kinds/names.ts'
import { usePreferences } from '../preferences.ts'
import { screens } from '../shell/screens.ts'

export interface Place {
  /** Below `/console`. */
  readonly to: string
  readonly title: string
  /** Pressed after `g`. */
  readonly key: string | undefined
}

/** By address; a letter for what people go to every day. */
const letters: Readonly<Record<string, string>> = {
  '/': 'o',
  '/endpoints': 'e',
  '/models': 'm',
  '/routes': 'r',
  '/providers': 'p',
  '/apikeys': 'k',
  '/playground': 'y',
  '/requests': 'q',
  '/usage': 'u',
  '/invoices': 'i',
  '/budgets': 'b',
  '/audit': 'a',
  '/workspaces': 'w',
  '/clusters': 'c',
  '/deploy': 'd',
  '/settings': 's',
}

export function usePlaces(): readonly Place[] {
  const { t } = useTranslation()
  const { language } = usePreferences()
  const catalogue = useCatalogue()
  const may = useMay()
  const placed = (to: string, title: string): Place => ({ to, title, key: letters[to] })
  return [
    ...screens
      .filter(({ permission }) => permission === undefined || may(permission))
      .map(({ to, title }) => placed(to, t(`screens.${title}`))),
    ...catalogue
      .filter(({ noun }) => may(`${noun}:read`))
      .map(kind => placed(`/${kind.plural}`, titleOf(kind, language))),
  ]
}
