// One invoice: between whom, what of, how it adds up, and what it was reckoned from.
import { Fault } from '@switchyard/kinds/fault'
import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { Alert, Card, Descriptions, Typography } from 'antd'
import { useTranslation } from 'react-i18next'
import { useMay } from '../api/catalogue.ts'
import { Moment } from '../kinds/cells.tsx'
import { onPlatform } from '../kinds/names.ts'
import { Money } from '../parts/money.tsx'
import { useExchange } from '../session/context.tsx'
import { Lost } from '../shell/pages.tsx'
import { Failed, Forbidden, Loading } from '../shell/states.tsx'
import { Actions } from './actions.tsx'
import { type InvoiceDocument, type InvoiceRow, moodOf, nameOf, pathOf } from './invoice.ts'
import { Lines } from './lines.tsx'
import './words.ts'

type Party = InvoiceDocument['seller']

const PartyText = ({ party: { name, taxNumber, address, bank } }: { readonly party: Party }) => (
  <>
    <strong>{name}</strong>
    {[taxNumber, ...address, bank]
      .filter(text => text !== '')
      .map(text => (
        <div key={text}>{text}</div>
      ))}
  </>
)

function Sums({ invoice }: { readonly invoice: InvoiceDocument }) {
  const { t } = useTranslation('invoices')
  const { currency } = invoice.terms
  const sum = (label: string, amount: string) => ({
    key: label,
    label,
    children: <Money amount={amount} currency={currency} />,
  })
  return (
    <Descriptions
      bordered
      size="small"
      column={1}
      className="sums"
      items={[
        sum(t('net'), invoice.net),
        ...invoice.taxes.map(({ name, percent, amount }) => sum(`${name} ${percent}%`, amount)),
        sum(t('gross'), invoice.gross),
        ...invoice.credits.map(({ name, amount }) => sum(name, amount)),
        {
          ...sum(t('payable'), invoice.payable),
          children: (
            <strong>
              <Money amount={invoice.payable} currency={currency} />
            </strong>
          ),
        },
      ]}
    />
  )
}

function Evidence({ invoice }: { readonly invoice: InvoiceDocument }) {
  const { t } = useTranslation('invoices')
  const { evidence, number, workspace, linesHash } = invoice
  if (evidence === null) return null
  return (
    <Card size="small" title={<h2>{t('evidence')}</h2>}>
      <Descriptions
        size="small"
        column={1}
        items={[
          { key: 'cutoff', label: t('cutoff'), children: evidence.cutoff },
          {
            key: 'books',
            label: t('books'),
            children: (
              <span>
                {evidence.books.map(({ id, name, version }) => (
                  <Link
                    key={id}
                    to="/$plural/$workspace/$name"
                    params={{ plural: 'pricebooks', workspace: onPlatform, name }}
                    search={{ tab: 'versions' }}
                  >
                    {name} v{version}{' '}
                  </Link>
                ))}
              </span>
            ),
          },
          ...evidence.periods.map(({ from, to, events, root }) => ({
            key: from,
            label: (
              <>
                <Moment at={from} /> – <Moment at={to} />
              </>
            ),
            children: (
              <Typography.Text copyable={{ text: root }} className="id">
                {t('events', { number: events, root: `${root.slice(0, 16)}…` })}
              </Typography.Text>
            ),
          })),
          {
            key: 'hash',
            label: t('hash'),
            children: (
              <Typography.Text code copyable={{ text: linesHash }}>
                {linesHash.slice(0, 16)}…
              </Typography.Text>
            ),
          },
        ]}
      />
      {number !== '' && (
        <Typography.Text type="secondary">{t('verify', { number, workspace })}</Typography.Text>
      )}
    </Card>
  )
}

