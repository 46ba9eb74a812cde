// Seals batches of usage while the server runs, in one process of all.
import { type BatchObservation, keepBatches } from '@switchyard/ledger'
import { type Clock, holdLease, type LeaseObservation, type Observe } from '@switchyard/runtime'
import type { OpenedStore } from '@switchyard/store'
import type { UsageSettings } from './usage-settings.ts'

export interface SealingOptions {
  readonly opened: Pick<OpenedStore, 'batches' | 'leases'>
  readonly settings: UsageSettings
  /** Unique for each process. */
  readonly holder: string
  readonly clock: Clock
  readonly observe: Observe<BatchObservation | LeaseObservation>
}

/** Disposing ends the turn that runs. */
export function keepSealing({ opened, settings, holder, clock, observe }: SealingOptions): AsyncDisposable {
  const { batches, leases } = opened
  const ending = new AbortController()
  const kept = holdLease(
    { leases, name: 'batches', holder, clock, signal: ending.signal, observe },
    (held, signal) => keepBatches({ batches, due: settings.due, clock, observe }, held, signal),
  )
  return {
    async [Symbol.asyncDispose]() {
      ending.abort()
      await kept
    },
  }
}
