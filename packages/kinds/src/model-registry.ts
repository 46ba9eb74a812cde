// A place where model files come from.
import { z } from 'zod'
import { shareSchema } from './cluster.ts'
import { commonStatus } from './envelope.ts'
import { defineKind, phaseUnlessDeleting } from './kind.ts'

export const modelRegistry = defineKind({
  kind: 'ModelRegistry',
  plural: 'modelregistries',
  noun: 'model_registry',
  short: ['registry'],
  scope: 'either',
  doc: 'A place where model files come from. `files` is a folder of the machine that serves.',
  spec: z.strictObject({
    type: z.enum(['files']),
    url: z
      .string()
      .regex(/^file:\/\/\//, 'use file:///absolute/folder')
      .describe('`file:///absolute/folder`.'),
    readOnly: z.boolean().default(true),
    checkSeconds: z.int().min(5).max(86400).default(300),
    share: shareSchema.default('all'),
  }),
  status: z.strictObject({ ...commonStatus, checkedAt: z.string().optional(), models: z.int().optional() }),
  phases: ['Pending', 'Connected', 'Failed', 'Deleting'],
  phase: phaseUnlessDeleting(({ status }) => {
    const connected = status.conditions?.find(({ type }) => type === 'Connected')
    if (!connected) return 'Pending'
    return connected.status === 'True' ? 'Connected' : 'Failed'
  }),
  columns: [
    { title: 'TYPE', path: 'spec.type' },
    { title: 'URL', path: 'spec.url' },
    { title: 'PHASE', path: 'status.phase' },
  ],
  fields: ['spec.type', 'status.phase'],
  immutable: ['type'],
  conditions: { Connected: ['Connected', 'NotFound', 'Forbidden', 'Unreachable'] },
})
