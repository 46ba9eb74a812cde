// A place where replicas run.
import { z } from 'zod'
import { commonStatus } from './envelope.ts'
import { defineKind, phaseUnlessDeleting } from './kind.ts'

export const shareSchema = z
  .union([z.enum(['none', 'all']), z.array(z.string())])
  .describe('Workspaces that may use this platform document.')

export const cluster = defineKind({
  kind: 'Cluster',
  plural: 'clusters',
  noun: 'cluster',
  scope: 'either',
  doc: 'A place where replicas run. `local` runs them as processes of this machine.',
  spec: z.strictObject({
    type: z.enum(['local']).describe('How replicas are run.'),
    share: shareSchema.default('none'),
  }),
  status: z.strictObject({
    ...commonStatus,
    version: z.string().optional(),
    nodes: z.strictObject({ ready: z.int(), total: z.int() }).optional(),
    capacity: z.strictObject({ cpus: z.int(), memoryBytes: z.int() }).optional(),
    lastSeenAt: z.string().optional(),
  }),
  phases: ['Pending', 'Ready', 'Unreachable', 'Deleting'],
  phase: phaseUnlessDeleting(({ status }) => {
    const connected = status.conditions?.find(({ type }) => type === 'Connected')
    if (!connected) return 'Pending'
    return connected.status === 'True' ? 'Ready' : 'Unreachable'
  }),
  columns: [
    { title: 'TYPE', path: 'spec.type' },
    { title: 'PHASE', path: 'status.phase' },
    { title: 'LAST SEEN', path: 'status.lastSeenAt', wide: true },
  ],
  fields: ['spec.type', 'status.phase'],
  immutable: ['type'],
  conditions: { Connected: ['Connected', 'Unreachable'], Ready: ['Ready', 'NotConnected'] },
})
