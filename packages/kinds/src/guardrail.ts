// A check of what is asked and answered: what it looks for, and what happens when it finds it.
import { z } from 'zod'
import { urlProblem } from './addresses.ts'
import { shareSchema } from './cluster.ts'
import { commonStatus, referenceSchema } from './envelope.ts'
import { defineKind, phaseUnlessDeleting } from './kind.ts'

export const piiTypes = [
  'email',
  'phone',
  'cn_phone',
  'cn_resident_id',
  'cn_passport',
  'bank_card',
  'iban',
  'ipv4',
  'us_ssn',
  'secret',
] as const
export type PiiType = (typeof piiTypes)[number]

const common = {
  stage: z
    .enum(['request', 'response', 'both'])
    .default('both')
    .describe('What is looked at: what callers ask, what models answer, or both.'),
  action: z
    .enum(['block', 'redact', 'flag'])
    .default('block')
    .describe('block: refuse; redact: put a placeholder in its place; flag: let it pass and record it.'),
  onFailure: z
    .enum(['closed', 'open'])
    .default('closed')
    .describe(
      'When the check itself fails or takes too long. closed: refuse; open: let it pass and record it.',
    ),
  share: shareSchema.default('all'),
} as const

/** A pattern that the engine of JavaScript reads with the flags `iu`, and that matches something. */
const patternSchema = z
  .string()
  .min(1)
  .max(1024)
  .superRefine((text, context) => {
    try {
      if (new RegExp(text, 'iu').test(''))
        context.addIssue({ code: 'custom', message: 'matches the empty text, and so everything' })
    } catch {
      context.addIssue({ code: 'custom', message: 'is no regular expression of JavaScript' })
    }
  })

const ruleSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('keyword').describe('What it looks for.'),
    ...common,
    words: z
      .array(z.string().trim().min(1).max(256))
      .min(1)
      .max(10_000)
      .describe('Words and phrases; width, case and invisible characters make no difference.'),
  }),
  z.strictObject({
    kind: z.literal('pattern').describe('What it looks for.'),
    ...common,
    patterns: z
      .array(patternSchema)
      .min(1)
      .max(100)
      .describe('Regular expressions; each may take 50 ms of a request.'),
  }),
  z.strictObject({
    kind: z.literal('pii').describe('What it looks for.'),
    ...common,
    types: z
      .array(z.enum(piiTypes))
      .min(1)
      .describe('Personal data to look for; numbers with check digits are checked.'),
  }),
  z.strictObject({
    kind: z.literal('injection').describe('What it looks for.'),
    ...common,
    sensitivity: z
      .enum(['low', 'medium', 'high'])
      .default('medium')
      .describe('How little is needed to call a text an attempt to take over the instructions.'),
  }),
  z.strictObject({
    kind: z.literal('schema').describe('What it looks for.'),
    ...common,
    schema: z.record(z.string(), z.json()).describe('JSON Schema 2020-12 that the answer must fit.'),
  }),
  z.strictObject({
    kind: z.literal('webhook').describe('What it looks for.'),
    ...common,
    url: z
      .string()
      .max(2048)
      .superRefine((url, context) => {
        const wrong = urlProblem(url)
        if (wrong !== undefined) context.addIssue({ code: 'custom', message: wrong })
      })
      .describe('https address that is asked.'),
    credential: referenceSchema.optional().describe('Credential that it is asked with.'),
    timeoutMs: z.int().min(10).max(30_000).default(1000).describe('Milliseconds that it has to answer.'),
  }),
])

export const guardrail = defineKind({
  kind: 'Guardrail',
  plural: 'guardrails',
  noun: 'guardrail',
  short: ['guard'],
  scope: 'either',
  doc: 'A check of what is asked and answered through the routes that name it.',
  spec: ruleSchema.superRefine((spec, context) => {
    const problem = (path: string, message: string) =>
      context.addIssue({ code: 'custom', path: [path], message })
    if (spec.kind === 'schema' && spec.stage !== 'response')
      problem('stage', 'must be response: a schema is of the answer')
    if (spec.action === 'redact' && (spec.kind === 'schema' || spec.kind === 'injection'))
      problem('action', `cannot be redact: ${spec.kind} finds no single span of the text`)
  }),
  status: z.strictObject({ ...commonStatus }),
  phases: ['Ready', 'Deleting'],
  phase: phaseUnlessDeleting(() => 'Ready'),
  columns: [
    { title: 'KIND', path: 'spec.kind' },
    { title: 'STAGE', path: 'spec.stage' },
    { title: 'ACTION', path: 'spec.action' },
    { title: 'PHASE', path: 'status.phase', wide: true },
  ],
  references: [{ path: 'spec.credential', to: 'Credential', onDelete: 'refuse' }],
  fields: ['spec.kind', 'spec.stage', 'spec.action', 'status.phase'],
})
export type GuardrailSpec = z.output<typeof ruleSchema>
