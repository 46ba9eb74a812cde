// A table of facts: an array of columns over rows that are here, or that the server gives page by page.
import { Fault } from '@switchyard/kinds/fault'
import { useInfiniteQuery } from '@tanstack/react-query'
import { Button, Table } from 'antd'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { Failed, Forbidden, Nothing } from '../shell/states.tsx'
import { keepCsv } from './csv.ts'
import './facts.css'
import './words.ts'

export interface FactColumn<T> {
  readonly key: string
  readonly title: string
  /** As it stands in the CSV, and on the screen without `render`. */
  readonly text: (fact: T) => string
  readonly render?: (fact: T) => ReactNode
  /** Numbers stand at the end. */
  readonly align?: 'end'
  /** Sorts what is loaded. */
  readonly order?: (one: T, other: T) => number
}

interface TableProps<T> {
  /** Of the file that the browser keeps, without its ending. */
  readonly name: string
  /** What the table tells, for those who do not see it. */
  readonly label: string
  readonly columns: readonly FactColumn<T>[]
  readonly rowKey: (fact: T) => string
  /** Said where there is none. */
  readonly empty: string
  /** Stands at the start of the line above the table: filters. */
  readonly tools?: ReactNode
  /** What a row opens to. */
  readonly opened?: (fact: T) => ReactNode
}

interface FactTableProps<T> extends TableProps<T> {
  readonly facts: readonly T[]
  readonly isPending?: boolean
  /** There are more than these: asks for them. */
  readonly more?: (() => void) | undefined
  readonly isMorePending?: boolean
  /** Said before it is asked for more. */
  readonly note?: ReactNode
}

/** Rows that are here. */
export function FactTable<T extends object>(props: FactTableProps<T>) {
  const { name, label, columns, facts, rowKey, empty, tools, opened, isPending = false, more } = props
  const { t } = useTranslation('parts')
  const download = () =>
    keepCsv(name, [
      columns.map(({ title }) => title),
      ...facts.map(fact => columns.map(({ text }) => text(fact))),
    ])
  return (
    <>
      <div className="tools">
        {tools}
        <span className="spring" />
        <span className="quiet" aria-live="polite">
          {isPending ? '' : t(more ? 'loadedMore' : 'loaded', { count: facts.length })}
        </span>
        <Button onClick={download} disabled={facts.length === 0} aria-label={t('csvOf')}>
          {t('csv')}
        </Button>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by the keyboard (WCAG 2.1.1) */}
      <section className="facts" aria-label={label} tabIndex={0}>
        <Table<T>
          size="small"
          rowKey={rowKey}
          pagination={false}
          loading={isPending}
          dataSource={[...facts]}
          locale={{ emptyText: isPending ? ' ' : <Nothing says={empty} /> }}
          {...(opened && { expandable: { expandedRowRender: opened } })}
          columns={columns.map(({ key, title, text, render, align, order }) => ({
            key,
            title,
            ...(align && { align }),
            ...(order && { sorter: order }),
            render: (_: unknown, fact: T) => (render ? render(fact) : text(fact)),
          }))}
        />
      </section>
      {props.note}
      {more && (
        <Button className="more" onClick={more} loading={props.isMorePending ?? false}>
          {t('more')}
        </Button>
      )}
    </>
  )
}

export interface FactPage<T> {
  readonly items: readonly T[]
  /** Where the next page begins; absent on the last. */
  readonly next?: string | undefined
  /** What the rows do not tell of how they were found; that of the last page is shown. */
  readonly note?: ReactNode
}

interface FactsProps<T> extends TableProps<T> {
  /** What is asked for: another key begins anew. */
  readonly queryKey: readonly unknown[]
  readonly load: (cursor: string | undefined, signal: AbortSignal) => Promise<FactPage<T>>
  /** Said to those who may not: what it is, and which permission it takes. */
  readonly forbidden: { readonly what: string; readonly permission: string }
  /** Milliseconds until all pages shown are asked for again. */
  readonly refetchInterval?: number
}

/** Rows that the server gives page by page. */
export function Facts<T extends object>({
  queryKey,
  load,
  forbidden,
  refetchInterval,
  ...table
}: FactsProps<T>) {
  const pages = useInfiniteQuery({
    queryKey,
    queryFn: ({ pageParam, signal }) => load(pageParam, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last: FactPage<T>) => last.next,
    ...(refetchInterval !== undefined && { refetchInterval }),
  })
  const { error } = pages
  if (error) {
    if (!(error instanceof Fault)) throw error
    if (error.code === 'denied') return <Forbidden {...forbidden} />
    return <Failed fault={error} again={() => void pages.refetch()} />
  }
  return (
    <FactTable
      {...table}
      facts={pages.data?.pages.flatMap(({ items }) => items) ?? []}
      isPending={pages.isPending}
      more={pages.hasNextPage ? () => void pages.fetchNextPage() : undefined}
      isMorePending={pages.isFetchingNextPage}
      note={pages.data?.pages.at(-1)?.note}
    />
  )
}
