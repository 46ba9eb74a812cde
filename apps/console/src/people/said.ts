// Permissions, sources and subjects of roles in the words of the person.
import { useTranslation } from 'react-i18next'
import { useCatalogue } from '../api/catalogue.ts'
import { manyOf } from '../kinds/names.ts'
import { usePreferences } from '../preferences.ts'
import type { Source } from './asked.ts'
import './words.ts'

export interface Words {
  noun(noun: string): string
  verb(verb: string): string
  /** `Endpoints: read`. */
  permission(permission: string): string
  source(source: Source): string
}

const raised = (text: string) => text.charAt(0).toUpperCase() + text.slice(1)

export function useRightsWords(): Words {
  const { t, i18n } = useTranslation('people')
  const { language } = usePreferences()
  const catalogue = useCatalogue()
  const told = (key: string, otherwise: string): string =>
    i18n.exists(key, { ns: 'people' }) ? t(key as 'verbs.read') : otherwise // one of the keys that exist
  const noun = (name: string) => {
    const kind = catalogue.find(each => each.noun === name)
    return raised(kind ? manyOf(kind, language) : told(`nouns.${name}`, name))
  }
  const verb = (name: string) => told(`verbs.${name}`, name)
  return {
    noun,
    verb,
    permission(permission) {
      const [what = '', how = ''] = permission.split(':')
      return language === 'zh' ? `${verb(how)}${noun(what)}` : `${noun(what)}: ${verb(how).toLowerCase()}`
    },
    source({ role, group, provider, assignment, workspace }) {
      const parts = [
        role?.replace('platform/', '') ?? (provider === undefined ? '' : t('mapping', { provider })),
        ...(group === undefined ? [] : [t('group', { group })]),
        workspace ?? t('everywhere'),
        ...(assignment ? [assignment.name] : []),
      ]
      return parts.filter(part => part !== '').join(' · ')
    },
  }
}