function Whole({
  row,
  invoice,
}: {
  readonly row: InvoiceRow
  readonly invoice: InvoiceDocument | undefined
}) {
  const { t } = useTranslation('invoices')
  const moment = (label: string, at: string | null) =>
    at === null ? [] : [{ key: label, label, children: <Moment at={at} /> }]
  return (
    <div className="sections">
      <Actions invoice={row} />
      {row.stopped !== null && <Alert type="error" showIcon title={t('stopped', { why: row.stopped })} />}
      <Descriptions
        bordered
        size="small"
        column={{ xs: 1, md: 2 }}
        items={[
          {
            key: 'period',
            label: t('period'),
            children: (
              <span>
                <Moment at={row.from} /> – <Moment at={row.to} />
              </span>
            ),
          },
          { key: 'currency', label: t('currency'), children: row.currency },
          ...moment(t('issued'), row.issuedAt),
          ...moment(t('due'), row.dueAt),
          ...(invoice === undefined
            ? []
            : [
                { key: 'seller', label: t('seller'), children: <PartyText party={invoice.seller} /> },
                { key: 'buyer', label: t('buyer'), children: <PartyText party={invoice.buyer} /> },
              ]),
          ...(row.of === null
            ? []
            : [
                {
                  key: 'of',
                  label: t('of'),
                  children: (
                    <Link
                      to="/invoices/$workspace/$number"
                      params={{ workspace: row.workspace, number: row.of }}
                    >
                      {row.of}
                    </Link>
                  ),
                },
              ]),
          ...(invoice === undefined || invoice.note === ''
            ? []
            : [{ key: 'note', label: t('note'), children: invoice.note }]),
        ]}
      />
      {invoice === undefined ? (
        <Alert type="info" showIcon title={t('notReckoned')} />
      ) : (
        <>
          <div>
            <Lines invoice={invoice} />
          </div>
          <Sums invoice={invoice} />
          <Evidence invoice={invoice} />
        </>
      )}
    </div>
  )
}

/** The row tells the state, the document what was reckoned: a month that just began has none. */
function useInvoice(workspace: string, name: string) {
  const exchange = useExchange()
  return useQuery({
    queryKey: ['invoices', workspace, name],
    queryFn: async ({ signal }) => {
      const list = `/api/v1/workspaces/${encodeURIComponent(workspace)}/invoices`
      const found = await exchange.send({ method: 'GET', path: list, query: { limit: 1000 }, signal })
      const { items } = found.body as { items: readonly InvoiceRow[] } // the console and the server are built together
      // A draft that was issued meanwhile goes by its number too.
      const row = items.find(one => nameOf(one) === name || one.id === name)
      if (row === undefined) return { row, invoice: undefined }
      try {
        const { body } = await exchange.send({ method: 'GET', path: pathOf(workspace, name), signal })
        return { row, invoice: body as InvoiceDocument } // as above
      } catch (error) {
        if (error instanceof Fault && error.reason === 'not_drafted') return { row, invoice: undefined }
        throw error
      }
    },
  })
}

function Shown({ workspace, name }: { readonly workspace: string; readonly name: string }) {
  const { t } = useTranslation('invoices')
  const found = useInvoice(workspace, name)
  if (found.error) {
    if (!(found.error instanceof Fault)) throw found.error
    return found.error.code === 'denied' ? (
      <Forbidden what={t('invoices')} permission="invoice:read" />
    ) : (
      <Failed fault={found.error} again={() => void found.refetch()} />
    )
  }
  if (found.data === undefined) return <Loading />
  const { row, invoice } = found.data
  if (row === undefined) return <Lost />
  return (
    <>
      <Typography.Title level={1}>
        {t(`kinds.${row.kind}`)} {row.number ?? t('notIssued')}{' '}
        <span className={`phase ${moodOf(row.state)}`}>{t(`states.${row.state}`)}</span>
      </Typography.Title>
      <Whole row={row} invoice={invoice} />
    </>
  )
}

export function InvoicePage() {
  const { t } = useTranslation()
  const { t: say } = useTranslation('invoices')
  const { workspace, number } = useParams({ from: '/invoices/$workspace/$number' })
  const may = useMay()
  return (
    <>
      <Typography.Text type="secondary">
        <Link to="/invoices">{t('screens.invoices')}</Link> / {workspace}
      </Typography.Text>
      {may('invoice:read', workspace) ? (
        <Shown workspace={workspace} name={number} />
      ) : (
        <Forbidden what={say('invoices')} permission="invoice:read" />
      )}
    </>
  )
}
