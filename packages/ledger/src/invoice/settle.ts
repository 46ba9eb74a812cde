// From exact charges to what is paid: rounded once for each line, the residue, tax, credits. Every sum is one that a
// reader of the document can do again: lines and residue are the total, net and tax are the gross.
import { type InvoiceLineKind, invoiceLineKinds } from '@switchyard/kinds'
import { wholes } from './apportion.ts'
import { byTax, type Charge, sumOf } from './charges.ts'
import { divide, minorUnit, toMinor } from './minor.ts'
import { hundred, percentOf, type Span, type Tax, type Terms } from './terms.ts'

/** Amounts in 10^-12 of the currency; all but `exact` are multiples of its minor unit. */
export interface Line extends Omit<Charge, 'kind'> {
  /** From 1. */
  readonly number: number
  readonly kind: InvoiceLineKind
  /** `exact`, rounded; with its tax where prices hold it. */
  readonly rounded: bigint
  readonly net: bigint
  /** Its share of the tax of its rate. */
  readonly taxed: bigint
}

/** Tax of one rate. */
export interface TaxSum {
  readonly tax: Tax
  /** What it is taken of: the net sum. */
  readonly net: bigint
  readonly amount: bigint
}

export interface Credit {
  readonly name: string
  /** At most, above 0. */
  readonly amount: bigint
}

export interface Settled {
  readonly lines: readonly Line[]
  readonly taxes: readonly TaxSum[]
  /** Credits as far as they are used. */
  readonly credits: readonly Credit[]
  readonly net: bigint
  readonly tax: bigint
  /** Net and tax. */
  readonly gross: bigint
  /** Gross less credits. */
  readonly payable: bigint
}

/** Sums by tax rate are rounded so that they add up to the rounded sum of all. */
export function settle(
  charges: readonly Charge[],
  period: Span,
  terms: Terms,
  available: readonly Credit[] = [],
): Settled {
  const { currency, rounding } = terms
  const unit = minorUnit(currency)
  const groups = byTax(charges)
  const total = divide(sumOf(charges), unit, rounding)
  const sums = wholes(
    groups.map(group => sumOf(group)),
    unit,
    total,
  )
  const settled = groups.map((group, index) => settleGroup(group, (sums[index] ?? 0n) * unit, period, terms))
  const taxes = settled.flatMap(({ tax, net, amount }) => (tax ? [{ tax, net, amount }] : []))
  const lines = inOrder(settled.flatMap(group => group.lines))
  const net = settled.reduce((sum, group) => sum + group.net, 0n)
  const tax = taxes.reduce((sum, { amount }) => sum + amount, 0n)
  const credits = use(available, net + tax, unit)
  const credit = credits.reduce((sum, { amount }) => sum + amount, 0n)
  return Object.freeze({ lines, taxes, credits, net, tax, gross: net + tax, payable: net + tax - credit })
}

type Unnumbered = Omit<Line, 'number'>

/** What is taxed alike. `sum` is what its lines come to, rounded: net, or gross where prices hold the tax. */
function settleGroup(charges: readonly Charge[], sum: bigint, period: Span, terms: Terms) {
  const { currency, rounding, taxInclusive } = terms
  const unit = minorUnit(currency)
  const tax = charges[0]?.tax ?? null
  const rounded = charges.map(({ exact }) => toMinor(exact, currency, rounding))
  const residue = sum - rounded.reduce((total, each) => total + each, 0n)
  const all: readonly (Omit<Charge, 'kind'> & { readonly kind: Line['kind'] })[] =
    residue === 0n ? charges : [...charges, residueOf(charges, period, tax)]
  const amounts = residue === 0n ? rounded : [...rounded, residue]
  // Tax on a net sum, or in a gross one: whole minor units, of which each line has its own.
  const rate = percentOf(tax?.percent ?? '0')
  const over = taxInclusive ? hundred + rate : hundred
  const whole = divide((sum / unit) * rate, over, rounding)
  const shares = wholes(
    amounts.map(each => (each / unit) * rate),
    over,
    whole,
  )
  const amount = whole * unit
  const lines = all.map((charge, index): Unnumbered => {
    const line = amounts[index] ?? 0n
    const taxed = (shares[index] ?? 0n) * unit
    return { ...charge, rounded: line, net: taxInclusive ? line - taxed : line, taxed }
  })
  return { tax, amount, lines, net: taxInclusive ? sum - amount : sum }
}

function residueOf(charges: readonly Charge[], period: Span, tax: Tax | null) {
  const correction = charges.every(charge => charge.correction)
  return { kind: 'residue' as const, key: null, name: '', period, quantity: 1n, exact: 0n, tax, correction }
}

/** Those of the period, then corrections; each by kind, else as they came. */
function inOrder(lines: readonly Unnumbered[]): readonly Line[] {
  const order = invoiceLineKinds
  const place = ({ correction, kind }: Unnumbered) => order.indexOf(kind) + (correction ? order.length : 0)
  return lines
    .toSorted((one, other) => place(one) - place(other))
    .map((line, index) => Object.freeze({ ...line, number: index + 1 }))
}

/** Whole minor units of each in turn, until nothing is left to pay. */
function use(available: readonly Credit[], gross: bigint, unit: bigint): readonly Credit[] {
  let left = gross
  return available.flatMap(({ name, amount }) => {
    const whole = (amount / unit) * unit
    if (whole <= 0n || left <= 0n) return []
    left -= whole
    return [{ name, amount: left < 0n ? whole + left : whole }]
  })
}
