// Who holds which role. It grants where it lives: in its workspace, or everywhere when it is a platform document.
import { z } from 'zod'
import { commonStatus, nameSchema, referenceSchema } from './envelope.ts'
import { defineKind, phaseUnlessDeleting } from './kind.ts'

export const roleAssignment = defineKind({
  kind: 'RoleAssignment',
  plural: 'roleassignments',
  noun: 'role_assignment',
  short: ['ra'],
  scope: 'either',
  doc: 'Gives a role to a subject, in its workspace, or everywhere when it is a platform document.',
  spec: z.strictObject({
    subject: z
      .strictObject({ kind: z.enum(['User', 'ServiceAccount']), name: nameSchema })
      .describe('Who is granted. A ServiceAccount is one of the same workspace.'),
    role: referenceSchema.describe('Role of the same workspace, or platform/NAME.'),
    expiresAt: z.iso.datetime({ offset: true }).optional().describe('The grant ends then.'),
  }),
  status: z.strictObject({ ...commonStatus }),
  phases: ['Active', 'Deleting'],
  phase: phaseUnlessDeleting(() => 'Active'),
  columns: [
    { title: 'SUBJECT', path: 'spec.subject.name' },
    { title: 'ROLE', path: 'spec.role' },
    { title: 'EXPIRES', path: 'spec.expiresAt', wide: true },
  ],
  references: [
    { path: 'spec.role', to: 'Role', onDelete: 'refuse' },
    { path: 'spec.subject', to: 'owner', onDelete: 'cascade' },
  ],
  fields: ['spec.subject.name', 'spec.subject.kind', 'spec.role'],
  immutable: ['subject', 'role'],
})
