// A model and where its bytes are.
import { z } from 'zod'
import { shareSchema } from './cluster.ts'
import { commonStatus, referenceSchema } from './envelope.ts'
import { defineKind, phaseUnlessDeleting } from './kind.ts'
import { tasks } from './tasks.ts'

/** A fact read from the bytes, or why it is not known; unknown is a value, never 0. */
const factSchema = z.strictObject({
  value: z.union([z.string(), z.int(), z.number(), z.boolean()]).optional(),
  unknown: z.string().optional(),
  source: z.enum(['header', 'derived', 'manual']),
})

export const model = defineKind({
  kind: 'Model',
  plural: 'models',
  noun: 'model',
  scope: 'either',
  doc: 'A model and where its bytes are.',
  spec: z.strictObject({
    task: z.enum(tasks).default('chat'),
    license: z.string().max(128).optional(),
    source: z
      .strictObject({
        registry: referenceSchema.describe('ModelRegistry of the same workspace, or platform/NAME.'),
        path: z.string().min(1).max(4096).describe('File below the registry’s folder.'),
      })
      .describe('Where the file is.'),
    share: shareSchema.default('all'),
  }),
  status: z.strictObject({
    ...commonStatus,
    format: z.string().optional(),
    reading: z
      .strictObject({ bytes: z.int(), total: z.int() })
      .optional()
      .describe('How far the file is read, while it is.'),
    files: z.array(z.strictObject({ path: z.string(), bytes: z.int(), sha256: z.string() })).optional(),
    digest: z.string().optional(),
    facts: z.record(z.string(), factSchema).optional(),
  }),
  phases: ['Validating', 'Ready', 'Invalid', 'Deleting'],
  phase: phaseUnlessDeleting(({ status }) => {
    const validated = status.conditions?.find(({ type }) => type === 'Validated')
    if (!validated || validated.status === 'Unknown') return 'Validating'
    return validated.status === 'True' ? 'Ready' : 'Invalid'
  }),
  columns: [
    { title: 'TASK', path: 'spec.task' },
    { title: 'PHASE', path: 'status.phase' },
    { title: 'FORMAT', path: 'status.format' },
    { title: 'DIGEST', path: 'status.digest', wide: true },
  ],
  references: [{ path: 'spec.source.registry', to: 'ModelRegistry', onDelete: 'refuse' }],
  fields: ['spec.task', 'status.phase'],
  conditions: {
    Validated: ['Validated', 'ModelAbsent', 'BadHeader', 'UnknownFormat', 'RegistryNotReady', 'Unreadable'],
  },
})
