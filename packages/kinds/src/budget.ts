// What may be spent in a period, and who is told how far it has come.
import { z } from 'zod'
import { commonStatus, nameSchema } from './envelope.ts'
import { defineKind, phaseUnlessDeleting } from './kind.ts'
import { decimalSchema } from './money.ts'

export const budget = defineKind({
  kind: 'Budget',
  plural: 'budgets',
  noun: 'budget',
  scope: 'workspace',
  doc: 'What a workspace, project, key or model may spend in a period: told at thresholds and by forecast. It refuses nothing: limits.money does.',
  spec: z
    .strictObject({
      amount: decimalSchema
        .refine(text => /[1-9]/.test(text), 'must be above 0')
        .describe('Of one period, as text, in the currency of the workspace.'),
      period: z
        .enum(['day', 'week', 'month'])
        .default('month')
        .describe('In the time zone of the workspace.'),
      project: nameSchema.optional().describe('Only of this project.'),
      key: nameSchema.optional().describe('Only of the API key of this name.'),
      model: z.string().min(1).max(256).optional().describe('Only of this public model name.'),
      alerts: z
        .array(z.int().min(1).max(1000))
        .max(20)
        .default([50, 80, 100])
        .describe('In a hundred of the amount: each is told once in a period.'),
      forecast: z
        .boolean()
        .default(true)
        .describe('Tell, once in a period, when it will be above the amount if it goes on as it has.'),
    })
    .meta({ examples: [{ amount: '500', project: 'shop' }] }),
  status: z.strictObject({
    ...commonStatus,
    spent: z.string().optional().describe('In the period that runs, as text.'),
    forecast: z
      .string()
      .nullable()
      .optional()
      .describe('At the end of it; null until a tenth of it is over.'),
    currency: z.string().optional(),
    from: z.string().optional(),
    to: z.string().optional(),
    told: z.array(z.string()).optional().describe('What was told in this period: thresholds, and forecast.'),
  }),
  phases: ['Pending', 'Within', 'Forecast', 'Exceeded', 'Deleting'],
  phase: phaseUnlessDeleting(({ status }) => {
    const reason = status.conditions?.find(({ type }) => type === 'WithinBudget')?.reason
    return reason === undefined ? 'Pending' : reason
  }),
  columns: [
    { title: 'AMOUNT', path: 'spec.amount' },
    { title: 'PERIOD', path: 'spec.period' },
    { title: 'SPENT', path: 'status.spent' },
    { title: 'FORECAST', path: 'status.forecast' },
    { title: 'CURRENCY', path: 'status.currency' },
    { title: 'PHASE', path: 'status.phase' },
  ],
  fields: ['spec.project', 'spec.key', 'spec.model', 'status.phase'],
  conditions: { WithinBudget: ['Within', 'Forecast', 'Exceeded'] },
})
