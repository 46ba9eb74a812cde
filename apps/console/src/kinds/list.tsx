// The list of any kind: its columns, live, searched, sorted, and kept as a table of comma-separated values.
import { parseLabelSelector, selects } from '@switchyard/api/selector'
import { Fault } from '@switchyard/kinds/fault'
import { useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { Button, Dropdown, Input, Typography } from 'antd'
import { lazy, memo, Suspense, useDeferredValue, useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type Document, type KindInfo, useKind, useMay } from '../api/catalogue.ts'
import { keepCsv } from '../parts/csv.ts'
import { LongTable } from '../parts/long-table.tsx'
import { Stale } from '../parts/stale.tsx'
import { prefer, preferProject, projectOf, usePreferences } from '../preferences.ts'
import type { ListSearch } from '../router.tsx'
import { FaultAlert } from '../shell/fault.tsx'
import { Lost } from '../shell/pages.tsx'
import { Failed, Forbidden, Loading, Nothing } from '../shell/states.tsx'
import { NewButton } from '../write/new-button.tsx'
import type { Live } from './changes.ts'
import { columnsOf } from './columns.tsx'
import { isInProjects, useChanges, useLiveHere } from './live.tsx'
import { manyOf, titleOf } from './names.ts'
import { useSaid } from './said.ts'

const Bulk = lazy(() => import('../write/bulk.tsx'))

type Selector = ReturnType<typeof parseLabelSelector>

/** What is being written may not be a selector yet: that is said beside it, and it selects nothing. */
function selectorOf(text: string): { readonly labels: Selector } | { readonly fault: Fault } {
  try {
    return { labels: parseLabelSelector(text) }
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    return { fault: error }
  }
}

/** One and the same: the table keeps what it knows of its rows for as long as it is asked with the same. */
const idOf = ({ metadata }: Document) => metadata.id

type Wanted = ReturnType<typeof selectorOf>

function foundIn(documents: readonly Document[], selector: Wanted, q: string): readonly Document[] {
  if ('fault' in selector) return []
  const { labels } = selector
  if (labels.length === 0 && q === '') return documents
  return documents.filter(document => selects({ labels, fields: [], ...(q && { q }) }, document))
}

interface ListProps {
  readonly kind: KindInfo
  readonly live: Live
}

/** What has changed is drawn when nobody waits for anything else: a key or a click comes first. */
function Following({ kind }: { readonly kind: KindInfo }) {
  const live = useDeferredValue(useLiveHere(kind))
  return <List kind={kind} live={live} />
}

const List = memo(ListOf)

function ListOf({ kind, live }: ListProps) {
  const { t } = useTranslation()
  const said = useSaid()
  const preferences = usePreferences()
  const { language, workspace, hidden } = preferences
  const project = isInProjects(kind) ? projectOf(preferences) : ''
  const { q = '', labels = '' } = useSearch({ from: '/$plural' })
  const navigate = useNavigate({ from: '/$plural' })
  const changes = useChanges()
  const may = useMay()
  const [written, setWritten] = useState(labels)
  const [selected, setSelected] = useState<readonly string[]>([])
  const wanted = useDeferredValue(q)
  const look = (search: ListSearch) => void navigate({ search, replace: true })
  const all = useMemo(
    () => columnsOf(kind, workspace === '', key => t(`list.${key}`), said),
    [kind, workspace, t, said],
  )
  const away = hidden[kind.kind]
  const columns = useMemo(() => all.filter(({ key }) => !away?.includes(key)), [all, away])
  const selector = useMemo(() => selectorOf(labels), [labels])
  const found = useMemo(() => foundIn(live.documents, selector, wanted), [live.documents, selector, wanted])
  const marked = useMemo(() => new Set(selected), [selected])
  const chosen = useMemo(
    () => (marked.size === 0 ? [] : found.filter(document => marked.has(idOf(document)))),
    [found, marked],
  )
  const download = () =>
    keepCsv(kind.plural, [
      columns.map(({ title }) => title),
      ...found.map(document => columns.map(column => column.text(document))),
    ])
  if (live.fault?.code === 'denied')
    return <Forbidden what={manyOf(kind, language)} permission={`${kind.noun}:read`} />
  if (live.fault) return <Failed fault={live.fault} again={changes.again} />
  const mayDo =
    ['update', 'delete'].some(verb => may(`${kind.noun}:${verb}`)) ||
    kind.actions.some(({ permission }) => may(permission))
  const isFiltered = q !== '' || labels !== '' || project !== ''
  return (
    <>
      <Stale since={live.staleSince} />
      <div className="tools">
        <Input.Search
          allowClear
          placeholder={t('list.search')}
          aria-label={t('list.search')}
          defaultValue={q}
          onChange={({ target: { value } }) =>
            look({ ...(value && { q: value }), ...(labels && { labels }) })
          }
        />
        <Input
          allowClear
          placeholder={t('list.labels')}
          aria-label={t('list.labels')}
          value={written}
          onChange={({ target: { value } }) => setWritten(value)}
          onPressEnter={() => look({ ...(q && { q }), ...(written && { labels: written }) })}
          onBlur={() => look({ ...(q && { q }), ...(written && { labels: written }) })}
        />
        <span className="spring" />
        <span className="quiet" aria-live="polite">
          {t('list.count', { count: found.length })}
        </span>
        <Dropdown
          trigger={['click']}
          menu={{
            multiple: true,
            selectable: true,
            selectedKeys: columns.map(({ key }) => key),
            items: all.slice(1).map(({ title, key }) => ({ key, label: title })),
            onClick: ({ key }) =>
              prefer({
                hidden: {
                  ...hidden,
                  [kind.kind]: away?.includes(key) ? away.filter(one => one !== key) : [...(away ?? []), key],
                },
              }),
          }}
        >
          <Button>{t('list.columns')}</Button>
        </Dropdown>
        <Button onClick={download} disabled={found.length === 0}>
          {t('list.csv')}
        </Button>
      </div>
      {project !== '' && (
        <p className="quiet">
          {t('list.ofProject', { name: project })}{' '}
          <Button size="small" onClick={() => preferProject('')}>
            {t('list.ofAll')}
          </Button>
        </p>
      )}
      {'fault' in selector && <FaultAlert fault={selector.fault} />}
      {chosen.length > 0 && (
        <div className="tools">
          <Suspense>
            <Bulk kind={kind} documents={chosen} onDone={() => setSelected([])} />
          </Suspense>
        </div>
      )}
      <LongTable
        label={titleOf(kind, language)}
        columns={columns}
        rows={found}
        idOf={idOf}
        choice={
          mayDo && found.length > 0
            ? {
                chosen: marked,
                choose: setSelected,
                labelOf: ({ metadata: { name } }) => t('list.select', { name }),
                labelOfAll: t('list.selectAll'),
              }
            : undefined
        }
        isPending={!live.isComplete}
        otherwise={
          live.isComplete ? (
            <Nothing
              says={isFiltered ? t('list.noneFound') : t('list.none', { kinds: manyOf(kind, language) })}
            />
          ) : (
            <Loading />
          )
        }
      />
    </>
  )
}

export function ListPage() {
  const { plural } = useParams({ from: '/$plural' })
  const { language } = usePreferences()
  const kind = useKind(plural)
  const may = useMay()
  const said = useSaid()
  if (!kind) return <Lost />
  return (
    <>
      <div className="heading">
        <Typography.Title level={1}>{titleOf(kind, language)}</Typography.Title>
        <NewButton kind={kind} />
      </div>
      <Typography.Paragraph type="secondary">{said.text(kind.doc)}</Typography.Paragraph>
      {may(`${kind.noun}:read`) ? (
        <Following key={kind.kind} kind={kind} />
      ) : (
        <Forbidden what={manyOf(kind, language)} permission={`${kind.noun}:read`} />
      )}
    </>
  )
}
