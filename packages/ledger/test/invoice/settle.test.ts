import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { apportion, wholes } from '../../src/invoice/apportion.ts'
import { type Charge, chargesOf, corrections, type Part, sumOf, Tally } from '../../src/invoice/charges.ts'
import { divide, formatMinor, minorUnit, toMinor } from '../../src/invoice/minor.ts'
import { type Settled, settle } from '../../src/invoice/settle.ts'
import type { Terms } from '../../src/invoice/terms.ts'
import { asked, december, keyOf, november, parts, sum, terms, termsOf, usage } from './given.ts'

const tallied = (all: readonly Part[]) => {
  const tally = new Tally()
  for (const each of all) tally.add(each)
  return tally.parts()
}
const used = (all: readonly Part[]) => ({ parts: tallied(all), fees: [] })
const kindsOf = ({ lines }: Settled) => lines.map(({ kind }) => kind)
const yuan = 10n ** 12n
const third = yuan / 3n
/** Charges of both signs, of several taxes. */
const mixed: fc.Arbitrary<readonly Charge[]> = fc.array(
  fc
    .tuple(fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n }), fc.constantFrom(null, '13', '8.875'))
    .map(([exact, percent]) => usage(exact, { tax: percent === null ? null : { name: 'VAT', percent } })),
  { maxLength: 20 },
)

describe('rounding', () => {
  test('is to the nearest, of both signs alike', () => {
    const all = [-25n, -15n, -14n, 15n, 16n, 25n]
    expect(all.map(each => divide(each, 10n, 'half_even'))).toEqual([-2n, -2n, -1n, 2n, 2n, 2n])
    expect(all.map(each => divide(each, 10n, 'half_up'))).toEqual([-3n, -2n, -1n, 2n, 2n, 3n])
  })

  test('an amount is written with all digits of its minor unit, and never with fewer than it has', () => {
    expect([
      formatMinor(-3n * 10n ** 11n, 'CNY'),
      formatMinor(1200n * yuan, 'JPY'),
      formatMinor(10n ** 9n, 'KWD'),
    ]).toEqual(['-0.30', '1200', '0.001'])
    expect(() => formatMinor(10n ** 11n, 'JPY')).toThrow(TypeError)
  })

  test('shares are whole, next to what they are of, and add up', () => {
    expect(apportion(100n, [1n, 1n, 1n])).toEqual([34n, 33n, 33n])
    expect(apportion(-100n, [1n, 1n, 1n])).toEqual([-33n, -33n, -34n])
    expect([apportion(7n, [0n, 0n]), apportion(7n, [])]).toEqual([[7n, 0n], []])
    expect(() => wholes([1n], 2n, 5n)).toThrow(RangeError)
    const weights = fc.array(fc.bigInt({ min: 0n, max: 10n ** 18n }), { minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 18n), max: 10n ** 18n }), weights, (amount, given) => {
        const shares = apportion(amount, given)
        expect(sum(shares)).toBe(amount)
        const whole = sum(given)
        if (whole > 0n)
          for (const [index, share] of shares.entries()) {
            const off = share * whole - amount * (given[index] ?? 0n)
            expect(off < whole && off > -whole).toBe(true)
          }
      }),
    )
  })
})

