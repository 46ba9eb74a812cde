// The gateway's journal as the gateway and the shipper see it: what was acknowledged survives kill -9.
import type { Holder } from './balances.ts'
import type { Denied, JournalledDenial } from './denials.ts'
import type { Admission, Used } from './usage.ts'

export interface JournalOpen {
  readonly kind: 'open'
  /** Enough to write the usage of a request whose gateway was lost. */
  readonly admitted: Admission
}
export interface JournalUsage extends Used {
  readonly kind: 'usage'
}
/** How far a request has come: its end, should the gateway be lost now. */
export interface JournalProgress extends Used {
  readonly kind: 'progress'
}
/** A refusal, for the trail. */
export interface JournalDenied {
  readonly kind: 'denied'
  readonly denied: Denied
}
/** What becomes of a request. */
export type JournalStep = JournalOpen | JournalProgress | JournalUsage
export type JournalRecord = JournalStep | JournalDenied

/** Append side. A resolved promise means: written to the file (survives kill -9), and fsynced as the mode says. */
export interface Journal {
  append(record: JournalRecord): Promise<void>
  /** True once the disk is full or an fsync failed: admission answers `journal_full`. */
  readonly full: boolean
}

/** Ship side: batches in order; `acknowledge` is called after the store has committed the batch. */
export interface JournalReader {
  batch(
    limit: number,
    signal: AbortSignal,
  ): Promise<{
    readonly used: readonly Used[]
    /** In the order in which they were written. */
    readonly denied?: readonly JournalledDenial[] | undefined
    /** With this batch everything is told that this journal recorded before that epoch. */
    readonly recovered?: Holder | undefined
    acknowledge(): Promise<void>
  }>
}
