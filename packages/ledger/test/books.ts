// Price books as the store has them.
import { type DocumentOf, priceBook } from '@switchyard/kinds'

type Book = DocumentOf<typeof priceBook>
type Spec = (typeof priceBook.spec)['_zod']['input']

let made = 0

/** For sale in USD since 1970, unless the spec says otherwise. */
export function book(spec: Partial<Spec> & Pick<Spec, 'rates'>, name = `book-${++made}`): Book {
  const whole = { side: 'sale' as const, currency: 'USD', from: '1970-01-01T00:00:00Z', ...spec }
  // Why `as`: what reads price books reads no more of a document than its name and its spec.
  return { kind: 'PriceBook', metadata: { name }, spec: priceBook.spec.parse(whole) } as Book
}
