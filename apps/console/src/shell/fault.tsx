// A refusal, as a person reads it: what happened, what to do, and each thing that is wrong.
import type { Detail, Fault } from '@switchyard/kinds/fault'
import { Alert } from 'antd'
import { useTranslation } from 'react-i18next'
import { useSaid } from '../kinds/said.ts'

/** What the server composed stays as it says it, beneath what the console says of it. */
export function Wrong({ path, rule, message }: Detail) {
  const said = useSaid().rule(rule)
  return (
    <>
      {path !== '' && <code>{path}</code>} {said !== undefined && <>{said} </>}
      <span lang="en" className={said === undefined ? '' : 'quiet'}>
        {message}
      </span>
    </>
  )
}

export function FaultAlert({ fault }: { readonly fault: Fault }) {
  const { t } = useTranslation()
  const said = useSaid()
  const { details, message, reason, retryAfterSeconds } = fault
  const isOffline = reason === 'unreachable'
  const refusal = isOffline ? undefined : said.refusal(fault)
  const again = refusal && retryAfterSeconds !== undefined && t('faults.again', { count: retryAfterSeconds })
  return (
    <Alert
      type="error"
      showIcon
      role="alert"
      className="before-form"
      title={isOffline ? t('faults.offline') : (refusal?.title ?? message)}
      description={
        (refusal || details.length > 0) && (
          <>
            {refusal && (
              <>
                <p>{again || refusal.advice}</p>
                <p lang="en" className="quiet">
                  {message}
                </p>
              </>
            )}
            {details.length > 0 && (
              <ul>
                {details.map(detail => (
                  <li key={`${detail.path} ${detail.message}`}>
                    <Wrong {...detail} />
                  </li>
                ))}
              </ul>
            )}
          </>
        )
      }
    />
  )
}
