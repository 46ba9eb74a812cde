// What an invoice charges for, exact, before rounding and tax: rated usage summed by line, fees, discounts, then the
// least or most of the period. And what a closed period comes to now, less what was billed for it.
import type { InvoiceLineKind, ServiceTier } from '@switchyard/kinds'
import { apportion } from './apportion.ts'
import { discountOf, type Span, share, type Tax, type Terms, taxOf } from './terms.ts'

/** What usage is summed by. */
export interface LineKey {
  readonly project: string | null
  readonly model: string
  /** What is counted, such as `tok.in.uncached`. */
  readonly unit: string
  /** Id of a rate of a published book. */
  readonly rate: string
  /** Step of a rate that has several, from 1; null for a rate without. */
  readonly step: number | null
  /** As people read it; the same for the same rate and step. */
  readonly price: string
  /** Of the rate, where it is for one alone; since version 2 of the rating. */
  readonly tier?: ServiceTier | undefined
  readonly region?: string | undefined
}

/** A quantity and its exact amount, in 10^-12 of the currency. */
export interface Part {
  readonly key: LineKey
  readonly quantity: bigint
  readonly amount: bigint
}

/** What the books ask for a period, exact, in 10^-12 of the currency. */
export interface Asked {
  readonly parts: readonly Part[]
  /** Whatever was used. */
  readonly fees: readonly { readonly name: string; readonly amount: bigint }[]
  /** Of usage and fees after discounts; without tax, unless prices hold it. */
  readonly minimum?: bigint
  readonly cap?: bigint
}

export type ChargeKind = Exclude<InvoiceLineKind, 'residue'>

/** A line of an issued document. */
export interface LineAt {
  /** Number of the document. */
  readonly document: string
  /** From 1. */
  readonly line: number
}

/** One line to be, with its exact amount. */
export interface Charge {
  readonly kind: ChargeKind
  /** Of usage alone. */
  readonly key: LineKey | null
  /** Of a fee or a discount; '' of the others. */
  readonly name: string
  /** When the service was given. */
  readonly period: Span
  readonly quantity: bigint
  readonly exact: bigint
  readonly tax: Tax | null
  /** Of a period that was billed before: what is to be added to it. */
  readonly correction: boolean
  /** The first line that it corrects; absent where the documents of that time have none. */
  readonly corrects?: LineAt
}

/** Sums parts by line: neither order nor batches change what comes out. Holds one entry for each line. */
export class Tally {
  readonly #sums = new Map<string, { readonly key: LineKey; quantity: bigint; amount: bigint }>()

  add({ key, quantity, amount }: Part): void {
    const text = keyText(key)
    const sum = this.#sums.get(text)
    if (sum) {
      sum.quantity += quantity
      sum.amount += amount
    } else this.#sums.set(text, { key, quantity, amount })
  }

