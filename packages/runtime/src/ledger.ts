// Balances and what has changed them, for whoever may read it and for those who bring money. Amounts are decimals as text
// in the account's currency.
import type { Identity } from './store.ts'

export const moneyCauses = ['top_up', 'grant', 'withdrawal', 'correction'] as const
/** What a person does to a balance. */
export type MoneyCause = (typeof moneyCauses)[number]
export type LedgerCause = MoneyCause | 'charge' | 'expiry' | 'write_off'

export interface Balance {
  readonly workspace: string
  /** Null is the workspace's own. */
  readonly project: string | null
  readonly currency: string
  readonly kind: 'prepaid' | 'postpaid'
  /** Most that may be owed. */
  readonly limit: string
  /** What was paid in and not used; below 0 it is owed. */
  readonly balance: string
  /** Held for requests that run. */
  readonly pending: string
  /** Held for gateways. */
  readonly sliced: string
  /** What may be spent: limit and balance, less what is held. */
  readonly available: string
  /** All that was ever used beyond what was held for it. */
  readonly overrun: string
  /** In the order in which they burn. */
  readonly credits: readonly Credit[]
}

export interface Credit {
  readonly cause: 'top_up' | 'grant' | 'correction'
  readonly amount: string
  readonly remaining: string
  /** The lowest burns first. */
  readonly priority: number
  readonly expiresAt: string | null
}

export interface LedgerEntry {
  readonly transaction: string
  readonly at: string
  readonly cause: LedgerCause
  readonly project: string | null
  readonly currency: string
  /** What the balance has gained. */
  readonly amount: string
  /** Where it came from or went to. */
  readonly against: string
  readonly reference: string
  readonly actor: string | null
  readonly reason: string | null
}

/** What waits to be given back. */
export interface HoldStanding {
  /** Since the oldest hold or slice that nobody keeps lapsed, in seconds; 0 when there is none. */
  readonly lapsed: number
}

export interface EntriesQuery {
  readonly workspace: string
  /** '' is the workspace's own account; of all accounts when absent. */
  readonly project?: string
  readonly limit: number
  /** Transaction before which to go on, newest first. */
  readonly before?: string
}

export interface Money {
  readonly workspace: string
  /** '' is the workspace. */
  readonly project: string
  readonly cause: MoneyCause
  /** Above 0; of a correction also below. */
  readonly amount: string
  readonly priority: number
  readonly expiresAt: string | null
  readonly reason: string | null
  /** The same request again changes nothing; another one under its key is `conflict` (`idempotency_reuse`). */
  readonly key: string
  readonly fingerprint: string
}

export interface LedgerStore {
  /** Under the identity's row-level security. */
  balances(as: Identity, workspace: string): Promise<readonly Balance[]>
  standing(): Promise<HoldStanding>
  /** Newest first. */
  entries(as: Identity, query: EntriesQuery): Promise<readonly LedgerEntry[]>
  /** `conflict` (`no_account`) where nothing is billed, `exhausted` (`insufficient_quota`) where so much is not there. */
  record(as: Identity, money: Money): Promise<{ readonly transaction: string; readonly again: boolean }>
}