describe('an invoice', () => {
  test.each([
    ['JPY', ['33', '33', '33', '1'], '100'],
    ['CNY', ['33.33', '33.33', '33.33', '0.01'], '100.00'],
    ['KWD', ['33.333', '33.333', '33.333', '0.001'], '100.000'],
  ])('MB2.19: in %s is rounded to its minor unit, with a true residue', (currency, rounded, total) => {
    const exact = 100n * third
    const charges = [
      usage(exact),
      usage(exact, { key: keyOf({ step: 1 }) }),
      usage(exact, { key: keyOf({ step: 2 }) }),
    ]
    const settled = settle(charges, november, termsOf({ currency }))
    expect(settled.lines.map(line => formatMinor(line.rounded, currency))).toEqual(rounded)
    expect(kindsOf(settled)).toEqual(['usage', 'usage', 'usage', 'residue'])
    expect(formatMinor(settled.payable, currency)).toBe(total)
  })

  test('MB4.I1: lines and residue add up to the rounded sum of what is exact, and net and tax to gross', () => {
    fc.assert(
      fc.property(mixed, terms, (charges, at) => {
        const unit = minorUnit(at.currency)
        const { lines, net, tax, gross, taxes, payable } = settle(charges, november, at)
        const rounded = toMinor(sumOf(charges), at.currency, at.rounding)
        expect(sum(lines.map(line => line.rounded))).toBe(rounded)
        expect(at.taxInclusive ? gross : net).toBe(rounded)
        expect(sum(lines.map(line => line.net))).toBe(net)
        expect(sum(lines.map(line => line.taxed))).toBe(tax)
        expect(sum(taxes.map(({ amount }) => amount))).toBe(tax)
        expect([net + tax, payable]).toEqual([gross, gross])
        expect(sumOf(lines)).toBe(sumOf(charges))
        for (const { rounded: its, net: before, taxed } of lines) {
          expect([its % unit, before % unit, taxed % unit]).toEqual([0n, 0n, 0n])
          expect(at.taxInclusive ? before + taxed : before).toBe(its)
        }
      }),
    )
  })

  test('of every rate the tax is that of its net sum, once, and no line is off by a minor unit', () => {
    fc.assert(
      fc.property(mixed, terms, (charges, given) => {
        const at: Terms = { ...given, taxInclusive: false, currency: 'CNY' }
        const cent = minorUnit('CNY')
        const { lines, taxes } = settle(charges, november, at)
        for (const { tax, net, amount } of taxes) {
          const percent = tax.percent === '13' ? 13_000n : 8875n
          expect(amount).toBe(toMinor((net * percent) / 100_000n, 'CNY', at.rounding))
        }
        for (const { tax, rounded, taxed } of lines) {
          const percent = tax === null ? 0n : tax.percent === '13' ? 13_000n : 8875n
          const off = taxed * 100_000n - rounded * percent
          expect(off < cent * 100_000n && off > -cent * 100_000n).toBe(true)
        }
      }),
    )
  })

  test('价税分离: a price that holds the tax is split into net and tax', () => {
    const at = termsOf({ taxInclusive: true, taxes: [{ name: '增值税', percent: '6', models: null }] })
    const all = tallied([
      { key: keyOf(), quantity: 1n, amount: 106n * yuan },
      { key: keyOf({ model: 'chat-2' }), quantity: 1n, amount: 10n * yuan },
    ])
    const { lines, net, tax, gross } = settle(chargesOf({ parts: all, fees: [] }, november, at), november, at)
    expect([net, tax, gross].map(each => formatMinor(each, 'CNY'))).toEqual(['109.43', '6.57', '116.00'])
    expect(lines.map(line => [line.net, line.taxed].map(each => formatMinor(each, 'CNY')))).toEqual([
      ['100.00', '6.00'],
      ['9.43', '0.57'],
    ])
  })

  test('discounts come before the least and the most, these before tax, and credits last', () => {
    const at = termsOf({
      taxes: [{ name: 'VAT', percent: '10', models: null }],
      discounts: [{ name: 'partner', percent: '20', models: ['chat-*'] }],
    })
    const all = tallied([{ key: keyOf(), quantity: 1n, amount: 100n * yuan }])
    const given = { parts: all, fees: [{ name: 'support', amount: 5n * yuan }] }
    const charges = chargesOf({ ...given, minimum: 200n * yuan }, november, at)
    expect(charges.map(({ kind, exact }) => [kind, exact / yuan])).toEqual([
      ['usage', 100n],
      ['fee', 5n],
      ['discount', -20n],
      ['minimum', 115n],
    ])
    const credits = [
      { name: 'welcome', amount: 15n * yuan + 1n },
      { name: 'prepaid', amount: 1000n * yuan },
    ]
    const settled = settle(charges, november, at, credits)
    expect([settled.net, settled.tax, settled.gross, settled.payable].map(each => each / yuan)).toEqual([
      200n,
      20n,
      220n,
      0n,
    ])
    expect(settled.credits.map(({ amount }) => amount / yuan)).toEqual([15n, 205n])
    const capped = chargesOf({ ...given, minimum: 0n, cap: 50n * yuan }, november, at)
    expect([capped.at(-1)?.kind, sumOf(capped) / yuan]).toEqual(['cap', 50n])
    expect(
      kindsOf(settle(chargesOf({ parts: [], fees: [], minimum: 1n }, november, at), november, at)),
    ).toEqual(['minimum'])
  })

  test('MB4.I3: neither order nor batches of what was used change a line', () => {
    fc.assert(
      fc.property(parts, fc.integer(), terms, (all, seed, at) => {
        const shuffled = all.toSorted(
          (one, other) =>
            Number((one.amount * BigInt(seed)) % 7n) - Number((other.amount * BigInt(seed)) % 7n),
        )
        const halves = [
          ...tallied(shuffled.slice(0, all.length / 2)),
          ...tallied(shuffled.slice(all.length / 2)),
        ]
        const made = (given: typeof all) => settle(chargesOf(used(given), november, at), november, at)
        expect(made(shuffled)).toEqual(made(all))
        expect(made(halves)).toEqual(made(all))
      }),
    )
  })
})

