// What was used: sums of the metered facts, by whatever one groups them.
import { decimalOf, formatDecimal } from '@switchyard/kinds'
import type { UsageRow, UsageStore } from '@switchyard/runtime'
import { z } from 'zod'
import { authorize, type Caller, holds, identityOf } from './authorize.ts'
import type { Answer } from './route.ts'
import { count, decimal, span, whose } from './usage-filter.ts'

const groups = ['workspace', 'project', 'key', 'model', 'upstream', 'hour', 'day'] as const

export const usageQuerySchema = z.strictObject({
  by: z
    .string()
    .default('')
    .transform(text =>
      text
        .split(',')
        .map(word => word.trim())
        .filter(word => word !== ''),
    )
    .pipe(z.array(z.enum(groups)).max(groups.length))
    .describe(
      'Comma-separated: workspace, project, key, model, upstream, hour, day. One row for all when absent.',
    ),
  ...span,
  ...whose,
})

export const usageAnswerSchema = z.object({
  kind: z.literal('Usage'),
  from: z.string().nullable(),
  to: z.string().nullable(),
  by: z.array(z.enum(groups)),
  items: z.array(
    z.object({
      group: z.partialRecord(z.enum(groups), z.string().nullable()),
      requests: count,
      uncosted: count
        .optional()
        .describe(
          'Events whose cost is not known, for those who may read price books: `cost` is without them.',
        ),
      quantities: z.record(z.string(), count),
      tokens: z.object({ input: count, output: count }),
      amounts: z
        .array(
          z.object({
            currency: z.string(),
            amount: decimal.describe('To callers.'),
            cost: decimal
              .nullable()
              .optional()
              .describe('To us, for those who may read price books; null where nothing of it is known.'),
            margin: decimal
              .nullable()
              .optional()
              .describe('Amount less cost; null unless all of the cost is known.'),
            units: z.record(z.string(), decimal).describe('Of the amount, by unit.'),
          }),
        )
        .describe('Of what is priced, by currency; decimals.'),
    }),
  ),
})

export async function readUsage(
  usage: UsageStore,
  caller: Caller,
  query: z.output<typeof usageQuerySchema>,
): Promise<Answer> {
  const { by, from, to, ...only } = query
  const { workspace } = only
  if (workspace !== undefined) authorize(caller, 'usage:read', workspace)
  const wanted = Object.entries({ from, to, ...only }).filter(([, value]) => value !== undefined)
  const rows = await usage.usage(identityOf(caller), { by, ...Object.fromEntries(wanted) })
  const items = holds(caller, 'price_book:read', null) ? rows.map(withMargins) : rows.map(withoutCosts)
  return { status: 200, body: { kind: 'Usage', from: from ?? null, to: to ?? null, by, items } }
}

/** What is not known is not 0. */
const withMargins = ({ amounts, ...row }: UsageRow) => ({
  ...row,
  amounts: amounts.map(({ cost, ...its }) => {
    const whole = row.uncosted === '0'
    return {
      ...its,
      cost: whole || decimalOf(cost) !== 0n ? cost : null,
      margin: whole ? formatDecimal(decimalOf(its.amount) - decimalOf(cost)) : null,
    }
  }),
})

/** What upstreams charge us is nothing that tenants see. */
const withoutCosts = ({ amounts, uncosted: _uncosted, ...row }: UsageRow) => ({
  ...row,
  amounts: amounts.map(({ cost: _cost, ...its }) => its),
})
