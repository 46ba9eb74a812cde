// API keys and the operator's token: how they are made, read back and compared.
import { createHash, timingSafeEqual } from 'node:crypto'
import { base62, checkDigits } from './base62.ts'

/** Random bytes; an argument, so that tests can fix them. */
export type Random = (bytes: number) => Uint8Array

export interface MintedKey {
  /** The whole key, shown once. */
  readonly secret: string
  readonly publicId: string
  readonly last4: string
  /** Lower-case hex SHA-256 of the whole key: all that is kept. */
  readonly hash: string
}

const keyPattern = /^sk-sy-([0-9A-Za-z]{12})-([0-9A-Za-z]{43})([0-9A-Za-z]{6})$/
const operatorPattern = /^sy-op-([0-9A-Za-z]{43})([0-9A-Za-z]{6})$/

/** `sk-sy-<12 public id>-<43 random><6 check>`; the check is the CRC-32 of all that stands before it. */
export function mintKey(random: Random, publicId: string = base62(random(9), 12)): MintedKey {
  const body = `sk-sy-${publicId}-${base62(random(32), 43)}`
  const secret = body + checkDigits(body)
  return { secret, publicId, last4: secret.slice(-4), hash: sha256(secret) }
}

/** The public id of a well-formed key whose check digits hold; undefined otherwise. */
export function parseKey(text: string): { readonly publicId: string } | undefined {
  const publicId = keyPattern.exec(text)?.[1]
  return publicId !== undefined && checkHolds(text) ? { publicId } : undefined
}

/** `sy-op-<43 random><6 check>`. */
export function mintOperatorToken(random: Random): { readonly secret: string; readonly hash: string } {
  const body = `sy-op-${base62(random(32), 43)}`
  const secret = body + checkDigits(body)
  return { secret, hash: sha256(secret) }
}

export function isOperatorToken(text: string): boolean {
  return operatorPattern.test(text) && checkHolds(text)
}

function checkHolds(text: string): boolean {
  return checkDigits(text.slice(0, -6)) === text.slice(-6)
}

/** Lower-case hex. */
export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** Constant-time comparison of two hex digests. */
export function sameHash(a: string, b: string): boolean {
  const left = Buffer.from(a, 'hex')
  const right = Buffer.from(b, 'hex')
  return left.length === right.length && left.length > 0 && timingSafeEqual(left, right)
}
