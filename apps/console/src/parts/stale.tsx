// Says since when what is shown is no longer live; nothing while it is.
import { Alert } from 'antd'
import { useTranslation } from 'react-i18next'
import { usePreferences } from '../preferences.ts'
import { localeOf } from './numbers.ts'

/** Milliseconds since 1970. */
export function Stale({ since }: { readonly since: number | undefined }) {
  const { t } = useTranslation()
  const { language } = usePreferences()
  if (since === undefined) return undefined
  const time = new Intl.DateTimeFormat(localeOf(language), { timeStyle: 'medium' }).format(since)
  return <Alert type="warning" showIcon title={t('shell.stale', { time })} />
}
