// Invoices as the API tells of them, and as files that the browser keeps.
import type { InvoiceState } from '@switchyard/kinds'
import type { InvoiceRow } from '@switchyard/runtime'
import type { Exchange } from '../api/exchange.ts'

export type { InvoiceDocument, InvoiceLine } from '@switchyard/kinds'
export type { InvoiceRow } from '@switchyard/runtime'

/** How it is called in an address. */
export const nameOf = ({ number, id }: InvoiceRow): string => number ?? id

export const pathOf = (workspace: string, name: string) =>
  `/api/v1/workspaces/${encodeURIComponent(workspace)}/invoices/${encodeURIComponent(name)}`

const moods: Readonly<Record<InvoiceState, string>> = {
  gathering: '',
  draft: 'busy',
  issuing: 'busy',
  issued: 'busy',
  paid: 'good',
  overdue: 'bad',
  uncollectible: 'bad',
}

/** The class of its tag. */
export const moodOf = (state: InvoiceState): string => moods[state]

export const forms = {
  en: { query: { format: 'html', lang: 'en' }, ending: 'en.html', type: 'text/html' },
  zh: { query: { format: 'html', lang: 'zh' }, ending: 'zh.html', type: 'text/html' },
  csv: { query: { format: 'csv' }, ending: 'csv', type: 'text/csv' },
  focus: { query: { format: 'focus' }, ending: 'focus.csv', type: 'text/csv' },
  archive: { query: undefined, ending: 'jsonl', type: 'application/x-ndjson' },
} as const
export type Form = keyof typeof forms

/** Byte by byte as the server wrote it: an archive is verified. */
export async function keepInvoice(
  exchange: Exchange,
  workspace: string,
  name: string,
  form: Form,
): Promise<void> {
  const { query, ending, type } = forms[form]
  const path = pathOf(workspace, name)
  const asked = query === undefined ? `${path}/archive` : `${path}?${new URLSearchParams(query)}`
  const { body } = await exchange.stream({ method: 'GET', path: asked })
  const parts: BlobPart[] = []
  for await (const chunk of body) parts.push(new Uint8Array(chunk))
  const link = document.createElement('a')
  link.href = URL.createObjectURL(new Blob(parts, { type }))
  link.download = `${name}.${ending}`
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 1000)
}
