// Rows of balances: what there is, what has changed it, and the money that people bring, give, take out or put right.
import { decimalSchema, nameSchema } from '@switchyard/kinds'
import { type LedgerStore, moneyCauses } from '@switchyard/runtime'
import { z } from 'zod'
import { identityOf } from './authorize.ts'
import { invalid } from './invalid.ts'
import { guarded, type Params, type Row } from './route.ts'

export interface BalanceOptions {
  readonly ledger: LedgerStore
}

const decimal = z.string().regex(/^-?\d+(\.\d+)?$/)
const mostCredits = 1_000_000

const balanceSchema = z.object({
  workspace: z.string(),
  project: z.string().nullable(),
  currency: z.string(),
  kind: z.enum(['prepaid', 'postpaid']),
  limit: decimal,
  balance: decimal,
  pending: decimal,
  sliced: decimal,
  available: decimal,
  overrun: decimal,
  credits: z.array(
    z.object({
      cause: z.enum(['top_up', 'grant', 'correction']),
      amount: decimal,
      remaining: decimal,
      priority: z.int(),
      expiresAt: z.string().nullable(),
    }),
  ),
})

const entrySchema = z.object({
  transaction: z.string(),
  at: z.string(),
  cause: z.enum([...moneyCauses, 'charge', 'expiry', 'write_off']),
  project: z.string().nullable(),
  currency: z.string(),
  amount: decimal,
  against: z.string(),
  reference: z.string(),
  actor: z.string().nullable(),
  reason: z.string().nullable(),
})

const entriesQuery = z.strictObject({
  project: nameSchema.optional().describe('Of the account of this project; of every account when absent.'),
  before: z
    .string()
    .regex(/^\d{1,18}$/)
    .optional()
    .describe('Transaction before which to go on.'),
  limit: z.coerce.number().int().min(1).max(500).default(100),
})

/** A correction may take away. */
const signedDecimal = z
  .string('write it as text in quotes, such as "2.50": numbers lose digits')
  .refine(text => decimalSchema.safeParse(text.replace(/^-/, '')).success, 'write a decimal such as 2.50')
  .refine(text => /[1-9]/.test(text), 'must not be 0')

const moneySchema = z
  .strictObject({
    type: z
      .enum(moneyCauses)
      .describe(
        'top_up: was paid in; grant: is given; withdrawal: is paid out; correction: puts right, below 0 too.',
      ),
    amount: signedDecimal.describe('As text, in the currency of the workspace.'),
    project: nameSchema
      .optional()
      .describe('To the account of this project; to that of the workspace when absent.'),
    priority: z
      .int()
      .min(0)
      .max(mostCredits)
      .default(100)
      .describe('What has the lowest burns first; then what expires first, then what came first.'),
    expiresAt: z.iso
      .datetime({ offset: true })
      .optional()
      .describe('What is not used until then is taken back; never when absent.'),
    reason: z.string().min(1).max(500).optional().describe('For people who read the entries.'),
  })
  .superRefine(({ type, amount, expiresAt }, context) => {
    const problem = (path: string, message: string) =>
      context.addIssue({ code: 'custom', path: [path], message })
    if (type !== 'correction' && amount.startsWith('-')) problem('amount', 'must be above 0')
    if (type !== 'grant' && type !== 'top_up' && expiresAt !== undefined)
      problem('expiresAt', 'is for what is paid in or given')
  })

const inWorkspace = ({ w }: Params) => ({ workspace: w })

export function balanceRows({ ledger }: BalanceOptions): readonly Row[] {
  return [
    guarded(
      { permission: 'account:read' },
      {
        method: 'GET',
        path: '/api/v1/workspaces/{w}/balances',
        doc: 'Accounts of a workspace and its projects: what was paid in or is owed, and what is held of it.',
        locate: inWorkspace,
        output: [
          {
            status: 200,
            doc: 'Amounts are decimals as text, in the currency of the account.',
            schema: z.object({ kind: z.literal('BalanceList'), items: z.array(balanceSchema) }),
          },
        ],
      },
      {},
      async ({ caller, params }) => {
        const items = await ledger.balances(identityOf(caller), params.w ?? '')
        return { status: 200, body: { kind: 'BalanceList', items } }
      },
    ),
    guarded(
      { permission: 'account:read' },
      {
        method: 'GET',
        path: '/api/v1/workspaces/{w}/balances/entries',
        doc: 'What has changed the balances of a workspace.',
        locate: inWorkspace,
        output: [
          {
            status: 200,
            doc: 'Newest first; `amount` is what the balance has gained.',
            schema: z.object({ kind: z.literal('EntryList'), items: z.array(entrySchema) }),
          },
        ],
      },
      { query: entriesQuery },
      async ({ caller, params, query: { project, before, limit } }) => {
        const items = await ledger.entries(identityOf(caller), {
          workspace: params.w ?? '',
          limit,
          ...(project !== undefined && { project }),
          ...(before !== undefined && { before }),
        })
        return { status: 200, body: { kind: 'EntryList', items } }
      },
    ),
    guarded(
      { permission: 'billing:credit' },
      {
        method: 'POST',
        path: '/api/v1/workspaces/{w}/balances/transactions',
        doc: 'Pay in, give, pay out or put right. The Idempotency-Key is required, and never means another transaction.',
        locate: inWorkspace,
        output: [
          {
            status: 201,
            doc: 'It is recorded.',
            schema: z.object({ kind: z.literal('Transaction'), transaction: z.string() }),
          },
          { status: 200, doc: 'It had been recorded before.' },
          { status: 409, doc: 'There is no account, or the key was used.', schema: { component: 'Error' } },
        ],
      },
      { body: moneySchema },
      async ({ caller, params, body, once }) => {
        if (!once)
          throw invalid([
            {
              path: 'Idempotency-Key',
              rule: 'required',
              message: 'send this header with a text of your own: money that is sent twice must count once',
            },
          ])
        const { type: cause, amount, project = '', priority, expiresAt = null, reason = null } = body
        const { transaction, again } = await ledger.record(identityOf(caller), {
          workspace: params.w ?? '',
          project,
          cause,
          amount,
          priority,
          expiresAt,
          reason,
          ...once,
        })
        return {
          status: again ? 200 : 201,
          ...(again && { headers: { 'idempotency-replayed': 'true' } }),
          body: { kind: 'Transaction', transaction },
        }
      },
    ),
  ]
}
