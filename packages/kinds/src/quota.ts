// How much a workspace may run, and what it lends to and borrows from others.
import { z } from 'zod'
import { commonStatus, nameSchema } from './envelope.ts'
import { defineKind, phaseUnlessDeleting } from './kind.ts'

const count = z.int().min(0).max(1_000_000)

export const quota = defineKind({
  kind: 'Quota',
  plural: 'quotas',
  noun: 'quota',
  scope: 'workspace',
  doc: 'How many replicas a workspace may have, and how many it lends to and borrows from others of its cohort.',
  heldAbove: true,
  spec: z
    .strictObject({
      cohort: nameSchema
        .optional()
        .describe('Workspaces whose quotas name the same cohort lend each other what they do not need.'),
      replicas: z
        .strictObject({
          nominal: count.describe('Replicas that are its own, whoever has borrowed them.'),
          borrow: count.default(0).describe('Most that it may have beyond them, of what others lend.'),
          lend: count
            .default(0)
            .describe('Most of its own that others may have while it does not need them.'),
        })
        .describe('Replicas of all its endpoints together; those that drain count until they are gone.'),
    })
    .superRefine(({ cohort, replicas: { nominal, borrow, lend } }, context) => {
      const problem = (path: string, message: string) =>
        context.addIssue({ code: 'custom', path: ['replicas', path], message })
      if (lend > nominal) problem('lend', `must be at most nominal, ${nominal}`)
      if (cohort !== undefined) return
      if (borrow > 0) problem('borrow', 'needs a cohort to borrow from: set spec.cohort')
      if (lend > 0) problem('lend', 'needs a cohort to lend to: set spec.cohort')
    }),
  status: z.strictObject({
    ...commonStatus,
    declared: z.int().optional().describe('Replicas that its endpoints ask for.'),
    used: z.int().optional().describe('Replicas that are there.'),
    limit: z.int().optional().describe('Replicas that may be there now.'),
    borrowed: z.int().optional().describe('Those that it has beyond its own.'),
    lent: z.int().optional().describe('Those of its own that others have.'),
    owed: z.int().optional().describe('Borrowed ones that are being given back.'),
  }),
  phases: ['Ready', 'Exceeded', 'Deleting'],
  phase: phaseUnlessDeleting(({ status }) =>
    status.conditions?.some(({ type, status: is }) => type === 'Within' && is === 'False')
      ? 'Exceeded'
      : 'Ready',
  ),
  columns: [
    { title: 'PHASE', path: 'status.phase' },
    { title: 'COHORT', path: 'spec.cohort' },
    { title: 'NOMINAL', path: 'spec.replicas.nominal' },
    { title: 'USED', path: 'status.used' },
    { title: 'LIMIT', path: 'status.limit' },
    { title: 'BORROWED', path: 'status.borrowed' },
    { title: 'LENT', path: 'status.lent' },
  ],
  fields: ['spec.cohort', 'status.phase'],
  conditions: {
    Within: ['Within', 'Exceeded', 'GivingBack'],
    Reconciled: ['Reconciled', 'Error', 'Stalled'],
  },
})
