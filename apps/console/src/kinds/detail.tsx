// One document of any kind: what it says, what was observed, what has happened to it.
import { valueAt } from '@switchyard/api/selector'
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { Descriptions, Tabs, Typography } from 'antd'
import { lazy, Suspense } from 'react'
import { useTranslation } from 'react-i18next'
import { type Document, type KindInfo, useKind, useMay } from '../api/catalogue.ts'
import { Facts, FactTable } from '../parts/facts.tsx'
import { Stale } from '../parts/stale.tsx'
import { usePreferences } from '../preferences.ts'
import { useExchange } from '../session/context.tsx'
import { Lost } from '../shell/pages.tsx'
import { Forbidden, Loading, Nothing } from '../shell/states.tsx'
import { Buttons } from '../write/buttons.tsx'
import { Cell, Message, Moment } from './cells.tsx'
import { useLive } from './live.tsx'
import { manyOf, oneOf, onPlatform, titleOf } from './names.ts'
import { type OwnTab, ownTabs } from './own.ts'
import { PhaseTag } from './phase.tsx'
import { useSaid } from './said.ts'
import './words.ts'

const everyTab = [
  { key: 'yaml', Body: lazy(() => import('../write/yaml-tab.tsx')) },
  { key: 'related', Body: lazy(() => import('../write/related-tab.tsx')) },
  { key: 'history', Body: lazy(() => import('../write/history-tab.tsx')) },
] as const

interface Condition {
  readonly type: string
  readonly status: 'True' | 'False' | 'Unknown'
  readonly reason: string
  readonly message: string
  readonly lastTransitionTime: string
}

interface Happening {
  readonly id: string
  readonly type: string
  readonly reason: string
  readonly message: string
  readonly lastAt: string
  readonly count: number
}

function Conditions({ document }: { readonly document: Document }) {
  const { t } = useTranslation('kinds')
  const said = useSaid()
  const conditions = (valueAt(document, 'status.conditions') ?? []) as readonly Condition[] // of every kind
  return (
    <FactTable<Condition>
      name={`conditions-${document.metadata.name}`}
      label={t('conditions')}
      rowKey={({ type }) => type}
      facts={conditions}
      empty={t('noConditions')}
      columns={[
        { key: 'type', title: t('type'), text: ({ type }) => said.condition(type) },
        { key: 'state', title: t('state'), text: ({ status }) => t(`states.${status}`) },
        { key: 'reason', title: t('reason'), text: ({ reason }) => said.reason(reason) },
        {
          key: 'message',
          title: t('message'),
          text: ({ message }) => said.text(message),
          render: ({ message }) => <Message text={message} />,
        },
        {
          key: 'since',
          title: t('since'),
          text: ({ lastTransitionTime }) => lastTransitionTime,
          render: ({ lastTransitionTime }) => <Moment at={lastTransitionTime} />,
        },
      ]}
    />
  )
}

function Events({ document: { kind, metadata } }: { readonly document: Document }) {
  const { t } = useTranslation('kinds')
  const said = useSaid()
  const exchange = useExchange()
  const { workspace, name } = metadata
  const path =
    workspace === null ? '/api/v1/events' : `/api/v1/workspaces/${encodeURIComponent(workspace)}/events`
  return (
    <Facts<Happening>
      name={`events-${name}`}
      label={t('events')}
      queryKey={['events', kind, workspace, name]}
      load={async (_, signal) =>
        // The console and the server are built together.
        (await exchange.send({ method: 'GET', path, query: { kind, name }, signal })).body as {
          items: readonly Happening[]
        }
      }
      refetchInterval={5000}
      forbidden={{ what: t('events'), permission: 'event:read' }}
      rowKey={({ id }) => id}
      empty={t('noEvents')}
      columns={[
        {
          key: 'last',
          title: t('last'),
          text: ({ lastAt }) => lastAt,
          render: ({ lastAt }) => <Moment at={lastAt} />,
        },
        { key: 'reason', title: t('reason'), text: ({ reason }) => said.reason(reason) },
        {
          key: 'message',
          title: t('message'),
          text: ({ message }) => said.text(message),
          render: ({ message }) => <Message text={message} />,
        },
        { key: 'times', title: t('times'), align: 'end', text: ({ count }) => String(count) },
      ]}
    />
  )
}

