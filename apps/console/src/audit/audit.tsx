// The trail: who did what, and how far that is proved.
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { Tag, Typography } from 'antd'
import { useTranslation } from 'react-i18next'
import { useCatalogue, useMay } from '../api/catalogue.ts'
import { Moment } from '../kinds/cells.tsx'
import { oneOf, onPlatform } from '../kinds/names.ts'
import { type FactColumn, Facts } from '../parts/facts.tsx'
import { usePreferences } from '../preferences.ts'
import { useExchange } from '../session/context.tsx'
import { Forbidden } from '../shell/states.tsx'
import { type Entry, readCheckpoint } from './entry.ts'
import { OpenedEntry } from './opened.tsx'
import { type AuditSearch, queryOf } from './search.ts'
import { StandingCard, useAuditStanding } from './standing.tsx'
import { Export, Sought } from './tools.tsx'
import './audit.css'
import './words.ts'

const colours = { success: 'default', denied: 'error', failed: 'warning' } as const

function ObjectOf({ entry: { resource, workspace, action } }: { readonly entry: Entry }) {
  const { language } = usePreferences()
  const catalogue = useCatalogue()
  if (!resource) return <span className="quiet">–</span>
  const kind = catalogue.find(each => each.kind === resource.kind)
  const what = kind ? oneOf(kind, language) : resource.kind
  const text = `${what} ${resource.name ?? ''}`
  if (!kind || resource.name === undefined || action.endsWith('.delete')) return text
  return (
    <>
      {what}{' '}
      <Link
        className="within"
        to="/$plural/$workspace/$name"
        params={{ plural: kind.plural, workspace: workspace ?? onPlatform, name: resource.name }}
      >
        {resource.name}
      </Link>
    </>
  )
}

interface Told {
  readonly items: readonly Entry[]
  readonly continue: string | null
  /** Where words are looked for: when the last entry happened that was looked at. */
  readonly searched?: { readonly to: string | null }
}

function SearchedTo({ time }: { readonly time: string }) {
  const { t } = useTranslation('audit')
  return (
    <p className="quiet" role="status">
      {t('searchedTo')} <Moment at={time} />
      {t('searchedOn')}
    </p>
  )
}

function Trail({ search }: { readonly search: AuditSearch }) {
  const { t } = useTranslation('audit')
  const { workspace } = usePreferences()
  const navigate = useNavigate({ from: '/audit' })
  const exchange = useExchange()
  const { data: standing } = useAuditStanding()
  const size = standing?.checkpoint === undefined ? 0 : readCheckpoint(standing.checkpoint).size
  const path =
    workspace === '' ? '/api/v1/audit' : `/api/v1/workspaces/${encodeURIComponent(workspace)}/audit`
  const proofOf = ({ seq }: Entry) => (seq < size ? t('proven') : t('waiting'))
  const columns: readonly FactColumn<Entry>[] = [
    {
      key: 'time',
      title: t('time'),
      text: ({ time }) => time,
      render: ({ time }) => <Moment at={time} />,
    },
    { key: 'actor', title: t('actor'), text: ({ actor }) => actor.id },
    {
      key: 'action',
      title: t('action'),
      text: ({ action }) => action,
      render: ({ action }) => <code>{action}</code>,
    },
    {
      key: 'object',
      title: t('object'),
      text: ({ resource }) => (resource ? `${resource.kind} ${resource.name ?? ''}` : ''),
      render: entry => <ObjectOf entry={entry} />,
    },
    { key: 'workspace', title: t('workspace'), text: entry => entry.workspace ?? t('platform') },
    {
      key: 'outcome',
      title: t('outcome'),
      text: ({ outcome }) => t(`outcomes.${outcome}`),
      render: ({ outcome }) => <Tag color={colours[outcome]}>{t(`outcomes.${outcome}`)}</Tag>,
    },
    { key: 'seq', title: t('number'), align: 'end', text: ({ seq }) => String(seq) },
    {
      key: 'proof',
      title: t('proof'),
      text: proofOf,
      render: entry => <span className={entry.seq < size ? 'phase good' : 'phase'}>{proofOf(entry)}</span>,
    },
  ]
  return (
    <>
      <StandingCard />
      <p className="quiet">{t('searchHelp')}</p>
      <Sought search={search} look={next => void navigate({ search: next, replace: true })} />
      <Facts<Entry>
        name="audit"
        label={t('trail')}
        queryKey={['audit', path, search]}
        // Words are looked for anew in all that was looked through.
        refetchInterval={search.q === undefined ? 5000 : 30_000}
        load={async (cursor, signal) => {
          const { body } = await exchange.send({
            method: 'GET',
            path,
            query: { ...queryOf(search), limit: 50, continue: cursor },
            signal,
          })
          // The console and the server are built together.
          const page = body as Told
          const next = page.continue ?? undefined
          const to = page.searched?.to
          return { items: page.items, next, note: next && to && <SearchedTo time={to} /> }
        }}
        columns={columns}
        rowKey={({ id }) => id}
        empty={t('none')}
        forbidden={{ what: t('trail'), permission: 'audit:read' }}
        opened={entry => <OpenedEntry entry={entry} />}
        tools={<Export path={path} search={search} />}
      />
    </>
  )
}

export function AuditPage() {
  const { t } = useTranslation()
  const { t: say } = useTranslation('audit')
  const { in: _, ...search } = useSearch({ from: '/audit' })
  const may = useMay()
  return (
    <>
      <Typography.Title level={1}>{t('screens.audit')}</Typography.Title>
      <Typography.Paragraph type="secondary">{say('about')}</Typography.Paragraph>
      {may('audit:read') ? (
        <Trail search={search} />
      ) : (
        <Forbidden what={say('trail')} permission="audit:read" />
      )}
    </>
  )
}
