// The charts of what was asked: how much and how it ended, how long it took to the end and to the first token, and
// tokens.
import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import { Chart, type ChartProps, type Line } from '../parts/chart.tsx'
import { useMeasures } from '../parts/measures.ts'
import type { Traffic } from './traffic.ts'
import './traffic.css'
import './words.ts'

interface TrafficChartsProps {
  readonly traffic: Traffic | undefined
  readonly isLoading: boolean
}

type Step = Traffic['steps'][number]

const nothing: readonly never[] = []

export function TrafficCharts({ traffic, isLoading }: TrafficChartsProps) {
  const { t } = useTranslation('traffic')
  const { short, duration } = useMeasures()
  const lines = useMemo(() => {
    const steps = traffic?.steps ?? nothing
    const isEmpty = steps.every(step => step === undefined)
    const line = (label: string, value: (step: Step) => number | null, isDashed = false): Line => ({
      label,
      values: isEmpty ? nothing : steps.map(value),
      isDashed,
    })
    const errors = (of: 'client' | 'server' | 'gone') => (step: Step) => Number(step?.errors[of] ?? 0)
    const all = (step: Step) => Number(step?.requests ?? 0)
    const kinds = ['client', 'server', 'gone'] as const
    return {
      requests: [
        line(t('answered'), step => kinds.reduce((rest, kind) => rest - errors(kind)(step), all(step))),
        ...kinds.map(kind => line(t(kind), errors(kind))),
      ],
      duration: [
        line(t('p50'), step => step?.seconds?.p50 ?? null),
        line(t('p95'), step => step?.seconds?.p95 ?? null, true),
      ],
      firstToken: [
        line(t('p50'), step => step?.firstToken?.p50 ?? null),
        line(t('p95'), step => step?.firstToken?.p95 ?? null, true),
      ],
      tokens: [
        line(t('input'), step => Number(step?.tokens.input ?? 0)),
        line(t('output'), step => Number(step?.tokens.output ?? 0)),
      ],
    }
  }, [traffic, t])
  const common: Pick<ChartProps, 'times' | 'range' | 'isLoading'> = {
    times: traffic?.times ?? nothing,
    isLoading,
    ...(traffic && { range: traffic.range }),
  }
  return (
    <div className="charts">
      <Chart {...common} title={t('requests')} lines={lines.requests} format={short} shape="bars" />
      <Chart {...common} title={t('duration')} lines={lines.duration} format={duration} />
      <Chart {...common} title={t('firstTokens')} lines={lines.firstToken} format={duration} />
      <Chart {...common} title={t('tokens')} lines={lines.tokens} format={short} shape="bars" />
    </div>
  )
}