function Summary({ kind, document }: { readonly kind: KindInfo; readonly document: Document }) {
  const { t } = useTranslation('kinds')
  const said = useSaid()
  const { metadata } = document
  const items = [
    { key: 'id', label: t('id'), children: <Typography.Text copyable>{metadata.id}</Typography.Text> },
    ...kind.columns
      .filter(({ path }) => !path.startsWith('metadata.') && path !== 'status.phase')
      .map(({ title, path }) => ({
        key: path,
        label: said.column(title),
        children: <Cell path={path} value={valueAt(document, path)} />,
      })),
    {
      key: 'created',
      label: t('created'),
      children: (
        <>
          <Moment at={metadata.creationTimestamp} />{' '}
          <span className="quiet">{t('by', { who: metadata.createdBy })}</span>
        </>
      ),
    },
    {
      key: 'updated',
      label: t('updated'),
      children: (
        <>
          <Moment at={metadata.updateTimestamp} />{' '}
          <span className="quiet">{t('by', { who: metadata.updatedBy })}</span>
        </>
      ),
    },
  ]
  return <Descriptions bordered size="small" column={{ xs: 1, lg: 2 }} items={items} />
}

function Detail({ kind, workspace, name }: { kind: KindInfo; workspace: string | null; name: string }) {
  const { t } = useTranslation('kinds')
  const { language } = usePreferences()
  const { tab } = useSearch({ from: '/$plural/$workspace/$name' })
  const navigate = useNavigate({ from: '/$plural/$workspace/$name' })
  const live = useLive(kind.kind)
  const document = live.documents.find(
    ({ metadata }) => metadata.name === name && metadata.workspace === workspace,
  )
  if (!live.isComplete && !document) return <Loading />
  if (!document) return <Nothing says={t('gone')} />
  const tabOf = ({ key, Body }: OwnTab | (typeof everyTab)[number]) => ({
    key,
    label: t(key),
    children: (
      <Suspense fallback={<Loading />}>
        <Body kind={kind} document={document} />
      </Suspense>
    ),
  })
  return (
    <>
      <Typography.Text type="secondary" className="crumbs">
        <Link to="/$plural" params={{ plural: kind.plural }}>
          {titleOf(kind, language)}
        </Link>{' '}
        / {workspace ?? oneOf(kind, language)}
      </Typography.Text>
      <div className="heading">
        <Typography.Title level={1} copyable={{ text: name }}>
          {document.metadata.displayName ?? name} <PhaseTag phase={valueAt(document, 'status.phase')} />
        </Typography.Title>
        <Buttons kind={kind} document={document} />
      </div>
      <Stale since={live.staleSince} />
      <Tabs
        activeKey={tab ?? 'summary'}
        onChange={key => void navigate({ search: key === 'summary' ? {} : { tab: key }, replace: true })}
        items={[
          {
            key: 'summary',
            label: t('summary'),
            children: <Summary kind={kind} document={document} />,
          },
          ...(ownTabs[kind.kind] ?? []).map(tabOf),
          { key: 'conditions', label: t('conditions'), children: <Conditions document={document} /> },
          { key: 'events', label: t('events'), children: <Events document={document} /> },
          ...everyTab.map(tabOf),
        ]}
      />
    </>
  )
}

export function DetailPage() {
  const { plural, workspace, name } = useParams({ from: '/$plural/$workspace/$name' })
  const kind = useKind(plural)
  const may = useMay()
  const { language } = usePreferences()
  if (!kind) return <Lost />
  if (!may(`${kind.noun}:read`))
    return <Forbidden what={manyOf(kind, language)} permission={`${kind.noun}:read`} />
  return <Detail kind={kind} workspace={workspace === onPlatform ? null : workspace} name={name} />
}
