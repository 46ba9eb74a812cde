// A named set of permissions.
import { z } from 'zod'
import { commonStatus } from './envelope.ts'
import { defineKind, phaseUnlessDeleting } from './kind.ts'

/** `noun:verb`, `noun:*`, `*:verb` or `*`; whether noun and verb exist is checked against the permission table. */
export const permissionPattern = /^(\*|([a-z_]+|\*):([a-z_]+|\*))$/

export const role = defineKind({
  kind: 'Role',
  plural: 'roles',
  noun: 'role',
  scope: 'either',
  doc: 'A named set of permissions, granted by a RoleAssignment.',
  spec: z.strictObject({
    permissions: z
      .array(z.string().regex(permissionPattern, 'use noun:verb, noun:*, *:verb or *'))
      .min(1)
      .max(500)
      .describe('Permissions such as endpoint:read; `endpoint:*`, `*:read` and `*` are allowed.'),
  }),
  status: z.strictObject({ ...commonStatus }),
  phases: ['Ready', 'Deleting'],
  phase: phaseUnlessDeleting(() => 'Ready'),
  columns: [{ title: 'PERMISSIONS', path: 'spec.permissions' }],
})
