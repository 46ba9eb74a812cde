// Secrets that are given back in clear, such as a provider's key: how they travel through the process, and the
// port that keeps them encrypted.
import type { MasterKeyVersions } from './master-keys.ts'
import type { WriteTransaction } from './store.ts'

const shown = '[sealed]'

/** A value that prints, logs and serialises as `[sealed]`; only `reveal` gives it. */
export class Sealed<T = string> {
  readonly #value: T

  constructor(value: T) {
    this.#value = value
  }

  reveal(): T {
    return this.#value
  }

  toString(): string {
    return shown
  }

  toJSON(): string {
    return shown
  }

  // What console.log, util.inspect and assertion messages ask.
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return shown
  }
}

/** A secret field of a document. */
export interface SecretField {
  readonly kind: string
  /** Of the document. */
  readonly id: string
  readonly field: string
}

/** Secrets of documents, each encrypted under a key of its own, which a version of the master key wraps. */
export interface Vault {
  readonly keys: MasterKeyVersions
  /** Seals a value in place of what the field held, within the transaction that writes the document. */
  put(tx: WriteTransaction, at: SecretField, value: Sealed): Promise<void>
  /**
   * Every secret of the documents of a kind: by the id of the document, its fields by name. `unreadable` are
   * the ids of documents with a secret that doesn't open: it was damaged, or its key is unknown. The trail tells of
   * the reading and its purpose, in the same transaction.
   */
  read(
    kind: string,
    purpose?: string,
  ): Promise<{
    readonly secrets: ReadonlyMap<string, Sealed<Readonly<Record<string, string>>>>
    readonly unreadable: readonly string[]
  }>
  /** `unavailable` (`secret_key_missing`) when something is sealed that no key opens which is known here. */
  verify(): Promise<void>
  /** A value of the installation itself, by its name: the one that was kept first stays. Answers the one that is kept. */
  keep(name: string, value: Sealed): Promise<Sealed>
  /** Undefined when none is kept; `internal` (`secret_damaged`) when it was altered. */
  value(name: string): Promise<Sealed | undefined>
  /** Takes it away, if there is one. */
  forget(name: string): Promise<void>
  /**
   * Keys of 32 bytes for something that is sealed and not kept here, by its purpose: one of each version of the master
   * key that stands, the oldest first, which every process of an installation knows. The same value until there are others.
   */
  derive(purpose: string): Promise<() => readonly Sealed<Uint8Array>[]>
}
