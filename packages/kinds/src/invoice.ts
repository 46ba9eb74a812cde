// An invoice or a credit note as it was issued: one JSON, of which every byte can be reckoned again. Money and counts
// are decimals as text.
import { z } from 'zod'
import { currencySchema } from './money.ts'
import { timezoneSchema } from './period.ts'
import { serviceTiers } from './price-rate.ts'

const amount = z.string().regex(/^-?\d{1,26}(\.\d{1,12})?$/, 'is no decimal')
const count = z.string().regex(/^-?\d{1,38}$/, 'is no whole number')
const percent = z.string().regex(/^\d{1,3}(\.\d{1,12})?$/, 'is no percentage')
const hash = z.string().regex(/^[0-9a-f]{64}$/, 'is no SHA-256 in lower-case hex')
const moment = z.iso.datetime()

const span = z.strictObject({ from: moment, to: moment })
const tax = z.strictObject({ name: z.string(), percent })

const partySchema = z.strictObject({
  name: z.string().describe('Registered name.'),
  taxNumber: z.string().describe('税号, VAT number; empty without.'),
  address: z.array(z.string()).describe('Lines of it.'),
  bank: z.string().describe('Where to pay; empty without.'),
})
export type Party = z.output<typeof partySchema>

export const invoiceStates = [
  'gathering',
  'draft',
  'issuing',
  'issued',
  'paid',
  'overdue',
  'uncollectible',
] as const
export type InvoiceState = (typeof invoiceStates)[number]

export const invoiceLineKinds = ['usage', 'fee', 'discount', 'minimum', 'cap', 'residue'] as const
export type InvoiceLineKind = (typeof invoiceLineKinds)[number]

export const invoiceLineSchema = z.strictObject({
  number: z.int().min(1).describe('From 1; others name the line by it.'),
  kind: z.enum(invoiceLineKinds),
  name: z.string().describe('Of a fee or a discount.'),
  project: z.string().nullable(),
  model: z.string().nullable().describe('Public model name.'),
  unit: z.string().nullable().describe('What is counted.'),
  rate: z.string().nullable().describe('Id of the rate of a published price book.'),
  step: z.int().nullable().describe('Of a rate by steps: which, from 1.'),
  price: z.string().nullable().describe('As people read it, such as "2.50 / 1000000".'),
  tier: z.enum(serviceTiers).optional().describe('That the price is for; absent where it is for all.'),
  region: z.string().optional().describe('Likewise.'),
  service: span.describe('When the service was given.'),
  quantity: count,
  exact: amount.describe('In the currency, before rounding.'),
  rounded: amount.describe('Rounded once to the minor unit of the currency; with its tax if prices hold it.'),
  net: amount,
  tax: amount.describe("Its share of the tax of its rate; the document's sums hold."),
  taxed: tax.nullable().describe('Which tax; none where it is not taxed.'),
  correction: z.boolean().describe('Of a period that was billed before.'),
  corrects: z
    .strictObject({ document: z.string(), line: z.int() })
    .nullable()
    .describe('The line that it corrects, or takes back.'),
})
export type InvoiceLine = z.output<typeof invoiceLineSchema>

export const invoiceTermsSchema = z.strictObject({
  currency: currencySchema,
  rounding: z.enum(['half_even', 'half_up']),
  timezone: timezoneSchema,
  taxInclusive: z.boolean().describe('Prices hold the tax.'),
  taxes: z.array(tax.extend({ models: z.array(z.string()).nullable() })),
  discounts: z.array(z.strictObject({ name: z.string(), percent, models: z.array(z.string()).nullable() })),
  prepaid: z
    .boolean()
    .describe('Usage is paid from a balance when it comes: the invoice takes it off again.'),
})
export type InvoiceTerms = z.output<typeof invoiceTermsSchema>

export const invoiceDocumentSchema = z.strictObject({
  format: z.literal(1),
  kind: z.enum(['invoice', 'credit_note']),
  number: z.string(),
  issuedAt: moment,
  dueAt: moment.nullable(),
  workspace: z.string(),
  seller: partySchema,
  buyer: partySchema,
  period: span,
  terms: invoiceTermsSchema,
  evidence: z
    .strictObject({
      cutoff: count.describe('Last batch of usage whose events are counted.'),
      ratingVersion: count,
      books: z.array(z.strictObject({ id: z.string(), name: z.string(), version: z.int(), sha256: hash })),
      periods: z
        .array(
          span.extend({
            events: count,
            root: hash.describe('Merkle root (RFC 6962) over the events that were rated.'),
          }),
        )
        .describe('Whose usage was rated: its own, then earlier ones whose late usage it corrects.'),
    })
    .nullable()
    .describe('What it was reckoned from; none of a credit note that a person wrote.'),
  credits: z.array(z.strictObject({ name: z.string(), amount })),
  note: z.string().describe('Why, of a credit note.'),
  lines: z.array(invoiceLineSchema),
  linesHash: hash.describe('Of the canonical JSON (RFC 8785) of its lines.'),
  taxes: z.array(tax.extend({ net: amount, amount })),
  net: amount,
  tax: amount,
  gross: amount,
  payable: amount.describe('Gross less credits. Of a credit note below 0: what is given back.'),
})
export type InvoiceDocument = z.output<typeof invoiceDocumentSchema>
