// Rows of invoices and credit notes: reading them in every form, issuing, paying, giving back.
import { once } from 'node:events'
import { Fault, type InvoiceState, invoiceDocumentSchema, invoiceStates } from '@switchyard/kinds'
import {
  type Identity,
  type InvoiceWork,
  type Invoicing,
  invoiceForms,
  invoiceLanguages,
} from '@switchyard/runtime'
import { z } from 'zod'
import { authorize, identityOf } from './authorize.ts'
import { guarded, nowhere, type Output, type Params, type Row } from './route.ts'

export interface InvoiceOptions {
  readonly invoicing: Invoicing
}

const decimal = z.string().regex(/^-?\d+(\.\d+)?$/)

const rowSchema = z.object({
  id: z.uuid(),
  kind: z.enum(['invoice', 'credit_note']),
  state: z.enum(invoiceStates),
  workspace: z.string(),
  entity: z.string().describe('LegalEntity that issues it.'),
  from: z.string(),
  to: z.string(),
  currency: z.string(),
  number: z.string().nullable().describe('Null until it is issued.'),
  issuedAt: z.string().nullable(),
  dueAt: z.string().nullable(),
  payable: decimal.nullable().describe('Of a draft as it was last reckoned.'),
  of: z.string().nullable().describe('Invoice that a credit note is of.'),
  stopped: z.string().nullable().describe('Why it cannot be issued.'),
})

const listSchema = z.object({ kind: z.literal('InvoiceList'), items: z.array(rowSchema) })
const limit = z.coerce.number().int().min(1).max(1000).default(100)
const list: readonly Output[] = [{ status: 200, doc: 'The newest month first.', schema: listSchema }]
const changed: readonly Output[] = [
  { status: 200, doc: 'As it is now.', schema: rowSchema },
  { status: 409, doc: 'It is in no state for that, or usage has no price.', schema: { component: 'Error' } },
]

const formQuery = z.strictObject({
  format: z
    .enum(invoiceForms)
    .default('json')
    .describe('html is a page to print; csv are its lines; focus is FOCUS 1.2.'),
  lang: z.enum(invoiceLanguages).default('en').describe('Of a page.'),
})

const creditSchema = z.strictObject({
  note: z.string().min(1).max(500).describe('Why; it stands on the note.'),
  lines: z
    .array(
      z.strictObject({
        line: z.int().min(1).describe('Number of the line.'),
        net: decimal.optional().describe('So much of it, before tax; all that is left when absent.'),
      }),
    )
    .min(1)
    .max(10_000)
    .optional()
    .describe('What is given back; the whole invoice when absent.'),
})

const one = '/api/v1/workspaces/{w}/invoices/{number}'
const locate = ({ w, number: name = '' }: Params) => ({ workspace: w, name })

