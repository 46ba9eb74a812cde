// Whether a provider of sign-in is where its IdentityProvider says, and what it must be.
import type { Document } from '@switchyard/kinds'

export type Discovery =
  | { readonly found: true }
  | {
      readonly found: false
      readonly reason: 'Unreachable' | 'IssuerMismatch' | 'BadKeys'
      /** What to do, for a person; the same as long as the reason is. */
      readonly message: string
    }

/** Looks at the provider that an IdentityProvider describes. */
export type Discover = (provider: Document, signal: AbortSignal) => Promise<Discovery>
