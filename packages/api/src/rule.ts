// What a rule is asked, and how it refuses.
import type { Detail, Document } from '@switchyard/kinds'
import type { Grant, WriteTransaction } from '@switchyard/runtime'
import type { Caller } from './authorize.ts'
import type { NewSecrets } from './draft.ts'
import { invalid } from './invalid.ts'
import { canonical } from './merge-patch.ts'

export interface Writing {
  readonly tx: WriteTransaction
  readonly caller: Caller
  /** As it will be stored. */
  readonly document: Document
  /** As it is stored; absent at create. */
  readonly stored: Document | undefined
  readonly secrets: NewSecrets
  /** Targets of its references, by path. */
  readonly targets: ReadonlyMap<string, Document>
  /** Grants of the person or account that the document is; none for other kinds. */
  readonly held: readonly Grant[]
  /** Ids of documents that are written in the same change: how they stand is no reason to refuse. */
  readonly unsettled: ReadonlySet<string>
  readonly now: number
}

export type Rule = (writing: Writing) => Promise<void> | void

// Each rule narrows the document to its kind: the table below is what makes that true.
export const as = <D extends Document>(document: Document | undefined): D | undefined =>
  document as D | undefined

export const changed = (before: unknown, after: unknown) => canonical(before) !== canonical(after)

export function refuse(details: readonly Detail[], reason?: string): void {
  if (details.length > 0) throw invalid(details, reason)
}
