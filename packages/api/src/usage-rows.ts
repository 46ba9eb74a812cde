// Rows of usage beyond its sums: what one request has cost and why, what waits in quarantine, and roll-ups made anew.
import { Fault, formatDecimal, parseDecimal } from '@switchyard/kinds'
import type { UsageEvent, UsageStore } from '@switchyard/runtime'
import { z } from 'zod'
import { authorize, holds, identityOf } from './authorize.ts'
import { guarded, nowhere, type Row } from './route.ts'

export interface UsageRowsOptions {
  readonly usage: UsageStore
}

const number = z.string().regex(/^\d{1,18}$/)
const numbers = z.array(number).min(1).max(1000).describe('Of the list of the quarantine.')
const workspace = z.string().max(63).optional()

const listQuery = z.strictObject({
  workspace,
  reason: z.string().max(63).optional().describe('conflict, unpriced, poison …'),
  all: z.enum(['true', 'false']).default('false').describe('What was resolved too.'),
  before: number.optional().describe('Number before which to go on.'),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
})

const quarantinedSchema = z.object({
  number: z.string(),
  workspace: z.string().nullable(),
  reason: z.string(),
  seenAt: z.string(),
  resolvedAt: z.string().nullable(),
  resolution: z.enum(['retry', 'discard']).nullable(),
  event: z.unknown().describe('As it was sent.'),
})

const resolvedSchema = z.object({
  items: z.array(
    z.object({
      number: z.string(),
      outcome: z.enum(['accepted', 'duplicate', 'quarantined', 'discarded', 'not_found']),
    }),
  ),
})

const day = z.iso
  .datetime({ offset: true })
  .refine(text => Date.parse(text) % 86_400_000 === 0, 'use the midnight of a day in UTC')
const rebuildInput = z.strictObject({
  from: day.optional(),
  to: day.optional(),
  mend: z.boolean().default(false).describe('Make them what the events sum up to.'),
})

const rollup = z.record(z.string(), z.union([z.string(), z.number(), z.null()])).optional()

/** Looked at here only for who may send them; whether they can be used is told of each. */
const pushedSchema = z.looseObject({
  source: z
    .string()
    .regex(/^\/[A-Za-z0-9._/-]{1,127}$/, 'use a path such as /meters/NAME')
    .refine(source => source !== '/gateway', 'is that of our own gateways: use one such as /meters/NAME'),
  data: z.looseObject({
    workspace: z.string().max(63),
    hold: z.never('is what a gateway holds: leave it out').optional(),
  }),
})
const pushInput = z.strictObject({
  events: z
    .array(pushedSchema)
    .min(1)
    .max(1000)
    .describe('CloudEvents 1.0 of type switchyard.usage.v1, as docs/usage.md tells them.'),
})

