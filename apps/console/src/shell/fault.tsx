// A refusal, as a person reads it: what happened, what to do, and each thing that is wrong.
import type { Fault } from '@switchyard/kinds/fault'
import { Alert } from 'antd'
import { useTranslation } from 'react-i18next'

export function FaultAlert({ fault }: { readonly fault: Fault }) {
  const { t } = useTranslation()
  const title = fault.reason === 'unreachable' ? t('faults.offline') : fault.message
  return (
    <Alert
      type="error"
      showIcon
      role="alert"
      className="before-form"
      title={title}
      description={
        fault.details.length > 0 && (
          <ul>
            {fault.details.map(({ path, message }) => (
              <li key={`${path} ${message}`}>
                {path !== '' && <code>{path}</code>} {message}
              </li>
            ))}
          </ul>
        )
      }
    />
  )
}
