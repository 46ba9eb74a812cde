// How money is written: decimals as text, never as numbers, and currencies by their codes.
import { z } from 'zod'

const form = /^(\d{1,20})(?:\.(\d{1,12}))?$/

const places = 12

/**
 * The decimal in 10^-12 of its unit, exactly; undefined for what is no decimal of at most 20 digits before the point
 * and 12 after it. Neither a sign nor an exponent is one.
 */
export function parseDecimal(text: string): bigint | undefined {
  const [, whole, part = ''] = form.exec(text) ?? []
  return whole === undefined ? undefined : BigInt(whole + part.padEnd(places, '0'))
}

/** The same of either sign, where it is one for certain: a TypeError for what is no decimal. */
export function decimalOf(text: string): bigint {
  const size = parseDecimal(text.replace(/^-/, ''))
  if (size === undefined) throw new TypeError(`no decimal: ${text}`)
  return text.startsWith('-') ? -size : size
}

/** As short as it is exact: `0.0000375`, `12`, `-0.5`. */
export function formatDecimal(amount: bigint): string {
  const digits = (amount < 0n ? -amount : amount).toString().padStart(places + 1, '0')
  const point = digits.length - places
  let end = digits.length
  while (end > point && digits[end - 1] === '0') end--
  const text =
    end === point ? digits.slice(0, point) : `${digits.slice(0, point)}.${digits.slice(point, end)}`
  return amount < 0n ? `-${text}` : text
}

export const decimalSchema = z
  .string('write it as text in quotes, such as "2.50": numbers lose digits')
  .regex(form, 'write a decimal such as 2.50: at most 20 digits and 12 after the point, no sign, no exponent')

const currencies: ReadonlySet<string> = new Set(Intl.supportedValuesOf('currency'))

export const currencySchema = z
  .string()
  .regex(/^[A-Z]{3}$/, 'use an ISO 4217 code such as USD')
  .refine(code => !/^[A-Z]{3}$/.test(code) || currencies.has(code), 'is no code of ISO 4217')
