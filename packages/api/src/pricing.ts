// Publishing price books: a version is added when nothing that holds contradicts it, and the past is not repriced by
// those who may not.
import { clashOf, type Detail, type Document, type DocumentOf, type priceBook } from '@switchyard/kinds'
import type { BookVersion, Holding, PriceStore, PublishedSpec, WriteTransaction } from '@switchyard/runtime'
import { type Caller, holds, missing } from './authorize.ts'
import { invalid } from './invalid.ts'
import { canonical } from './merge-patch.ts'
import { as } from './rule.ts'

type Book = DocumentOf<typeof priceBook>

export interface Publishing {
  readonly tx: WriteTransaction
  readonly caller: Caller
  /** As it will be stored. */
  readonly document: Document
  /** Milliseconds since 1970. */
  readonly now: number
}

/** Whether it is published by the very write that changes it. */
export const isPublishedOnWrite = (document: Document): boolean =>
  document.kind === 'PriceBook' && as<Book>(document)!.spec.publish === 'on_write'

/** Problems that a refusal names. */
const mostNamed = 20

const saidOf = ({ publish: _publish, ...spec }: Book['spec']): PublishedSpec => spec
const spanOf = ({ from, to }: PublishedSpec): Holding => ({
  from: Date.parse(from),
  ...(to !== undefined && { to: Date.parse(to) }),
})
const overlap = (one: Holding, other: Holding) =>
  one.from < (other.to ?? Infinity) && other.from < (one.to ?? Infinity)

/** The document with what its status says once it is published. A book that stands published as it is stays so. */
export async function published(
  prices: PriceStore,
  { tx, caller, document, now }: Publishing,
): Promise<Document> {
  const book = as<Book>(document)!
  if (!holds(caller, 'price_book:publish', null)) throw missing(caller, 'price_book:publish', null)
  const spec = saidOf(book.spec)
  const { name, generation } = book.metadata
  const standing = await prices.standing(tx, name, spec)
  const newest = standing.findLast(version => version.name === name)
  if (newest && isStill(newest, spec)) return withStatus(book, newest, generation)
  checkBackdating(caller, newest, spec, now)
  checkClashes(name, spec, standing)
  const version = (newest?.version ?? 0) + 1
  const publishedBy = caller.principal
  const made = await prices.publish(tx, { name, version, publishedBy, spec })
  return withStatus(book, { ...made, version, publishedBy }, generation)
}

function withStatus(
  book: Book,
  {
    version,
    sha256,
    publishedAt,
    publishedBy,
  }: Pick<BookVersion, 'version' | 'sha256' | 'publishedAt' | 'publishedBy'>,
  publishedGeneration: number,
): Document {
  const status = { ...book.status, version, sha256, publishedAt, publishedBy, publishedGeneration }
  return { ...book, status }
}

/** Whether it says the same, and no deletion has ended it. */
function isStill({ spec, holds: held }: BookVersion, wanted: PublishedSpec): boolean {
  const { from, to } = spanOf(wanted)
  return canonical(spec) === canonical(wanted) && held?.from === from && held.to === to
}

/** What was admitted already has its price: another one for it is for those who may set it back. */
function checkBackdating(
  caller: Caller,
  newest: BookVersion | undefined,
  spec: PublishedSpec,
  now: number,
): void {
  const { from } = spanOf(spec)
  if (from >= now || (newest && endsOnly(newest, spec, now))) return
  if (holds(caller, 'billing:backdate', null)) return
  const message = `is in the past: begin at ${new Date(now).toISOString()} or later, or ask for the right billing:backdate`
  throw invalid([{ path: 'spec.from', rule: 'backdated', message }], 'backdated')
}

/** Whether nothing but its end is another, and that is not over either way. */
function endsOnly(newest: BookVersion, spec: PublishedSpec, now: number): boolean {
  const { to: _, ...before } = newest.spec
  const { to: __, ...after } = spec
  if (canonical(before) !== canonical(after)) return false
  return (newest.holds?.to ?? Infinity) >= now && (spanOf(spec).to ?? Infinity) >= now
}

function checkClashes(name: string, spec: PublishedSpec, standing: readonly BookVersion[]): void {
  const span = spanOf(spec)
  const details: Detail[] = []
  const byModel = Map.groupBy(spec.rates.entries(), ([, rate]) => rate.model)
  for (const book of standing) {
    if (book.name === name) continue
    for (const held of book.rates) {
      const other = book.spec.rates[held.place]
      if (!other || !overlap(span, held)) continue
      const said = `rates[${held.place}] of PriceBook ${book.name}, version ${book.version}`
      for (const [place, rate] of byModel.get(other.model) ?? []) {
        const message = clashOf(rate, other, said)
        if (message !== undefined) details.push({ path: `spec.rates[${place}]`, rule: 'overlap', message })
      }
      if (details.length >= mostNamed) throw invalid(details, 'overlap')
    }
  }
  if (details.length > 0) throw invalid(details, 'overlap')
}
