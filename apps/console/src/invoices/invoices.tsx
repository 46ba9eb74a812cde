// The list of invoices and credit notes, and of the months that are not issued yet.
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { Select, Typography } from 'antd'
import { useTranslation } from 'react-i18next'
import { useMay } from '../api/catalogue.ts'
import { Moment } from '../kinds/cells.tsx'
import { Facts } from '../parts/facts.tsx'
import { Money } from '../parts/money.tsx'
import { compareDecimals } from '../parts/numbers.ts'
import { usePreferences } from '../preferences.ts'
import { useExchange } from '../session/context.tsx'
import { Forbidden } from '../shell/states.tsx'
import { type InvoiceRow, moodOf, nameOf } from './invoice.ts'
import './words.ts'

const states = ['gathering', 'draft', 'issuing', 'issued', 'overdue', 'paid', 'uncollectible'] as const

function List() {
  const { t } = useTranslation('invoices')
  const { workspace } = usePreferences()
  const { state } = useSearch({ from: '/invoices' })
  const navigate = useNavigate({ from: '/invoices' })
  const exchange = useExchange()
  const path =
    workspace === '' ? '/api/v1/invoices' : `/api/v1/workspaces/${encodeURIComponent(workspace)}/invoices`
  return (
    <Facts<InvoiceRow>
      name="invoices"
      label={t('invoices')}
      queryKey={['invoices', workspace, state]}
      load={async (_, signal) => {
        const { body } = await exchange.send({ method: 'GET', path, query: { limit: 1000 }, signal })
        const { items } = body as { items: readonly InvoiceRow[] } // the console and the server are built together
        return { items: items.filter(invoice => state === undefined || invoice.state === state) }
      }}
      refetchInterval={30_000}
      forbidden={{ what: t('invoices'), permission: 'invoice:read' }}
      rowKey={({ id }) => id}
      empty={t('none')}
      tools={
        <Select<string>
          className="sought"
          aria-label={t('state')}
          placeholder={t('state')}
          allowClear
          popupMatchSelectWidth={false}
          value={state ?? null}
          options={states.map(value => ({ value, label: t(`states.${value}`) }))}
          onChange={(picked: string | undefined) =>
            void navigate({ search: picked === undefined ? {} : { state: picked }, replace: true })
          }
        />
      }
      columns={[
        {
          key: 'number',
          title: t('number'),
          text: ({ number }) => number ?? '',
          render: invoice => (
            <Link
              to="/invoices/$workspace/$number"
              params={{ workspace: invoice.workspace, number: nameOf(invoice) }}
            >
              {invoice.number ?? t('notIssued')}
            </Link>
          ),
        },
        { key: 'kind', title: t('kind'), text: ({ kind }) => kind, render: ({ kind }) => t(`kinds.${kind}`) },
        { key: 'workspace', title: t('workspace'), text: ({ workspace: place }) => place },
        {
          key: 'period',
          title: t('period'),
          text: ({ from, to }) => `${from}/${to}`,
          render: ({ from, to }) => (
            <>
              <Moment at={from} /> – <Moment at={to} />
            </>
          ),
          order: (one, other) => Date.parse(one.from) - Date.parse(other.from),
        },
        {
          key: 'state',
          title: t('state'),
          text: ({ state: its }) => its,
          render: ({ state: its, stopped }) => (
            <span className={`phase ${stopped === null ? moodOf(its) : 'bad'}`} title={stopped ?? ''}>
              {t(`states.${its}`)}
            </span>
          ),
        },
        {
          key: 'payable',
          title: t('payable'),
          align: 'end',
          text: ({ payable }) => payable ?? '',
          render: ({ payable, currency }) =>
            payable === null ? (
              <span className="quiet">–</span>
            ) : (
              <Money amount={payable} currency={currency} />
            ),
          order: (one, other) => compareDecimals(one.payable ?? '', other.payable ?? ''),
        },
        {
          key: 'issued',
          title: t('issued'),
          text: ({ issuedAt }) => issuedAt ?? '',
          render: ({ issuedAt }) => (issuedAt === null ? '' : <Moment at={issuedAt} />),
        },
        {
          key: 'due',
          title: t('due'),
          text: ({ dueAt }) => dueAt ?? '',
          render: ({ dueAt }) => (dueAt === null ? '' : <Moment at={dueAt} />),
        },
        { key: 'entity', title: t('entity'), text: ({ entity }) => entity },
      ]}
    />
  )
}

export function InvoicesPage() {
  const { t } = useTranslation()
  const { t: say } = useTranslation('invoices')
  const may = useMay()
  return (
    <>
      <Typography.Title level={1}>{t('screens.invoices')}</Typography.Title>
      <Typography.Paragraph type="secondary">{say('about')}</Typography.Paragraph>
      {may('invoice:read') ? <List /> : <Forbidden what={say('invoices')} permission="invoice:read" />}
    </>
  )
}
