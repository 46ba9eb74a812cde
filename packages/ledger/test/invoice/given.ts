// Arbitrary charges and terms.
import fc from 'fast-check'
import type { Asked, Charge, LineKey, Part } from '../../src/invoice/charges.ts'
import type { Span, Terms } from '../../src/invoice/terms.ts'

export const november: Span = { startsAt: Date.UTC(2026, 10, 1), endsAt: Date.UTC(2026, 11, 1) }
export const december: Span = { startsAt: Date.UTC(2026, 11, 1), endsAt: Date.UTC(2027, 0, 1) }

export const termsOf = (some: Partial<Terms> = {}): Terms => ({
  currency: 'CNY',
  rounding: 'half_even',
  timezone: 'Asia/Shanghai',
  taxInclusive: false,
  taxes: [],
  discounts: [],
  prepaid: false,
  ...some,
})

export const keyOf = (some: Partial<LineKey> = {}): LineKey => ({
  project: 'shop',
  model: 'chat-1',
  unit: 'tok.out.text',
  rate: '17',
  step: null,
  price: '2.50 / 1000000',
  ...some,
})

const key: fc.Arbitrary<LineKey> = fc.record({
  project: fc.constantFrom(null, 'shop', 'lab'),
  model: fc.constantFrom('chat-1', 'chat-2', 'embed'),
  unit: fc.constantFrom('tok.in.uncached', 'tok.out.text'),
  rate: fc.constantFrom('a', 'b'),
  step: fc.constantFrom(null, 1, 2, 10),
  price: fc.constant('1 / 1'),
})

export const part: fc.Arbitrary<Part> = fc.record({
  key,
  quantity: fc.bigInt({ min: 0n, max: 10n ** 9n }),
  amount: fc.oneof(fc.bigInt({ min: 0n, max: 10n ** 13n }), fc.bigInt({ min: 0n, max: 10n ** 24n })),
})

export const parts = fc.array(part, { maxLength: 40 })

const percent = fc.constantFrom('0', '6', '13', '8.875', '33.333333333333', '100')

export const terms: fc.Arbitrary<Terms> = fc.record({
  currency: fc.constantFrom('JPY', 'CNY', 'KWD', 'CLF'),
  rounding: fc.constantFrom('half_even', 'half_up'),
  timezone: fc.constant('Asia/Shanghai'),
  taxInclusive: fc.boolean(),
  prepaid: fc.constant(false),
  taxes: fc.array(
    fc.record({
      name: fc.constantFrom('VAT', 'GST'),
      percent,
      models: fc.constantFrom(['chat-*'], ['embed'], null),
    }),
    { maxLength: 3 },
  ),
  discounts: fc.array(
    fc.record({
      name: fc.constantFrom('early', 'volume'),
      percent,
      models: fc.constantFrom(['chat-*'], null),
    }),
    { maxLength: 2 },
  ),
})

const bound = (min: bigint, max: bigint) => fc.option(fc.bigInt({ min, max }), { nil: undefined })

export const asked: fc.Arbitrary<Asked> = fc
  .record({
    parts,
    fee: bound(0n, 10n ** 15n),
    minimum: bound(0n, 10n ** 16n),
    cap: bound(10n ** 16n, 10n ** 25n),
  })
  .map(({ parts, fee, minimum, cap }) => ({
    parts,
    fees: fee === undefined ? [] : [{ name: 'support', amount: fee }],
    ...(minimum !== undefined && { minimum }),
    ...(cap !== undefined && { cap }),
  }))

export const usage = (exact: bigint, some: Partial<Charge> = {}): Charge => ({
  kind: 'usage',
  key: keyOf(),
  name: '',
  period: november,
  quantity: 1n,
  exact,
  tax: null,
  correction: false,
  ...some,
})

export const sum = (all: readonly bigint[]): bigint => all.reduce((total, each) => total + each, 0n)
