// The id of a request, which can be copied and leads to the request.
import { Link } from '@tanstack/react-router'
import { Typography } from 'antd'
import { useTranslation } from 'react-i18next'
import { useMay } from '../api/catalogue.ts'
import './words.ts'

interface RequestLinkProps {
  /** Where it was counted; absent of one that was not. */
  readonly workspace?: string
  readonly request: string
}

export function RequestLink({ workspace, request }: RequestLinkProps) {
  const { t } = useTranslation('playground')
  const may = useMay()
  return (
    <span className="quiet">
      {t('request')}{' '}
      <Typography.Text copyable={{ text: request }}>
        {workspace !== undefined && may('usage:read', workspace) ? (
          <Link to="/requests/$workspace/$request" params={{ workspace, request }}>
            {request}
          </Link>
        ) : (
          request
        )}
      </Typography.Text>
    </span>
  )
}
