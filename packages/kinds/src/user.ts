// A person who signs in.
import { z } from 'zod'
import { commonStatus } from './envelope.ts'
import { defineKind, phaseUnlessDeleting } from './kind.ts'

export const user = defineKind({
  kind: 'User',
  plural: 'users',
  noun: 'user',
  scope: 'platform',
  doc: 'A person who signs in. What they may do is granted by RoleAssignments.',
  spec: z.strictObject({
    email: z
      .email()
      .max(254)
      .transform(email => email.toLowerCase())
      .describe('Unique; case does not matter.'),
    password: z
      .string()
      .min(12, 'use at least 12 characters')
      .max(256)
      .optional()
      .describe('Write-only; kept as an argon2id hash.'),
    disabled: z.boolean().default(false).describe('Refuse sign-in and every key that this person owns.'),
    locale: z.enum(['en', 'zh']).default('en').describe('Language of the console.'),
  }),
  status: z.strictObject({
    ...commonStatus,
    identities: z
      .array(z.object({ issuer: z.string(), subject: z.string() }))
      .optional()
      .describe('How identity providers know the person.'),
    lastLoginAt: z.string().optional(),
    lockedUntil: z
      .string()
      .optional()
      .describe(
        'Too many wrong passwords: no sign-in before. Told when it is read, as is the phase Locked; selectors and watches do not see it.',
      ),
  }),
  phases: ['Active', 'Locked', 'Disabled', 'Deleting'],
  phase: phaseUnlessDeleting(({ spec, status }) =>
    spec.disabled ? 'Disabled' : status.lockedUntil ? 'Locked' : 'Active',
  ),
  columns: [
    { title: 'EMAIL', path: 'spec.email' },
    { title: 'PHASE', path: 'status.phase' },
    { title: 'LAST LOGIN', path: 'status.lastLoginAt', wide: true },
  ],
  actions: [
    {
      verb: 'unlock',
      permission: 'user:update',
      doc: 'Forget the wrong passwords of the account, which may then be tried at once.',
    },
  ],
  fields: ['spec.email', 'spec.disabled', 'status.phase'],
  secrets: ['spec.password'],
})
