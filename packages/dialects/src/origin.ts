// A signature belongs to who made it. Where a dialect has one field for it, another origin's is wrapped, so that it
// comes back as it was and is never taken for the dialect's own.
import { members, parse } from './members.ts'

export interface Signed {
  readonly signature?: string | undefined
  readonly opaque?: string | undefined
  readonly origin?: string | undefined
}

export interface Seal {
  readonly signature?: string
  readonly opaque?: string
  readonly origin: string
}

export interface Unsigned {
  readonly origin?: never
}

const unsigned: Unsigned = Object.freeze({})

const mark = 'sy1'

/** Base64 of a signature of another origin. */
export function wrapSeal({ signature, opaque, origin }: Signed): string {
  return Buffer.from(`${mark}${JSON.stringify({ signature, opaque, origin })}`).toString('base64')
}

/** Stands where a dialect wants a proof that nobody has given: it says so to us alone. */
export const foreign = wrapSeal({})

/** How what we have wrapped begins, as a string of JSON. */
export const wrappedString = Buffer.from('"c3kx') // `mark` in base64

/**
 * What `wrapSeal` has wrapped; nothing in it where nobody has signed. Undefined for a dialect's own signature.
 */
export function unwrapSeal(text: string): Seal | Unsigned | undefined {
  if (text === foreign) return unsigned
  if (!text.startsWith('c3kx')) return undefined // `mark` in base64
  const { origin, signature, opaque } = members(parse(Buffer.from(text, 'base64').subarray(mark.length)))
  if (typeof origin !== 'string') return undefined
  return {
    ...(typeof signature === 'string' && { signature }),
    ...(typeof opaque === 'string' && { opaque }),
    origin,
  }
}
