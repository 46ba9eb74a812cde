// Who holds which role. It grants where it lives: in its workspace, or everywhere when it is a platform document.
import { z } from 'zod'
import { commonStatus, nameSchema, referenceSchema } from './envelope.ts'
import { defineKind, phaseUnlessDeleting } from './kind.ts'

/** Name of an IdentityProvider, a slash, and the group as that calls it: `corp/ml-team`. */
const groupNameSchema = z
  .string()
  .max(320)
  .regex(
    /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\/[^\p{Cc}]{1,256}$/u,
    'write PROVIDER/GROUP, such as corp/ml-team',
  )

export const roleAssignment = defineKind({
  kind: 'RoleAssignment',
  plural: 'roleassignments',
  noun: 'role_assignment',
  short: ['ra'],
  scope: 'either',
  doc: 'Gives a role to a subject, in its workspace, or everywhere when it is a platform document.',
  spec: z.strictObject({
    subject: z
      .discriminatedUnion('kind', [
        z.strictObject({ kind: z.enum(['User', 'ServiceAccount']), name: nameSchema }),
        z.strictObject({ kind: z.literal('Group'), name: groupNameSchema }),
      ])
      .describe(
        'Who is granted. A ServiceAccount is one of the same workspace; a Group is `PROVIDER/NAME`, as an IdentityProvider says it.',
      ),
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
