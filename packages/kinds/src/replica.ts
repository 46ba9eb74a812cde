// One running copy of a revision. Control writes its spec, the agent of its cluster writes its status.
import { z } from 'zod'
import { acceleratorSchema } from './accelerator.ts'
import { failureReasons } from './endpoint.ts'
import { commonStatus } from './envelope.ts'
import { defineKind, phaseUnlessDeleting } from './kind.ts'

export const replica = defineKind({
  kind: 'Replica',
  plural: 'replicas',
  noun: 'replica',
  scope: 'workspace',
  doc: 'One running copy of a revision.',
  system: true,
  spec: z.strictObject({
    endpoint: z.string(),
    revision: z.int().min(1),
    ordinal: z.int().min(0),
    cluster: z.string(),
    /** Where it runs and what is its own there, from when it is placed until it is gone. */
    assignment: z
      .strictObject({
        nodes: z.array(z.string()).min(1),
        accelerator: acceleratorSchema.optional(),
        product: z.string().optional(),
        /** Ids of the accelerator's devices, all of one product. */
        devices: z.array(z.string()).min(1).optional(),
        memoryBytes: z.int().min(1).optional(),
      })
      .optional(),
    /** Set by control: take no new request, end after running ones, at most until `deadline`. */
    drain: z.strictObject({ since: z.string(), deadline: z.string() }).optional(),
  }),
  status: z.strictObject({
    ...commonStatus,
    state: z
      .enum(['Placed', 'Starting', 'Ready', 'Suspect', 'Draining', 'Stopped', 'Failed', 'Lost'])
      .optional(),
    address: z.string().optional().describe('host:port that the gateway dials.'),
    restarts: z.int().optional(),
    startedAt: z.string().optional(),
    readyAt: z.string().optional(),
    lastProgressAt: z.string().optional(),
    failure: z
      .strictObject({
        reason: z.enum(failureReasons),
        message: z.string(),
        exitCode: z.int().optional(),
        signal: z.string().optional(),
        log: z.array(z.string()).optional(),
        at: z.string(),
      })
      .optional(),
  }),
  phases: [
    'Pending',
    'Placed',
    'Starting',
    'Ready',
    'Suspect',
    'Draining',
    'Stopped',
    'Failed',
    'Lost',
    'Deleting',
  ],
  phase: phaseUnlessDeleting(({ spec, status }) => (spec.drain ? 'Draining' : (status.state ?? 'Pending'))),
  columns: [
    { title: 'ENDPOINT', path: 'spec.endpoint' },
    { title: 'REVISION', path: 'spec.revision' },
    { title: 'PHASE', path: 'status.phase' },
    { title: 'DEVICES', path: 'spec.assignment.devices', wide: true },
    { title: 'RESTARTS', path: 'status.restarts' },
    { title: 'ADDRESS', path: 'status.address', wide: true },
  ],
  fields: ['spec.endpoint', 'spec.revision', 'spec.cluster', 'status.phase'],
  immutable: ['endpoint', 'revision', 'ordinal', 'cluster', 'assignment'],
  references: [{ path: 'spec.endpoint', to: 'Endpoint', onDelete: 'cascade' }],
})
