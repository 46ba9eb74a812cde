// What usage costs: rates for models and units, in one currency, from one moment on.
import { z } from 'zod'
import { commonStatus } from './envelope.ts'
import { defineKind, phaseUnlessDeleting } from './kind.ts'
import { modelPattern } from './limits.ts'
import { currencySchema, decimalSchema } from './money.ts'
import { measuresTheSame, type Unit, type UnitFamily, unitFamilies, units } from './units.ts'

const place = z
  .string()
  .regex(
    /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\/[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/,
    'use WORKSPACE/NAME, or platform/NAME for a platform document',
  )

const rateSchema = z.strictObject({
  model: modelPattern.describe(
    'Model that it is for: of a sale its public name, of a cost the name that the upstream knows. The start of names and a `*`, or `*` alone, are others.',
  ),
  provider: place.optional().describe('Provider that asks it, WORKSPACE/NAME or platform/NAME; cost only.'),
  endpoint: place.optional().describe('Endpoint that costs it, WORKSPACE/NAME; cost only.'),
  unit: z
    .enum([...units, ...unitFamilies])
    .describe(
      'What is counted; `tok.in.*` and `tok.out.*` are every class of a direction without its own rate.',
    ),
  price: decimalSchema.describe('Price of `per` units, as text; "0" is free.'),
  per: z.int().min(1).max(1_000_000_000).default(1_000_000).describe('So many units cost the price.'),
})
export type PriceRate = z.output<typeof rateSchema>

/** What a rate is for. */
const matchOf = ({ model, provider = '', endpoint = '' }: PriceRate) => `${model} ${provider} ${endpoint}`

const isFamily = (unit: Unit | UnitFamily): unit is UnitFamily => unit.endsWith('*')

/** Why two rates cannot be for the same; undefined when they can. */
function clash(unit: Unit | UnitFamily, other: Unit | UnitFamily): string | undefined {
  if (unit === other) return 'has the model and unit of'
  return !isFamily(unit) && !isFamily(other) && measuresTheSame(unit, other)
    ? `measures the same as ${other} of`
    : undefined
}

export const priceBook = defineKind({
  kind: 'PriceBook',
  plural: 'pricebooks',
  noun: 'price_book',
  short: ['prices'],
  scope: 'platform',
  doc: 'What models cost: to callers, or to us.',
  spec: z
    .strictObject({
      side: z
        .enum(['sale', 'cost'])
        .describe('sale: what callers are charged; cost: what upstreams charge us.'),
      currency: currencySchema.describe('ISO 4217 code of its prices.'),
      from: z.iso.datetime({ offset: true }).describe('Holds for requests that are admitted from then on.'),
      to: z.iso
        .datetime({ offset: true })
        .optional()
        .describe('Holds no longer from then on; never ends when absent.'),
      rates: z.array(rateSchema).min(1).max(5000).describe('Prices. The most exact one that fits is taken.'),
    })
    .superRefine(({ side, from, to, rates }, context) => {
      const problem = (path: (string | number)[], message: string) =>
        context.addIssue({ code: 'custom', path, message })
      if (to !== undefined && Date.parse(to) <= Date.parse(from)) problem(['to'], 'must be after from')
      const seen = new Map<string, number[]>()
      for (const [index, rate] of rates.entries()) {
        const match = matchOf(rate)
        const before = seen.get(match) ?? []
        for (const first of before) {
          const why = clash(rate.unit, rates[first]?.unit ?? rate.unit)
          if (why === undefined) continue
          problem(['rates', index], `${why} rates[${first}]: keep one`)
          break
        }
        seen.set(match, [...before, index])
        if (rate.provider !== undefined && rate.endpoint !== undefined)
          problem(['rates', index, 'endpoint'], 'cannot stand beside provider')
        if (side === 'sale')
          for (const field of ['provider', 'endpoint'] as const)
            if (rate[field] !== undefined)
              problem(['rates', index, field], 'has no place in a sale: callers pay for the public model')
      }
    })
    .meta({
      examples: [
        {
          side: 'sale',
          currency: 'USD',
          from: '2026-01-01T00:00:00Z',
          rates: [{ model: 'gpt-*', unit: 'tok.in.*', price: '2.50', per: 1_000_000 }],
        },
      ],
    }),
  status: z.strictObject({ ...commonStatus }),
  phases: ['Ready', 'Deleting'],
  phase: phaseUnlessDeleting(() => 'Ready'),
  columns: [
    { title: 'SIDE', path: 'spec.side' },
    { title: 'CURRENCY', path: 'spec.currency' },
    { title: 'FROM', path: 'spec.from' },
    { title: 'TO', path: 'spec.to', wide: true },
    { title: 'PHASE', path: 'status.phase', wide: true },
  ],
  fields: ['spec.side', 'spec.currency', 'status.phase'],
  immutable: ['side', 'currency'],
})
