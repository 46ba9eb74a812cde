// Usage and cost: the totals of a period against the one before, and what they are made of.
import { Fault } from '@switchyard/kinds/fault'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { Typography } from 'antd'
import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import { useMay } from '../api/catalogue.ts'
import { localeOf } from '../parts/numbers.ts'
import { projectOf, usePreferences } from '../preferences.ts'
import { Failed, Forbidden, Loading } from '../shell/states.tsx'
import { Drawing } from './drawing.tsx'
import { before, spanOf } from './period.ts'
import { type Sought, soughtHere, type UsageSearch } from './search.ts'
import { useSums } from './sums.ts'
import { UsageTable } from './table.tsx'
import { Tiles } from './tiles.tsx'
import { DimensionPick, PeriodPick, SoughtPicks } from './tools.tsx'
import './usage.css'
import './words.ts'

function Used({ search }: { readonly search: UsageSearch }) {
  const { t } = useTranslation('usage')
  const preferences = usePreferences()
  const { language, workspace: here } = preferences
  const navigate = useNavigate({ from: '/usage' })
  const { by = 'model', period, from, to, workspace, project, ...rest } = search
  const span = useMemo(
    () => spanOf({ ...(period && { period }), ...(from && { from }), ...(to && { to }) }, new Date()),
    [period, from, to],
  )
  const earlier = useMemo(() => before(span), [span])
  const sought: Sought = { ...rest, ...soughtHere({ workspace, project }, here, projectOf(preferences)) }
  const total = useSums(span, sought, '')
  const totalBefore = useSums(earlier, sought, '')
  const sums = useSums(span, sought, by)
  const sumsBefore = useSums(earlier, sought, by)
  const look = (change: UsageSearch) => void navigate({ search: change, replace: true })
  const failed = [total, totalBefore, sums, sumsBefore].find(({ error }) => error)
  if (failed?.error) {
    if (!(failed.error instanceof Fault)) throw failed.error
    return failed.error.code === 'denied' ? (
      <Forbidden what={t('usage')} permission="usage:read" />
    ) : (
      <Failed fault={failed.error} again={() => void failed.refetch()} />
    )
  }
  const moment = new Intl.DateTimeFormat(localeOf(language), { dateStyle: 'medium', timeStyle: 'short' })
  const [now] = total.data ?? []
  return (
    <>
      <div className="tools">
        <PeriodPick
          value={search}
          onChange={picked => {
            const { period: _, from: __, to: ___, ...kept } = search
            look({ ...kept, ...picked })
          }}
        />
        <span className="spring" />
        <span className="quiet">
          {t('compared', { from: moment.format(earlier.from), to: moment.format(earlier.to) })}
        </span>
      </div>
      <div className="tools">
        <SoughtPicks
          span={span}
          sought={sought}
          onChange={change =>
            look(Object.fromEntries(Object.entries({ ...search, ...change }).filter(([, value]) => value)))
          }
        />
      </div>
      {now ? <Tiles now={now} then={totalBefore.data?.[0]} /> : <Loading />}
      <Drawing span={span} earlier={earlier} sought={sought} />
      <UsageTable
        by={by}
        linked={{ ...search, ...sought }}
        sums={sums.data}
        before={sumsBefore.data}
        tools={<DimensionPick value={by} onChange={dimension => look({ ...search, by: dimension })} />}
      />
    </>
  )
}

export function UsagePage() {
  const { t } = useTranslation()
  const { t: say } = useTranslation('usage')
  const { in: _, ...search } = useSearch({ from: '/usage' })
  const may = useMay()
  return (
    <>
      <Typography.Title level={1}>{t('screens.usage')}</Typography.Title>
      <Typography.Paragraph type="secondary">{say('about')}</Typography.Paragraph>
      {may('usage:read') ? (
        <Used search={search} />
      ) : (
        <Forbidden what={say('usage')} permission="usage:read" />
      )}
    </>
  )
}
