// Lines of a document as CSV (RFC 4180), and what every CSV of ours keeps: quotes, CRLF, and no cell that a
// spreadsheet takes for a formula.
import type { InvoiceDocument, InvoiceLine } from '@switchyard/kinds'

/** A number stays what it is: a minus before it is no formula. */
export interface Cell {
  readonly number: string
}
export type Row = readonly (Cell | string | null)[]

export const csv = (header: readonly string[], rows: readonly Row[]): string =>
  [header, ...rows].map(row => `${row.map(written).join(',')}\r\n`).join('')

/** What makes a cell a formula in some spreadsheet. */
const formula = /^[\s]*[=+\-@\t\r|%]/

function written(cell: Row[number]): string {
  if (cell === null) return ''
  if (typeof cell !== 'string') return cell.number
  const text = formula.test(cell) ? `'${cell}` : cell
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

export const number = (text: string): Cell => ({ number: text })

interface Column {
  readonly title: string
  readonly read: (line: InvoiceLine, document: InvoiceDocument) => Row[number]
}

const columns: readonly Column[] = [
  { title: 'document', read: (_, { number: its }) => its },
  { title: 'line', read: line => number(String(line.number)) },
  { title: 'kind', read: line => line.kind },
  { title: 'name', read: line => line.name },
  { title: 'workspace', read: (_, { workspace }) => workspace },
  { title: 'project', read: line => line.project },
  { title: 'model', read: line => line.model },
  { title: 'unit', read: line => line.unit },
  { title: 'rate', read: line => line.rate },
  { title: 'step', read: line => (line.step === null ? null : number(String(line.step))) },
  { title: 'price', read: line => line.price },
  { title: 'service_from', read: line => line.service.from },
  { title: 'service_to', read: line => line.service.to },
  { title: 'quantity', read: line => number(line.quantity) },
  { title: 'currency', read: (_, { terms }) => terms.currency },
  { title: 'exact', read: line => number(line.exact) },
  { title: 'rounded', read: line => number(line.rounded) },
  { title: 'net', read: line => number(line.net) },
  { title: 'tax', read: line => number(line.tax) },
  { title: 'tax_name', read: line => line.taxed?.name ?? null },
  { title: 'tax_percent', read: line => (line.taxed ? number(line.taxed.percent) : null) },
  { title: 'correction', read: line => String(line.correction) },
  { title: 'corrects_document', read: line => line.corrects?.document ?? null },
  { title: 'corrects_line', read: line => (line.corrects ? number(String(line.corrects.line)) : null) },
  // After what there was before: who reads by place reads on.
  { title: 'tier', read: line => line.tier ?? null },
  { title: 'region', read: line => line.region ?? null },
]

/** Begins with a byte order mark: without one spreadsheets take Chinese for something else. */
export const linesCsv = (document: InvoiceDocument): string =>
  `\uFEFF${csv(
    columns.map(({ title }) => title),
    document.lines.map(line => columns.map(({ read }) => read(line, document))),
  )}`