export function invoiceRows({ invoicing }: InvoiceOptions): readonly Row[] {
  const { store } = invoicing

  async function find(as: Identity, { w = '', number = '' }: Params): Promise<InvoiceWork> {
    const work = await store.find(as, w, number)
    if (work) return work
    throw new Fault('not_found', `There is no invoice ${number} in workspace ${w}.`, {
      reason: 'invoice_not_found',
    })
  }
  const shown = async (as: Identity, { w = '' }: Params, id: string) => {
    const { plan: _plan, cutoff: _cutoff, issuingSince: _since, ...row } = await find(as, { w, number: id })
    return { status: 200, body: row }
  }

  /** By a word, what the state becomes. */
  const moving = (verb: string, to: InvoiceState, doc: string): Row =>
    guarded(
      { permission: 'invoice:issue' },
      {
        method: 'POST',
        path: `${one}/actions/${verb}`,
        doc,
        locate,
        output: changed,
        action: `invoice.${verb}`,
      },
      {},
      async ({ caller, params }) => {
        const as = identityOf(caller)
        const work = await find(as, params)
        if (!(await store.move(work.id, to)))
          throw new Fault('conflict', `An invoice that is ${work.state} does not become ${to}.`, {
            reason: 'illegal_transition',
          })
        return shown(as, params, work.id)
      },
    )

  return [
    guarded(
      { permission: 'invoice:read' },
      {
        method: 'GET',
        path: '/api/v1/invoices',
        doc: 'Invoices of every workspace that you may read.',
        locate: nowhere,
        output: list,
      },
      { query: z.strictObject({ limit }) },
      async ({ caller, query }) => {
        const items = await store.list(identityOf(caller), query)
        return { status: 200, body: { kind: 'InvoiceList', items } }
      },
    ),
    guarded(
      { permission: 'invoice:read' },
      {
        method: 'GET',
        path: '/api/v1/workspaces/{w}/invoices',
        doc: 'Invoices and credit notes of a workspace, and the months that are not issued yet.',
        locate: ({ w }) => ({ workspace: w }),
        output: list,
      },
      { query: z.strictObject({ limit }) },
      async ({ caller, params, query }) => {
        const items = await store.list(identityOf(caller), { ...query, workspace: params.w ?? '' })
        return { status: 200, body: { kind: 'InvoiceList', items } }
      },
    ),
    guarded(
      { permission: 'invoice:read' },
      {
        method: 'GET',
        path: one,
        doc: 'One document, by its number; a draft by its id.',
        locate,
        output: [
          { status: 200, doc: 'In the form that was asked for.', schema: invoiceDocumentSchema },
          { status: 404, doc: 'There is none, or it was not reckoned yet.', schema: { component: 'Error' } },
        ],
      },
      { query: formQuery },
      async ({ caller, params, query: { format, lang } }) => {
        const as = identityOf(caller)
        const work = await find(as, params)
        const text = await store.document(as, work.id)
        if (text === undefined)
          throw new Fault('not_found', 'This month was not reckoned yet: try again in a few minutes.', {
            reason: 'not_drafted',
          })
        const rendered = invoicing.render(invoiceDocumentSchema.parse(JSON.parse(text)), format, lang)
        const headers = { 'content-type': rendered.type, 'cache-control': 'no-store' }
        return { status: 200, headers, body: rendered.text }
      },
    ),
    guarded(
      { permission: 'invoice:read' },
      {
        method: 'GET',
        path: `${one}/archive`,
        doc: 'All that a document was reckoned from, usage events among it: asks for usage:read too.',
        locate,
        output: [
          { status: 200, doc: 'Lines of JSON.', media: 'application/x-ndjson', schema: z.string() },
          { status: 404, doc: 'There is none, or it is not issued.', schema: { component: 'Error' } },
        ],
      },
      {},
      async ({ caller, params, signal, requestId }) => {
        authorize(caller, 'usage:read', params.w ?? '')
        const as = identityOf(caller)
        const work = await find(as, params)
        if (work.number === null)
          throw new Fault('not_found', 'It is not issued yet: there is nothing to verify.', {
            reason: 'not_issued',
          })
        return {
          async stream(response) {
            response.writeHead(200, {
              'content-type': 'application/x-ndjson',
              'cache-control': 'no-store',
              'x-request-id': requestId,
            })
            for await (const line of invoicing.archive(as, work))
              if (!response.write(line)) await once(response, 'drain', { signal })
            response.end()
          },
        }
      },
    ),
    guarded(
      { permission: 'invoice:issue' },
      {
        method: 'POST',
        path: `${one}/actions/issue`,
        doc: 'Issue a draft now, by its id, whatever is left of its grace.',
        locate,
        output: changed,
      },
      {},
      async ({ caller, params }) => {
        const as = identityOf(caller)
        const work = await find(as, params)
        await invoicing.issue(work)
        return shown(as, params, work.id)
      },
    ),
    moving('pay', 'paid', 'Say that an invoice is paid.'),
    moving('write-off', 'uncollectible', 'Say that an invoice will not be paid.'),
    guarded(
      { permission: 'invoice:issue' },
      {
        method: 'POST',
        path: `${one}/actions/credit`,
        doc: 'Give back an invoice, or lines of it, by a credit note with a number of its own.',
        locate,
        output: [
          { status: 201, doc: 'The note.', schema: invoiceDocumentSchema },
          { status: 409, doc: 'Nothing is left of it.', schema: { component: 'Error' } },
        ],
      },
      { body: creditSchema },
      async ({ caller, params, body: { note, lines } }) => {
        const work = await find(identityOf(caller), params)
        const document = await invoicing.credit(work, { note, ...(lines !== undefined && { lines }) })
        return { status: 201, body: document }
      },
    ),
  ]
}
