// What a provider costs us, by the rates of the books of costs that are for it.
import type { Document, PriceRate } from '@switchyard/kinds'
import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { Price, priceText, useOnly } from '../books/rates.tsx'
import { onPlatform } from '../kinds/names.ts'
import { useSeen } from '../kinds/seen.ts'
import { FactTable } from '../parts/facts.tsx'
import { Unit } from '../usage/units.tsx'
import type { ProviderDocument } from './documents.ts'
import './words.ts'

interface BookDocument extends Document {
  readonly spec: {
    readonly side: 'sale' | 'cost'
    readonly currency: string
    readonly rates: readonly PriceRate[]
  }
  readonly status: { readonly phase?: string }
}

interface Cost {
  readonly id: string
  readonly book: string
  readonly currency: string
  readonly rate: PriceRate
}

/** Of what is published: rates that name it, and those for any upstream in its region. */
function costsOf({ metadata, spec }: ProviderDocument, books: readonly BookDocument[]): readonly Cost[] {
  const reference = `${metadata.workspace ?? 'platform'}/${metadata.name}`
  const isFor = ({ provider, endpoint, region }: PriceRate) =>
    (provider === undefined ? endpoint === undefined : provider === reference) &&
    (region === undefined || region === spec.region)
  return books.flatMap(({ metadata: { name: book }, spec: { side, currency, rates }, status }) =>
    side !== 'cost' || status.phase === 'Draft'
      ? []
      : rates.flatMap((rate, place) =>
          isFor(rate) ? [{ id: `${book} ${place}`, book, currency, rate }] : [],
        ),
  )
}

export function ProviderPrices({ provider }: { readonly provider: ProviderDocument }) {
  const { t } = useTranslation('routes')
  const { t: say } = useTranslation('books')
  const only = useOnly()
  const books = useSeen<BookDocument>('PriceBook')
  // What upstreams charge us is nothing that tenants see.
  if (!books.isAllowed) return null
  return (
    <FactTable<Cost>
      name={`costs-${provider.metadata.name}`}
      label={t('provider.costs')}
      tools={<h2 className="field-title">{t('provider.costs')}</h2>}
      facts={costsOf(provider, books.documents)}
      rowKey={({ id }) => id}
      empty={t('provider.noCosts')}
      columns={[
        {
          key: 'book',
          title: t('provider.book'),
          text: ({ book }) => book,
          render: ({ book }) => (
            <Link
              to="/$plural/$workspace/$name"
              params={{ plural: 'pricebooks', workspace: onPlatform, name: book }}
              search={{ tab: 'rates' }}
            >
              {book}
            </Link>
          ),
        },
        { key: 'model', title: say('model'), text: ({ rate }) => rate.model },
        {
          key: 'unit',
          title: say('unit'),
          text: ({ rate }) => rate.unit,
          render: ({ rate }) => <Unit unit={rate.unit} />,
        },
        {
          key: 'price',
          title: say('price'),
          align: 'end',
          text: ({ rate }) => priceText(rate),
          render: ({ rate, currency }) => <Price rate={rate} currency={currency} />,
        },
        { key: 'only', title: say('only'), text: ({ rate }) => only(rate) },
      ]}
    />
  )
}
