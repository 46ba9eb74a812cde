// RFC 6962: how leaves and nodes of the tree are hashed.
import { hash } from 'node:crypto'

export const hashBytes = 32

/** By a text of 32 characters: a digest in memory of its own costs as much again as the hashing. */
const sha256 = (bytes: Uint8Array | string): Uint8Array =>
  Buffer.from(hash('sha256', bytes, 'binary'), 'binary')

export const emptyRoot: Uint8Array = sha256(new Uint8Array(0))

/** Of a text, without bytes of its own. */
export const hashLeafText = (entry: string): Uint8Array => sha256(`\0${entry}`)

export function hashLeaf(entry: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(entry.length + 1)
  bytes.set(entry, 1)
  return sha256(bytes)
}

export function hashNode(left: Uint8Array, right: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(1 + 2 * hashBytes)
  bytes[0] = 1
  bytes.set(left, 1)
  bytes.set(right, 1 + hashBytes)
  return sha256(bytes)
}

/** Root over 2^k hashes that stand one behind the other. */
export function rootOfHashes(hashes: Uint8Array): Uint8Array {
  let level = hashes
  while (level.length > hashBytes) {
    const next = new Uint8Array(level.length / 2)
    for (let at = 0; at < next.length; at += hashBytes)
      next.set(
        hashNode(
          level.subarray(2 * at, 2 * at + hashBytes),
          level.subarray(2 * at + hashBytes, 2 * at + 2 * hashBytes),
        ),
        at,
      )
    level = next
  }
  return level
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}
