// How a workspace is invoiced: by whom, to whom, with which tax, discounts and terms.
import { z } from 'zod'
import { nameSchema } from './envelope.ts'
import { companySchema } from './legal-entity.ts'
import { modelPattern } from './limits.ts'
import { decimalSchema, parseDecimal } from './money.ts'

const hundred = 100n * 10n ** 12n

const percent = decimalSchema.refine(text => (parseDecimal(text) ?? 0n) <= hundred, 'is above 100')
const models = z
  .array(modelPattern)
  .min(1)
  .max(100)
  .optional()
  .describe('Public model names, or starts of them and a `*`; all when absent.')
const name = z.string().min(1).max(64)

export const invoicingSchema = z
  .strictObject({
    entity: nameSchema.describe('LegalEntity that issues its invoices.'),
    buyer: companySchema.describe('Whom invoices are made out to.'),
    taxes: z
      .array(z.strictObject({ name, percent: percent.describe('In a hundred, as text: "13".'), models }))
      .max(16)
      .default([])
      .describe(
        'The first that is for a model is its tax; fees and what is no model take the first for all.',
      ),
    taxInclusive: z
      .boolean()
      .default(false)
      .describe('Prices of the books hold the tax: it is split off (价税分离).'),
    discounts: z
      .array(z.strictObject({ name, percent, models }))
      .max(16)
      .default([])
      .describe('The first that is for a model is taken off its usage.'),
    graceHours: z
      .int()
      .min(0)
      .max(24 * 30)
      .default(72)
      .describe('Hours after the end of a month in which late usage still counts for it.'),
    dueDays: z.int().min(0).max(365).default(30).describe('Days from the issue to the date of payment.'),
    issue: z
      .enum(['automatic', 'manual'])
      .default('automatic')
      .describe('automatic: once the grace is over; manual: when somebody issues it.'),
  })
  .describe('Monthly invoices; none when absent.')
export type Invoicing = z.output<typeof invoicingSchema>
