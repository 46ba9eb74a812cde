// Requests one by one, as their usage tells of them.
import { serviceTiers } from '@switchyard/kinds'
import { attemptOutcomes, endReasons, type RequestRow, type UsageStore } from '@switchyard/runtime'
import { z } from 'zod'
import { authorize, type Caller, holds, identityOf } from './authorize.ts'
import type { Answer } from './route.ts'
import { count, decimal, span, whose } from './usage-filter.ts'

/** `404`, or `5xx` for all that begin so. */
const statusSchema = z
  .string()
  .regex(/^[1-9](\d\d|xx)$/, 'write a status such as 404, or 5xx')
  .transform((text): readonly [number, number] => [
    Number(text.replace('xx', '00')),
    Number(text.replace('xx', '99')),
  ])

export const requestsQuerySchema = z.strictObject({
  ...whose,
  status: statusSchema.optional().describe('404, or 5xx for all that begin so.'),
  end: z.enum(endReasons).optional(),
  ...span,
  request: z.uuid().optional().describe('Id of one request, as in x-request-id of its answer.'),
  firstTokenFrom: z.coerce
    .number()
    .int()
    .min(0)
    .max(2 ** 31 - 1)
    .optional()
    .describe('Streams whose first token came after so many milliseconds or more.'),
  after: z.string().max(512).optional().describe('`next` of the page before.'),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
})

const milliseconds = z.int().min(0)
const attemptSchema = z.object({
  upstream: z.string().describe('Name of the Replica or the Provider.'),
  outcome: z.enum(attemptOutcomes),
  status: z.int().describe('HTTP status; 0 where no head came.'),
  startMs: milliseconds.describe('From admission until it was sent.'),
  contentMs: milliseconds.optional().describe('Until its first content, or its whole reply.'),
  endMs: milliseconds,
})

export const requestListSchema = z.object({
  kind: z.literal('RequestList'),
  items: z.array(
    z.object({
      id: z.string().describe('Of the usage event of its call.'),
      request: z.uuid(),
      workspace: z.string(),
      project: z.string().nullable(),
      key: z.string().describe('Name of the ApiKey.'),
      model: z.string(),
      operation: z.string(),
      streamed: z.boolean(),
      at: z.string().describe('Moment of admission.'),
      endedAt: z.string(),
      firstTokenMs: milliseconds
        .nullable()
        .describe(
          'From admission to the first token of a stream; null where there was none, or it is not known.',
        ),
      attempts: z
        .array(attemptSchema)
        .nullable()
        .describe('Each try at an upstream, in order; null where it is not known.'),
      end: z.enum(endReasons),
      status: z.int().describe('HTTP status that the caller saw, or would have seen.'),
      attempt: z.int().describe('The one that was relayed, or the last; from 1.'),
      upstream: z.string().nullable(),
      tier: z.enum(serviceTiers),
      tokens: z.object({ input: count, output: count }),
      currency: z.string().nullable(),
      amount: decimal.nullable().describe('To its caller; null where nothing of it has a price.'),
      cost: decimal
        .nullable()
        .optional()
        .describe(
          'To us, with all attempts, for those who may read price books; null where it is not known.',
        ),
    }),
  ),
  next: z.string().optional().describe('For `after`; absent on the last page.'),
})

export async function readRequests(
  usage: UsageStore,
  caller: Caller,
  query: z.output<typeof requestsQuerySchema>,
): Promise<Answer> {
  const { limit, ...only } = query
  if (only.workspace !== undefined) authorize(caller, 'usage:read', only.workspace)
  const wanted = Object.entries(only).filter(([, value]) => value !== undefined)
  const { items, next } = await usage.requests(identityOf(caller), { ...Object.fromEntries(wanted), limit })
  const shown = holds(caller, 'price_book:read', null) ? items : items.map(withoutCost)
  return { status: 200, body: { kind: 'RequestList', items: shown, ...(next !== undefined && { next }) } }
}

/** What upstreams charge us is nothing that tenants see. */
const withoutCost = ({ cost: _cost, ...row }: RequestRow) => row
