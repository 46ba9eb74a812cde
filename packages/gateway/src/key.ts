// The form of an API key, `sk-sy-<12 base62 public id>-<43 base62 secret><6 base62 CRC-32>`: a typing error is
// found by its check digits, without a look-up.
import { crc32 } from 'node:zlib'

const form = /^sk-sy-[0-9A-Za-z]{12}-[0-9A-Za-z]{49}$/
const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const checkDigits = 6
const length = 68

/** Six base62 digits, most significant first, of the CRC-32 (IEEE) of the text. */
export function checkOf(text: string): string {
  let rest = crc32(text)
  let check = ''
  for (let place = 0; place < checkDigits; place++) {
    check = digits.charAt(rest % 62) + check
    rest = Math.floor(rest / 62)
  }
  return check
}

export function wellFormed(key: string): boolean {
  return (
    key.length === length && form.test(key) && checkOf(key.slice(0, -checkDigits)) === key.slice(-checkDigits)
  )
}
