// A signature belongs to who made it. Where a dialect has one field for it, another origin's is wrapped, so that it
// comes back as it was and is never taken for the dialect's own.
import { Raw } from './raw.ts'

export interface Signed {
  readonly signature?: string | undefined
  readonly opaque?: string | undefined
  readonly origin?: string | undefined
}

interface Seal {
  readonly signature?: string
  readonly opaque?: string
  readonly origin: string
}

const mark = 'sy1'

/** Base64 of a signature of another origin. */
export function wrapSeal({ signature, opaque, origin }: Signed): string {
  return Buffer.from(`${mark}${JSON.stringify({ signature, opaque, origin })}`).toString('base64')
}

/** What `wrapSeal` has wrapped; undefined for a dialect's own signature. */
export function unwrapSeal(text: string): Seal | undefined {
  if (!text.startsWith('c3kx')) return undefined // `mark` in base64
  const bytes = Buffer.from(text, 'base64')
  const raw = Raw.parse(bytes.subarray(mark.length))
  const origin = raw?.get('origin')?.string()
  if (origin === undefined) return undefined
  const signature = raw?.get('signature')?.string()
  const opaque = raw?.get('opaque')?.string()
  return { ...(signature !== undefined && { signature }), ...(opaque !== undefined && { opaque }), origin }
}
