// What a plane supplies for one kind: gather what is so, and decide. Everything else is the controller's.
import type { Document } from '@switchyard/kinds'
import type { Decision } from './action.ts'
import type { Identity, Key, ReadTransaction, Store } from './store.ts'

/** Changes of another kind that concern documents of this one. */
export interface Watch {
  readonly kind: string
  /** The keys to look at again; reads only. */
  readonly keys: (document: Document, tx: ReadTransaction) => readonly Key[] | Promise<readonly Key[]>
}

export interface Gather {
  readonly store: Store
  readonly now: number
  readonly signal: AbortSignal
}

export interface Reconciler {
  /** Recorded in observations; also the lease when none is named. */
  readonly name: string
  readonly kind: string
  /** Reconcilers with one lease are held by one process. */
  readonly lease: string
  /** Who its writes run as; default control. */
  readonly as?: Identity
  readonly watches: readonly Watch[]
  /** Wakes from outside the store; an empty list wakes nothing. */
  readonly wakes?: (signal: AbortSignal) => AsyncIterable<readonly Key[]>
  /** Observes and decides; throws when it could not. */
  readonly run: (document: Document, gather: Gather) => Promise<Decision>
}

/** Joins the two verbs of a reconciler, so that what was observed is of one type for both. */
export function reconciler<D extends Document, O>(
  given: Omit<Reconciler, 'run' | 'lease'> & {
    readonly lease?: string
    readonly observe: (document: D, gather: Gather) => Promise<O>
    readonly decide: (document: D, observed: O, now: number) => Decision
  },
): Reconciler {
  const { observe, decide, ...rest } = given
  return Object.freeze({
    ...rest,
    lease: given.lease ?? given.name,
    run: async (document: Document, gather: Gather) => {
      // The store holds only what the kind's schema has accepted, and the controller asks for one kind.
      const typed = document as D
      return decide(typed, await observe(typed, gather), gather.now)
    },
  })
}
