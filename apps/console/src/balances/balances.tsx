// Balances: what each account has, what is held of it, and the entries of the workspace that is looked at.
import { Fault } from '@switchyard/kinds/fault'
import { Link, useSearch } from '@tanstack/react-router'
import { Button, Tooltip, Typography } from 'antd'
import { useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useMay } from '../api/catalogue.ts'
import { Moment } from '../kinds/cells.tsx'
import { useLive } from '../kinds/live.tsx'
import { type FactColumn, FactTable } from '../parts/facts.tsx'
import { Money } from '../parts/money.tsx'
import { compareDecimals } from '../parts/numbers.ts'
import { usePreferences } from '../preferences.ts'
import { Failed, Forbidden } from '../shell/states.tsx'
import { type Balance, useBalances } from './balance.ts'
import { Entries } from './entries.tsx'
import { RecordMoney } from './record.tsx'
import './words.ts'

function Credits({ of }: { readonly of: Balance }) {
  const { t } = useTranslation('balances')
  const { workspace, project, currency, credits } = of
  const account = project ?? t('ofWorkspace')
  const money = (key: 'amount' | 'remaining'): FactColumn<Balance['credits'][number]> => ({
    key,
    title: t(key),
    align: 'end',
    text: credit => credit[key],
    render: credit => <Money amount={credit[key]} currency={currency} />,
  })
  return (
    <FactTable
      name={`credits-${workspace}`}
      label={t('creditsOf', { account })}
      tools={<span>{t('creditsOf', { account })}</span>}
      facts={credits}
      rowKey={credit => String(credits.indexOf(credit))}
      empty={t('noCredits')}
      columns={[
        {
          key: 'cause',
          title: t('cause'),
          text: ({ cause }) => cause,
          render: ({ cause }) => t(`causes.${cause}`),
        },
        money('amount'),
        money('remaining'),
        { key: 'priority', title: t('priority'), align: 'end', text: ({ priority }) => String(priority) },
        {
          key: 'expires',
          title: t('expires'),
          text: ({ expiresAt }) => expiresAt ?? '',
          render: ({ expiresAt }) => (expiresAt === null ? t('never') : <Moment at={expiresAt} />),
        },
      ]}
    />
  )
}

function Accounts({ chosen }: { readonly chosen: string | undefined }) {
  const { t } = useTranslation('balances')
  const may = useMay()
  const live = useLive('Workspace')
  const [recording, setRecording] = useState(false)
  const workspaces = useMemo(
    () =>
      chosen === undefined
        ? live.documents
            .map(({ metadata }) => metadata.name)
            .filter(name => may('account:read', name))
            .toSorted()
        : [chosen],
    // Rights are asked for once.
    [chosen, live.documents],
  )
  const balances = useBalances(workspaces)
  if (balances.error) {
    if (!(balances.error instanceof Fault)) throw balances.error
    return balances.error.code === 'denied' ? (
      <Forbidden what={t('balances')} permission="account:read" />
    ) : (
      <Failed fault={balances.error} again={() => void balances.refetch()} />
    )
  }
  const found = balances.data ?? []
  // One that is alone needs not be chosen.
  const places = [...new Set(found.map(({ workspace }) => workspace))]
  const here = chosen ?? (places.length === 1 ? places[0] : undefined)
  const mayRecord = here !== undefined && may('billing:credit', here)
  const money = (
    key: 'balance' | 'pending' | 'sliced' | 'available' | 'limit' | 'overrun',
    title: string,
  ): FactColumn<Balance> => ({
    key,
    title,
    align: 'end',
    text: account => account[key],
    render: account => <Money amount={account[key]} currency={account.currency} />,
    order: (one, other) => compareDecimals(one[key], other[key]),
  })
  return (
    <>
      <FactTable<Balance>
        name="balances"
        label={t('list')}
        facts={found}
        isPending={balances.isPending || (chosen === undefined && !live.isComplete)}
        rowKey={({ workspace, project, currency }) => `${workspace}/${project ?? ''} ${currency}`}
        empty={t('none')}
        opened={account => <Credits of={account} />}
        tools={
          here !== undefined && (
            <Tooltip title={mayRecord ? '' : t('may')}>
              <Button type="primary" disabled={!mayRecord} onClick={() => setRecording(true)}>
                {t('record')}
              </Button>
            </Tooltip>
          )
        }
        columns={[
          {
            key: 'workspace',
            title: t('workspace'),
            text: ({ workspace }) => workspace,
            render: ({ workspace }) => (
              <Link to="/balances" search={{ workspace }}>
                {workspace}
              </Link>
            ),
          },
          {
            key: 'account',
            title: t('account'),
            text: ({ project }) => project ?? '',
            render: ({ project }) => project ?? t('ofWorkspace'),
          },
          {
            key: 'kind',
            title: t('kind'),
            text: ({ kind }) => kind,
            render: ({ kind }) => t(`kinds.${kind}`),
          },
          money('balance', t('balance')),
          money('pending', t('held')),
          money('sliced', t('leased')),
          money('available', t('available')),
          money('limit', t('limit')),
          money('overrun', t('overrun')),
        ]}
      />
      {here !== undefined && <Entries key={here} workspace={here} />}
      {here !== undefined && recording && (
        <RecordMoney
          workspace={here}
          balances={found.filter(({ workspace }) => workspace === here)}
          close={() => setRecording(false)}
        />
      )}
    </>
  )
}

export function BalancesPage() {
  const { t } = useTranslation()
  const { t: say } = useTranslation('balances')
  const { workspace: here } = usePreferences()
  const { workspace = here === '' ? undefined : here } = useSearch({ from: '/balances' })
  const may = useMay()
  return (
    <>
      <Typography.Title level={1}>{t('screens.balances')}</Typography.Title>
      <Typography.Paragraph type="secondary">{say('about')}</Typography.Paragraph>
      {may('account:read', workspace) ? (
        <Accounts key={workspace} chosen={workspace} />
      ) : (
        <Forbidden what={say('balances')} permission="account:read" />
      )}
    </>
  )
}
