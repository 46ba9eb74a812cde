// What an endpoint was asked over a time.
import { Fault } from '@switchyard/kinds/fault'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { useMay } from '../api/catalogue.ts'
import type { Shown } from '../kinds/own.ts'
import { Failed, Forbidden } from '../shell/states.tsx'
import { TrafficCharts } from '../traffic/charts.tsx'
import { PeriodSwitch } from '../traffic/period.tsx'
import { periodOf, useTraffic } from '../traffic/traffic.ts'
import './words.ts'

function Metrics({ workspace, endpoint }: { readonly workspace: string; readonly endpoint: string }) {
  const navigate = useNavigate({ from: '/$plural/$workspace/$name' })
  const period = periodOf(useSearch({ from: '/$plural/$workspace/$name' }).period)
  const traffic = useTraffic({ period, workspace, endpoint })
  const { error } = traffic
  if (error) {
    if (!(error instanceof Fault)) throw error
    return <Failed fault={error} again={() => void traffic.refetch()} />
  }
  return (
    <>
      <PeriodSwitch
        value={period}
        onChange={value => void navigate({ search: before => ({ ...before, period: value }), replace: true })}
      />
      <TrafficCharts traffic={traffic.data} isLoading={traffic.isPending} />
    </>
  )
}

export default function MetricsTab({ document: { metadata } }: Shown) {
  const { t } = useTranslation('endpoint')
  const may = useMay()
  const { workspace, name } = metadata
  if (!may('usage:read', workspace)) return <Forbidden what={t('logsForbidden')} permission="usage:read" />
  return <Metrics workspace={workspace ?? ''} endpoint={name} />
}
