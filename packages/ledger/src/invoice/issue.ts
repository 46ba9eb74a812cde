// The way of an invoice: planned for each month, drafted while it runs and in its grace, then reckoned up to a cutoff
// that never changes and numbered. Whoever is killed on the way leaves it where the next turn goes on.
import { type DocumentOf, Fault, type legalEntity, periodAt, type workspace } from '@switchyard/kinds'
import type {
  BookVersion,
  InvoicePlan,
  InvoiceStore,
  InvoiceWork,
  Observe,
  PriceStore,
} from '@switchyard/runtime'
import { compose, isGivenBack, type Letterhead, type Reckoning, ratingOf, ratingVersion } from './reckon.ts'

export type InvoiceObservation =
  | { readonly type: 'invoice_issued'; readonly workspace: string; readonly documents: number }
  /** It cannot be issued as things stand; tried again every hour, and at once when somebody issues it. */
  | {
      readonly type: 'invoice_stopped'
      readonly workspace: string
      readonly from: string
      readonly why: string
    }
  | { readonly type: 'invoicing_failed'; readonly error: unknown }

export interface InvoicingOptions {
  readonly invoices: InvoiceStore
  readonly prices: Pick<PriceStore, 'versions'>
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly observe: Observe<InvoiceObservation>
}

const control = { role: 'control' } as const
const hour = 3_600_000
const day = 24 * hour

/** The month that runs, and the one before it. */
export function plansOf(
  { metadata, spec }: DocumentOf<typeof workspace>,
  entity: DocumentOf<typeof legalEntity>,
  now: number,
): readonly InvoicePlan[] {
  const { billing, timezone, currency } = spec
  if (!billing?.invoice) return []
  const { invoice, mode } = billing
  const { timezone: numberZone, invoicePrefix, creditPrefix, bank, ...seller } = entity.spec
  const prefix = invoicePrefix ?? `${entity.metadata.name.toUpperCase()}-`
  const running = periodAt('month', timezone, now)
  return [periodAt('month', timezone, running.startsAt - 1), running].map(({ startsAt, endsAt }) => ({
    workspace: metadata.name,
    entity: invoice.entity,
    seller: { ...seller, bank },
    buyer: { ...invoice.buyer, bank: '' },
    terms: {
      currency,
      rounding: 'half_even',
      timezone,
      taxInclusive: invoice.taxInclusive,
      taxes: invoice.taxes.map(({ models = null, ...tax }) => ({ ...tax, models })),
      discounts: invoice.discounts.map(({ models = null, ...discount }) => ({ ...discount, models })),
      prepaid: mode === 'prepaid',
    },
    from: new Date(startsAt).toISOString(),
    to: new Date(endsAt).toISOString(),
    graceHours: invoice.graceHours,
    dueDays: invoice.dueDays,
    automatic: invoice.issue === 'automatic',
    prefixes: { invoice: prefix, credit_note: creditPrefix ?? `${prefix}CN-` },
    numberZone,
  }))
}

/** One turn over all that is due; what fails waits for the next. */
export async function invoiceDue(options: InvoicingOptions): Promise<void> {
  const { invoices, now, observe } = options
  for (const work of await invoices.due(moment(now())))
    try {
      await advance(work, options)
    } catch (error) {
      const why = error instanceof Fault && error.code === 'conflict' ? error.message : undefined
      if (why === undefined) observe({ type: 'invoicing_failed', error })
      else {
        await invoices.stop(work.id, why, moment(now()))
        observe({ type: 'invoice_stopped', workspace: work.workspace, from: work.from, why })
      }
    }
}

const moment = (time: number) => new Date(time).toISOString()

async function advance(work: InvoiceWork, options: InvoicingOptions): Promise<void> {
  const { invoices, now } = options
  const at = now()
  if (work.state === 'issued') {
    await invoices.move(work.id, 'overdue')
    return
  }
  if (work.state === 'issuing') {
    await finish(work, options)
    return
  }
  if (work.state === 'gathering' && Date.parse(work.to) <= at) await invoices.move(work.id, 'draft')
  const cutoff = await invoices.sealed()
  const { books, own, corrected } = await reckonAll(work, cutoff, options)
  const late = corrected.map(({ reckoning }) => reckoning)
  const draft = compose({ ...headOf(work, moment(at), ''), cutoff }, own, late, books)
  await invoices.keepDraft(work.id, draft, moment(at))
  const isDue = work.plan.automatic && Date.parse(work.to) + work.plan.graceHours * hour <= at
  if (isDue && draft.lines.length > 0) await issueInvoice(work, options)
}

/**
 * Issues a draft now. `conflict`: `unpriced` where usage has no price, `illegal_transition` where it is no draft, or one
 * of a month that has not ended.
 */
