// Invoices and credit notes: listing and reading them, issuing, and the archive that one is verified from.
import { Fault, type InvoiceDocument, invoiceDocumentSchema } from '@switchyard/kinds'
import type { Exchange } from './exchange.ts'
import { lines } from './lines.ts'
import { isRecord } from './values.ts'

export interface InvoiceItem {
  readonly id: string
  readonly kind: string
  readonly state: string
  readonly from: string
  readonly to: string
  readonly currency: string
  readonly number: string | null
  readonly dueAt: string | null
  readonly payable: string | null
  readonly stopped: string | null
}

const text = (value: unknown): string | null => (typeof value === 'string' ? value : null)

function readItem(row: unknown): InvoiceItem {
  if (!isRecord(row) || typeof row.id !== 'string')
    throw new Fault(
      'internal',
      'The server answered with something that is no invoice. Is it another version?',
    )
  return {
    id: row.id,
    kind: String(row.kind),
    state: String(row.state),
    from: String(row.from),
    to: String(row.to),
    currency: String(row.currency),
    number: text(row.number),
    dueAt: text(row.dueAt),
    payable: text(row.payable),
    stopped: text(row.stopped),
  }
}

export function invoiceCalls(exchange: Exchange) {
  const at = (workspace: string, name: string) =>
    `/api/v1/workspaces/${encodeURIComponent(workspace)}/invoices/${encodeURIComponent(name)}`
  return {
    async invoices(workspace: string): Promise<readonly InvoiceItem[]> {
      const path = `/api/v1/workspaces/${encodeURIComponent(workspace)}/invoices`
      const { body } = await exchange.send({ method: 'GET', path, query: { limit: 1000 } })
      return isRecord(body) && Array.isArray(body.items) ? body.items.map(readItem) : []
    },

    async invoice(workspace: string, name: string): Promise<InvoiceDocument> {
      const { body } = await exchange.send({ method: 'GET', path: at(workspace, name) })
      return invoiceDocumentSchema.parse(body)
    },

    /** In a form for people or other programs, as its bytes. */
    async invoiceFile(workspace: string, name: string, format: string, lang: string): Promise<Uint8Array> {
      const { body } = await exchange.stream({
        method: 'GET',
        path: at(workspace, name),
        query: { format, lang },
      })
      const chunks: Uint8Array[] = []
      for await (const chunk of body as AsyncIterable<Uint8Array>) chunks.push(chunk)
      return Buffer.concat(chunks)
    },

    /** `issue`, `pay` or `write-off`. */
    async invoiceAction(workspace: string, name: string, verb: string): Promise<InvoiceItem> {
      const path = `${at(workspace, name)}/actions/${verb}`
      return readItem((await exchange.send({ method: 'POST', path })).body)
    },

    async creditInvoice(
      workspace: string,
      name: string,
      ask: {
        readonly note: string
        readonly lines?: readonly { readonly line: number; readonly net?: string }[]
      },
    ): Promise<InvoiceDocument> {
      const path = `${at(workspace, name)}/actions/credit`
      return invoiceDocumentSchema.parse((await exchange.send({ method: 'POST', path, body: ask })).body)
    },

    /** Lines of JSON, without their ends. */
    async *invoiceArchive(workspace: string, name: string): AsyncGenerator<string> {
      const { body } = await exchange.stream({
        method: 'GET',
        path: `${at(workspace, name)}/archive`,
        headers: { accept: 'application/x-ndjson' },
        silenceMs: 0,
      })
      yield* lines(body)
    },
  }
}
