// The totals of a period beside those of the one before.
import { Card } from 'antd'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { Change, Count, Money } from '../parts/money.tsx'
import { amountIn, currenciesOf, type Sum } from './sums.ts'
import './words.ts'

function Tile({ title, children, change }: { title: string; children: ReactNode; change: ReactNode }) {
  return (
    <Card size="small" className="tile">
      <span className="quiet">{title}</span>
      <strong>{children}</strong>
      {change}
    </Card>
  )
}

export function Tiles({ now, then }: { readonly now: Sum; readonly then: Sum | undefined }) {
  const { t } = useTranslation('usage')
  const counts = [
    { title: t('requests'), of: ({ requests }: Sum) => requests },
    { title: t('input'), of: ({ tokens }: Sum) => tokens.input },
    { title: t('output'), of: ({ tokens }: Sum) => tokens.output },
  ]
  const sides = ['amount', 'cost', 'margin'] as const
  return (
    <div className="counts">
      {counts.map(({ title, of }) => (
        <Tile key={title} title={title} change={then && <Change now={of(now)} then={of(then)} />}>
          <Count value={of(now)} brief />
        </Tile>
      ))}
      {currenciesOf([now]).flatMap(currency =>
        sides.flatMap(side => {
          const amounts = amountIn(now, currency)
          const value = amounts?.[side]
          if (value === undefined) return []
          const earlier = then && amountIn(then, currency)?.[side]
          return [
            <Tile
              key={`${side} ${currency}`}
              title={t(side, { currency })}
              change={
                value !== null && earlier !== undefined && earlier !== null ? (
                  <Change now={value} then={earlier} />
                ) : undefined
              }
            >
              {value === null ? t('unknown') : <Money amount={value} currency={currency} rough />}
            </Tile>,
          ]
        }),
      )}
    </div>
  )
}
