// Numbers of the console: what the API says is what stands on the screen, to the last digit.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  amountOf,
  changeOf,
  compareDecimals,
  grouped,
  roughly,
  scaled,
  shareOf,
  short,
} from '../src/parts/numbers.ts'

const decimals = fc
  .tuple(fc.boolean(), fc.bigInt({ min: 0n, max: 10n ** 30n }), fc.stringMatching(/^\d{0,12}$/))
  .map(([isNegative, whole, fraction]) => {
    const digits = `${whole}${fraction === '' ? '' : `.${fraction}`}`
    return isNegative && /[1-9]/.test(digits) ? `-${digits}` : digits
  })

describe('numbers', () => {
  test('every digit of a decimal is written, in both languages', () => {
    fc.assert(
      fc.property(decimals, fc.constantFrom('en' as const, 'zh' as const), (text, language) => {
        const trimmed = text.includes('.') ? text.replace(/\.?0+$/, '') : text
        expect(grouped(text, language).replaceAll(',', '')).toBe(trimmed)
      }),
    )
  })

  test.each([
    ['9007199254740993', '9,007,199,254,740,993'],
    ['0.000000000001', '0.000000000001'],
    ['-1234.5', '-1,234.5'],
    ['not a number', 'not a number'],
  ])('%s is grouped as %s', (text, expected) => expect(grouped(text, 'en')).toBe(expected))

  test.each([
    ['1234.5', 'USD', '1,234.50'],
    ['0.0006775', 'USD', '0.0006775'],
    ['1200', 'JPY', '1,200'],
    ['1.5', 'KWD', '1.500'],
    ['1.5', 'credits', '1.50'],
    ['123456789012345678901.000000000001', 'CNY', '123,456,789,012,345,678,901.000000000001'],
  ])('%s of %s is %s', (amount, currency, expected) =>
    expect(amountOf(amount, currency, 'en')).toBe(expected),
  )

  test('a glance rounds, and says so by being shorter', () => {
    expect(roughly('1234.5678', 'USD', 'en')).toBe('1,234.57')
    expect(roughly('0.000677512', 'USD', 'en')).toBe('0.000678')
    expect(roughly('0', 'USD', 'en')).toBe('0')
    expect(short('1234567', 'en')).toBe('1.23M')
    expect(short('1234567', 'zh')).toBe('123万')
    expect(short('950', 'en')).toBe('950')
  })

  test('decimals are compared by what they are worth', () => {
    expect(['10', '9.5', '-1', '9.50000000001'].toSorted(compareDecimals)).toEqual([
      '-1',
      '9.5',
      '9.50000000001',
      '10',
    ])
    expect(scaled('1e3')).toBeUndefined()
  })

  test.each([
    ['150', '100', '50.0'],
    ['50', '100', '-50.0'],
    ['100', '100', '0.0'],
    ['1', '3', '-66.7'],
    ['0.0000000001', '0.0000000002', '-50.0'],
    ['1', '0', undefined],
  ])('from %2$s to %1$s is a change of %3$s per cent', (now, then, expected) =>
    expect(changeOf(now, then)).toBe(expected),
  )

  test('a share may be more than the whole', () => {
    expect(shareOf('25', '100')).toBe(25)
    expect(shareOf('12.5', '10')).toBe(125)
    expect(shareOf('1', '0')).toBe(0)
  })
})
