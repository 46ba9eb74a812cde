// The row of what the gateway was asked over a time, for charts: how much, how it ended, and how long it took.
import type { UsageStore } from '@switchyard/runtime'
import { z } from 'zod'
import { authorize, identityOf } from './authorize.ts'
import { guarded, nowhere, type Row } from './route.ts'

/** Each step is a group and a sort of its own. */
const mostSteps = 500
const mostDays = 31

const time = z.iso.datetime({ offset: true })

const trafficQuerySchema = z
  .strictObject({
    from: time.describe('From then on, by the moment of admission.'),
    to: time.describe('Before then.'),
    step: z.coerce.number().int().min(60).max(86_400).default(3600).describe('Seconds of each step.'),
    workspace: z.string().max(63).optional(),
    project: z.string().max(63).optional(),
    endpoint: z.string().max(63).optional().describe('Name of the Endpoint that answered.'),
    model: z.string().max(256).optional().describe('Public model name.'),
    key: z.string().max(63).optional().describe('Name of an ApiKey.'),
  })
  .superRefine(({ from, to, step }, context) => {
    const seconds = (Date.parse(to) - Date.parse(from)) / 1000
    const problem = (path: string, message: string) =>
      context.addIssue({ code: 'custom', path: [path], message })
    if (seconds <= 0) problem('to', 'must be after from')
    if (seconds > mostDays * 86_400) problem('from', `must be at most ${mostDays} days before to`)
    if (seconds / step > mostSteps) problem('step', `makes more than ${mostSteps} steps: use a longer one`)
  })

const count = z.string().regex(/^\d+$/)
const trafficSchema = z.object({
  requests: count.describe('Each one that was admitted, once.'),
  errors: z.object({
    client: count.describe('Answered with a status from 400 to 499.'),
    server: count.describe('Answered with a status from 500 on, or broken off after it had begun.'),
    gone: count.describe('Left by its caller before the end.'),
  }),
  tokens: z.object({ input: count, output: count }).describe('What callers are billed for.'),
  seconds: z
    .object({ p50: z.number(), p95: z.number() })
    .optional()
    .describe('From admission to the end, of those that were done; absent where there were none.'),
  firstToken: z
    .object({ p50: z.number(), p95: z.number() })
    .optional()
    .describe('Seconds from admission to the first token, of streams; absent where none is known.'),
})

const trafficAnswerSchema = z.object({
  kind: z.literal('Traffic'),
  from: z.string(),
  to: z.string(),
  step: z.number().int(),
  total: trafficSchema,
  items: z.array(trafficSchema.extend({ start: z.string().describe('Of the step, RFC 3339.') })),
})

export function trafficRow({ usage }: { readonly usage: UsageStore }): Row {
  return guarded(
    { permission: 'usage:read' },
    {
      method: 'GET',
      path: '/api/v1/traffic',
      doc: 'What the gateway was asked over a time, step by step: requests, errors, tokens and durations.',
      locate: nowhere,
      output: [
        {
          status: 200,
          doc: 'Of all, and of each step in which something was asked, oldest first; counts are decimal strings.',
          schema: trafficAnswerSchema,
        },
      ],
    },
    { query: trafficQuerySchema },
    async ({ caller, query: { from, to, step, ...only } }) => {
      const { workspace } = only
      if (workspace !== undefined) authorize(caller, 'usage:read', workspace)
      const wanted = Object.fromEntries(Object.entries(only).filter(([, value]) => value !== undefined))
      const { total, steps } = await usage.traffic(identityOf(caller), { from, to, step, ...wanted })
      return { status: 200, body: { kind: 'Traffic', from, to, step, total, items: steps } }
    },
  )
}
