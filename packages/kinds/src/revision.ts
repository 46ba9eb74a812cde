// What an endpoint looked like when it was rendered: immutable, so that nothing running changes by accident.
import { z } from 'zod'
import { acceleratorSchema } from './accelerator.ts'
import { failureReasons } from './endpoint.ts'
import { commonStatus } from './envelope.ts'
import { defineKind, phaseUnlessDeleting } from './kind.ts'

export const revision = defineKind({
  kind: 'Revision',
  plural: 'revisions',
  noun: 'revision',
  short: ['rev'],
  scope: 'workspace',
  doc: 'A rendered template of an endpoint, never changed after it is written.',
  system: true,
  spec: z.strictObject({
    endpoint: z.string(),
    number: z.int().min(1),
    hash: z.string(),
    renderer: z.string().describe('Version of the renderer that made it.'),
    template: z.strictObject({
      model: z.strictObject({ name: z.string(), digest: z.string(), path: z.string() }),
      engine: z.strictObject({ name: z.string(), version: z.string(), binary: z.string() }),
      /** argv with `{host}`, `{port}` left for the replica. */
      argv: z.array(z.string()).min(1),
      env: z.record(z.string(), z.string()),
      probes: z.strictObject({ alive: z.string(), metrics: z.string().optional() }),
      context: z.strictObject({ tokens: z.int(), sequences: z.int() }),
      startupSeconds: z.int(),
      /** What each replica needs of its own; absent when it needs nothing. */
      resources: z
        .strictObject({
          accelerator: acceleratorSchema.optional(),
          product: z.string().optional(),
          devices: z.int().min(1).optional(),
          memoryBytes: z.int().min(1).optional(),
        })
        .optional(),
    }),
  }),
  status: z.strictObject({
    ...commonStatus,
    everReady: z.boolean().optional(),
    firstReadyAt: z.string().optional(),
    failure: z.strictObject({ reason: z.enum(failureReasons), message: z.string() }).optional(),
  }),
  phases: ['Candidate', 'Active', 'Retired', 'Failed', 'Deleting'],
  phase: phaseUnlessDeleting(({ status }) => {
    if (status.failure && !status.everReady) return 'Failed'
    const active = status.conditions?.find(({ type }) => type === 'Active')
    if (active?.status === 'True') return 'Active'
    return status.everReady ? 'Retired' : 'Candidate'
  }),
  columns: [
    { title: 'ENDPOINT', path: 'spec.endpoint' },
    { title: 'NUMBER', path: 'spec.number' },
    { title: 'PHASE', path: 'status.phase' },
  ],
  fields: ['spec.endpoint', 'spec.number', 'spec.hash', 'status.phase'],
  immutable: ['endpoint', 'number', 'hash', 'renderer', 'template'],
  references: [{ path: 'spec.endpoint', to: 'Endpoint', onDelete: 'cascade' }],
  conditions: { Active: ['Active', 'Superseded', 'Candidate'] },
})
