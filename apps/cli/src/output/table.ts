// A table for people: columns as wide as their widest cell, two spaces between, nothing trailing.
import { displayWidth, pad, safe } from './width.ts'

export interface TableColumn {
  readonly title: string
  readonly align?: 'left' | 'right'
  /** Colours a cell that has been padded. */
  readonly paint?: (padded: string, cell: string) => string
}

export interface TableOptions {
  readonly headers?: boolean
  readonly paintHeader?: (title: string) => string
}

export interface Table {
  /** Column widths, taken from the rows seen so far. */
  readonly widths: readonly number[]
  readonly text: string
}

const oneLine = (cell: string) => safe(cell.replace(/\s*\n\s*/g, ' '))

export function table(
  columns: readonly TableColumn[],
  rows: readonly (readonly string[])[],
  { headers = true, paintHeader = title => title }: TableOptions = {},
  atLeast: readonly number[] = [],
): Table {
  const clean = rows.map(row => columns.map((_, index) => oneLine(row[index] ?? '')))
  const widths = columns.map(({ title }, index) =>
    Math.max(
      atLeast[index] ?? 0,
      headers ? displayWidth(title) : 0,
      ...clean.map(row => displayWidth(row[index] ?? '')),
    ),
  )
  const line = (cells: readonly string[], paint: (padded: string, index: number) => string) =>
    cells
      .map((cell, index) => {
        const last = index === cells.length - 1 && columns[index]?.align !== 'right'
        return paint(last ? cell : pad(cell, widths[index] ?? 0, columns[index]?.align), index)
      })
      .join('  ')
      .trimEnd()
  const head = headers
    ? [
        line(
          columns.map(({ title }) => title),
          padded => paintHeader(padded),
        ),
      ]
    : []
  const body = clean.map(row =>
    line(row, (padded, index) => columns[index]?.paint?.(padded, row[index] ?? '') ?? padded),
  )
  const lines = [...head, ...body]
  return { widths, text: lines.length === 0 ? '' : `${lines.join('\n')}\n` }
}
