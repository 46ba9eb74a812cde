// Price books as they are once published.
import { type PriceBookSpec, priceBook } from '@switchyard/kinds'
import type { BookVersion } from '@switchyard/runtime'

type Spec = (typeof priceBook.spec)['_zod']['input']

let made = 0

/** For sale in USD since 1970, unless the spec says otherwise. */
export function book(spec: Partial<Spec> & Pick<Spec, 'rates'>, name = `book-${++made}`): BookVersion {
  const whole = { side: 'sale' as const, currency: 'USD', from: '1970-01-01T00:00:00Z', ...spec }
  return versionOf(name, priceBook.spec.parse(whole))
}

/** As it is held from its own beginning to its own end. */
function versionOf(name: string, spec: PriceBookSpec): BookVersion {
  const from = Date.parse(spec.from)
  const holds = spec.to === undefined ? { from } : { from, to: Date.parse(spec.to) }
  return {
    id: name,
    name,
    version: 1,
    sha256: '',
    publishedAt: '1970-01-01T00:00:00.000Z',
    publishedBy: 'user:ada',
    spec,
    holds,
    rates: spec.rates.map((_, place) => ({ id: `${name}/${place}`, place, ...holds })),
  }
}
