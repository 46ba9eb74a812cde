// The rates of a price book as a table that people read.

import type { PriceRate } from '@switchyard/kinds'
import { Alert, Descriptions } from 'antd'
import { useTranslation } from 'react-i18next'
import { Moment } from '../kinds/cells.tsx'
import type { Shown } from '../kinds/own.ts'
import { FactTable } from '../parts/facts.tsx'
import { Money } from '../parts/money.tsx'
import { amountOf, grouped } from '../parts/numbers.ts'
import { usePreferences } from '../preferences.ts'
import { Unit } from '../usage/units.tsx'
import './words.ts'

interface Book {
  readonly side: 'sale' | 'cost'
  readonly currency: string
  readonly from: string
  readonly to?: string
  readonly rates: readonly PriceRate[]
  readonly fees?: readonly { readonly name: string; readonly price: string; readonly workspace?: string }[]
  readonly minimum?: string
  readonly cap?: string
}

/** Beside its model and unit. */
export function useOnly(): (rate: PriceRate) => string {
  const { t } = useTranslation('books')
  return ({ provider, endpoint, tier, region, workspace, context }) => {
    const upstream = provider ?? endpoint
    return [
      upstream && t('upstream', { name: upstream }),
      tier && t('tier', { name: tier }),
      region && t('region', { name: region }),
      workspace && t('workspace', { name: workspace }),
      context &&
        (context.to === undefined
          ? t('context', { from: context.from })
          : t('contextTo', { from: context.from, to: context.to })),
    ]
      .filter(text => text !== undefined && text !== '')
      .join(', ')
  }
}

export function Price({ rate, currency }: { readonly rate: PriceRate; readonly currency: string }) {
  const { t } = useTranslation('books')
  const { language } = usePreferences()
  const { price, per, steps } = rate
  const unit = <span className="quiet">{t('per', { number: grouped(String(per), language) })}</span>
  if (price !== undefined)
    return (
      <>
        <Money amount={price} currency={currency} /> {unit}
      </>
    )
  return (steps ?? []).map(({ upTo, price: its, flat }) => (
    <div key={upTo ?? ''}>
      {upTo === undefined ? t('beyond') : t('upTo', { number: grouped(upTo, language) })}:{' '}
      <Money amount={its} currency={currency} /> {unit}{' '}
      {flat !== undefined && t('flat', { amount: `${amountOf(flat, currency, language)} ${currency}` })}
    </div>
  ))
}

export const priceText = ({ price, per, steps }: PriceRate): string =>
  price !== undefined
    ? `${price} / ${per}`
    : (steps ?? []).map(step => `${step.upTo ?? '…'}: ${step.price} / ${per}`).join('; ')

export default function Rates({ document }: Shown) {
  const { t } = useTranslation('books')
  const only = useOnly()
  const book = document.spec as Book // the catalogue says that it is a price book
  const { phase } = document.status as { readonly phase?: string }
  const { currency } = book
  const isPublished = phase === 'Published'
  const optional = (label: string, amount: string | undefined) =>
    amount === undefined
      ? []
      : [{ key: label, label, children: <Money amount={amount} currency={currency} /> }]
  return (
    <div className="sections">
      {!isPublished && <Alert type="info" showIcon title={t('draft')} />}
      <Descriptions
        bordered
        size="small"
        column={{ xs: 1, lg: 2 }}
        items={[
          { key: 'side', label: t('side'), children: t(`sides.${book.side}`) },
          {
            key: 'holds',
            label: t('holds'),
            children: (
              <span>
                <Moment at={book.from} />{' '}
                {book.to === undefined ? (
                  t('open')
                ) : (
                  <>
                    {t('until')} <Moment at={book.to} />
                  </>
                )}
              </span>
            ),
          },
          ...optional(t('minimum'), book.minimum),
          ...optional(t('cap'), book.cap),
          ...(book.fees ?? []).flatMap(({ name, price, workspace }) =>
            optional([t('fees'), name, workspace].filter(Boolean).join(' · '), price),
          ),
        ]}
      />
      <div>
        <FactTable<PriceRate>
          name={`rates-${document.metadata.name}`}
          label={t('rates')}
          facts={book.rates}
          rowKey={rate => String(book.rates.indexOf(rate))}
          empty={t('noRates')}
          columns={[
            { key: 'model', title: t('model'), text: ({ model }) => model },
            {
              key: 'unit',
              title: t('unit'),
              text: ({ unit }) => unit,
              render: ({ unit }) => <Unit unit={unit} />,
            },
            {
              key: 'price',
              title: t('price'),
              align: 'end',
              text: priceText,
              render: rate => <Price rate={rate} currency={currency} />,
            },
            {
              key: 'charge',
              title: t('charge'),
              text: ({ charge = 'per_unit' }) => charge,
              render: ({ charge = 'per_unit' }) => t(`charges.${charge}`),
            },
            { key: 'only', title: t('only'), text: only },
          ]}
        />
      </div>
    </div>
  )
}
