// How requests for a public model name find an upstream: which requests, in which order, and what may be tried.
import { z } from 'zod'
import { commonStatus, nameSchema, referenceSchema } from './envelope.ts'
import { headerNameSchema } from './header.ts'
import { defineKind, phaseUnlessDeleting } from './kind.ts'
import { accessSchema, milliseconds, modelPattern } from './limits.ts'

export const routeStrategies = ['weighted', 'least_load', 'latency', 'cost', 'prefix', 'session'] as const
export type RouteStrategy = (typeof routeStrategies)[number]

/** An endpoint or a provider, never both. */
const upstream = {
  endpoint: nameSchema.optional().describe('Endpoint of the same workspace.'),
  provider: referenceSchema.optional().describe('Provider of the same workspace, or platform/NAME.'),
  model: z
    .string()
    .min(1)
    .max(256)
    .optional()
    .describe("Model of the provider; the name that was asked for when absent. An endpoint's is its own."),
} as const
const oneUpstream = {
  message: 'name an endpoint or a provider, one of the two',
  path: ['endpoint'],
}
const namesOne = (target: { readonly endpoint?: unknown; readonly provider?: unknown }) =>
  (target.endpoint === undefined) !== (target.provider === undefined)

const targetSchema = z
  .strictObject({
    ...upstream,
    weight: z.int().min(0).max(1000).default(100).describe('Share of the requests; 0 gets none.'),
  })
  .refine(namesOne, oneUpstream)

const tierSchema = z.strictObject({
  strategy: z
    .enum(routeStrategies)
    .default('weighted')
    .describe(
      'weighted: by weight; least_load: fewest running; latency: fastest first token; cost: cheapest; prefix: where the start of the prompt is cached; session: the same target for one session.',
    ),
  targets: z.array(targetSchema).min(1).max(64).describe('Upstreams of this tier.'),
})

/** A value, or the start of one and a `*`. */
const matched = z
  .string()
  .max(1024)
  .regex(/^[^*]*\*?$/, 'use a value, or the start of one and a single trailing *')

