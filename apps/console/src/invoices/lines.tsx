// The lines of an invoice, each of which opens to the requests behind it.
import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { type FactColumn, FactTable } from '../parts/facts.tsx'
import { Count, Money } from '../parts/money.tsx'
import { Unit } from '../usage/units.tsx'
import type { InvoiceDocument, InvoiceLine } from './invoice.ts'
import './words.ts'

function Requests({ workspace, line }: { readonly workspace: string; readonly line: InvoiceLine }) {
  const { t } = useTranslation('invoices')
  const { project, model, service } = line
  if (model === null || line.kind !== 'usage') return null
  const search = {
    period: 'custom',
    from: service.from,
    to: service.to,
    workspace,
    model,
    ...(project !== null && { project }),
  } as const
  return (
    <Link to="/requests" search={search}>
      {t('requests')}
    </Link>
  )
}

export function Lines({ invoice }: { readonly invoice: InvoiceDocument }) {
  const { t } = useTranslation('invoices')
  const { currency } = invoice.terms
  const money = (key: 'exact' | 'net' | 'tax'): FactColumn<InvoiceLine> => ({
    key,
    title: t(key),
    align: 'end',
    text: line => line[key],
    render: line => <Money amount={line[key]} currency={currency} />,
  })
  return (
    <FactTable<InvoiceLine>
      name={`${invoice.number || 'draft'}-lines`}
      label={t('lines')}
      tools={<h2>{t('lines')}</h2>}
      facts={invoice.lines}
      rowKey={({ number }) => String(number)}
      empty={t('noLines')}
      columns={[
        { key: 'line', title: t('line'), align: 'end', text: ({ number }) => String(number) },
        {
          key: 'what',
          title: t('what'),
          text: ({ kind, name }) => `${kind} ${name}`.trim(),
          render: ({ kind, name, corrects }) => (
            <>
              {t(`lineKinds.${kind}`)} {name}{' '}
              {corrects && <span className="quiet">{t('corrects', { ...corrects })}</span>}
            </>
          ),
        },
        { key: 'project', title: t('project'), text: ({ project }) => project ?? '' },
        { key: 'model', title: t('model'), text: ({ model }) => model ?? '' },
        {
          key: 'unit',
          title: t('unit'),
          text: ({ unit }) => unit ?? '',
          render: ({ unit }) => (unit === null ? '' : <Unit unit={unit} />),
        },
        { key: 'price', title: t('price'), align: 'end', text: ({ price }) => price ?? '' },
        {
          key: 'quantity',
          title: t('quantity'),
          align: 'end',
          text: ({ quantity }) => quantity,
          render: ({ quantity }) => <Count value={quantity} />,
        },
        money('exact'),
        money('net'),
        money('tax'),
        {
          key: 'requests',
          title: t('requests'),
          text: ({ service }) => `${service.from}/${service.to}`,
          render: line => <Requests workspace={invoice.workspace} line={line} />,
        },
      ]}
    />
  )
}
