// What was agreed with whoever pays: tax and discounts. A document keeps those that it was made by.
import { type InvoiceLine, type InvoiceTerms, parseDecimal } from '@switchyard/kinds'
import { divide } from './minor.ts'

/**
 * The first tax, and the first discount, that is for a model holds for it: public names, or starts of them and a `*`; all
 * when null. A model without a tax is not taxed.
 */
export type Terms = InvoiceTerms

/** Milliseconds since 1970; the end is not in it. */
export interface Span {
  readonly startsAt: number
  readonly endsAt: number
}

export type Tax = NonNullable<InvoiceLine['taxed']>

const covers = ({ models }: { readonly models: readonly string[] | null }, model: string): boolean =>
  models === null ||
  models.some(name => (name.endsWith('*') ? model.startsWith(name.slice(0, -1)) : name === model))

export function taxOf(model: string, { taxes }: Terms): Tax | null {
  const rule = taxes.find(each => covers(each, model))
  return rule ? { name: rule.name, percent: rule.percent } : null
}

export const discountOf = (model: string, { discounts }: Terms): Terms['discounts'][number] | undefined =>
  discounts.find(each => covers(each, model))

/** A hundred, as `parseDecimal` reads it. */
export const hundred = 100n * 10n ** 12n

/** In 10^-12 of one in a hundred. A TypeError for what is no decimal. */
export function percentOf(text: string): bigint {
  const percent = parseDecimal(text)
  if (percent === undefined) throw new TypeError(`no percentage: ${text}`)
  return percent
}

/** So many in a hundred of an amount, rounded half-even at 10^-12. */
export const share = (amount: bigint, percent: string): bigint =>
  divide(amount * percentOf(percent), hundred, 'half_even')
