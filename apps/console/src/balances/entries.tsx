// What has changed the balances of a workspace, newest first; what usage was charged leads to its request.
import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { Moment } from '../kinds/cells.tsx'
import { Facts } from '../parts/facts.tsx'
import { Money } from '../parts/money.tsx'
import { compareDecimals } from '../parts/numbers.ts'
import { useExchange } from '../session/context.tsx'
import { type LedgerEntry, pathOf } from './balance.ts'
import './words.ts'

const pageSize = 100

/** `usage:REQUEST:ATTEMPT:PART` */
const usageOf = /^usage:([0-9a-f-]{36}):/

function Reference({ workspace, reference }: { readonly workspace: string; readonly reference: string }) {
  const request = usageOf.exec(reference)?.[1]
  return request === undefined ? (
    reference
  ) : (
    <Link to="/requests/$workspace/$request" params={{ workspace, request }}>
      {request.slice(-12)}
    </Link>
  )
}

export function Entries({ workspace }: { readonly workspace: string }) {
  const { t } = useTranslation('balances')
  const exchange = useExchange()
  return (
    <Facts<LedgerEntry>
      name={`entries-${workspace}`}
      label={t('entriesOf', { workspace })}
      tools={<h2>{t('entriesOf', { workspace })}</h2>}
      queryKey={['entries', workspace]}
      load={async (before, signal) => {
        const query = { before, limit: pageSize }
        const { body } = await exchange.send({
          method: 'GET',
          path: `${pathOf(workspace)}/entries`,
          query,
          signal,
        })
        const { items } = body as { items: readonly LedgerEntry[] } // the console and the server are built together
        return { items, next: items.length === pageSize ? items.at(-1)?.transaction : undefined }
      }}
      refetchInterval={10_000}
      forbidden={{ what: t('balances'), permission: 'account:read' }}
      rowKey={({ transaction, project, amount }) => `${transaction} ${project} ${amount}`}
      empty={t('noEntries')}
      columns={[
        { key: 'at', title: t('at'), text: ({ at }) => at, render: ({ at }) => <Moment at={at} seconds /> },
        {
          key: 'cause',
          title: t('cause'),
          text: ({ cause }) => cause,
          render: ({ cause }) => t(`causes.${cause}`),
        },
        {
          key: 'account',
          title: t('account'),
          text: ({ project }) => project ?? '',
          render: ({ project }) => project ?? t('ofWorkspace'),
        },
        {
          key: 'amount',
          title: t('amount'),
          align: 'end',
          text: ({ amount }) => amount,
          render: ({ amount, currency }) => <Money amount={amount} currency={currency} />,
          order: (one, other) => compareDecimals(one.amount, other.amount),
        },
        {
          key: 'reference',
          title: t('reference'),
          text: ({ reference }) => reference,
          render: ({ reference }) => <Reference workspace={workspace} reference={reference} />,
        },
        { key: 'actor', title: t('actor'), text: ({ actor }) => actor ?? '' },
        { key: 'reason', title: t('reason'), text: ({ reason }) => reason ?? '' },
        { key: 'transaction', title: t('transaction'), text: ({ transaction }) => transaction },
      ]}
    />
  )
}
