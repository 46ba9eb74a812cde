// What the usage of a period is made of, by one dimension, beside what it was before.
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { type FactColumn, FactTable } from '../parts/facts.tsx'
import { Change, Count, Money } from '../parts/money.tsx'
import { changeOf, compareDecimals } from '../parts/numbers.ts'
import type { Dimension, UsageSearch } from './search.ts'
import { amountIn, currenciesOf, dearestFirst, type Sum } from './sums.ts'
import './words.ts'

interface UsageTableProps {
  readonly by: Dimension
  readonly sums: readonly Sum[] | undefined
  readonly before: readonly Sum[] | undefined
  readonly tools: ReactNode
  /** What is looked for: rows lead to their requests in it. */
  readonly linked: UsageSearch
}

export function UsageTable({ by, sums, before = [], tools, linked }: UsageTableProps) {
  const { t } = useTranslation('usage')
  const title = t(`dimensions.${by}`)
  const { by: _, ...sought } = linked
  const earlier = new Map(before.map(sum => [sum.group[by] ?? null, sum]))
  const then = (sum: Sum) => earlier.get(sum.group[by] ?? null)
  const count = (key: 'requests' | 'input' | 'output', of: (sum: Sum) => string): FactColumn<Sum> => ({
    key,
    title: t(key),
    align: 'end',
    text: of,
    render: sum => <Count value={of(sum)} />,
    order: (one, other) => compareDecimals(of(one), of(other)),
  })
  const change = (key: string, name: string, of: (sum: Sum) => string): FactColumn<Sum> => {
    const was = (sum: Sum) => {
      const past = then(sum)
      return past ? of(past) : '0'
    }
    return {
      key,
      title: name,
      align: 'end',
      text: sum => changeOf(of(sum), was(sum)) ?? '',
      render: sum => <Change now={of(sum)} then={was(sum)} />,
    }
  }
  const money = (currency: string): readonly FactColumn<Sum>[] => {
    const amount = (sum: Sum) => amountIn(sum, currency)?.amount ?? '0'
    const inside = (sums ?? []).flatMap(sum => amountIn(sum, currency) ?? [])
    return [
      {
        key: `amount ${currency}`,
        title: t('amount', { currency }),
        align: 'end',
        text: amount,
        render: sum => <Money amount={amount(sum)} currency={currency} />,
        order: (one, other) => compareDecimals(amount(one), amount(other)),
      },
      change(`change ${currency}`, t('amountChange', { currency }), amount),
      ...(['cost', 'margin'] as const)
        .filter(side => inside.some(amounts => amounts[side] !== undefined))
        .map((side): FactColumn<Sum> => {
          const value = (sum: Sum) => amountIn(sum, currency)?.[side] ?? ''
          return {
            key: `${side} ${currency}`,
            title: t(side, { currency }),
            align: 'end',
            text: value,
            render: sum =>
              value(sum) === '' ? (
                <span className="quiet">{t('unknown')}</span>
              ) : (
                <Money amount={value(sum)} currency={currency} />
              ),
            order: (one, other) => compareDecimals(value(one), value(other)),
          }
        }),
    ]
  }
  return (
    <FactTable<Sum>
      name={`usage-by-${by}`}
      label={t('table', { by: title })}
      tools={tools}
      facts={dearestFirst(sums ?? [])}
      isPending={sums === undefined}
      rowKey={sum => JSON.stringify(sum.group[by] ?? null)}
      empty={t('none')}
      columns={[
        {
          key: by,
          title,
          text: sum => sum.group[by] ?? '',
          render: sum => {
            const value = sum.group[by]
            if (value === undefined || value === null) return <span className="quiet">{t('noValue')}</span>
            return (
              <Link
                to="/requests"
                search={{ period: '7d', ...sought, [by]: value }}
                aria-label={t('requestsOf', { what: value })}
              >
                {value}
              </Link>
            )
          },
        },
        count('requests', ({ requests }) => requests),
        change('requestsChange', t('requestsChange'), ({ requests }) => requests),
        count('input', ({ tokens }) => tokens.input),
        count('output', ({ tokens }) => tokens.output),
        ...currenciesOf([...(sums ?? []), ...before]).flatMap(money),
      ]}
    />
  )
}