describe('corrections', () => {
  test('MB4.I2: what was billed and its corrections are what all events come to', () => {
    fc.assert(
      fc.property(asked, parts, parts, terms, (first, late, later, at) => {
        const made = (...seen: (readonly Part[])[]) =>
          chargesOf({ ...first, parts: tallied(seen.flat()) }, november, at)
        const billed = [{ charges: made(first.parts), document: '2026-1' }]
        for (const now of [made(first.parts, late), made(first.parts, late, later)]) {
          const before = billed.flatMap(({ charges, document }) =>
            charges.map((charge, line) => ({ charge, at: { document, line: line + 1 } })),
          )
          billed.push({ document: `2026-${billed.length + 1}`, charges: corrections(now, before) })
        }
        const all = billed.flatMap(({ charges }) => charges)
        const once = made(first.parts, late, later)
        expect(sumOf(all)).toBe(sumOf(once))
        const by = (charges: readonly Charge[]) =>
          Object.entries(
            Object.groupBy(charges, ({ kind, key, name, tax }) => JSON.stringify([kind, key, name, tax])),
          )
            .map(
              ([key, group = []]) => [key, sumOf(group), sum(group.map(({ quantity }) => quantity))] as const,
            )
            .filter(([, exact, quantity]) => exact !== 0n || quantity !== 0n)
            .toSorted(([one], [other]) => (one < other ? -1 : 1))
        expect(by(all)).toEqual(by(once))
      }),
    )
  })

  test('name the first line that they correct and keep its tax and its time; what was never billed names none', () => {
    const at = termsOf({ taxes: [{ name: 'VAT', percent: '13', models: null }] })
    const billed = [
      { charge: usage(100n, { tax: { name: 'VAT', percent: '6' } }), at: { document: 'A-1', line: 1 } },
    ]
    const now = chargesOf(
      used([
        { key: keyOf(), quantity: 3n, amount: 130n },
        { key: keyOf({ model: 'late' }), quantity: 1n, amount: 7n },
      ]),
      november,
      at,
    )
    const made = corrections(now, billed)
    expect(
      made.map(({ exact, quantity, tax, corrects, period }) => [
        exact,
        quantity,
        tax?.percent,
        corrects,
        period,
      ]),
    ).toEqual([
      [30n, 2n, '6', { document: 'A-1', line: 1 }, november],
      [7n, 1n, '13', undefined, november],
    ])
    const settled = settle([...chargesOf(used([]), december, at), ...made], december, at)
    expect(settled.lines.every(({ correction }) => correction)).toBe(true)
    expect(
      corrections(now, [
        ...billed,
        ...made.map((charge, line) => ({ charge, at: { document: 'A-2', line } })),
      ]),
    ).toEqual([])
  })
})
