// Where a person is signed in, and how a session is ended.
import { Fault } from '@switchyard/kinds/fault'
import { useQueryClient } from '@tanstack/react-query'
import { Tag } from 'antd'
import { useTranslation } from 'react-i18next'
import { useMay } from '../api/catalogue.ts'
import { Moment } from '../kinds/cells.tsx'
import type { Shown } from '../kinds/own.ts'
import { type FactColumn, FactTable } from '../parts/facts.tsx'
import { useExchange } from '../session/context.tsx'
import { Failed } from '../shell/states.tsx'
import { Act } from './act.tsx'
import { type OpenSession, useAsked } from './asked.ts'
import './people.css'
import './words.ts'

interface SessionsProps {
  /** `/api/v1/sessions`, or those of a person. */
  readonly path: string
  readonly who: string
  readonly lacks?: string | undefined
  /** Whether all may be ended at once. */
  readonly all?: boolean
}

export function Sessions({ path, who, lacks, all = false }: SessionsProps) {
  const { t } = useTranslation('people')
  const exchange = useExchange()
  const queries = useQueryClient()
  const { data, error, isPending, refetch } = useAsked<{ items: readonly OpenSession[] }>(path, 5000)
  if (error) {
    if (!(error instanceof Fault)) throw error
    return <Failed fault={error} again={() => void refetch()} />
  }
  const end = async (id?: string) => {
    await exchange.send({ method: 'DELETE', path: id === undefined ? path : `${path}/${id}` })
    await queries.invalidateQueries({ queryKey: ['asked', path] })
  }
  const columns: readonly FactColumn<OpenSession>[] = [
    {
      key: 'client',
      title: t('client'),
      text: ({ client = '' }) => client,
      render: ({ client = '–', current }) => (
        <span className="client" title={client}>
          {current && <Tag color="blue">{t('thisOne')}</Tag>}
          {client}
        </span>
      ),
    },
    { key: 'address', title: t('address'), text: ({ address = '' }) => address },
    {
      key: 'method',
      title: t('method'),
      text: ({ method, provider }) => provider ?? t(`methods.${method}`),
    },
    {
      key: 'since',
      title: t('since'),
      text: ({ createdAt }) => createdAt,
      render: ({ createdAt }) => <Moment at={createdAt} />,
    },
    {
      key: 'seen',
      title: t('seen'),
      text: ({ seenAt }) => seenAt,
      render: ({ seenAt }) => <Moment at={seenAt} />,
    },
    {
      key: 'end',
      title: '',
      text: () => '',
      render: ({ id, current, client = id }) =>
        !current && (
          <Act
            size="small"
            label={t('end')}
            of={client}
            question={t('endAsk')}
            typed={who}
            lacks={lacks}
            act={() => end(id)}
          />
        ),
    },
  ]
  return (
    <FactTable
      name={`sessions-${who}`}
      label={t('sessions')}
      columns={columns}
      rowKey={({ id }) => id}
      facts={data?.items ?? []}
      isPending={isPending}
      empty={t('noSessions')}
      tools={
        all && (
          <Act
            danger
            label={t('endAll')}
            question={t('endAllAsk', { name: who })}
            typed={who}
            lacks={lacks}
            disabled={data?.items.length === 0}
            act={() => end()}
          />
        )
      }
    />
  )
}

/** A tab of a User. */
export function SessionsTab({ document: { metadata } }: Shown) {
  const may = useMay()
  const path = `/api/v1/users/${encodeURIComponent(metadata.name)}/sessions`
  const lacks = may('user:update', null) ? undefined : 'user:update'
  return <Sessions path={path} who={metadata.displayName ?? metadata.name} lacks={lacks} all />
}
