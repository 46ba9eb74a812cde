// The list of any kind: its columns, live, searched, sorted, and kept as a table of comma-separated values.
import { parseLabelSelector, selects, valueAt } from '@switchyard/api/selector'
import { Fault } from '@switchyard/kinds/fault'
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { Button, Dropdown, Input, Table, type TableColumnType, Typography } from 'antd'
import { cloneElement, isValidElement, lazy, memo, Suspense, useDeferredValue, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type Document, type KindInfo, useKind, useMay } from '../api/catalogue.ts'
import { keepCsv } from '../parts/csv.ts'
import { Stale } from '../parts/stale.tsx'
import { prefer, preferProject, projectOf, usePreferences } from '../preferences.ts'
import type { ListSearch } from '../router.tsx'
import { FaultAlert } from '../shell/fault.tsx'
import { Lost } from '../shell/pages.tsx'
import { Failed, Forbidden, Nothing } from '../shell/states.tsx'
import { NewButton } from '../write/new-button.tsx'
import { Cell, Moment, textOf } from './cells.tsx'
import type { Live } from './changes.ts'
import { isInProjects, useChanges, useLiveHere } from './live.tsx'
import { manyOf, titleOf } from './names.ts'
import { type Said, useSaid } from './said.ts'

const Bulk = lazy(() => import('../write/bulk.tsx'))

/** Where a document of the platform stands in an address. */
export const onPlatform = '-'

interface Column {
  readonly title: string
  readonly path: string
}

function columnsOf(
  kind: KindInfo,
  everywhere: boolean,
  words: (key: 'workspace' | 'age') => string,
  said: Said,
): readonly Column[] {
  const own = kind.columns
    .filter(({ path, wide }) => !wide && path !== 'metadata.name' && path !== 'metadata.creationTimestamp')
    .map(({ title, path }) => ({ title: said.column(title), path }))
  return [
    ...(everywhere && kind.scope !== 'platform'
      ? [{ title: words('workspace'), path: 'metadata.workspace' }]
      : []),
    ...own,
    { title: words('age'), path: 'metadata.creationTimestamp' },
  ]
}

const order = new Intl.Collator(undefined, { numeric: true })

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

interface NamedProps {
  readonly plural: string
  readonly place: string
  readonly name: string
  readonly shown: string
}

/** See `Cell`. */
const Named = memo(({ plural, place, name, shown }: NamedProps) => (
  <Link to="/$plural/$workspace/$name" params={{ plural, workspace: place, name }}>
    {shown}
  </Link>
))

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
  const all = columnsOf(kind, workspace === '', key => t(`list.${key}`), said)
  const away = hidden[kind.kind] ?? []
  const columns = all.filter(({ path }) => !away.includes(path))
  const selector = selectorOf(labels)
  const found = foundIn(live.documents, selector, wanted)
  const marked = new Set(selected)
  const chosen = marked.size === 0 ? [] : found.filter(({ metadata }) => marked.has(metadata.id))
  const tableColumns: TableColumnType<Document>[] = [
    {
      title: t('list.name'),
      key: 'name',
      fixed: 'start',
      width: 220,
      ellipsis: true,
      sorter: (one, other) => order.compare(one.metadata.name, other.metadata.name),
      render: (_, { metadata: { name, workspace: place, displayName } }) => (
        <Named plural={kind.plural} place={place ?? onPlatform} name={name} shown={displayName ?? name} />
      ),
    },
    ...columns.map(
      ({ title, path }): TableColumnType<Document> => ({
        title,
        key: path,
        ellipsis: true,
        width: 160,
        sorter: (one, other) => order.compare(textOf(valueAt(one, path)), textOf(valueAt(other, path))),
        render: (_, document) =>
          path === 'metadata.creationTimestamp' ? (
            <Moment at={document.metadata.creationTimestamp} />
          ) : (
            <Cell path={path} value={valueAt(document, path)} />
          ),
      }),
    ),
  ]
  const download = () =>
    keepCsv(kind.plural, [
      [t('list.name'), ...columns.map(({ title }) => title)],
      ...found.map(document => [
        document.metadata.name,
        ...columns.map(({ path }) => textOf(valueAt(document, path))),
      ]),
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
            selectedKeys: columns.map(({ path }) => path),
            items: all.map(({ title, path }) => ({ key: path, label: title })),
            onClick: ({ key }) =>
              prefer({
                hidden: {
                  ...hidden,
                  [kind.kind]: away.includes(key) ? away.filter(one => one !== key) : [...away, key],
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
      <Table<Document>
        size="small"
        {...(mayDo &&
          found.length > 0 && {
            rowSelection: {
              fixed: 'start' as const,
              columnWidth: 44,
              selectedRowKeys: [...selected],
              onChange: keys => setSelected(keys.map(String)),
              // Of the rows that are seen: properties would be asked for of them all whenever one changes.
              renderCell: (_checked, { metadata: { name } }, _index, box) =>
                isValidElement<{ 'aria-label'?: string }>(box)
                  ? cloneElement(box, { 'aria-label': t('list.select', { name }) })
                  : box,
              getTitleCheckboxProps: () => ({ 'aria-label': t('list.selectAll') }),
            },
          })}
        rowKey={idOf}
        columns={tableColumns}
        dataSource={found}
        pagination={false}
        // A frame that scrolls needs something in it that the keyboard reaches.
        virtual={found.length > 0}
        {...(found.length > 0 && {
          scroll: { x: 264 + columns.length * 160, y: Math.max(240, window.innerHeight - 260) },
        })}
        loading={!live.isComplete}
        locale={{
          emptyText: (
            <Nothing
              says={isFiltered ? t('list.noneFound') : t('list.none', { kinds: manyOf(kind, language) })}
            />
          ),
        }}
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