  /** By project, model, unit, rate and step. */
  parts(): readonly Part[] {
    return [...this.#sums]
      .toSorted(([one], [other]) => (one < other ? -1 : 1))
      .map(([, { key, quantity, amount }]) => Object.freeze({ key, quantity, amount }))
  }
}

// None of the names holds a control character; a step sorts by its size.
const between = '\u0001'
export const keyText = ({ project, model, unit, rate, step }: LineKey): string =>
  [project ?? '', model, unit, rate, step === null ? '' : String(step).padStart(9, '0')].join(between)

const taxText = (tax: Tax | null): string => (tax === null ? '' : `${tax.percent}${between}${tax.name}`)

/** The same for what is the same line of a period, in whichever document. */
const chargeText = ({ kind, key, name, tax }: Pick<Charge, 'kind' | 'key' | 'name' | 'tax'>): string =>
  key === null ? [kind, name, taxText(tax)].join(between) : `${kind}${between}${keyText(key)}`

/** All that a period comes to: usage, fees, discounts, and what is missing to its least or above its most. */
export function chargesOf(asked: Asked, period: Span, terms: Terms): readonly Charge[] {
  const usage = asked.parts
    .filter(({ quantity, amount }) => quantity !== 0n || amount !== 0n)
    .map(({ key, quantity, amount }) => ({
      ...plain(period),
      kind: 'usage' as const,
      key,
      quantity,
      exact: amount,
      tax: taxOf(key.model, terms),
    }))
  const fees = asked.fees
    .filter(({ amount }) => amount !== 0n)
    .map(({ name, amount }) => ({
      ...plain(period),
      kind: 'fee' as const,
      name,
      exact: amount,
      tax: taxOf('', terms),
    }))
  const discounted = [...usage, ...fees, ...discountsOf(usage, period, terms)]
  return [...discounted, ...boundsOf(discounted, asked, period, terms)]
}

const plain = (period: Span) => ({ key: null, name: '', period, quantity: 1n, correction: false })

export const sumOf = (charges: readonly Pick<Charge, 'exact'>[]): bigint =>
  charges.reduce((sum, { exact }) => sum + exact, 0n)

/** By what is taxed alike, in the order in which it first comes. */
export const byTax = <T extends { readonly tax: Tax | null }>(
  all: readonly T[],
): readonly (readonly T[])[] => [...Map.groupBy(all, ({ tax }) => taxText(tax)).values()]

/** One line for each discount and tax. */
function discountsOf(usage: readonly Charge[], period: Span, terms: Terms): readonly Charge[] {
  return terms.discounts.flatMap(discount => {
    const fitting = usage.filter(({ key }) => key !== null && discountOf(key.model, terms) === discount)
    return byTax(fitting).flatMap(group => {
      const exact = -share(sumOf(group), discount.percent)
      const tax = group[0]?.tax ?? null
      return exact === 0n
        ? []
        : [{ ...plain(period), kind: 'discount' as const, name: discount.name, exact, tax }]
    })
  })
}

/** The difference is spread over what is taxed alike, so that each part of it is taxed as the rest. */
function boundsOf(
  charges: readonly Charge[],
  { minimum, cap }: Asked,
  period: Span,
  terms: Terms,
): readonly Charge[] {
  const sum = sumOf(charges)
  const [kind, exact] =
    minimum !== undefined && sum < minimum
      ? (['minimum', minimum - sum] as const)
      : cap !== undefined && sum > cap
        ? (['cap', cap - sum] as const)
        : (['cap', 0n] as const)
  if (exact === 0n) return []
  const groups = byTax(charges)
  if (groups.length === 0) return [{ ...plain(period), kind, exact, tax: taxOf('', terms) }]
  const shares = apportion(
    exact,
    groups.map(group => sumOf(group)),
  )
  return groups.flatMap((group, index) => {
    const part = shares[index] ?? 0n
    return part === 0n ? [] : [{ ...plain(period), kind, exact: part, tax: group[0]?.tax ?? null }]
  })
}

/** A line of an issued document, of a period. */
export interface Billed {
  readonly charge: Pick<Charge, 'kind' | 'key' | 'name' | 'quantity' | 'exact' | 'tax' | 'period'>
  readonly at: LineAt
}

/**
 * What a closed period now comes to, less what was billed for it in all documents: with the corrections they add up to
 * what one document of all its events had been. `billed` in the order in which it was issued.
 */
export function corrections(now: readonly Charge[], billed: readonly Billed[]): readonly Charge[] {
  const before = Map.groupBy(billed, ({ charge }) => chargeText(charge))
  const after = Map.groupBy(now, chargeText)
  return [...new Set([...after.keys(), ...before.keys()])].flatMap(text => {
    const was = before.get(text) ?? []
    const is = after.get(text) ?? []
    const charge = is[0] ?? was[0]?.charge
    const exact = sumOf(is) - sumOf(was.map(each => each.charge))
    const quantity = countOf(is) - countOf(was.map(each => each.charge))
    if (!charge || (exact === 0n && quantity === 0n)) return []
    // As the line was taxed that it corrects.
    const tax = was[0] ? was[0].charge.tax : charge.tax
    return [{ ...charge, quantity, exact, tax, correction: true, ...(was[0] && { corrects: was[0].at }) }]
  })
}

const countOf = (charges: readonly Pick<Charge, 'quantity'>[]): bigint =>
  charges.reduce((sum, { quantity }) => sum + quantity, 0n)
