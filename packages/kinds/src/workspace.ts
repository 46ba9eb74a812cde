// A tenant: the wall that users, keys, endpoints and bills stand behind.
import { z } from 'zod'
import { billingSchema } from './billing.ts'
import { commonStatus } from './envelope.ts'
import { defineKind, phaseUnlessDeleting } from './kind.ts'
import { addressesSchema, limitsSchema } from './limits.ts'
import { currencySchema } from './money.ts'
import { timezoneSchema } from './period.ts'

export const workspace = defineKind({
  kind: 'Workspace',
  plural: 'workspaces',
  noun: 'workspace',
  short: ['ws'],
  scope: 'platform',
  doc: 'A tenant. Documents, keys and usage of one workspace are never visible from another.',
  spec: z.strictObject({
    suspended: z.boolean().default(false).describe('Refuse every request of this workspace at the gateway.'),
    timezone: timezoneSchema.default('UTC').describe('IANA time zone of its billing periods.'),
    currency: currencySchema.default('USD').describe('ISO 4217 code.'),
    limits: limitsSchema.optional().describe('Most that all its keys may call together.'),
    billing: billingSchema.optional(),
    addresses: addressesSchema.optional(),
    contacts: z.array(z.email()).max(32).default([]).describe('People to tell about limits and bills.'),
  }),
  status: z.strictObject({ ...commonStatus }),
  phases: ['Active', 'Suspended', 'Deleting'],
  phase: phaseUnlessDeleting(({ spec }) => (spec.suspended ? 'Suspended' : 'Active')),
  columns: [
    { title: 'PHASE', path: 'status.phase' },
    { title: 'CURRENCY', path: 'spec.currency', wide: true },
    { title: 'TIMEZONE', path: 'spec.timezone', wide: true },
  ],
  references: [{ path: 'spec.billing.invoice.entity', to: 'LegalEntity', onDelete: 'refuse' }],
  fields: ['spec.suspended', 'status.phase'],
})
