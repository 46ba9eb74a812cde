// A place where replicas run.
import { z } from 'zod'
import { acceleratorSchema, bytesSchema, deviceIdSchema, productSchema } from './accelerator.ts'
import { commonStatus } from './envelope.ts'
import { defineKind, phaseUnlessDeleting } from './kind.ts'

export const shareSchema = z
  .union([z.enum(['none', 'all']), z.array(z.string())])
  .describe('Workspaces that may use this platform document.')

const namesOf = ({ accelerator, ids }: { readonly accelerator: string; readonly ids: readonly string[] }) =>
  ids.map(id => `${accelerator}/${id}`)

export const cluster = defineKind({
  kind: 'Cluster',
  plural: 'clusters',
  noun: 'cluster',
  scope: 'either',
  doc: 'A place where replicas run. `local` runs them as processes of this machine.',
  spec: z.strictObject({
    type: z.enum(['local']).describe('How replicas are run.'),
    share: shareSchema.default('none'),
    devices: z
      .array(
        z.strictObject({
          accelerator: acceleratorSchema.describe('Whose they are.'),
          product: productSchema.describe('What they are, as endpoints and quotas name it.'),
          memory: bytesSchema.optional().describe('Of each device: 24Gi.'),
          ids: z
            .array(deviceIdSchema)
            .min(1)
            .max(64)
            .describe('What the visibility variable of their accelerator takes, such as 0 and 1.'),
        }),
      )
      .max(64)
      .refine(given => new Set(given.flatMap(namesOf)).size === given.flatMap(namesOf).length, {
        error: 'must name each device once',
      })
      .optional()
      .describe(
        'Devices that are not discovered. Of the accelerators named here, those discovered do not count.',
      ),
  }),
  status: z.strictObject({
    ...commonStatus,
    version: z.string().optional(),
    node: z.string().optional().describe('The machine, where it is one alone.'),
    nodes: z.strictObject({ ready: z.int(), total: z.int() }).optional(),
    capacity: z.strictObject({ cpus: z.int(), memoryBytes: z.int() }).optional(),
    devices: z
      .strictObject({
        capacity: z.int().describe('Devices that are there.'),
        reserved: z.int().describe('Those that replicas hold.'),
        free: z.int().describe('Those that a replica could be given.'),
        each: z.array(
          z.strictObject({
            accelerator: acceleratorSchema,
            id: z.string(),
            product: z.string().optional().describe('Absent where it is not known: then no replica gets it.'),
            memoryBytes: z.int().optional(),
            declared: z.boolean().describe('Named in spec.devices, not discovered.'),
            reserved: z.boolean(),
          }),
        ),
      })
      .optional(),
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
    { title: 'DEVICES', path: 'status.devices.capacity' },
    { title: 'FREE', path: 'status.devices.free' },
    { title: 'LAST SEEN', path: 'status.lastSeenAt', wide: true },
  ],
  fields: ['spec.type', 'status.phase'],
  immutable: ['type'],
  conditions: {
    Connected: ['Connected', 'Unreachable'],
    Ready: ['Ready', 'NotConnected'],
    Devices: ['Listed', 'NotListed', 'UnknownProduct'],
  },
})
