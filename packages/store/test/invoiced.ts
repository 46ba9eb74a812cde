// The smallest document that is issued: one line for one workspace.
import type { InvoiceDocument } from '@switchyard/kinds'
import type { InvoicePlan, InvoiceStore } from '@switchyard/runtime'
import { control } from './given.ts'

const company = { name: 'Acme', taxNumber: '', address: [], bank: '' }

export async function issueOne(invoices: InvoiceStore, workspace: string): Promise<string> {
  const [from, to] = ['2026-10-01T00:00:00.000Z', '2026-11-01T00:00:00.000Z']
  const plan: InvoicePlan = {
    workspace,
    entity: 'acme',
    seller: company,
    buyer: company,
    terms: {
      currency: 'USD',
      rounding: 'half_even',
      timezone: 'UTC',
      taxInclusive: false,
      taxes: [],
      discounts: [],
      prepaid: false,
    },
    from,
    to,
    graceHours: 0,
    dueDays: 30,
    automatic: false,
    prefixes: { invoice: 'A-', credit_note: 'CN-' },
    numberZone: 'UTC',
  }
  await invoices.plan(plan)
  const [{ id } = { id: '' }] = await invoices.list(control, { workspace, limit: 1 })
  await invoices.move(id, 'draft')
  await invoices.begin(id, to)
  const work = await invoices.find(control, workspace, id)
  if (!work) throw new Error('nothing was planned')
  const document: InvoiceDocument = {
    format: 1,
    kind: 'invoice',
    number: '',
    issuedAt: to,
    dueAt: null,
    workspace,
    seller: company,
    buyer: company,
    period: { from, to },
    terms: plan.terms,
    evidence: null,
    credits: [],
    note: '',
    lines: [
      {
        number: 1,
        kind: 'fee',
        name: 'support',
        project: null,
        model: null,
        unit: null,
        rate: null,
        step: null,
        price: null,
        service: { from, to },
        quantity: '1',
        exact: '5',
        rounded: '5.00',
        net: '5.00',
        tax: '0.00',
        taxed: null,
        correction: false,
        corrects: null,
      },
    ],
    linesHash: '00'.repeat(32),
    taxes: [],
    net: '5.00',
    tax: '0.00',
    gross: '5.00',
    payable: '5.00',
  }
  await invoices.finish(work, [], [{ kind: 'invoice', of: null }], ([number = '']) => [
    { ...document, number },
  ])
  return id
}
