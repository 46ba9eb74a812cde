// How a workspace pays for what its keys call: out of a balance that was filled in advance, or on credit.
import { z } from 'zod'
import { nameSchema } from './envelope.ts'
import { invoicingSchema } from './invoicing.ts'
import { decimalSchema } from './money.ts'

const credit = decimalSchema
  .optional()
  .describe('Most that may be owed at once, as text, in the currency of the workspace; postpaid only.')

interface Paying {
  readonly mode: 'none' | 'prepaid' | 'postpaid'
  readonly credit?: string | undefined
}

/** Credit is of who pays later, and of nobody else. */
function checkCredit({ mode, credit: given }: Paying, context: z.RefinementCtx): void {
  const problem = (message: string) => context.addIssue({ code: 'custom', path: ['credit'], message })
  if (mode === 'postpaid' && given === undefined) problem('say how much may be owed at most')
  if (mode !== 'postpaid' && given !== undefined) problem('is for mode postpaid')
}

const projectBilling = z
  .strictObject({
    mode: z.enum(['prepaid', 'postpaid']).describe('Whether it pays before or after it calls.'),
    credit,
  })
  .superRefine(checkCredit)

const charge = z
  .strictObject({
    disconnect: z
      .enum(['produced', 'input_only', 'none'])
      .default('produced')
      .describe(
        'When the caller leaves before the end: input and what was produced, the input alone, or nothing.',
      ),
    failure: z
      .enum(['none', 'produced'])
      .default('none')
      .describe('When an upstream fails, or our time is over, after the first byte.'),
    blocked: z
      .enum(['produced', 'input_only'])
      .default('produced')
      .describe('When a guardrail ends the answer.'),
    lost: z
      .enum(['produced', 'input_only'])
      .default('produced')
      .describe('When the gateway itself is lost: what it had last written down.'),
  })
  .describe('What calls pay that do not end well.')

export const billingSchema = z
  .strictObject({
    mode: z
      .enum(['none', 'prepaid', 'postpaid'])
      .default('none')
      .describe('none: calls draw on no balance; prepaid: on what was paid in; postpaid: on credit.'),
    credit,
    projects: z
      .record(nameSchema, projectBilling)
      .refine(projects => Object.keys(projects).length <= 1000, 'at most 1000 projects')
      .optional()
      .describe('Projects with an account of their own, which pays for them in place of the workspace.'),
    charge: charge.prefault({}),
    invoice: invoicingSchema.optional(),
    onStoreLoss: z
      .enum(['closed', 'open'])
      .default('closed')
      .describe('While balances cannot be read, whoever is on credit is refused, or let in.'),
    openAmount: decimalSchema
      .optional()
      .describe('With onStoreLoss open: most that one gateway lets in meanwhile, as text.'),
  })
  .superRefine((billing, context) => {
    checkCredit(billing, context)
    const { onStoreLoss, openAmount } = billing
    if ((onStoreLoss === 'open') !== (openAmount !== undefined))
      context.addIssue({
        code: 'custom',
        path: ['openAmount'],
        message: onStoreLoss === 'open' ? 'say how much may be let in' : 'is for onStoreLoss open',
      })
  })
  .describe('How calls are paid.')
export type BillingSpec = z.output<typeof billingSchema>
export type ChargeSpec = BillingSpec['charge']
