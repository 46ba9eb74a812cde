// The smallest amounts that people pay: minor units of currencies, and how exact amounts are rounded to them.
// Amounts are in 10^-12 of the currency, before and after.
import type { InvoiceTerms } from '@switchyard/kinds'

/** half_up: a half goes away from zero. */
export type Rounding = InvoiceTerms['rounding']

// ISO 4217, where they are not 2. Not those of CLDR, by which programs show amounts and which drops places in use.
const digits: Readonly<Record<string, number>> = {
  BHD: 3,
  BIF: 0,
  CLF: 4,
  CLP: 0,
  DJF: 0,
  GNF: 0,
  IQD: 3,
  ISK: 0,
  JOD: 3,
  JPY: 0,
  KMF: 0,
  KRW: 0,
  KWD: 3,
  LYD: 3,
  OMR: 3,
  PYG: 0,
  RWF: 0,
  TND: 3,
  UGX: 0,
  UYI: 0,
  UYW: 4,
  VND: 0,
  VUV: 0,
  XAF: 0,
  XOF: 0,
  XPF: 0,
}

const scale = 12

/** Digits after the point: 0 for JPY, 2 for CNY, 3 for KWD. */
export const minorDigits = (currency: string): number => digits[currency] ?? 2

/** One minor unit, in 10^-12 of the currency. */
export const minorUnit = (currency: string): bigint => 10n ** BigInt(scale - minorDigits(currency))

const size = (amount: bigint) => (amount < 0n ? -amount : amount)

/** The nearest integer to `amount / over`, of either sign; `over` is above 0. */
export function divide(amount: bigint, over: bigint, rounding: Rounding): bigint {
  const whole = size(amount) / over
  const twice = (size(amount) % over) * 2n
  const up = twice > over || (twice === over && (rounding === 'half_up' || whole % 2n === 1n))
  const rounded = up ? whole + 1n : whole
  return amount < 0n ? -rounded : rounded
}

/** The nearest multiple of the minor unit. */
export function toMinor(amount: bigint, currency: string, rounding: Rounding): bigint {
  const unit = minorUnit(currency)
  return divide(amount, unit, rounding) * unit
}

/** With every digit of the minor unit: `12.50`, `-0.30`, `1200` in JPY. A TypeError for what has more digits. */
export function formatMinor(amount: bigint, currency: string): string {
  const unit = minorUnit(currency)
  if (amount % unit !== 0n) throw new TypeError(`${amount} is no multiple of the minor unit of ${currency}`)
  const places = minorDigits(currency)
  const all = (size(amount) / unit).toString().padStart(places + 1, '0')
  const text = places === 0 ? all : `${all.slice(0, -places)}.${all.slice(-places)}`
  return amount < 0n ? `-${text}` : text
}
