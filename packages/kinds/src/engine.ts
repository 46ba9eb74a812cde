// A program that serves models, as data: versions, arguments, probes and metric names are rows of the record.
import { z } from 'zod'
import { shareSchema } from './cluster.ts'
import { commonStatus } from './envelope.ts'
import { defineKind, phaseUnlessDeleting } from './kind.ts'
import { tasks } from './tasks.ts'

/** One argument that an Endpoint may set. `schema` is JSON Schema 2020-12 of its value. */
const argumentSchema = z.strictObject({
  schema: z.record(z.string(), z.json()).describe('JSON Schema 2020-12 of the value.'),
  flag: z.string().describe('The flag on the command line, such as --ctx-size.'),
  style: z.enum(['flag', 'equals', 'repeat', 'comma', 'json']).default('flag'),
  /** First and last engine version that knows it; absent means every version. */
  since: z.string().optional(),
  until: z.string().optional(),
  /** Set by Switchyard alone; refused in an Endpoint. */
  managed: z.boolean().default(false),
  doc: z.string().optional(),
})

export const engine = defineKind({
  kind: 'Engine',
  plural: 'engines',
  noun: 'engine',
  scope: 'either',
  doc: 'A program that serves models, as data: versions, arguments, probes and metric names.',
  spec: z.strictObject({
    tasks: z.array(z.enum(tasks)).min(1),
    formats: z.array(z.string()).min(1).describe('Model formats that it loads, such as gguf.'),
    versions: z
      .array(
        z.strictObject({
          version: z.string(),
          binary: z
            .string()
            .optional()
            .describe('Program to start: an absolute path, a name on PATH, or `builtin`.'),
          state: z.enum(['supported', 'deprecated']).default('supported'),
        }),
      )
      .min(1),
    arguments: z.record(z.string(), argumentSchema).default({}),
    start: z
      .strictObject({ command: z.array(z.string()).min(1) })
      .describe(
        'argv; a whole element `{binary}`, `{model}`, `{host}`, `{port}`, `{name}`, `{context}`, `{sequences}`, `{threads}` is replaced.',
      ),
    probes: z
      .strictObject({ alive: z.string(), metrics: z.string().optional() })
      .describe('Paths: `alive` answers 200 once the model is loaded.'),
    signals: z
      .array(z.strictObject({ signal: z.string(), metric: z.string(), type: z.enum(['gauge', 'counter']) }))
      .default([]),
    failures: z
      .array(z.strictObject({ pattern: z.string(), reason: z.string() }))
      .default([])
      .describe('Log patterns of a dead process and the failure reason that each means.'),
    capabilities: z
      .strictObject({ lora: z.boolean().default(false), multiNode: z.boolean().default(false) })
      .prefault({}),
    share: shareSchema.default('all'),
  }),
  status: z.strictObject({ ...commonStatus }),
  phases: ['Ready', 'Deleting'],
  phase: phaseUnlessDeleting(() => 'Ready'),
  columns: [
    { title: 'PHASE', path: 'status.phase' },
    { title: 'TASKS', path: 'spec.tasks' },
    { title: 'FORMATS', path: 'spec.formats' },
  ],
  fields: ['status.phase'],
})
