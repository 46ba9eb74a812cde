// All that can be done with invoices, put together for those who serve it.
import { Fault, type InvoiceDocument, invoiceDocumentSchema } from '@switchyard/kinds'
import type { Identity, InvoiceForm, InvoiceLanguage, Invoicing } from '@switchyard/runtime'
import { archiveOf } from './archive.ts'
import { creditNote } from './credit.ts'
import { linesCsv } from './csv.ts'
import { documentText } from './document.ts'
import { focusCsv } from './focus.ts'
import { invoiceHtml } from './html.ts'
import { type InvoicingOptions, issueInvoice } from './issue.ts'

const server: Identity = { role: 'control' }

type Render = (document: InvoiceDocument, language: InvoiceLanguage) => string

const forms = {
  json: { type: 'application/json; charset=utf-8', text: documentText },
  html: { type: 'text/html; charset=utf-8', text: invoiceHtml },
  csv: { type: 'text/csv; charset=utf-8; header=present', text: linesCsv },
  focus: { type: 'text/csv; charset=utf-8; header=present', text: focusCsv },
} as const satisfies Record<InvoiceForm, { readonly type: string; readonly text: Render }>

export function invoicing(options: InvoicingOptions): Invoicing {
  const { invoices, now } = options
  return {
    store: invoices,
    issue: work => issueInvoice(work, options),
    async credit(work, { note, lines }) {
      const text = await invoices.document(server, work.id)
      if (work.kind !== 'invoice' || work.number === null || text === undefined)
        throw new Fault('conflict', 'Only an invoice that was issued can be given back.', {
          reason: 'illegal_transition',
        })
      const document = invoiceDocumentSchema.parse(JSON.parse(text))
      const issuedAt = new Date(now()).toISOString()
      return invoices.credit(
        work,
        (before, number) =>
          creditNote(document, before, { number, issuedAt, note, ...(lines !== undefined && { lines }) }),
        issuedAt,
      )
    },
    archive: (as, work) => archiveOf(invoices, as, work),
    render(document, form, language) {
      const { type, text } = forms[form]
      return { type, text: text(document, language) }
    },
  }
}
