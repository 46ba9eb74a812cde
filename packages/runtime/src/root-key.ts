// What stands above every key of the installation, and outside of its database: it wraps the master keys, which wrap
// the data keys, under which values are sealed.
import type { Sealed } from './sealed.ts'

/** A key in a file or the environment, or one that never leaves a key service. */
export interface RootKey {
  /** The same for the same key, and no secret: at most 64 visible characters. */
  readonly id: string
  /** A master key of 32 bytes, in a form that may be stored; `id` is of the master key, and bound to it where that can be. */
  wrap(key: Sealed<Uint8Array>, id: string): Promise<Uint8Array>
  /** `internal` (`secret_damaged`) for what it has not wrapped, `unavailable` while whoever holds it does not answer. */
  unwrap(wrapped: Uint8Array, id: string): Promise<Sealed<Uint8Array>>
  /** Its 32 bytes, where they are at hand: it is then a master key as well, as in installations that had no other. */
  readonly itself?: Sealed<Uint8Array>
}
