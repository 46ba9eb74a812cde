// All that a document was reckoned from, as lines of JSON: with it anybody can reckon it again, without a server.
import { createHash } from 'node:crypto'
import { decimalOf, Fault, type InvoiceDocument, invoiceDocumentSchema } from '@switchyard/kinds'
import type { BilledEvent, BookVersion, Identity, InvoiceStore, InvoiceWork } from '@switchyard/runtime'
import { canonical, type Json } from '../canonical.ts'
import { creditNote } from './credit.ts'
import { documentText, linesHash } from './document.ts'
import { compose, type Reckoned, type Reckoning, ratingOf } from './reckon.ts'

type Period = Pick<Reckoned, 'from' | 'to' | 'terms' | 'billed'>

/** One line each, in this order; of a note that a person wrote `credited` alone follows the document. */
type Entry =
  | { readonly archive: 1; readonly document: InvoiceDocument }
  | { readonly credited: InvoiceDocument; readonly before: readonly InvoiceDocument[] }
  | { readonly books: readonly BookVersion[] }
  | { readonly period: Period }
  | { readonly events: readonly BilledEvent[] }
  | { readonly end: true }

/** Lines with their ends; those of events can be left out. `not_found` while it is not issued. */
export async function* archiveOf(
  invoices: InvoiceStore,
  as: Identity,
  work: InvoiceWork,
  { events = true }: { readonly events?: boolean } = {},
): AsyncGenerator<string> {
  const text = await invoices.document(as, work.id)
  if (work.number === null || text === undefined)
    throw new Fault('not_found', 'It is not issued yet: there is nothing to verify.', {
      reason: 'not_issued',
    })
  const document = documentIn(text)
  const line = (entry: Entry) => `${JSON.stringify(entry)}\n`
  yield line({ archive: 1, document })
  const { evidence, workspace, kind } = document
  if (evidence === null) yield line(await creditedBy(invoices, as, work))
  else {
    // Of documents from before there were batches it is not the number that they name.
    const { cutoff } = work
    if (cutoff === null) throw new TypeError('a document was reckoned without a cutoff')
    yield line({ books: await invoices.books(as, work.id) })
    for (const [index, { from, to }] of evidence.periods.entries()) {
      const own = kind === 'invoice' && index === 0
      const billed = own ? [] : await invoices.billedFor(workspace, from, work.number)
      yield line({ period: { from, to, terms: billed[0]?.terms ?? document.terms, billed } })
      if (!events) continue
      for await (const page of invoices.events({ workspace, from, to, cutoff })) yield line({ events: page })
    }
  }
  yield line({ end: true })
}

async function creditedBy(invoices: InvoiceStore, as: Identity, work: InvoiceWork): Promise<Entry> {
  const of = await invoices.find(as, work.workspace, work.of ?? '')
  const text = of && (await invoices.document(as, of.id))
  if (!of || text === undefined) throw new TypeError('a credit note of nothing')
  const before: InvoiceDocument[] = []
  for (const row of await invoices.list(as, { workspace: work.workspace, limit: 10_000 })) {
    const its = row.of === of.number && row.id !== work.id ? await invoices.document(as, row.id) : undefined
    if (its !== undefined && (row.issuedAt ?? '') < (work.issuedAt ?? '')) before.push(documentIn(its))
  }
  return { credited: documentIn(text), before }
}

function documentIn(text: string): InvoiceDocument {
  return invoiceDocumentSchema.parse(JSON.parse(text))
}

export interface Verified {
  readonly number: string
  readonly events: string
  /** What differs first, in words; undefined where all of it is identical. */
  readonly difference: string | undefined
}

/** Reckons a document from its archive. `invalid` for what is no archive, or not all of one. */
export async function verifyInvoice(lines: AsyncIterable<string>): Promise<Verified> {
  const reader = new Reader(lines)
  const first = await reader.next()
  if (!first || !('archive' in first)) throw broken('It does not begin as one.')
  const parsed = invoiceDocumentSchema.safeParse(first.document)
  if (!parsed.success) throw broken(`Its document is none: ${parsed.error.issues[0]?.path.join('.')}.`)
  const document = parsed.data
  const { number, evidence } = document
  const verified = (difference: string | undefined, events = '0') => ({ number, events, difference })
  const again =
    evidence === null ? await credited(document, reader) : await reckoned(document, evidence, reader)
  if (typeof again === 'string') return verified(again)
  const events = evidence?.periods.reduce((sum, period) => sum + BigInt(period.events), 0n) ?? 0n
  return verified(differenceOf(document, again), String(events))
}