export function usageRows({ usage }: UsageRowsOptions): readonly Row[] {
  const path = '/api/v1/usage/quarantine'
  return [
    guarded(
      { permission: 'usage:push' },
      {
        method: 'POST',
        path: '/api/v1/usage/events',
        doc: 'Takes usage events of meters outside of the gateway: once each, rated and summed like its own. Those of more than 35 days ago take billing:backfill.',
        locate: nowhere,
        output: [
          {
            status: 202,
            doc: 'What became of each, in their order. One that is there already with the same body is a duplicate; one event by itself under the id of another is refused as a conflict.',
            schema: z.object({
              items: z.array(
                z.object({
                  id: z.string(),
                  outcome: z.enum(['accepted', 'duplicate', 'quarantined']),
                  reason: z.string().optional().describe('Why it is in quarantine: conflict, unpriced …'),
                }),
              ),
            }),
          },
        ],
      },
      { body: pushInput },
      async ({ caller, body: { events } }) => {
        for (const workspace of new Set(events.map(({ data }) => data.workspace)))
          authorize(caller, 'usage:push', workspace)
        // Why `as`: whatever they are, the store looks at each, and keeps in quarantine what it cannot use.
        const outcomes = await usage.push(events as unknown as readonly UsageEvent[], workspace =>
          holds(caller, 'billing:backfill', workspace),
        )
        const items = events.map(({ id }, index) => ({ id: String(id), ...outcomes[index] }))
        return { status: 202, body: { items } }
      },
    ),
    guarded(
      { permission: 'usage:read' },
      {
        method: 'GET',
        path: '/api/v1/workspaces/{w}/usage/{request}',
        doc: 'Every event of one request, with the arithmetic of each unit that has a price.',
        locate: ({ w, request = '' }) => ({ workspace: w, name: request }),
        output: [
          {
            status: 200,
            doc: 'Oldest first; amounts are decimals.',
            schema: z.object({ kind: z.literal('UsageExplanation'), events: z.array(z.looseObject({})) }),
          },
        ],
      },
      {},
      async ({ caller, params: { w = '', request = '' } }) => {
        if (!z.uuid().safeParse(request).success)
          throw new Fault(
            'invalid',
            `${request} is no id of a request: it is in the header x-request-id of its answer.`,
          )
        const found = await usage.explain(identityOf(caller), w, request)
        return { status: 200, body: { kind: 'UsageExplanation', events: found.map(withArithmetic) } }
      },
    ),
    guarded(
      { permission: 'usage:read' },
      {
        method: 'GET',
        path,
        doc: 'Usage events that could not be used, newest first.',
        locate: nowhere,
        output: [
          {
            status: 200,
            doc: 'Those that you may read.',
            schema: z.object({ kind: z.literal('QuarantineList'), items: z.array(quarantinedSchema) }),
          },
        ],
      },
      { query: listQuery },
      async ({ caller, query: { all, ...query } }) => {
        const wanted = Object.entries(query).filter(([, value]) => value !== undefined)
        const asked = { ...Object.fromEntries(wanted), open: all !== 'true' }
        const items = await usage.quarantine(identityOf(caller), asked)
        return { status: 200, body: { kind: 'QuarantineList', items } }
      },
    ),
    guarded(
      { permission: 'usage:quarantine' },
      {
        method: 'POST',
        path: `${path}/actions/retry`,
        doc: 'Takes events out of quarantine as if they were just sent; what still cannot be used stays. Those of more than 35 days ago take billing:backfill.',
        locate: nowhere,
        output: [{ status: 200, doc: 'What became of each.', schema: resolvedSchema }],
      },
      { body: z.strictObject({ numbers }) },
      async ({ caller, body }) => ({
        status: 200,
        body: { items: await usage.retry(identityOf(caller), body.numbers) },
      }),
    ),
    guarded(
      { permission: 'usage:quarantine' },
      {
        method: 'POST',
        path: `${path}/actions/discard`,
        doc: 'Puts events in quarantine aside for good, and keeps them.',
        locate: nowhere,
        output: [{ status: 200, doc: 'What became of each.', schema: resolvedSchema }],
      },
      { body: z.strictObject({ numbers, reason: z.string().min(1).max(1024).describe('For the trail.') }) },
      async ({ caller, body }) => ({
        status: 200,
        body: { items: await usage.discard(identityOf(caller), body.numbers, body.reason) },
      }),
    ),
    guarded(
      { permission: 'usage:rebuild' },
      {
        method: 'POST',
        path: '/api/v1/usage/actions/rebuild',
        doc: 'Compares the sums of usage with its events and tells where they differ.',
        locate: () => ({ workspace: null }),
        output: [
          {
            status: 200,
            doc: 'Every row that differs; none when all is well.',
            schema: z.object({ items: z.array(z.object({ standing: rollup, folded: rollup })) }),
          },
        ],
      },
      { body: rebuildInput },
      async ({ caller, body: { from, to, mend } }) => {
        const span = { ...(from !== undefined && { from }), ...(to !== undefined && { to }) }
        return { status: 200, body: { items: await usage.rebuild(identityOf(caller), span, mend) } }
      },
    ),
  ]
}

const lineSchema = z.looseObject({
  quantity: z.string(),
  amount: z.string(),
  rate: z.looseObject({
    charge: z.string().optional(),
    price: z.string().optional(),
    per: z.number(),
  }),
})

/** Each line with how its amount comes about. */
function withArithmetic(event: Readonly<Record<string, unknown>>) {
  const lines = z.array(lineSchema).parse(event.lines)
  return { ...event, lines: lines.map(line => ({ ...line, arithmetic: arithmeticOf(line) })) }
}

function arithmeticOf({ quantity, amount, rate }: z.output<typeof lineSchema>): string {
  const { charge = 'per_unit', price = '0', per } = rate
  if (charge !== 'per_unit')
    return `${quantity} more units of the month, ${charge.replace('_', ' ')}: what the month costs with them less without = ${amount}`
  const [of, over] = [BigInt(quantity) * (parseDecimal(price) ?? 0n), BigInt(per)]
  const exact = of % over === 0n ? '' : `, rounded half to even from ${formatDecimal(of)} / ${per}`
  return `${quantity} × ${price} / ${per} = ${amount}${exact}`
}
