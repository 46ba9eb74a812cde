// A machine's identity inside one workspace, owner of keys that no person should hold.
import { z } from 'zod'
import { commonStatus } from './envelope.ts'
import { defineKind, phaseUnlessDeleting } from './kind.ts'

export const serviceAccount = defineKind({
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
  noun: 'service_account',
  short: ['sa'],
  scope: 'workspace',
  doc: "A machine's identity inside one workspace, owner of keys that no person should hold.",
  spec: z.strictObject({
    disabled: z.boolean().default(false).describe('Refuse every key of this account.'),
  }),
  status: z.strictObject({
    ...commonStatus,
    lastUsedAt: z.string().optional().describe('Of any of its keys, as an ApiKey tells it.'),
  }),
  phases: ['Active', 'Disabled', 'Deleting'],
  phase: phaseUnlessDeleting(({ spec }) => (spec.disabled ? 'Disabled' : 'Active')),
  columns: [
    { title: 'PHASE', path: 'status.phase' },
    { title: 'LAST USED', path: 'status.lastUsedAt' },
  ],
  fields: ['spec.disabled', 'status.phase'],
})
