// A document as cost and usage by FOCUS 1.2: lines before tax, then taxes and credits as rows of their own, so that
// BilledCost adds up to what is paid.
import type { InvoiceDocument, InvoiceLine, InvoiceLineKind } from '@switchyard/kinds'
import { csv, number, type Row } from './csv.ts'
import { unitWords } from './words.ts'

type Category = 'Usage' | 'Purchase' | 'Tax' | 'Credit' | 'Adjustment'

const categories = {
  usage: 'Usage',
  fee: 'Purchase',
  discount: 'Adjustment',
  minimum: 'Adjustment',
  cap: 'Adjustment',
  residue: 'Adjustment',
} as const satisfies Record<InvoiceLineKind, Category>

/** What a row is of: a line, a tax, or a credit. */
interface Charge {
  readonly category: Category
  readonly cost: string
  readonly description: string
  readonly line?: InvoiceLine
}

interface Column {
  readonly title: string
  readonly read: (charge: Charge, document: InvoiceDocument) => Row[number]
}

const second = (moment: string) => moment.replace(/\.\d+Z$/, 'Z')
const priced = ({ line }: Charge) =>
  line && (line.kind === 'usage' || line.kind === 'fee') ? line : undefined
const used = ({ line }: Charge) => (line?.kind === 'usage' ? line : undefined)
const unitOf = ({ unit }: InvoiceLine) => (unit === null ? 'Fees' : unitWords(unit, 'en'))
/** All costs of a row are alike: what was negotiated stands in the prices, discounts in rows of their own. */
const cost = ({ cost: its }: Charge) => number(its)

const columns: readonly Column[] = [
  // Mandatory.
  { title: 'BilledCost', read: cost },
  { title: 'BillingAccountId', read: (_, { workspace }) => workspace },
  { title: 'BillingAccountName', read: (_, { buyer }) => buyer.name },
  { title: 'BillingCurrency', read: (_, { terms }) => terms.currency },
  { title: 'BillingPeriodEnd', read: (_, { period }) => second(period.to) },
  { title: 'BillingPeriodStart', read: (_, { period }) => second(period.from) },
  { title: 'ChargeCategory', read: ({ category }) => category },
  { title: 'ChargeClass', read: ({ line }) => (line?.correction ? 'Correction' : null) },
  { title: 'ChargeDescription', read: ({ description }) => description },
  { title: 'ChargePeriodEnd', read: ({ line }, { period }) => second((line?.service ?? period).to) },
  { title: 'ChargePeriodStart', read: ({ line }, { period }) => second((line?.service ?? period).from) },
  { title: 'ContractedCost', read: cost },
  { title: 'EffectiveCost', read: cost },
  { title: 'InvoiceIssuerName', read: (_, { seller }) => seller.name },
  { title: 'ListCost', read: cost },
  {
    title: 'PricingQuantity',
    read: charge => (priced(charge) ? number(priced(charge)?.quantity ?? '') : null),
  },
  { title: 'PricingUnit', read: charge => (priced(charge) ? unitOf(priced(charge)!) : null) },
  { title: 'ProviderName', read: (_, { seller }) => seller.name },
  { title: 'PublisherName', read: (_, { seller }) => seller.name },
  { title: 'ServiceCategory', read: () => 'AI and Machine Learning' },
  { title: 'ServiceName', read: () => 'Model inference' },
  // Further ones of FOCUS.
  { title: 'InvoiceId', read: (_, { number: its }) => its },
  { title: 'ConsumedQuantity', read: charge => (used(charge) ? number(used(charge)?.quantity ?? '') : null) },
  { title: 'ConsumedUnit', read: charge => (used(charge) ? unitOf(used(charge)!) : null) },
  { title: 'RegionId', read: ({ line }) => line?.region ?? null },
  { title: 'RegionName', read: ({ line }) => line?.region ?? null },
  { title: 'SkuId', read: charge => (used(charge) ? `${used(charge)?.model}/${used(charge)?.unit}` : null) },
  { title: 'SkuMeter', read: charge => used(charge)?.unit ?? null },
  { title: 'SkuPriceId', read: charge => priceId(used(charge)) },
  { title: 'SkuPriceDetails', read: ({ line }) => detailsOf(line) },
  { title: 'SubAccountId', read: ({ line }) => line?.project ?? null },
  { title: 'SubAccountName', read: ({ line }) => line?.project ?? null },
  { title: 'Tags', read: () => '{}' },
  // Ours.
  {
    title: 'x_Corrects',
    read: ({ line }) => (line?.corrects ? `${line.corrects.document}/${line.corrects.line}` : null),
  },
  { title: 'x_DocumentKind', read: (_, { kind }) => kind },
  { title: 'x_ExactCost', read: ({ line }) => (line ? number(line.exact) : null) },
  { title: 'x_LineKind', read: ({ line, category }) => line?.kind ?? category.toLowerCase() },
  { title: 'x_LineNumber', read: ({ line }) => (line ? number(String(line.number)) : null) },
  { title: 'x_Model', read: ({ line }) => line?.model ?? null },
]

const priceId = (line: InvoiceLine | undefined) =>
  line?.rate == null ? null : `${line.rate}${line.step === null ? '' : `/${line.step}`}`

/** Properties that are not of FOCUS have `x_` before their names. */
const detailsOf = (line: InvoiceLine | undefined) =>
  line?.tier === undefined ? null : JSON.stringify({ x_ServiceTier: line.tier })

export function focusCsv(document: InvoiceDocument): string {
  return csv(
    columns.map(({ title }) => title),
    chargesOf(document).map(charge => columns.map(({ read }) => read(charge, document))),
  )
}

function chargesOf({ lines, taxes, credits }: InvoiceDocument): readonly Charge[] {
  return [
    ...lines.map(line => ({
      category: categories[line.kind],
      cost: line.net,
      description: described(line),
      line,
    })),
    ...taxes.map(({ name, percent, amount }) => ({
      category: 'Tax' as const,
      cost: amount,
      description: `${name} ${percent} %`,
    })),
    ...credits.map(({ name, amount }) => ({
      category: 'Credit' as const,
      cost: `-${amount}`,
      description: name,
    })),
  ]
}

const described = ({ kind, name, model, unit, price, tier, region }: InvoiceLine): string =>
  model === null
    ? [kind, name].filter(Boolean).join(': ')
    : [`${model} ${unit}`, tier && `tier ${tier}`, region && `in ${region}`, `at ${price}`]
        .filter(Boolean)
        .join(' ')
