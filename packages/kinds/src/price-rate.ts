// One price of a book: for which requests it is, how it charges, and which of two that fit is taken.
import { z } from 'zod'
import { modelPattern } from './limits.ts'
import { decimalSchema } from './money.ts'
import { measuresTheSame, type Unit, type UnitFamily, unitFamilies, units } from './units.ts'

const place = z
  .string()
  .regex(
    /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\/[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/,
    'use WORKSPACE/NAME, or platform/NAME for a platform document',
  )

/** Where requests are answered, by its provider's own name. */
export const regionSchema = z
  .string()
  .regex(/^[A-Za-z0-9._-]{1,63}$/, 'use letters, digits, dots, dashes and underscores')

/** How a request was taken: at once, in a batch, before others, or from the cache. */
export const serviceTiers = ['standard', 'batch', 'priority', 'cache'] as const
export type ServiceTier = (typeof serviceTiers)[number]

/** `per_unit`: each unit; `graduated`: each unit by the step that it is in; `volume`: all units by the step that their sum reaches; `package`: each package that is begun. */
export const charges = ['per_unit', 'graduated', 'volume', 'package'] as const
type Charge = (typeof charges)[number]

const stepSchema = z.strictObject({
  upTo: z
    .string('write it as text in quotes')
    .regex(/^[1-9]\d{0,18}$/, 'write a whole number above 0')
    .optional()
    .describe('Units of a period up to which it holds, that one included; the last step has none.'),
  price: decimalSchema.describe('Price of `per` units.'),
  flat: decimalSchema.optional().describe('Asked once, when the step is reached.'),
})

export const rateSchema = z
  .strictObject({
    model: modelPattern.describe(
      'Model that it is for: of a sale its public name, of a cost the name that the upstream knows. The start of names and a `*`, or `*` alone, are others.',
    ),
    provider: place.optional().describe('Provider that asks it, WORKSPACE/NAME or platform/NAME; cost only.'),
    endpoint: place.optional().describe('Endpoint that costs it, WORKSPACE/NAME; cost only.'),
    tier: z
      .enum(serviceTiers)
      .optional()
      .describe('Only for requests that were taken so; answers of the cache are free without one.'),
    context: z
      .strictObject({
        from: z.int().min(0).default(0).describe('Tokens in, at least.'),
        to: z.int().min(1).optional().describe('Tokens in, below.'),
      })
      .optional()
      .describe('Only for requests with so many tokens in.'),
    region: regionSchema.optional().describe('Only for requests that were served there.'),
    workspace: z
      .string()
      .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'use the name of a workspace')
      .optional()
      .describe('Only for callers of this workspace.'),
    unit: z
      .enum([...units, ...unitFamilies])
      .describe(
        'What is counted; `tok.in.*` and `tok.out.*` are every class of a direction without its own rate.',
      ),
    charge: z
      .enum(charges)
      .optional()
      .describe(
        'per_unit (when absent); graduated and volume by `steps` of a period; package for each one that is begun.',
      ),
    price: decimalSchema.optional().describe('Price of `per` units, as text; "0" is free.'),
    per: z.int().min(1).max(1_000_000_000).default(1_000_000).describe('So many units cost the price.'),
    steps: z
      .array(stepSchema)
      .min(1)
      .max(100)
      .optional()
      .describe('Of graduated and volume, from the first unit of a period on.'),
  })
  .superRefine((rate, context) => {
    for (const { path, message } of rateProblems(rate))
      context.addIssue({ code: 'custom', path: [...path], message })
  })
export type PriceRate = z.output<typeof rateSchema>
export type PriceStep = z.output<typeof stepSchema>

interface RateProblem {
  readonly path: readonly (string | number)[]
  readonly message: string
}

const bySteps: ReadonlySet<Charge> = new Set(['graduated', 'volume'])

/** Whether it depends on the usage of its whole period, and not on one request alone. */
export const isOfPeriod = ({ charge = 'per_unit' }: PriceRate): boolean => charge !== 'per_unit'

