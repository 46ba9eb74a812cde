// A one-time link, shown this once to whoever made it.
import { Alert, Typography } from 'antd'
import { useTranslation } from 'react-i18next'
import { usePreferences } from '../preferences.ts'
import type { MadeLink } from './asked.ts'
import './words.ts'

export function OnceLink({ title, link: { url, expiresAt } }: { title: string; link: MadeLink }) {
  const { t } = useTranslation('people')
  const { language } = usePreferences()
  const time = new Date(expiresAt).toLocaleString(language === 'zh' ? 'zh-CN' : 'en', {
    dateStyle: 'medium',
    timeStyle: 'short',
  })
  return (
    <Alert
      type="success"
      showIcon
      className="before-form"
      title={title}
      description={
        url === undefined ? (
          t('mailed')
        ) : (
          <>
            <p>
              {t('linkOnce')} {t('until', { time })}
            </p>
            <Typography.Text copyable={{ text: url }} code className="once-link">
              {url}
            </Typography.Text>
          </>
        )
      }
    />
  )
}
