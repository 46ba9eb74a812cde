// Secrets that are given back in clear, such as a provider's key: how they travel through the process, and the
// port that keeps them encrypted.
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

/** Secrets of documents, each encrypted under a key of its own, which the installation's master key wraps. */
export interface Vault {
  /** Seals a value in place of what the field held, within the transaction that writes the document. */
  put(tx: WriteTransaction, id: string, field: string, value: Sealed): Promise<void>
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
  /** `unavailable` (`secret_key_missing`) when something is sealed under a master key that is not known here. */
  verify(): Promise<void>
  /**
   * Keys of 32 bytes for something that is sealed and not kept here, by its purpose: one of each master key, the one
   * that seals first. Every process of an installation derives the same ones.
   */
  derive(purpose: string): readonly Sealed<Uint8Array>[]
  /** Brings what older master keys wrap under the first one; answers how many secrets that were. */
  rewrap(): Promise<number>
}
