// From usage events and books to documents, the one way for issuing, for drafts and for verifying: nothing has a part in
// it but what is given, and nothing reads a clock.
import type { InvoiceDocument } from '@switchyard/kinds'
import type { BilledEvent, BookVersion } from '@switchyard/runtime'
import { canonical } from '../canonical.ts'
import { compilePrices } from '../prices.ts'
import { Root } from '../root.ts'
import { Asking } from './asked.ts'
import { type Charge, chargesOf, corrections, type Part, sumOf } from './charges.ts'
import { billedBy, documentOf, spanOf } from './document.ts'
import { type Credit, settle } from './settle.ts'
import type { Terms } from './terms.ts'

type Evidence = NonNullable<InvoiceDocument['evidence']>

/** A period whose usage is rated, with its events in the order of time, source, id. */
export interface Reckoned {
  readonly from: string
  readonly to: string
  readonly terms: Terms
  /** Documents in which it was billed before, in the order of their issue; none of the invoice's own period. */
  readonly billed: readonly InvoiceDocument[]
  readonly events: AsyncIterable<readonly BilledEvent[]>
}

/** What a period comes to. */
export interface Reckoning {
  readonly charges: readonly Charge[]
  readonly evidence: Evidence['periods'][number]
  readonly terms: Terms
}

type Rating = (period: Reckoned, books: readonly BookVersion[], workspace: string) => Promise<Reckoning>

/** Rows by version: what was issued by one is verified by it for as long as its documents are kept. */
const ratings: Readonly<Record<string, Rating>> = {
  '1': (period, books, workspace) => reckon(period, books, workspace, part => part),
  // Lines tell for which tier and region their price is.
  '2': (period, books, workspace) => reckon(period, books, workspace, withCircumstances(books)),
}

export const ratingVersion = '2'

/** A RangeError for a version that there is not. */
export function ratingOf(version: string): Rating {
  const rating = ratings[version]
  if (!rating) throw new RangeError(`Rating version ${version} is not known here: use a newer switchyard.`)
  return rating
}

async function reckon(
  { from, to, terms: given, billed, events }: Reckoned,
  books: readonly BookVersion[],
  workspace: string,
  told: (part: Part) => Part,
): Promise<Reckoning> {
  const period = spanOf({ from, to })
  const terms = { ...given, rounding: roundingOf(books, given) }
  const asking = new Asking(compilePrices(books), { workspace, currency: terms.currency })
  const root = new Root()
  for await (const page of events)
    for (const event of page) {
      root.add(leafOf(event))
      asking.add(event)
    }
  const asked = asking.asked(books, period)
  const now = chargesOf({ ...asked, parts: asked.parts.map(told) }, period, terms)
  const earlier = billed.flatMap(billedBy).filter(({ charge }) => charge.period.startsAt === period.startsAt)
  return {
    charges: billed.length === 0 ? now : corrections(now, earlier),
    evidence: { from, to, events: String(root.leaves), root: root.hex() },
    terms,
  }
}

/** With the tier and the region of its rate, where that is for one alone. */
function withCircumstances(books: readonly BookVersion[]): (part: Part) => Part {
  const rates = new Map(
    books.flatMap(({ spec, rates: held }) => held.map(({ id, place }) => [id, spec.rates[place]] as const)),
  )
  return part => {
    const { tier, region } = rates.get(part.key.rate) ?? {}
    return tier === undefined && region === undefined ? part : { ...part, key: { ...part.key, tier, region } }
  }
}

/** Canonical JSON (RFC 8785), written out: its members are few, and there are millions of it. */
function leafOf({ hash, id, model, project, quantities, region, source, tier, time }: BilledEvent): string {
  const text = JSON.stringify
  const where = region == null ? '' : `"region":${text(region)},`
  const how = tier == null ? '' : `"tier":${text(tier)},`
  return `{"hash":${text(hash)},"id":${text(id)},"model":${text(model)},"project":${text(project)},"quantities":${canonical(quantities)},${where}"source":${text(source)},${how}"time":${text(time)}}`
}

/** That of the newest book. */
const roundingOf = (books: readonly BookVersion[], { rounding }: Terms) =>
  books.at(-1)?.spec.rounding ?? rounding

/** What a document says beside what is reckoned. */
export type Letterhead = Pick<
  InvoiceDocument,
  'kind' | 'number' | 'issuedAt' | 'dueAt' | 'workspace' | 'seller' | 'buyer' | 'note'
> & { readonly cutoff: string; readonly ratingVersion: string }

/** `own` is the document's period; what is corrected beside it comes after its own lines. */
export function compose(
  { cutoff, ratingVersion: version, ...letterhead }: Letterhead,
  own: Reckoning,
  corrected: readonly Reckoning[],
  books: readonly BookVersion[],
): InvoiceDocument {
  const { terms, evidence } = own
  const charges = [own, ...corrected].flatMap(each => each.charges)
  return documentOf(
    {
      format: 1,
      ...letterhead,
      period: spanOf(evidence),
      terms,
      evidence: {
        cutoff,
        ratingVersion: version,
        books: books.map(({ id, name, version, sha256 }) => ({ id, name, version, sha256 })),
        periods: [own, ...corrected].map(each => each.evidence),
      },
    },
    settle(charges, spanOf(evidence), terms, paidBefore(charges, terms)),
  )
}

/** What a balance has paid when the usage came: exactly its amount. */
function paidBefore(charges: readonly Charge[], { prepaid }: Terms): readonly Credit[] {
  const amount = sumOf(charges.filter(({ kind }) => kind === 'usage'))
  return prepaid && amount > 0n ? [{ name: 'balance', amount }] : []
}

/** Corrections that add up to less than nothing are given back by a note of their own. */
export const isGivenBack = ({ charges }: Reckoning): boolean => sumOf(charges) < 0n
