// What runs here and what is asked of it, at a glance.
import { Fault } from '@switchyard/kinds/fault'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { useMay } from '../api/catalogue.ts'
import { useLive } from '../kinds/live.tsx'
import { Stale } from '../parts/stale.tsx'
import { projectOf, usePreferences } from '../preferences.ts'
import { FaultAlert } from '../shell/fault.tsx'
import { TrafficCharts } from '../traffic/charts.tsx'
import { PeriodSwitch } from '../traffic/period.tsx'
import { periodOf, useTraffic } from '../traffic/traffic.ts'
import { Counts } from './counts.tsx'
import { FirstSteps } from './first-steps.tsx'
import { Numbers } from './numbers.tsx'
import '../traffic/traffic.css'
import '../traffic/words.ts'

function Asked() {
  const { t } = useTranslation('traffic')
  const preferences = usePreferences()
  const { workspace } = preferences
  const period = periodOf(useSearch({ from: '/' }).period)
  const traffic = useTraffic({ period, workspace, project: projectOf(preferences) })
  const { data, error } = traffic
  if (error && !(error instanceof Fault)) throw error
  return (
    <>
      <FirstSteps isAsked={data !== undefined && data.total.requests !== '0'} />
      {error && <FaultAlert fault={error} />}
      <Numbers traffic={data} period={period} />
      <TrafficCharts traffic={data} isLoading={traffic.isPending} />
      <h2 className="section-title">{t('standing')}</h2>
      <Counts />
    </>
  )
}

export function Overview() {
  const { t } = useTranslation()
  const may = useMay()
  const navigate = useNavigate({ from: '/' })
  const period = periodOf(useSearch({ from: '/' }).period)
  const { staleSince } = useLive('Endpoint')
  return (
    <>
      <div className="overview-head">
        <h1>{t('screens.overview')}</h1>
        {may('usage:read') && (
          <PeriodSwitch
            value={period}
            onChange={value => void navigate({ search: { period: value }, replace: true })}
          />
        )}
      </div>
      <Stale since={staleSince} />
      {may('usage:read') ? (
        <Asked />
      ) : (
        <>
          <FirstSteps isAsked />
          <Counts />
        </>
      )}
    </>
  )
}
