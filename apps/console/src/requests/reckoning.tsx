// What an event of a request has counted, and how its amount comes about, unit by unit.
import { Link } from '@tanstack/react-router'
import { Typography } from 'antd'
import { useTranslation } from 'react-i18next'
import { useMay } from '../api/catalogue.ts'
import { onPlatform } from '../kinds/names.ts'
import { type FactColumn, FactTable } from '../parts/facts.tsx'
import { Count, Money } from '../parts/money.tsx'
import { Unit } from '../usage/units.tsx'
import { type Counted, countsOf, type Line, type UsageEvent } from './request.ts'
import './words.ts'

function Rate({ line: { book, version, place } }: { readonly line: Line }) {
  const { t } = useTranslation('requests')
  const may = useMay()
  const text = t('rateOf', { book, version, place: place + 1 })
  return may('price_book:read', null) ? (
    <Link to="/$plural/$workspace/$name" params={{ plural: 'pricebooks', workspace: onPlatform, name: book }}>
      {text}
    </Link>
  ) : (
    text
  )
}

export function Reckoning({ event }: { readonly event: UsageEvent }) {
  const { t } = useTranslation('requests')
  const { currency, lines, posted } = event
  const quantities: readonly FactColumn<Counted>[] = [
    {
      key: 'unit',
      title: t('unit'),
      text: ({ unit }) => unit,
      render: ({ unit }) => <Unit unit={unit} />,
    },
    {
      key: 'quantity',
      title: t('quantity'),
      align: 'end',
      text: ({ quantity }) => quantity,
      render: ({ quantity }) => <Count value={quantity} />,
    },
  ]
  const isTold = lines.length > 0 && currency !== null
  return (
    <>
      {isTold ? (
        <FactTable<Line>
          name={`request-${event.request}`}
          label={t('arithmetic')}
          facts={lines}
          rowKey={({ side, unit, place }) => `${side} ${unit} ${place}`}
          empty={t('noLines')}
          tools={<strong>{t('arithmetic')}</strong>}
          columns={[
            {
              key: 'side',
              title: t('side'),
              text: ({ side }) => side,
              render: ({ side }) => t(`sides.${side}`),
            },
            ...quantities,
            {
              key: 'reckoning',
              title: t('reckoning'),
              text: ({ arithmetic }) => arithmetic,
              render: ({ arithmetic }) => <code>{arithmetic}</code>,
            },
            {
              key: 'rate',
              title: t('rate'),
              text: ({ book, version, place }) => `${book} v${version} rates[${place}]`,
              render: line => <Rate line={line} />,
            },
            {
              key: 'amount',
              title: t('amount'),
              align: 'end',
              text: ({ amount }) => amount,
              render: ({ amount }) => <Money amount={amount} currency={currency} />,
            },
          ]}
        />
      ) : (
        <FactTable
          name={`request-${event.request}`}
          label={t('counts')}
          facts={countsOf(event)}
          rowKey={({ unit }) => unit}
          empty={t('noCounts')}
          tools={
            <>
              <strong>{t('counts')}</strong> <span className="quiet">{t('noLines')}</span>
            </>
          }
          columns={quantities}
        />
      )}
      {isTold && (
        <Typography.Paragraph className="totals">
          {event.amount !== null && (
            <span>
              {t('amount')}{' '}
              <strong>
                <Money amount={event.amount} currency={currency} />
              </strong>
            </span>
          )}
          {event.cost !== null && (
            <span>
              {t('cost')}{' '}
              <strong>
                <Money amount={event.cost} currency={currency} />
              </strong>
            </span>
          )}
          <span>
            {t('posted')}{' '}
            {posted.length === 0
              ? t('notPosted')
              : posted.map(({ transaction, amount, currency: of }) => (
                  <Link key={transaction} to="/balances" search={{ workspace: event.workspace }}>
                    {t('transaction', { number: transaction })}: <Money amount={amount} currency={of} />
                  </Link>
                ))}
          </span>
        </Typography.Paragraph>
      )}
    </>
  )
}
