// A random secret that a program calls with. Stored hashed, shown once.
import { z } from 'zod'
import { commonStatus, nameSchema } from './envelope.ts'
import { defineKind, phaseUnlessDeleting } from './kind.ts'
import { addressesSchema, limitsSchema } from './limits.ts'
import { permissionPattern } from './role.ts'

export const apiKey = defineKind({
  kind: 'ApiKey',
  plural: 'apikeys',
  noun: 'api_key',
  short: ['key', 'keys'],
  scope: 'workspace',
  doc: "A random secret that a program calls with. It may do its owner's rights, narrowed by its scopes and its workspace.",
  spec: z.strictObject({
    owner: z
      .strictObject({ kind: z.enum(['User', 'ServiceAccount']), name: nameSchema })
      .describe('Whose rights the key carries. A ServiceAccount is one of the same workspace.'),
    scopes: z
      .array(z.string().regex(permissionPattern, 'use noun:verb, noun:*, *:verb or *'))
      .max(100)
      .default(['inference:call'])
      .describe('Permissions that the key keeps of its owner’s.'),
    models: z
      .array(z.string().min(1).max(256))
      .max(1000)
      .optional()
      .describe('Public model names it may call, `*` as wildcard; absent means any, empty means none.'),
    limits: limitsSchema.optional().describe('Most that may be called with it.'),
    addresses: addressesSchema.optional(),
    expiresAt: z.iso.datetime({ offset: true }).optional().describe('Refused from then on.'),
    disabled: z.boolean().default(false).describe('Refused while true.'),
  }),
  status: z.strictObject({
    ...commonStatus,
    publicId: z.string().optional(),
    last4: z.string().optional(),
    rotatedAt: z.string().optional(),
    previousUntil: z.string().optional(),
    lastUsedAt: z
      .string()
      .optional()
      .describe('To the minute, and told a minute later at most; when it is read, and not by a watch.'),
  }),
  phases: ['Active', 'Disabled', 'Deleting'],
  phase: phaseUnlessDeleting(({ spec }) => (spec.disabled ? 'Disabled' : 'Active')),
  columns: [
    { title: 'PHASE', path: 'status.phase' },
    { title: 'OWNER', path: 'spec.owner.name' },
    { title: 'PUBLIC ID', path: 'status.publicId' },
    { title: 'PROJECT', path: 'metadata.project' },
    { title: 'EXPIRES', path: 'spec.expiresAt', wide: true },
    { title: 'LAST USED', path: 'status.lastUsedAt' },
  ],
  references: [{ path: 'spec.owner', to: 'owner', onDelete: 'refuse' }],
  fields: ['spec.owner.name', 'spec.disabled', 'status.publicId', 'status.phase'],
  immutable: ['owner'],
  actions: [
    {
      verb: 'rotate',
      permission: 'api_key:rotate',
      doc: 'Replace the secret; `overlapSeconds` keeps the old one working for 0 to 86,400 s.',
    },
  ],
})
