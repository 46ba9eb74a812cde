// The two pages that nobody asks for: one that is not there, and one that failed.
import { Fault } from '@switchyard/kinds/fault'
import { Link } from '@tanstack/react-router'
import { Button } from 'antd'
import { useTranslation } from 'react-i18next'
import { Notice } from './result.tsx'
import { Failed } from './states.tsx'

export function Lost() {
  const { t } = useTranslation()
  return <Notice status="404" title={t('page.lost')} extra={<Link to="/">{t('page.home')}</Link>} />
}

export function Broken({ error, reset }: { readonly error: unknown; readonly reset: () => void }) {
  const { t } = useTranslation()
  if (error instanceof Fault) return <Failed fault={error} again={reset} />
  return (
    <Notice
      status="error"
      title={t('page.broken')}
      subTitle={error instanceof Error ? error.message : String(error)}
      extra={<Button onClick={reset}>{t('list.again')}</Button>}
    />
  )
}
