// The gateway's journal as the gateway and the shipper see it: what was acknowledged survives kill -9.
import type { UsageEvent } from './usage.ts'

export interface JournalOpen {
  readonly kind: 'open'
  readonly request: string
  /** Enough to write the usage of a request whose gateway was lost. */
  readonly event: UsageEvent
}
export interface JournalUsage {
  readonly kind: 'usage'
  readonly request: string
  readonly events: readonly UsageEvent[]
}
export type JournalRecord = JournalOpen | JournalUsage

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
    readonly events: readonly UsageEvent[]
    acknowledge(): Promise<void>
  }>
}
