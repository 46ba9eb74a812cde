// A table of any number of rows, all of one height: those near what is seen are drawn, and the browser scrolls by
// itself. Ant Design's draws all that is seen again for every step of the wheel.
import {
  type CSSProperties,
  memo,
  type ReactNode,
  useCallback,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore,
} from 'react'
import './long-table.css'

export interface LongColumn<T> {
  readonly key: string
  readonly title: string
  /** Pixels that it has at least. */
  readonly width: number
  /** What rows are sorted by, numbers in it by their values; and what stands in the CSV. */
  readonly text: (row: T) => string
  readonly render: (row: T) => ReactNode
  /** The text is what is shown: all of it is told under the pointer, where it is cut. */
  readonly isText: boolean
}

/** Rows may be chosen. */
export interface Choice<T> {
  readonly chosen: ReadonlySet<string>
  readonly choose: (ids: readonly string[]) => void
  readonly labelOf: (row: T) => string
  readonly labelOfAll: string
}

interface LongTableProps<T> {
  readonly label: string
  /** The first stays where it is when the others scroll sideways. One array for as long as they are the same. */
  readonly columns: readonly LongColumn<T>[]
  readonly rows: readonly T[]
  readonly idOf: (row: T) => string
  readonly choice?: Choice<T> | undefined
  /** There may be more rows than these so far. */
  readonly isPending: boolean
  /** Stands in place of rows. */
  readonly otherwise: ReactNode
}

/** Pixels; `.long` in long-table.css says the same. */
const rowHeight = 39
const choiceWidth = 44

/** What a page of 1280 pixels has beside the navigation: a wider table scrolls sideways, under its first column. */
const comfortable = 1000

/** Rows drawn above and below what is seen: the browser scrolls before the page hears of it. */
const spare = 12

/** Rows that come and go at once: each time the page looks anew at the style of all of them. */
const stride = 4

const strideOf = (scrolled: number) => Math.floor(scrolled / (rowHeight * stride)) * stride

const collator = new Intl.Collator(undefined, { numeric: true })

interface Sort {
  readonly key: string
  readonly isDown: boolean
}

function sorted<T>(
  rows: readonly T[],
  columns: readonly LongColumn<T>[],
  sort: Sort | undefined,
): readonly T[] {
  const column = columns.find(({ key }) => key === sort?.key)
  if (!sort || !column) return rows
  const sign = sort.isDown ? -1 : 1
  return rows
    .map(row => ({ row, by: column.text(row) }))
    .sort((one, other) => sign * collator.compare(one.by, other.by))
    .map(({ row }) => row)
}

/** Up, down, and as it came. */
const nextSort = (key: string, sort: Sort | undefined): Sort | undefined =>
  sort?.key !== key ? { key, isDown: false } : sort.isDown ? undefined : { key, isDown: true }

interface RowProps<T> {
  readonly row: T
  readonly id: string
  readonly place: number
  readonly columns: readonly LongColumn<T>[]
  readonly isChosen: boolean
  readonly label: string | undefined
  readonly toggle: (id: string, isRange: boolean) => void
}

function RowOf<T>({ row, id, place, columns, isChosen, label, toggle }: RowProps<T>) {
  return (
    <tr
      aria-rowindex={place + 2}
      className={isChosen ? 'long-row chosen' : 'long-row'}
      style={{ top: place * rowHeight }}
    >
      {label !== undefined && (
        <td className="long-pick">
          <input
            type="checkbox"
            checked={isChosen}
            aria-label={label}
            onChange={({ nativeEvent }) =>
              toggle(id, 'shiftKey' in nativeEvent && nativeEvent.shiftKey === true)
            }
          />
        </td>
      )}
      {columns.map(({ key, text, isText, render }) => (
        <td key={key} title={isText ? text(row) : undefined}>
          {render(row)}
        </td>
      ))}
    </tr>
  )
}

const Row = memo(RowOf) as typeof RowOf // the same, but for drawing what has not changed

const onResize = (listener: () => void) => {
  addEventListener('resize', listener)
  return () => removeEventListener('resize', listener)
}

export function LongTable<T>(props: LongTableProps<T>) {
  const { label, columns, rows, idOf, choice, isPending, otherwise } = props
  const [sort, setSort] = useState<Sort>()
  const [first, setFirst] = useState(0)
  const seen = Math.ceil(useSyncExternalStore(onResize, () => innerHeight) / rowHeight)
  const inOrder = useMemo(() => sorted(rows, columns, sort), [rows, columns, sort])
  const from = Math.max(0, Math.min(first, inOrder.length - seen) - spare)
  const drawn = inOrder.slice(from, first + seen + stride + spare)

  /** What a row asks for is answered as things stand then: rows are not drawn again because others changed. */
  const now = useRef({ inOrder, choice, last: undefined as string | undefined })
  now.current.inOrder = inOrder
  now.current.choice = choice
  const toggle = useCallback(
    (id: string, isRange: boolean) => {
      const { inOrder, choice, last } = now.current
      if (!choice) return
      const ids = inOrder.map(idOf)
      const ends = [ids.indexOf(id), isRange && last !== undefined ? ids.indexOf(last) : -1].filter(
        at => at >= 0,
      )
      const touched = new Set(ids.slice(Math.min(...ends), Math.max(...ends) + 1))
      const isOff = choice.chosen.has(id)
      const rest = [...choice.chosen].filter(one => !touched.has(one))
      now.current.last = id
      choice.choose(isOff ? rest : [...rest, ...touched])
    },
    [idOf],
  )
  const count = choice?.chosen.size ?? 0
  const isAll = count > 0 && inOrder.every(row => choice?.chosen.has(idOf(row)))
  const minWidth = columns.reduce((sum, { width }) => sum + width, choice ? choiceWidth : 0)
  const template = [
    ...(choice ? [`${choiceWidth}px`] : []),
    ...columns.map(({ width }) => `minmax(${width}px, ${width}fr)`),
  ].join(' ')
  return (
    <div
      className={minWidth > comfortable ? 'long sideways' : 'long'}
      onScroll={({ currentTarget }) => setFirst(strideOf(currentTarget.scrollTop))}
    >
      <table
        aria-label={label}
        aria-rowcount={inOrder.length + 1}
        aria-busy={isPending}
        style={{ '--columns': template, minWidth } as CSSProperties}
      >
        <thead className="long-head">
          <tr aria-rowindex={1} className="long-row">
            {choice && (
              <th scope="col" className="long-pick">
                <input
                  type="checkbox"
                  aria-label={choice.labelOfAll}
                  checked={isAll}
                  ref={box => {
                    if (box) box.indeterminate = count > 0 && !isAll
                  }}
                  onChange={() => choice.choose(isAll ? [] : inOrder.map(idOf))}
                />
              </th>
            )}
            {columns.map(({ key, title }) => {
              const direction = sort?.key !== key ? 'none' : sort.isDown ? 'descending' : 'ascending'
              return (
                <th key={key} scope="col" aria-sort={direction}>
                  <button type="button" onClick={() => setSort(nextSort(key, sort))}>
                    {title}
                  </button>
                </th>
              )
            })}
          </tr>
        </thead>
        <tbody className="long-body" style={{ height: inOrder.length * rowHeight }}>
          {drawn.map((row, index) => {
            const id = idOf(row)
            return (
              <Row
                key={id}
                row={row}
                id={id}
                place={from + index}
                columns={columns}
                isChosen={choice?.chosen.has(id) ?? false}
                label={choice?.labelOf(row)}
                toggle={toggle}
              />
            )
          })}
        </tbody>
      </table>
      {inOrder.length === 0 && otherwise}
    </div>
  )
}
