// An outside service that serves models: where it is, what it calls them, and how much of it may be used.
import { z } from 'zod'
import { parseCidr, urlProblem } from './addresses.ts'
import { shareSchema } from './cluster.ts'
import { commonStatus, referenceSchema } from './envelope.ts'
import { openHeadersSchema } from './header.ts'
import { defineKind, phaseUnlessDeleting } from './kind.ts'
import { cidrSchema, limitsSchema } from './limits.ts'
import { regionSchema } from './price-rate.ts'

/** Every type has its row in the catalog. */
export const providerTypes = [
  'openai',
  'openai-compatible',
  'azure-openai',
  'anthropic',
  'gemini',
  'vertex-gemini',
  'ollama',
  'mistral',
  'deepseek',
  'groq',
  'together',
  'openrouter',
  'xai',
  'moonshot',
  'zhipu',
  'qwen',
  'siliconflow',
  'volcengine',
  'vllm',
  'sglang',
  'llama-cpp',
  'open-inference',
] as const
export type ProviderType = (typeof providerTypes)[number]

const modelName = z
  .string()
  .min(1)
  .max(256)
  .regex(/^[^\s*]+$/, 'use no blank and no *')

const providedModel = z.strictObject({
  name: modelName.describe('Name that routes use.'),
  upstream: z.string().min(1).max(256).optional().describe("The provider's own name; the same when absent."),
  maxOutput: z.int().min(1).max(10_000_000).optional().describe('Most output tokens of one answer.'),
  contextTokens: z.int().min(1).max(100_000_000).optional().describe('Tokens of input and output together.'),
})

export const provider = defineKind({
  kind: 'Provider',
  plural: 'providers',
  noun: 'provider',
  scope: 'either',
  doc: 'An outside service that serves models, and the credential that it is called with.',
  spec: z
    .strictObject({
      type: z.enum(providerTypes).describe('Row of the catalog: what it speaks and where it is.'),
      baseUrl: z
        .string()
        .max(2048)
        .transform(url => url.replace(/\/+$/, ''))
        .optional()
        .describe('Where its API begins, such as https://api.example.com/v1; that of the type when absent.'),
      region: regionSchema
        .optional()
        .describe('Where it answers from, such as eu-west-1: prices may go by it. Not known when absent.'),
      credential: referenceSchema
        .optional()
        .describe('Credential of the same workspace, or platform/NAME; none when absent.'),
      models: z
        .array(providedModel)
        .max(1000)
        .default([])
        .describe('Models that it serves. Routes may name others too: they pass as they are named.'),
      limits: limitsSchema
        .pick({ requests: true, tokens: true, concurrency: true })
        .optional()
        .describe('Most that is sent to it, from all callers together.'),
      allowCidrs: z
        .array(cidrSchema)
        .max(64)
        .default([])
        .describe('Private ranges that it may be dialled in; needs provider:private on the platform.'),
      headers: openHeadersSchema.default({}).describe('Further headers of every request, not secret.'),
      share: shareSchema.default('none'),
    })
    .superRefine(({ baseUrl, allowCidrs, models }, context) => {
      const problem = (path: (string | number)[], message: string) =>
        context.addIssue({ code: 'custom', path, message })
      const allowed = allowCidrs.flatMap(text => parseCidr(text) ?? [])
      const wrong = baseUrl === undefined ? undefined : urlProblem(baseUrl, allowed)
      if (wrong !== undefined) problem(['baseUrl'], wrong)
      const seen = new Set<string>()
      for (const [place, { name }] of models.entries()) {
        if (seen.has(name)) problem(['models', place, 'name'], `names ${name} a second time`)
        seen.add(name)
      }
    }),
  status: z.strictObject({ ...commonStatus }),
  phases: ['Ready', 'Deleting'],
  phase: phaseUnlessDeleting(() => 'Ready'),
  columns: [
    { title: 'TYPE', path: 'spec.type' },
    { title: 'BASE URL', path: 'spec.baseUrl' },
    { title: 'CREDENTIAL', path: 'spec.credential' },
    { title: 'PHASE', path: 'status.phase' },
  ],
  references: [{ path: 'spec.credential', to: 'Credential', onDelete: 'refuse' }],
  fields: ['spec.type', 'spec.credential', 'status.phase'],
  immutable: ['type'],
})