export const route = defineKind({
  kind: 'Route',
  plural: 'routes',
  noun: 'route',
  scope: 'workspace',
  doc: 'What callers reach by a public model name: upstreams in tiers, and what happens when one fails.',
  spec: z
    .strictObject({
      names: z
        .array(modelPattern)
        .min(1)
        .max(100)
        .describe('Public model names. A single trailing * stands for any rest; an exact name wins over it.'),
      match: z
        .strictObject({
          headers: z
            .record(headerNameSchema, matched)
            .optional()
            .describe('Headers that a request must carry, each with its value or the start of one and a *.'),
          metadata: z
            .record(z.string().min(1).max(64), matched)
            .optional()
            .describe("Members of the request's metadata, likewise."),
          tags: z
            .array(z.string().min(1).max(64))
            .max(10)
            .optional()
            .describe('Tags of x-switchyard-tags that must all be there.'),
        })
        .optional()
        .describe('Which requests it is for; every one when absent. All of it must hold.'),
      priority: z
        .int()
        .min(-1000)
        .max(1000)
        .default(0)
        .describe('Of routes with one name the highest that matches is taken.'),
      tiers: z
        .array(tierSchema)
        .min(1)
        .max(8)
        .describe('Tried in this order: the next when no target of one can answer.'),
      fallback: z
        .strictObject({
          onContextLength: nameSchema
            .optional()
            .describe('Route for requests that are too long for this one, instead of the refusal.'),
          onContentFilter: nameSchema
            .optional()
            .describe("Route for requests that an upstream's content filter refuses."),
        })
        .prefault({})
        .describe('Where a refusal of the upstream leads.'),
      retries: z
        .strictObject({
          attempts: z.int().min(1).max(5).default(3).describe('Attempts in all, the first included.'),
        })
        .prefault({})
        .describe('Attempts before the first byte has left; never after it.'),
      hedge: z
        .strictObject({
          percent: z
            .int()
            .min(1)
            .max(50)
            .default(5)
            .describe('Most requests that may have a second copy, in %.'),
        })
        .optional()
        .describe('A second copy elsewhere when the first content is late; the first to answer wins.'),
      shadow: z
        .strictObject({
          target: z.strictObject(upstream).refine(namesOne, oneUpstream).describe('Where the copy goes.'),
          percent: z.int().min(1).max(100).default(1).describe('Share of the requests that is copied, in %.'),
        })
        .optional()
        .describe('A copy of some requests, whose answer is thrown away.'),
      timeouts: z
        .strictObject({
          firstContentMs: milliseconds(3_600_000).describe(
            'Until the first content, in ms; 60,000 when absent.',
          ),
          idleMs: milliseconds(3_600_000).describe('Between two bytes, in ms; 60,000 when absent.'),
          stallMs: milliseconds(3_600_000).describe(
            'Between two pieces of content, in ms; 300,000 when absent.',
          ),
          totalMs: milliseconds(86_400_000).describe(
            'For all attempts together, in ms; 600,000 when absent.',
          ),
        })
        .prefault({})
        .describe('How long each part may take; a caller may ask for less.'),
      commitAfter: milliseconds(3_600_000).describe(
        'Send status and headers of a stream after so many ms without content; when absent only with the first content. Nothing is retried after them.',
      ),
      strict: z
        .boolean()
        .default(false)
        .describe(
          'Refuse what an upstream of another dialect cannot say, instead of dropping it with a warning.',
        ),
      exposeModel: z
        .enum(['public', 'upstream'])
        .default('public')
        .describe('Which model name an answer carries.'),
      expose: z
        .literal('upstream')
        .optional()
        .describe('upstream: tell callers in a header which upstream answered.'),
      storeResponses: z
        .boolean()
        .default(false)
        .describe(
          'Keep responses of the Responses API here where the upstream cannot, so that a later request can go on from one.',
        ),
      fetchImages: z
        .boolean()
        .default(false)
        .describe('Fetch images by https for upstreams that take no addresses: 10 MiB and 5 s each.'),
      bodyBytes: z
        .int()
        .min(1024)
        .max(1_073_741_824)
        .optional()
        .describe('Largest request body in bytes, where that is less than what the gateway takes.'),
      cache: z
        .strictObject({
          mode: z
            .enum(['exact', 'semantic'])
            .default('exact')
            .describe('exact: the same bytes; semantic: a last turn that means the same.'),
          ttlSeconds: z.int().min(1).max(2_592_000).default(600).describe('How long an answer is used.'),
          scope: z
            .enum(['workspace', 'project', 'key'])
            .default('workspace')
            .describe('Who shares answers with whom.'),
          replay: z
            .enum(['fast', 'paced'])
            .default('fast')
            .describe('How a kept stream is given: at once, or at the pace at which it was made.'),
          similarity: z
            .number()
            .min(0.5)
            .max(1)
            .default(0.97)
            .describe('Least cosine similarity, for semantic.'),
          embeddings: nameSchema.optional().describe('Route that embeds the last turn, for semantic.'),
        })
        .optional()
        .describe('Answer equal requests from memory; off when absent.'),
      guardrails: z
        .array(referenceSchema)
        .max(32)
        .default([])
        .describe('Guardrails in their order, of the same workspace or platform/NAME.'),
      access: accessSchema,
    })
    .superRefine((spec, context) => {
      const problem = (path: (string | number)[], message: string) =>
        context.addIssue({ code: 'custom', path, message })
      for (const [place, { targets }] of spec.tiers.entries())
        if (targets.every(({ weight }) => weight === 0))
          problem(['tiers', place, 'targets'], 'must hold a target with a weight above 0')
      for (const [place, name] of spec.names.entries())
        if (spec.names.indexOf(name) !== place) problem(['names', place], `names ${name} a second time`)
      for (const [place, name] of spec.guardrails.entries())
        if (spec.guardrails.indexOf(name) !== place)
          problem(['guardrails', place], `names ${name} a second time`)
      if (spec.cache?.mode === 'semantic' && spec.cache.embeddings === undefined)
        problem(['cache', 'embeddings'], 'is required for the mode semantic')
      const { firstContentMs, totalMs } = spec.timeouts
      if (firstContentMs !== undefined && totalMs !== undefined && firstContentMs > totalMs)
        problem(['timeouts', 'firstContentMs'], 'must not be longer than totalMs')
    })
    .meta({ examples: [{ names: ['chat'], tiers: [{ targets: [{ endpoint: 'chat' }] }] }] }),
  status: z.strictObject({ ...commonStatus }),
  phases: ['Ready', 'Deleting'],
  phase: phaseUnlessDeleting(() => 'Ready'),
  columns: [
    { title: 'NAMES', path: 'spec.names' },
    { title: 'PRIORITY', path: 'spec.priority', wide: true },
    { title: 'PHASE', path: 'status.phase' },
  ],
  references: [
    { path: 'spec.tiers[].targets[].endpoint', to: 'Endpoint', onDelete: 'refuse' },
    { path: 'spec.tiers[].targets[].provider', to: 'Provider', onDelete: 'refuse' },
    { path: 'spec.shadow.target.endpoint', to: 'Endpoint', onDelete: 'refuse' },
    { path: 'spec.shadow.target.provider', to: 'Provider', onDelete: 'refuse' },
    { path: 'spec.fallback.onContextLength', to: 'Route', onDelete: 'refuse' },
    { path: 'spec.fallback.onContentFilter', to: 'Route', onDelete: 'refuse' },
    { path: 'spec.cache.embeddings', to: 'Route', onDelete: 'refuse' },
    { path: 'spec.guardrails[]', to: 'Guardrail', onDelete: 'refuse' },
    { path: 'spec.access.projects[]', to: 'Project', onDelete: 'refuse' },
  ],
  fields: ['spec.priority', 'status.phase'],
})