async function credited(document: InvoiceDocument, reader: Reader): Promise<InvoiceDocument> {
  const entry = await reader.next()
  if (!entry || !('credited' in entry)) throw broken('It lacks the invoice that is credited.')
  await reader.end()
  const { number, issuedAt, note } = document
  const lines = document.lines.map(line => ({ line: line.corrects?.line ?? 0, net: negated(line.net) }))
  return creditNote(entry.credited, entry.before, { number, issuedAt, note, lines })
}

const negated = (text: string) =>
  text.startsWith('-') ? text.slice(1) : decimalOf(text) === 0n ? text : `-${text}`

/** A text says what is wrong with what it was reckoned from. */
async function reckoned(
  document: InvoiceDocument,
  { cutoff, ratingVersion, books: named }: NonNullable<InvoiceDocument['evidence']>,
  reader: Reader,
): Promise<InvoiceDocument | string> {
  const entry = await reader.next()
  if (!entry || !('books' in entry)) throw broken('It lacks the price books.')
  const { books } = entry
  for (const { id, name, version, sha256, spec } of books)
    if (
      sha256Of({ name, spec, version }) !== named.find(book => book.id === id)?.sha256 ||
      named.length !== books.length
    )
      return `price book ${name}, version ${version}: it does not say what its SHA-256 ${sha256} stands for`
  const reckonings: Reckoning[] = []
  let next = await reader.next()
  for (; next && 'period' in next; next = await reader.next()) {
    const { period } = next
    for (const { number, lines, linesHash: said } of period.billed)
      if (linesHash(lines) !== said)
        return `lines of ${number}, which is corrected: they are not those of its hash`
    reckonings.push(
      await ratingOf(ratingVersion)({ ...period, events: reader.events() }, books, document.workspace),
    )
  }
  const [own, ...corrected] = reckonings
  if (!own || !next || !('end' in next)) throw broken('It is cut off.')
  const { kind, number, issuedAt, dueAt, workspace, seller, buyer, note } = document
  return compose(
    { kind, number, issuedAt, dueAt, workspace, seller, buyer, note, cutoff, ratingVersion },
    own,
    corrected,
    books,
  )
}

const sha256Of = (value: object) =>
  createHash('sha256')
    // Why `as`: what came out of JSON is some.
    .update(canonical(JSON.parse(JSON.stringify(value)) as Json))
    .digest('hex')

/** The first line that differs, else the first member that does. */
function differenceOf(issued: InvoiceDocument, again: InvoiceDocument): string | undefined {
  if (documentText(issued) === documentText(again)) return undefined
  const { lines: theirs, ...rest } = issued
  const { lines: ours, ...all } = again
  for (const [index, line] of [...theirs, ...ours.slice(theirs.length)].entries()) {
    const found = memberOf(line, ours[index])
    if (index >= theirs.length) return `line ${index + 1}: it is missing (${JSON.stringify(line)})`
    if (found) return `line ${line.number}: ${found}`
  }
  return memberOf(rest, all)
}

/** By its path. */
function memberOf(issued: unknown, again: unknown, path = ''): string | undefined {
  if (typeof issued === 'object' && issued !== null && typeof again === 'object' && again !== null) {
    const [one, other] = [new Map(Object.entries(issued)), new Map(Object.entries(again))]
    for (const name of new Set([...one.keys(), ...other.keys()])) {
      const found = memberOf(one.get(name), other.get(name), path === '' ? name : `${path}.${name}`)
      if (found !== undefined) return found
    }
    return undefined
  }
  if (issued === again) return undefined
  return `${path} is ${JSON.stringify(issued)}, reckoned again it is ${JSON.stringify(again)}`
}

const broken = (why: string) =>
  new Fault('invalid', `This is no whole archive of an invoice. ${why}`, { reason: 'no_archive' })

/** Entries one after the other; `end` says that nothing is cut off. */
class Reader {
  readonly #lines: AsyncIterator<string>
  #ahead: Entry | undefined

  constructor(lines: AsyncIterable<string>) {
    this.#lines = lines[Symbol.asyncIterator]()
  }

  async next(): Promise<Entry | undefined> {
    if (this.#ahead) {
      const ahead = this.#ahead
      this.#ahead = undefined
      return ahead
    }
    const next = await this.#lines.next()
    if (next.done) return undefined
    try {
      // Why `as`: whoever takes an entry looks what it is; what is wrong within comes out as a difference.
      return JSON.parse(next.value) as Entry
    } catch (error) {
      throw broken(`A line is no JSON: ${error instanceof Error ? error.message : ''}.`)
    }
  }

  async *events(): AsyncGenerator<readonly BilledEvent[]> {
    for (;;) {
      const next = await this.next()
      if (!next || !('events' in next)) {
        this.#ahead = next
        return
      }
      yield next.events
    }
  }

  async end(): Promise<void> {
    const last = await this.next()
    if (!last || !('end' in last)) throw broken('It is cut off.')
  }
}
