// A slice of a workspace that keys and bills hang on.
import { z } from 'zod'
import { commonStatus } from './envelope.ts'
import { defineKind, phaseUnlessDeleting } from './kind.ts'
import { limitsSchema } from './limits.ts'

export const project = defineKind({
  kind: 'Project',
  plural: 'projects',
  noun: 'project',
  short: ['proj'],
  scope: 'workspace',
  doc: 'A slice of a workspace that keys and bills hang on.',
  spec: z.strictObject({
    archived: z.boolean().default(false).describe('Refuse every key of this project at the gateway.'),
    limits: limitsSchema.optional().describe('Most that all its keys may call together.'),
  }),
  status: z.strictObject({ ...commonStatus }),
  phases: ['Active', 'Archived', 'Deleting'],
  phase: phaseUnlessDeleting(({ spec }) => (spec.archived ? 'Archived' : 'Active')),
  columns: [{ title: 'PHASE', path: 'status.phase' }],
  fields: ['spec.archived', 'status.phase'],
})
