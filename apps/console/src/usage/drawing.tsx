// The usage of a period over time beside that of the period before, by the hour or by the day of the person's calendar.
import { Segmented } from 'antd'
import { useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Chart } from '../parts/chart.tsx'
import { useMeasures } from '../parts/measures.ts'
import { type Span, stepsOf } from './period.ts'
import type { Sought } from './search.ts'
import { amountIn, currenciesOf, type Sum, useSums } from './sums.ts'
import './words.ts'

interface DrawingProps {
  readonly span: Span
  readonly earlier: Span
  readonly sought: Sought
}

/** A drawing is as fine as its pixels: floats will do. */
function drawn(sums: readonly Sum[] | undefined, steps: readonly number[], of: (sum: Sum) => string) {
  const values = steps.map(() => 0)
  for (const sum of sums ?? []) {
    const at = Date.parse(sum.group.hour ?? '')
    const index = steps.findLastIndex(step => step <= at)
    if (index >= 0) values[index] = (values[index] ?? 0) + Number(of(sum))
  }
  return values
}

export function Drawing({ span, earlier, sought }: DrawingProps) {
  const { t } = useTranslation('usage')
  const { short, count } = useMeasures()
  const now = useSums(span, sought, 'hour')
  const then = useSums(earlier, sought, 'hour')
  const currencies = currenciesOf(now.data ?? [])
  const [chosen, choose] = useState<string>()
  const what = chosen ?? currencies[0] ?? ''
  const steps = useMemo(() => stepsOf(span), [span])
  const lines = useMemo(() => {
    const of = (sum: Sum) => (what === '' ? sum.requests : (amountIn(sum, what)?.amount ?? '0'))
    const label = what === '' ? t('chart.requests') : t('chart.amount', { currency: what })
    const length = span.from.getTime() - earlier.from.getTime()
    const past = steps.map(step => step - length)
    return [
      { label, values: drawn(now.data, steps, of) },
      { label: t('chart.before'), values: drawn(then.data, past, of), isDashed: true },
    ]
  }, [now.data, then.data, steps, what, span, earlier, t])
  const title = lines[0]?.label ?? ''
  return (
    <section className="drawing">
      {currencies.length > 0 && (
        <Segmented<string>
          aria-label={t('drawn')}
          value={what}
          options={[
            ...currencies.map(currency => ({ value: currency, label: t('chart.amount', { currency }) })),
            { value: '', label: t('chart.requests') },
          ]}
          onChange={choose}
        />
      )}
      <Chart
        title={title}
        times={steps}
        lines={lines}
        format={
          what === '' ? short : value => (value < 1 ? String(Number(value.toPrecision(3))) : count(value))
        }
        isLoading={now.isPending}
        height={180}
      />
    </section>
  )
}
