// Invoices and credit notes as they are kept: one row for each period of a workspace, numbered when it is issued, and
// never changed from then on. Amounts are decimals as text in the currency of the document.
import type { InvoiceDocument, InvoiceState, InvoiceTerms, Party, ServiceTier } from '@switchyard/kinds'
import type { BookVersion } from './prices.ts'
import type { Identity } from './store.ts'
import type { UsageUnit } from './usage.ts'

/** What a period is invoiced by; kept from its beginning, brought to what the documents say until it is issued. */
export interface InvoicePlan {
  readonly workspace: string
  /** Name of the LegalEntity. */
  readonly entity: string
  readonly seller: Party
  readonly buyer: Party
  readonly terms: InvoiceTerms
  /** RFC 3339 UTC; the end is not in it. */
  readonly from: string
  readonly to: string
  readonly graceHours: number
  readonly dueDays: number
  readonly automatic: boolean
  /** What numbers begin with, before the year. */
  readonly prefixes: Readonly<Record<InvoiceDocument['kind'], string>>
  /** IANA name of the zone of the year of a number. */
  readonly numberZone: string
}

export interface InvoiceRow {
  readonly id: string
  readonly kind: InvoiceDocument['kind']
  readonly state: InvoiceState
  readonly workspace: string
  readonly entity: string
  readonly from: string
  readonly to: string
  readonly currency: string
  /** Null until it is issued. */
  readonly number: string | null
  readonly issuedAt: string | null
  readonly dueAt: string | null
  /** Of the document, or of the draft as it was last reckoned. */
  readonly payable: string | null
  /** Of a credit note: the invoice that it is of. */
  readonly of: string | null
  /** Why it cannot be issued, in words for a person. */
  readonly stopped: string | null
}

/** A period whose turn it is, or whose document is asked for. */
export interface InvoiceWork extends InvoiceRow {
  readonly plan: InvoicePlan
  /** Last batch that counts; null before issuing. */
  readonly cutoff: string | null
  readonly issuingSince: string | null
}

/** What an invoice needs of a usage event. Counts are decimal strings. */
export interface BilledEvent {
  readonly id: string
  readonly source: string
  /** RFC 3339 UTC. */
  readonly time: string
  /** SHA-256 of the event as it came, lower-case hex. */
  readonly hash: string
  readonly project: string | null
  readonly model: string
  readonly quantities: Readonly<Partial<Record<UsageUnit, string>>>
  /** `standard` when null or absent, as in archives of before there were others. */
  readonly tier?: ServiceTier | null
  readonly region?: string | null
}

export interface EventsOf {
  readonly workspace: string
  readonly from: string
  readonly to: string
  /** Last batch that counts. */
  readonly cutoff: string
}

/** How far drafting and issuing have come. Ages in seconds, 0 where nothing waits; moments in seconds since 1970. */
export interface InvoiceStanding {
  /** Since the oldest draft was due to be reckoned again. */
  readonly undrafted: number
  readonly draftedAt: number | null
  /** Since the oldest one was due to be issued that is not: one that has lines and is issued by itself, or one that was begun. */
  readonly unissued: number
  /** How many cannot be issued as things stand. */
  readonly stopped: number
}

/** What issuing puts down, numbered by the store. */
export type NumberedDocument = (numbers: readonly string[]) => readonly InvoiceDocument[]

export interface InvoiceStore {
  /** Under the identity's row-level security, newest period first. */
  list(
    as: Identity,
    query: { readonly workspace?: string; readonly limit: number },
  ): Promise<readonly InvoiceRow[]>
  /** By number or id. */
  find(as: Identity, workspace: string, name: string): Promise<InvoiceWork | undefined>
  /** The canonical JSON as it was issued; of a draft as it was last reckoned. */
  document(as: Identity, id: string): Promise<string | undefined>

  /** Published books as they held when a document was issued. */
  books(as: Identity, id: string): Promise<readonly BookVersion[]>

  /** Makes the row of a period, or brings one that is not issued to the plan. */
  plan(plan: InvoicePlan): Promise<void>
  /** Unfinished periods whose turn it is at this time: to be drafted, issued or called overdue. */
  due(now: string): Promise<readonly InvoiceWork[]>
  standing(now: string): Promise<InvoiceStanding>
  /** One conditional statement: false when the row is in none of the states that it may leave for that one. */
  move(id: string, to: InvoiceState): Promise<boolean>
  keepDraft(id: string, document: InvoiceDocument, now: string): Promise<void>
  /**
   * Closes the open batch and enters `issuing` with the last closed one as the cutoff; undefined when it is in no state to.
   * `unavailable` (`busy`) while events are taken for longer than 200 ms.
   */
  begin(id: string, now: string): Promise<{ readonly cutoff: string; readonly since: string } | undefined>
  stop(id: string, why: string, now: string): Promise<void>
  /**
   * Takes the numbers and puts the documents down, the invoice's first, in one transaction; false when it is not
   * `issuing` any more.
   */
  finish(
    work: InvoiceWork,
    books: readonly BookVersion[],
    kinds: readonly { readonly kind: InvoiceDocument['kind']; readonly of: string | null }[],
    make: NumberedDocument,
  ): Promise<boolean>
  /** A credit note that a person writes: its lines are at most what is left of those they are of. */
  credit(
    of: InvoiceWork,
    make: (credited: readonly InvoiceDocument[], number: string) => InvoiceDocument,
    issuedAt: string,
  ): Promise<InvoiceDocument>

  /** Closes the open batch; the last one that never changes any more. */
  sealed(): Promise<string>
  /** Earlier periods with events after the cutoff of the newest document, up to this batch; oldest first. */
  late(workspace: string, before: string, cutoff: string): Promise<readonly InvoiceWork[]>
  /** Documents of these that count for a period, in the order of issue; `before` is not in it. */
  billedFor(workspace: string, from: string, before?: string): Promise<readonly InvoiceDocument[]>
  /** First batch that has an event of these; undefined when none has. */
  firstBatch(of: EventsOf): Promise<string | undefined>
  /** Issued documents that are not archived though every batch that they count is, in the order of issue. */
  unarchived(limit: number): Promise<readonly InvoiceWork[]>
  markArchived(id: string): Promise<void>
  /** In the order of time, source and id as bytes; a page at a time, of one moment. */
  events(of: EventsOf): AsyncIterable<readonly BilledEvent[]>
}

export const invoiceForms = ['json', 'html', 'csv', 'focus'] as const
export type InvoiceForm = (typeof invoiceForms)[number]
export const invoiceLanguages = ['en', 'zh'] as const
export type InvoiceLanguage = (typeof invoiceLanguages)[number]

/** What is asked to be given back; all lines, whole, when none is named. */
export interface CreditAsk {
  readonly note: string
  readonly lines?: readonly { readonly line: number; readonly net?: string | undefined }[]
}

/** What can be done with invoices, for whoever serves it. */
export interface Invoicing {
  readonly store: InvoiceStore
  /** Issues a draft now, whatever is left of its grace; `conflict` where that cannot be. */
  issue(work: InvoiceWork): Promise<void>
  credit(work: InvoiceWork, ask: CreditAsk): Promise<InvoiceDocument>
  /** Lines of JSON with which the document can be reckoned again. */
  archive(as: Identity, work: InvoiceWork): AsyncIterable<string>
  /** `text` with its media type. */
  render(
    document: InvoiceDocument,
    form: InvoiceForm,
    language: InvoiceLanguage,
  ): { readonly type: string; readonly text: string }
}
