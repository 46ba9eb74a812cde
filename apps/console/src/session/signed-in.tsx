// What a tab says in which somebody has signed in again, while the page that they were on waits in another.
import { Link } from '@tanstack/react-router'
import { Typography } from 'antd'
import { useTranslation } from 'react-i18next'

export function SignedIn() {
  const { t } = useTranslation()
  return (
    <>
      <Typography.Title level={1}>{t('signIn.signedIn')}</Typography.Title>
      <Typography.Paragraph>{t('signIn.goOn')}</Typography.Paragraph>
      <Link to="/">{t('page.home')}</Link>
    </>
  )
}
