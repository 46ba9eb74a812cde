// An API key of the gateway's form, made for one run.
import { randomInt } from 'node:crypto'
import { crc32 } from 'node:zlib'

const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

export function newKey(): string {
  const random = (length: number) => Array.from({ length }, () => digits[randomInt(62)]).join('')
  const head = `sk-sy-${random(12)}-${random(43)}`
  let rest = crc32(head)
  let check = ''
  for (let place = 0; place < 6; place++) {
    check = digits.charAt(rest % 62) + check
    rest = Math.floor(rest / 62)
  }
  return head + check
}
