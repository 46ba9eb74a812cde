// What a caller says of its request beside it, in `metadata`: routes may go by it.
import type { Ask } from './exchange.ts'
import { Raw } from './raw.ts'

/** A text in the `metadata` of a body; undefined where there is none. Nothing else of the body is built. */
export function metadataText({ bytes, ends }: Ask, name: string): string | undefined {
  return Raw.body(bytes, ends).get('metadata')?.get(name)?.string()
}
