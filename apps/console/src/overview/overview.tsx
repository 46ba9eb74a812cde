// What runs here, at a glance: how many of each kind there are, and which want attention.
import { valueAt } from '@switchyard/api/selector'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Card } from 'antd'
import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import { type KindInfo, useCatalogue, useMay } from '../api/catalogue.ts'
import { useLiveHere } from '../kinds/live.tsx'
import { titleOf } from '../kinds/names.ts'
import { isTroubled, PhaseTag } from '../kinds/phase.tsx'
import { Chart } from '../parts/chart.tsx'
import { useMeasures } from '../parts/measures.ts'
import { usePreferences } from '../preferences.ts'
import { useExchange } from '../session/context.tsx'
import './words.ts'

const shown = ['Endpoint', 'Model', 'Provider', 'Route', 'ApiKey', 'Budget', 'Cluster', 'User']

function Count({ kind }: { readonly kind: KindInfo }) {
  const { language } = usePreferences()
  const { documents, isComplete } = useLiveHere(kind)
  const troubled = documents.filter(document => isTroubled(valueAt(document, 'status.phase')))
  return (
    <Link to="/$plural" params={{ plural: kind.plural }} className="count">
      <Card size="small" hoverable>
        <span className="quiet">{titleOf(kind, language)}</span>
        <strong>{isComplete ? documents.length : '…'}</strong>
        {troubled.slice(0, 2).map(({ metadata, status }) => (
          <span key={metadata.id} className="troubled">
            {metadata.name} <PhaseTag phase={valueAt(status, 'phase')} />
          </span>
        ))}
      </Card>
    </Link>
  )
}

interface Sums {
  readonly items: readonly { readonly group: { readonly hour: string }; readonly requests: string }[]
}

const hour = 3_600_000

function Requests() {
  const { t } = useTranslation('overview')
  const { short } = useMeasures()
  const exchange = useExchange()
  const { workspace } = usePreferences()
  const to = (Math.floor(Date.now() / hour) + 1) * hour
  const sums = useQuery({
    queryKey: ['usage', 'hour', workspace, to],
    queryFn: async () =>
      (
        await exchange.send({
          method: 'GET',
          path: '/api/v1/usage',
          query: {
            by: 'hour',
            from: new Date(to - 24 * hour).toISOString(),
            to: new Date(to).toISOString(),
            workspace: workspace || undefined,
          },
        })
      ).body as Sums, // the console and the server are built together
  })
  const { data } = sums
  const times = useMemo(() => Array.from({ length: 24 }, (_, at) => to - (24 - at) * hour), [to])
  const lines = useMemo(() => {
    const counts = new Map(
      data?.items.map(({ group, requests }) => [Date.parse(group.hour), Number(requests)]),
    )
    return [
      { label: t('requests'), values: counts.size === 0 ? [] : times.map(time => counts.get(time) ?? 0) },
    ]
  }, [data, times, t])
  const range = useMemo(() => [to - 24 * hour, to] as const, [to])
  return (
    <Chart
      title={t('requests')}
      times={times}
      lines={lines}
      format={short}
      shape="bars"
      range={range}
      isLoading={sums.isPending}
    />
  )
}

export function Overview() {
  const { t } = useTranslation()
  const catalogue = useCatalogue()
  const may = useMay()
  const kinds = shown.flatMap(name => {
    const kind = catalogue.find(one => one.kind === name)
    return kind && may(`${kind.noun}:read`) ? [kind] : []
  })
  return (
    <>
      <h1>{t('screens.overview')}</h1>
      <div className="counts">
        {kinds.map(kind => (
          <Count key={kind.kind} kind={kind} />
        ))}
      </div>
      {may('usage:read') && <Requests />}
    </>
  )
}
