// Seals batches of usage while the server runs, and archives what is sealed: each in one process of all.
import { openObjects } from '@switchyard/drivers/objects/open'
import { type ArchiveObservation, type BatchObservation, keepArchive, keepBatches } from '@switchyard/ledger'
import { type Clock, type Held, holdLease, type LeaseObservation, type Observe } from '@switchyard/runtime'
import type { OpenedStore } from '@switchyard/store'
import type { AuditSettings } from './audit-settings.ts'
import type { UsageSettings } from './usage-settings.ts'

export interface SealingOptions {
  readonly opened: Pick<OpenedStore, 'batches' | 'invoices' | 'leases'>
  readonly settings: { readonly usage: UsageSettings; readonly audit: Pick<AuditSettings, 'credentials'> }
  /** Unique for each process. */
  readonly holder: string
  readonly clock: Clock
  readonly observe: Observe<ArchiveObservation | BatchObservation | LeaseObservation>
}

/** Disposing ends the turns that run. */
export async function keepSealing({
  opened,
  settings,
  holder,
  clock,
  observe,
}: SealingOptions): Promise<AsyncDisposable> {
  const { batches, invoices, leases } = opened
  const { due, archive: place } = settings.usage
  const environment = settings.audit.credentials.reveal()
  const archive = place && (await openObjects(place.url, { retentionDays: place.days, environment }))
  const ending = new AbortController()
  const { signal } = ending
  const hold = (name: string, work: (held: Held, signal: AbortSignal) => Promise<void>) =>
    holdLease({ leases, name, holder, clock, signal, observe }, work)
  const kept = [hold('batches', (held, lost) => keepBatches({ batches, due, clock, observe }, held, lost))]
  if (archive) {
    // A loop of its own: what is slow to archive is sealed all the same.
    const archiving = { batches, invoices, archive, clock, observe }
    kept.push(hold('usage_archive', (held, lost) => keepArchive(archiving, held, lost)))
  }
  return {
    async [Symbol.asyncDispose]() {
      ending.abort()
      await Promise.all(kept)
    },
  }
}
