// Why a model did not answer: of a limit, whose it is and when it lets the same request pass.
import { Fault } from '@switchyard/kinds/fault'
import { Alert } from 'antd'
import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { limitOf } from '../api/gateway.ts'
import { useSaid } from '../kinds/said.ts'
import { localeOf } from '../parts/numbers.ts'
import { usePreferences } from '../preferences.ts'
import { RequestLink } from './request-link.tsx'
import type { Refused } from './thread.ts'
import './words.ts'

function useNow(until: number | undefined): number {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    if (until === undefined || until <= now) return undefined
    const timer = setTimeout(() => setNow(Date.now()), 1000)
    return () => clearTimeout(timer)
  }, [until, now])
  return now
}

function Wait({ until }: { readonly until: number | undefined }) {
  const { t } = useTranslation('playground')
  const { language } = usePreferences()
  const now = useNow(until)
  if (until === undefined) return t('never')
  if (until <= now) return t('passes')
  const time = new Intl.DateTimeFormat(localeOf(language), { timeStyle: 'medium' }).format(until)
  return t('resets', { time, seconds: Math.ceil((until - now) / 1000) })
}

export function Refusal({ refused }: { readonly refused: Refused }) {
  const { t } = useTranslation('playground')
  const { t: common } = useTranslation()
  const { code, reason, message, request, until } = refused
  const said = useSaid().refusal({ code, reason })
  const limit = code === 'exhausted' ? limitOf(new Fault('exhausted', message)) : undefined
  const known = limit && limit.dimension in dimensions ? dimensions[limit.dimension] : undefined
  return (
    <Alert
      type="error"
      showIcon
      role="alert"
      className="refusal"
      title={
        limit && known
          ? t('limit', { level: t(`levels.${limit.level}`), dimension: t(`dimensions.${known}`) })
          : t('refused')
      }
      description={
        <>
          <p>
            {limit ? (
              <Wait until={until} />
            ) : reason === 'unreachable' ? (
              common('faults.offline')
            ) : (
              <>
                {said && (
                  <>
                    {said.title} <br />
                  </>
                )}
                <span lang="en">{message}</span> <code>{reason}</code>
              </>
            )}
          </p>
          {request !== '' && <RequestLink request={request} />}
        </>
      }
    />
  )
}

const dimensions: Readonly<
  Record<string, 'requests' | 'input tokens' | 'output tokens' | 'tokens' | 'requests at once' | 'money'>
> = {
  requests: 'requests',
  'input tokens': 'input tokens',
  'output tokens': 'output tokens',
  tokens: 'tokens',
  'requests at once': 'requests at once',
  money: 'money',
}
