// Who issues invoices: a company with its tax number, whose documents are numbered without gaps.
import { z } from 'zod'
import { commonStatus } from './envelope.ts'
import { defineKind, phaseUnlessDeleting } from './kind.ts'
import { timezoneSchema } from './period.ts'

const line = z.string().max(200)

/** A company as documents name it. */
export const companySchema = z.strictObject({
  name: line.min(1).describe('Registered name.'),
  taxNumber: line.default('').describe('Tax number: 纳税人识别号, VAT number.'),
  address: z.array(line.min(1)).max(8).default([]).describe('Lines of its address.'),
})

const prefix = (what: string) =>
  z
    .string()
    .regex(/^[A-Za-z0-9._/-]{0,24}$/, 'use at most 24 letters, digits, dots, dashes, slashes and underscores')
    .optional()
    .describe(`What numbers of ${what} begin with, before the year.`)

export const legalEntity = defineKind({
  kind: 'LegalEntity',
  plural: 'legalentities',
  noun: 'legal_entity',
  short: ['entity'],
  scope: 'platform',
  doc: 'Who issues invoices. Its documents are numbered without gaps in each year.',
  spec: companySchema
    .extend({
      bank: line.default('').describe('Where invoices are paid to.'),
      timezone: timezoneSchema.default('UTC').describe('Time zone of the year that a number is of.'),
      invoicePrefix: prefix('invoices; the name in capitals and a dash when absent'),
      creditPrefix: prefix('credit notes; that of invoices and CN- when absent'),
    })
    .meta({
      examples: [
        { name: 'Example Cloud Ltd', taxNumber: 'GB000000000', address: ['1 Example Street', 'London'] },
      ],
    }),
  status: z.strictObject({ ...commonStatus }),
  phases: ['Ready', 'Deleting'],
  phase: phaseUnlessDeleting(() => 'Ready'),
  columns: [
    { title: 'LEGAL NAME', path: 'spec.name' },
    { title: 'TAX NUMBER', path: 'spec.taxNumber' },
    { title: 'PHASE', path: 'status.phase', wide: true },
  ],
  fields: ['status.phase'],
})
