// Asking a gateway where a request would go: a reading that needs a right of its own, for it shows how upstreams fare.
import type { ExplainAsk, Explanation } from '@switchyard/gateway'
import { Fault, headerNameSchema } from '@switchyard/kinds'
import { z } from 'zod'
import { guarded, type Row } from './route.ts'

export interface ExplainOptions {
  /** A gateway of this process; without one the explanation is `unsupported`. */
  readonly explain: ((ask: ExplainAsk) => Promise<Explanation>) | undefined
}

const word = z.string().min(1).max(256)
const few = <K extends z.ZodType<string, string>>(name: K) =>
  z
    .record(name, z.string().max(1024))
    .refine(entries => Object.keys(entries).length <= 64, 'at most 64')
    .optional()

const askSchema = z.strictObject({
  model: word.describe('Public model name.'),
  key: z.string().min(1).max(63).optional().describe('Name of the API key that it would be asked with.'),
  headers: few(headerNameSchema).describe('Headers of the request.'),
  tags: z.array(z.string().min(1).max(64)).max(10).optional().describe('Of x-switchyard-tags.'),
  metadata: few(word).describe('Members of its metadata.'),
  session: word.optional().describe('Of x-switchyard-session.'),
  streamed: z.boolean().optional().describe('Whether the answer is a stream.'),
})

const candidate = z.object({
  id: z.string().describe('Name of the Route, or of the Endpoint that has it by itself.'),
  kind: z.enum(['Route', 'Endpoint']),
  name: z.string().describe('Public name.'),
  priority: z.int(),
  taken: z.boolean(),
  says: z.string(),
})

/** What a person reads of it; programs find more members in `route`, which may grow. */
const answerSchema = z.object({
  workspace: z.string(),
  model: z.string(),
  at: z.number().describe('Milliseconds since 1970.'),
  verdict: z.union([
    z.object({ type: z.literal('served'), upstream: z.string(), tier: z.int().describe('From 0.') }),
    z
      .object({ type: z.literal('held'), endpoint: z.string(), seconds: z.number().describe('At most.') })
      .describe('It would wait for a replica to be ready.'),
    z.object({ type: z.literal('refused'), code: z.string(), reason: z.string(), message: z.string() }),
  ]),
  key: z
    .object({
      name: z.string(),
      project: z.string().nullable(),
      refusal: z.string().optional(),
      mayCall: z.boolean(),
    })
    .optional(),
  candidates: z.array(candidate).describe('Routes of that name, in the order in which they are asked.'),
  route: z
    .looseObject({
      id: z.string(),
      name: z.string(),
      tiers: z.array(z.looseObject({ strategy: z.string() })),
    })
    .optional(),
  limits: z.array(
    z.object({
      level: z.string(),
      dimension: z.string(),
      limit: z.union([z.number(), z.string()]).describe('Of money a decimal.'),
      windowMs: z.number().optional(),
      remaining: z.union([z.number(), z.string()]).describe('Of money a decimal.'),
      currency: z.string().optional().describe('Of money: ISO 4217.'),
      resetMs: z.number().optional(),
    }),
  ),
  sentences: z.array(z.string()).describe('The whole in English.'),
})

export function explainRow({ explain }: ExplainOptions): Row {
  return guarded(
    { permission: 'route:explain' },
    {
      method: 'POST',
      path: '/api/v1/workspaces/{w}/actions/explain-route',
      doc: 'Where a request for a model would go now, and why not elsewhere. It changes nothing.',
      locate: ({ w }) => ({ workspace: w }),
      output: [
        { status: 200, doc: 'The explanation of the gateway that was asked.', schema: answerSchema },
        { status: 501, doc: 'This process runs no gateway.', schema: { component: 'Error' } },
      ],
      kind: 'Route',
    },
    { body: askSchema },
    async ({ params, body }) => {
      if (!explain)
        throw new Fault('unsupported', 'This process runs no gateway. Ask one that does.', {
          reason: 'no_gateway',
          status: 501,
        })
      return { status: 200, body: await explain({ ...body, workspace: params.w ?? '' }) }
    },
  )
}