export async function issueInvoice(work: InvoiceWork, options: InvoicingOptions): Promise<void> {
  const { invoices, now } = options
  if (Date.parse(work.to) > now())
    throw new Fault('conflict', `This month has not ended: it ends at ${work.to}.`, {
      reason: 'illegal_transition',
    })
  if (work.state === 'gathering') await invoices.move(work.id, 'draft')
  const began = work.state === 'issuing' ? work : await begin(work, options)
  await finish(began, options)
}

async function begin(work: InvoiceWork, { invoices, now }: InvoicingOptions): Promise<InvoiceWork> {
  const began = await invoices.begin(work.id, moment(now()))
  if (!began)
    throw new Fault('conflict', `An invoice that is ${work.state} cannot be issued.`, {
      reason: 'illegal_transition',
    })
  return { ...work, state: 'issuing', cutoff: began.cutoff, issuingSince: began.since }
}

/** What is reckoned depends on the cutoff alone, so that who finishes is all the same. */
async function finish(work: InvoiceWork, options: InvoicingOptions): Promise<void> {
  const { invoices, observe } = options
  const { cutoff, issuingSince } = work
  if (cutoff === null || issuingSince === null) throw new TypeError('an invoice is issued without a cutoff')
  const { books, own, corrected } = await reckonAll(work, cutoff, options)
  const back = corrected.filter(({ reckoning }) => isGivenBack(reckoning))
  const added = corrected.filter(({ reckoning }) => !isGivenBack(reckoning)).map(each => each.reckoning)
  if (own.charges.length + added.length === 0 && back.length === 0)
    throw new Fault('conflict', 'There is nothing to invoice in this month.', {
      reason: 'nothing_to_invoice',
    })
  const kinds = [
    { kind: 'invoice' as const, of: null },
    ...back.map(({ of }) => ({ kind: 'credit_note' as const, of })),
  ]
  const done = await invoices.finish(work, books, kinds, ([number = '', ...notes]) => [
    compose({ ...headOf(work, issuingSince, number), cutoff }, own, added, books),
    ...back.map(({ reckoning }, index) => {
      const head = headOf(work, issuingSince, notes[index] ?? '')
      return compose({ ...head, kind: 'credit_note', dueAt: null, cutoff }, reckoning, [], books)
    }),
  ])
  if (done) observe({ type: 'invoice_issued', workspace: work.workspace, documents: kinds.length })
}

function headOf(
  { plan, workspace: name }: InvoiceWork,
  issuedAt: string,
  number: string,
): Omit<Letterhead, 'cutoff'> {
  const dueAt = number === '' ? null : moment(Date.parse(issuedAt) + plan.dueDays * day)
  return {
    kind: 'invoice',
    number,
    issuedAt,
    dueAt,
    ratingVersion,
    workspace: name,
    seller: plan.seller,
    buyer: plan.buyer,
    note: '',
  }
}

interface Corrected {
  readonly reckoning: Reckoning
  /** Number of the invoice of that time. */
  readonly of: string
}

async function reckonAll(work: InvoiceWork, cutoff: string, { invoices, prices }: InvoicingOptions) {
  const { workspace: name, plan, from, to } = work
  const { terms } = plan
  const all = await prices.versions(control)
  const late = await invoices.late(name, from, cutoff)
  const earliest = late[0]?.from ?? from
  const books = all.filter(book => isFor(book, terms.currency, earliest, to))
  const rating = ratingOf(ratingVersion)
  const reckon = (
    period: { readonly from: string; readonly to: string },
    more: Pick<Parameters<typeof rating>[0], 'terms' | 'billed'>,
  ) => {
    const events = invoices.events({ workspace: name, from: period.from, to: period.to, cutoff })
    return rating({ from: period.from, to: period.to, events, ...more }, books, name)
  }
  const own = await reckon(work, { terms, billed: [] })
  const corrected: Corrected[] = []
  for (const period of late) {
    const billed = await invoices.billedFor(name, period.from)
    const [first] = billed
    if (!first) continue
    if (first.terms.taxInclusive !== terms.taxInclusive || first.terms.currency !== terms.currency)
      throw new Fault(
        'conflict',
        `${first.number} has late usage and was in ${first.terms.currency} with prices ${first.terms.taxInclusive ? 'that held' : 'before'} tax: set currency and taxInclusive as they were until this invoice is issued.`,
        { reason: 'terms_differ' },
      )
    const reckoning = await reckon(period, { terms: first.terms, billed })
    if (reckoning.charges.length > 0) corrected.push({ reckoning, of: first.number })
  }
  return { books, own, corrected }
}

/** What may price something of that time. */
function isFor({ spec, rates, holds }: BookVersion, currency: string, from: string, to: string): boolean {
  if (spec.side !== 'sale' || spec.currency !== currency) return false
  const [start, end] = [Date.parse(from), Date.parse(to)]
  return [...rates, ...(holds ? [holds] : [])].some(each => each.from < end && (each.to ?? Infinity) > start)
}
