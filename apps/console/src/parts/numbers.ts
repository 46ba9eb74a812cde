// Numbers as they are written: from decimal strings, exact to the last digit, never through a float.
import type { Language } from '../words/index.ts'

type Decimal = `${number}`

export const localeOf = (language: Language): string => (language === 'zh' ? 'zh-CN' : 'en')

/** What the API calls a decimal; anything else is shown as it came. */
const isDecimal = (text: string): text is Decimal => /^-?\d+(\.\d+)?$/.test(text)

/** More than the ledger has: nothing is rounded away. */
const allDigits = 20

/** `1234567.5` as `1,234,567.5`. */
export function grouped(value: string | bigint, language: Language, leastDigits = 0): string {
  const text = String(value)
  if (!isDecimal(text)) return text
  const format = { minimumFractionDigits: leastDigits, maximumFractionDigits: allDigits }
  return new Intl.NumberFormat(localeOf(language), format).format(text)
}

/** `1234567` as `1.2M`, in Chinese `123万`: for a glance, with the whole number beside it. */
export function short(value: string | bigint, language: Language): string {
  const text = String(value)
  if (!isDecimal(text)) return text
  return new Intl.NumberFormat(localeOf(language), {
    notation: 'compact',
    maximumSignificantDigits: 3,
  }).format(text)
}

/** Digits of the minor unit of a currency: 2 for one that nobody knows. */
function minorDigits(currency: string): number {
  try {
    const { minimumFractionDigits = 2 } = new Intl.NumberFormat('en', {
      style: 'currency',
      currency,
    }).resolvedOptions()
    return minimumFractionDigits
  } catch (error) {
    if (error instanceof RangeError) return 2 // no code of three letters
    throw error
  }
}

/** `1234.5` of USD as `1,234.50`: every digit that it has, and at least those of its minor unit. */
export const amountOf = (amount: string, currency: string, language: Language): string =>
  grouped(amount, language, minorDigits(currency))

/** Digits that a glance takes in: two after the first that is not 0. */
export function roughly(amount: string, currency: string, language: Language): string {
  if (!isDecimal(amount)) return amount
  const digits = minorDigits(currency)
  const isSmall = /^-?0(\.|$)/.test(amount)
  return new Intl.NumberFormat(
    localeOf(language),
    isSmall
      ? { maximumSignificantDigits: 3 }
      : { minimumFractionDigits: digits, maximumFractionDigits: digits },
  ).format(amount)
}

const scale = 12
const parts = /^(-?)(\d+)(?:\.(\d{1,12}))?$/

/** In 10⁻¹² of the unit; undefined for what is no decimal. */
export function scaled(text: string): bigint | undefined {
  const [, sign, whole = '', fraction = ''] = parts.exec(text) ?? []
  if (whole === '') return undefined
  const value = BigInt(whole + fraction.padEnd(scale, '0'))
  return sign === '-' ? -value : value
}

/** Sorts decimals; what is none stands first. */
export function compareDecimals(one: string, other: string): number {
  const [a, b] = [scaled(one), scaled(other)]
  if (a === undefined || b === undefined) return Number(a !== undefined) - Number(b !== undefined)
  return a < b ? -1 : a > b ? 1 : 0
}

/** What changed since then, in per cent with one digit after the point; undefined since nothing. */
export function changeOf(now: string, then: string): string | undefined {
  const [a, b] = [scaled(now), scaled(then)]
  if (a === undefined || b === undefined || b === 0n) return undefined
  const base = b < 0n ? -b : b
  const thousandths = ((a - b) * 1000n * 2n + (a >= b ? base : -base)) / (base * 2n)
  const sign = thousandths < 0n ? '-' : ''
  const size = thousandths < 0n ? -thousandths : thousandths
  return `${sign}${size / 10n}.${size % 10n}`
}

/** How much of the whole it is, from 0 to 100 and beyond, for a bar: the one place where a float will do. */
export function shareOf(part: string, whole: string): number {
  const [a, b] = [scaled(part), scaled(whole)]
  if (a === undefined || b === undefined || b <= 0n) return 0
  return Number((a * 10_000n) / b) / 100
}
