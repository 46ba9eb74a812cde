// The id of a request, which can be copied.
import { Typography } from 'antd'
import { useTranslation } from 'react-i18next'
import './words.ts'

interface RequestLinkProps {
  readonly workspace: string
  readonly request: string
}

export function RequestLink({ request }: RequestLinkProps) {
  const { t } = useTranslation('playground')
  return (
    <span className="quiet">
      {t('request')} <Typography.Text copyable>{request}</Typography.Text>
    </span>
  )
}
