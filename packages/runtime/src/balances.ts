// The port through which a gateway holds money: slices of balances, from which it holds for requests by itself, and holds
// for single requests where so little is left that every one of them must see all of it. Amounts are in 10^-12 of the
// account's currency.

/** A gateway's slice lapses so long after it was last kept: then nothing more is held from it, and it goes on counting. */
export const sliceMs = 30_000
/** So often slices are kept, grown and given back. */
export const keepSliceEveryMs = 5_000

/** Whose money is held. */
export interface Payer {
  readonly workspace: string
  /** '' is the workspace. */
  readonly project: string
}

/** Who holds it: a journal, and the how manieth time that it was opened. What it held is settled by what it recorded. */
export interface Holder {
  /** UUID. */
  readonly journal: string
  readonly epoch: number
}

export interface SliceAsk extends Payer {
  /** What has to be held now; 0 keeps what there is. */
  readonly need: bigint
  /** What was used lately in five seconds. */
  readonly burn: bigint
  /** What is free in the slice, as far as is known here. */
  readonly free: bigint
  /** What is given back of it: nothing is held from it any more. */
  readonly back: bigint
  /** What one request holds: with less than fifty of it left there are no slices. */
  readonly estimate: bigint
}

export type SliceAnswer =
  /** Nothing is billed there. */
  | { readonly said: 'none' }
  /** Another process has the journal now. */
  | { readonly said: 'fenced' }
  | {
      /** `row`: hold for each request. */
      readonly said: 'slice' | 'row'
      readonly account: string
      /** Its number; undefined where there is none. */
      readonly slice: string | undefined
      /** All that was ever leased in it and not given back. */
      readonly amount: bigint
      /** What nobody holds. */
      readonly remaining: bigint
      /** What should be free in it: more may be given back. */
      readonly target: bigint
    }

/** Throws or rejects with `unavailable` when the balances cannot be reached. */
export interface Balances extends AsyncDisposable {
  lease(ask: SliceAsk): Promise<SliceAnswer>
  /** Holds for one request, or more for it. `short`: nothing has changed. */
  hold(request: string, account: string, amount: bigint): Promise<'held' | 'short' | 'fenced'>
  /** Gives back what is held for a request that no upstream has heard of; twice is the same. */
  void(request: string): Promise<void>
}
