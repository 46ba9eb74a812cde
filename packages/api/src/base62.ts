// Base 62, and the CRC-32 that lets a mistyped or leaked key be recognised without asking anyone.
import { crc32 } from 'node:zlib'

const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** The bytes as one number in base 62, left-padded with 0 to `length` digits. */
export function base62(bytes: Uint8Array, length: number): string {
  let value = bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
  let text = ''
  for (let place = 0; place < length; place++) {
    text = digits[Number(value % 62n)]! + text
    value /= 62n
  }
  return text
}

/** Six base-62 digits of the CRC-32 of a text. */
export function checkDigits(text: string): string {
  const sum = new Uint8Array(4)
  new DataView(sum.buffer).setUint32(0, crc32(text))
  return base62(sum, 6)
}
