// What usage costs: rates for models and units, in one currency, from one moment on.
import { z } from 'zod'
import { commonStatus } from './envelope.ts'
import { defineKind, phaseUnlessDeleting } from './kind.ts'
import { currencySchema, decimalSchema, parseDecimal } from './money.ts'
import { clashOf, type PriceRate, rateSchema } from './price-rate.ts'

const feeSchema = z.strictObject({
  name: z.string().min(1).max(64).describe('What an invoice calls it.'),
  price: decimalSchema.describe('Asked once for each period of a workspace.'),
  workspace: z.string().max(63).optional().describe('Only of this workspace.'),
})

/** Two rates of one book that cannot both hold, each named by its place. */
function ratesThatClash(rates: readonly PriceRate[]): readonly (readonly [index: number, message: string])[] {
  const seen = new Map<string, number[]>()
  return rates.flatMap((rate, index) => {
    const match = [rate.model, rate.provider, rate.endpoint].join(' ')
    const before = seen.get(match) ?? []
    seen.set(match, before)
    const why = before.values().map(first => clashOf(rate, rates[first] ?? rate, `rates[${first}]`))
    const message = why.find(one => one !== undefined)
    before.push(index)
    return message === undefined ? [] : [[index, message] as const]
  })
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
      publish: z
        .enum(['on_write', 'on_request'])
        .default('on_write')
        .describe(
          'on_write: each change is a version that holds; on_request: a draft until it is published.',
        ),
      rounding: z
        .enum(['half_even', 'half_up'])
        .default('half_even')
        .describe('How a line of an invoice is rounded to what the currency can be paid in.'),
      rates: z.array(rateSchema).min(1).max(5000).describe('Prices. The most exact one that fits is taken.'),
      fees: z.array(feeSchema).max(100).optional().describe('Asked for each period, whatever was used.'),
      minimum: decimalSchema.optional().describe('A workspace pays at least so much for a period.'),
      cap: decimalSchema.optional().describe('A workspace pays at most so much for a period.'),
    })
    .superRefine(({ side, from, to, rates, fees, minimum, cap }, context) => {
      const problem = (path: (string | number)[], message: string) =>
        context.addIssue({ code: 'custom', path, message })
      if (to !== undefined && Date.parse(to) <= Date.parse(from)) problem(['to'], 'must be after from')
      if (
        minimum !== undefined &&
        cap !== undefined &&
        (parseDecimal(cap) ?? 0n) < (parseDecimal(minimum) ?? 0n)
      )
        problem(['cap'], 'must not be below minimum')
      for (const field of ['fees', 'minimum', 'cap'] as const)
        if (side === 'cost' && { fees, minimum, cap }[field] !== undefined)
          problem([field], 'has no place in a cost: it is asked of callers')
      for (const [index, message] of ratesThatClash(rates)) problem(['rates', index], message)
      for (const [index, rate] of rates.entries()) {
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
  status: z.strictObject({
    ...commonStatus,
    version: z.int().optional().describe('Newest that was published.'),
    sha256: z.string().optional().describe('Of its canonical form (RFC 8785), in hex.'),
    publishedAt: z.string().optional(),
    publishedBy: z.string().optional(),
    publishedGeneration: z
      .int()
      .optional()
      .describe('Generation of the document that it was published from.'),
  }),
  phases: ['Draft', 'Changed', 'Published', 'Deleting'],
  phase: phaseUnlessDeleting(({ status, metadata }) => {
    if (status.version === undefined) return 'Draft'
    return status.publishedGeneration === metadata.generation ? 'Published' : 'Changed'
  }),
  columns: [
    { title: 'SIDE', path: 'spec.side' },
    { title: 'CURRENCY', path: 'spec.currency' },
    { title: 'FROM', path: 'spec.from' },
    { title: 'TO', path: 'spec.to', wide: true },
    { title: 'VERSION', path: 'status.version' },
    { title: 'PHASE', path: 'status.phase' },
  ],
  fields: ['spec.side', 'spec.currency', 'status.phase'],
  immutable: ['side', 'currency'],
  actions: [
    {
      verb: 'publish',
      permission: 'price_book:publish',
      doc: 'Publish the book as it stands as its next version, which never changes.',
      binds: true,
    },
  ],
})
export type PriceBookSpec = z.output<typeof priceBook.spec>