function rateProblems({ charge = 'per_unit', price, steps, context }: PriceRate): readonly RateProblem[] {
  const found: RateProblem[] = []
  const stepped = bySteps.has(charge)
  if (stepped && !steps) found.push({ path: ['steps'], message: `is needed by ${charge}` })
  if (stepped && price !== undefined)
    found.push({ path: ['price'], message: `has no place in ${charge}: each of its steps has one` })
  if (!stepped && steps)
    found.push({ path: ['steps'], message: `has no place in ${charge}: use graduated or volume` })
  if (!stepped && price === undefined)
    found.push({ path: ['price'], message: 'is needed: write "0" for what is free' })
  if (context?.to !== undefined && context.to <= context.from)
    found.push({ path: ['context', 'to'], message: 'must be above from' })
  for (const [index, { upTo }] of (steps ?? []).entries()) {
    const path = ['steps', index, 'upTo']
    const before = steps?.[index - 1]?.upTo
    if (index === (steps?.length ?? 0) - 1) {
      if (upTo !== undefined) found.push({ path, message: 'has no place in the last step, which has no end' })
    } else if (upTo === undefined) found.push({ path, message: 'is needed by all steps but the last' })
    else if (before !== undefined && BigInt(upTo) <= BigInt(before))
      found.push({ path, message: 'must be above that of the step before' })
  }
  return found
}

const dimensions = ['tier', 'context', 'region', 'workspace'] as const

const isNamed = ({ provider, endpoint }: PriceRate) => provider !== undefined || endpoint !== undefined

/** Of patterns that fit the same name: the whole name above its longest beginning. */
const exactness = (pattern: string) => (pattern.endsWith('*') ? pattern.length : whole)
const whole = 1000 // longer than any pattern

/** In how many ways it says whom it is for. */
function fixed(rate: PriceRate): number {
  let count = dimensions.filter(name => rate[name] !== undefined).length
  if (rate.model !== '*') count++
  return isNamed(rate) ? count + 1 : count
}

/**
 * The more exact one first: what fixes more of model, upstream, tier, context, region and workspace; then what names an
 * upstream, the longer beginning of a model's name, and the unit before its direction. 0 where neither is.
 */
export function byExactness(one: PriceRate, other: PriceRate): number {
  return (
    fixed(other) - fixed(one) ||
    (isNamed(other) ? 1 : 0) - (isNamed(one) ? 1 : 0) ||
    exactness(other.model) - exactness(one.model) ||
    exactness(other.unit) - exactness(one.unit)
  )
}

/** What a rate is for, but for its context: the rates of one match and overlapping contexts exclude each other. */
export const matchOf = ({ model, provider, endpoint, tier, region, workspace }: PriceRate): string =>
  [model, provider, endpoint, tier, region, workspace].map(part => part ?? '').join(' ')

const isFamily = (unit: Unit | UnitFamily): unit is UnitFamily => unit.endsWith('*')

/** Why both cannot hold at one time, as what is wrong with `one`; undefined where they can. `said` names the other. */
export function clashOf(one: PriceRate, other: PriceRate, said: string): string | undefined {
  if (one.model !== other.model || one.provider !== other.provider || one.endpoint !== other.endpoint)
    return undefined
  if (byExactness(one, other) !== 0) return undefined
  const measures = !isFamily(one.unit) && !isFamily(other.unit) && measuresTheSame(one.unit, other.unit)
  if (one.unit !== other.unit && !measures) return undefined
  for (const name of ['tier', 'region', 'workspace'] as const)
    if (one[name] !== undefined && other[name] !== undefined && one[name] !== other[name]) return undefined
  const { context: its } = one
  const { context: others } = other
  if (its && others && (its.from >= (others.to ?? Infinity) || others.from >= (its.to ?? Infinity)))
    return undefined
  if (dimensions.some(name => (one[name] === undefined) !== (other[name] === undefined)))
    return `is as exact as ${said}, and some requests fit both: let one of them say more`
  return measures
    ? `measures the same as ${other.unit} of ${said}: keep one`
    : `has the model and unit of ${said}: keep one`
}
