// How much a workspace may run, and what it lends to and borrows from others.
import { z } from 'zod'
import { acceleratorSchema, productSchema } from './accelerator.ts'
import { commonStatus, nameSchema } from './envelope.ts'
import { defineKind, phaseUnlessDeleting } from './kind.ts'

const count = z.int().min(0).max(1_000_000)

const share = {
  nominal: count.describe('What is its own, whoever has borrowed it.'),
  borrow: count.default(0).describe('Most that it may have beyond that, of what others lend.'),
  lend: count.default(0).describe('Most of its own that others may have while it does not need it.'),
}

const counts = {
  declared: z.int().describe('What its endpoints ask for.'),
  used: z.int().describe('What is there.'),
  limit: z.int().describe('What may be there now.'),
  borrowed: z.int().describe('What it has beyond its own.'),
  lent: z.int().describe('What of its own others have.'),
}

export const quota = defineKind({
  kind: 'Quota',
  plural: 'quotas',
  noun: 'quota',
  scope: 'workspace',
  doc: 'How many replicas and devices a workspace may have, and how many it lends to and borrows from others of its cohort.',
  heldAbove: true,
  spec: z
    .strictObject({
      cohort: nameSchema
        .optional()
        .describe('Workspaces whose quotas name the same cohort lend each other what they do not need.'),
      replicas: z
        .strictObject(share)
        .optional()
        .describe(
          'Replicas of all its endpoints together; those that drain count until they are gone. Without limit when absent.',
        ),
      flavors: z
        .array(
          z.strictObject({
            accelerator: acceleratorSchema.describe('Whose devices.'),
            product: productSchema
              .optional()
              .describe('Devices of this product; of every product of the accelerator when absent.'),
            ...share,
          }),
        )
        .max(64)
        .optional()
        .describe('Devices of all its replicas together. Those of which none is named are without limit.'),
    })
    .superRefine(({ cohort, replicas, flavors = [] }, context) => {
      const problem = (path: readonly (string | number)[], message: string) =>
        context.addIssue({ code: 'custom', path: [...path], message })
      if (!replicas && flavors.length === 0)
        problem([], 'must say how much of something: set replicas, or flavors of devices')
      const names = new Set<string>()
      flavors.forEach(({ accelerator, product = '' }, index) => {
        const name = `${accelerator}/${product}`
        if (names.has(name))
          problem(['flavors', index], 'is there already: give each accelerator and product once')
        names.add(name)
      })
      const shares = [
        ...(replicas ? [{ path: ['replicas'], ...replicas }] : []),
        ...flavors.map((flavor, index) => ({ path: ['flavors', index], ...flavor })),
      ]
      for (const { path, nominal, borrow, lend } of shares) {
        if (lend > nominal) problem([...path, 'lend'], `must be at most nominal, ${nominal}`)
        if (cohort !== undefined) continue
        if (borrow > 0) problem([...path, 'borrow'], 'needs a cohort to borrow from: set spec.cohort')
        if (lend > 0) problem([...path, 'lend'], 'needs a cohort to lend to: set spec.cohort')
      }
    })
    .meta({ examples: [{ replicas: { nominal: 8 } }] }),
  status: z.strictObject({
    ...commonStatus,
    declared: counts.declared.optional(),
    used: counts.used.optional(),
    limit: counts.limit.optional(),
    borrowed: counts.borrowed.optional(),
    lent: counts.lent.optional(),
    owed: z.int().optional().describe('Borrowed replicas that are being given back.'),
    flavors: z
      .array(z.strictObject({ accelerator: acceleratorSchema, product: z.string().optional(), ...counts }))
      .optional()
      .describe('The same of devices.'),
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
