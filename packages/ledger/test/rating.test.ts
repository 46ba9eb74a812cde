import { type Quantities, type Unit, units } from '@switchyard/dialects'
import { compilePrices } from '@switchyard/ledger'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { halfEven } from '../src/charges.ts'
import { type Bounds, bound, mostOf, type Rate, type Rates, rate, rateAtMost } from '../src/rating.ts'
import { book } from './books.ts'

const price = fc.oneof(
  fc.constant(0n),
  fc.bigInt({ min: 1n, max: 10n ** 4n }),
  fc.bigInt({ min: 1n, max: 10n ** 20n }),
)
const per = fc.constantFrom(1n, 7n, 1000n, 60_000n, 1_000_000n, 3_600_000n)
/** A price of each unit. */
function each(price: bigint, per: bigint): Rate {
  const charge = { type: 'per_unit', price, per } as const
  return { id: '1', charge, series: undefined, most: mostOf(charge) }
}
const rates = (some: readonly Unit[]): fc.Arbitrary<Rates> =>
  fc
    .tuple(...some.map(() => fc.tuple(price, per)))
    .map(all => Object.fromEntries(some.map((unit, i) => [unit, each(...all[i]!)])))
const quantities: fc.Arbitrary<Quantities> = fc.dictionary(
  fc.constantFrom(...units),
  fc.bigInt({ min: 0n, max: 10n ** 9n }),
)
const rated = (used: Quantities, at: Rates): bigint => {
  const answer = rate(used, at)
  if (answer.type === 'unpriced') throw new Error(`${answer.unit} has no price`)
  return answer.amount
}
const boundsOf = (used: Quantities): Bounds => {
  const bounds: Record<string, bigint> = {}
  for (const [unit, quantity] of Object.entries(used)) {
    const name = unit.replace(/^(tok\.\w+\.).*$/, '$1*')
    bounds[name] = (bounds[name] ?? 0n) + quantity
  }
  return bounds
}

describe('rating', () => {
  test('[MB2] 0.0375 per million x 1 token is 0.000000037500', () => {
    expect(rated({ 'tok.in.uncached': 1n }, { 'tok.in.uncached': each(37_500_000_000n, 1_000_000n) })).toBe(
      37_500n,
    )
  })

  test('rounds to the even neighbour where it is half between two', () => {
    expect([5n, 15n, 25n, 35n, 14n, 16n].map(amount => halfEven(amount, 10n))).toEqual([
      0n,
      2n,
      2n,
      4n,
      1n,
      2n,
    ])
  })

  test('is within half a unit of the exact quotient for each class, and the sum of its classes', () => {
    fc.assert(
      fc.property(quantities, rates(units), (used, at) => {
        let sum = 0n
        for (const unit of units) {
          const quantity = used[unit] ?? 0n
          const alone = rated({ [unit]: quantity }, at)
          const { price: its, per: over } = at[unit]!.most
          const off = 2n * (alone * over - quantity * its)
          expect(off <= over && -off <= over).toBe(true)
          sum += alone
        }
        expect(rated(used, at)).toBe(sum)
      }),
    )
  })

  test('never falls when more is used', () => {
    fc.assert(
      fc.property(quantities, rates(units), fc.constantFrom(...units), fc.nat(), (used, at, unit, more) => {
        const grown = { ...used, [unit]: (used[unit] ?? 0n) + BigInt(more) }
        expect(rated(grown, at) >= rated(used, at)).toBe(true)
      }),
    )
  })

  test('a missing rate for a quantity above 0 is never 0, and names the unit', () => {
    const only = { 'tok.in.uncached': each(0n, 1n) }
    expect(rate({ 'tok.in.uncached': 5n, 'tok.in.cache_read': 1n }, only)).toEqual({
      type: 'unpriced',
      unit: 'tok.in.cache_read',
    })
    expect(rate({ 'tok.in.uncached': 5n, 'tok.in.cache_read': 0n }, only)).toMatchObject({
      type: 'rated',
      amount: 0n,
    })
  })

  test('one measure of a thing pays for the others that are there, and for nothing where it is not', () => {
    const dollar = each(10n ** 12n, 1n)
    const used = { 'img.out.count': 2n, 'img.out.px': 2_097_152n, 'tok.out.image': 8000n }
    expect(rate(used, { 'img.out.count': dollar })).toMatchObject({
      type: 'rated',
      amount: 2n * 10n ** 12n,
    })
    expect(rate({ ...used, 'img.out.count': 0n }, { 'img.out.count': dollar })).toEqual({
      type: 'unpriced',
      unit: 'img.out.px',
    })
    expect(rate({ 'tok.in.audio': 1n, 'tok.in.cache_read_audio': 1n }, { 'tok.in.audio': dollar })).toEqual({
      type: 'unpriced',
      unit: 'tok.in.cache_read_audio',
    })
  })

  test('[GW5] a bound is never below what its tokens may cost, however they divide into classes', () => {
    fc.assert(
      fc.property(quantities, rates(units), (used, at) => {
        expect(bound(boundsOf(used), at) >= rated(used, at)).toBe(true)
      }),
    )
  })

  test('[GW5] for a limit a class without a price takes the dearest of its direction', () => {
    const some = ['tok.in.uncached', 'tok.in.cache_read', 'tok.out.text', 'img.out.count', 'req'] as const
    const tokens = fc.dictionary(
      fc.constantFrom(...units.filter(unit => unit.startsWith('tok.'))),
      fc.bigInt({ min: 0n, max: 10n ** 9n }),
    )
    fc.assert(
      fc.property(tokens, rates(some), (used, at) => {
        const charged = rateAtMost(used, at)
        expect(charged.type).toBe('rated')
        if (charged.type === 'rated') expect(bound(boundsOf(used), at) >= charged.amount).toBe(true)
        const exact = rate(used, at)
        if (exact.type === 'rated') expect(charged).toEqual({ type: 'rated', amount: exact.amount })
      }),
    )
    expect(rateAtMost({ 'tok.out.image': 1n }, { 'tok.in.uncached': each(1n, 1n) })).toEqual({
      type: 'unpriced',
      unit: 'tok.out.image',
    })
  })

  test('quotes the digits that the amount has, as a book writes its prices', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 10n ** 20n - 1n }),
        fc.nat(999_999_999),
        fc.nat(1_000_000),
        (whole, part, tokens) => {
          const text = `${whole}.${String(part).padStart(9, '0')}`
          const prices = compilePrices([
            book({ rates: [{ model: 'm', unit: 'tok.in.*', price: text, per: 1000 }] }),
          ])
          const quoted = prices.sale('m', 'USD', 0)?.quote({ 'tok.in.uncached': BigInt(tokens) }) ?? ''
          const [, a = '', b = ''] = /^(\d+)(?:\.(\d{1,12}))?$/.exec(quoted) ?? []
          expect(BigInt(a + b.padEnd(12, '0'))).toBe((whole * 10n ** 9n + BigInt(part)) * BigInt(tokens))
        },
      ),
    )
  })
})
