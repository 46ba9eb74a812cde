// Plans, drafts and issues invoices every minute, in one process of all; a failure waits for the next turn.
import type { DocumentOf, legalEntity, workspace } from '@switchyard/kinds'
import { type InvoicingOptions, invoiceDue, plansOf } from '@switchyard/ledger'
import { type Clock, keepTurns, type Leases, type Store } from '@switchyard/runtime'

const everyMilliseconds = 60_000
/** A month of many events takes minutes; who is killed meanwhile is followed after this. */
const leaseSeconds = 600
const lease = 'invoices'
const control = { role: 'control' } as const

interface KeepInvoicing extends InvoicingOptions {
  readonly store: Store
  readonly leases: Leases
  readonly holder: string
  readonly clock: Clock
}

export function keepInvoicing(options: KeepInvoicing): AsyncDisposable {
  const { leases, holder, clock, observe } = options
  return keepTurns({
    async turn() {
      if (await leases.acquire(lease, holder, leaseSeconds)) await planAndIssue(options)
    },
    failed: error => observe({ type: 'invoicing_failed', error }),
    pause: everyMilliseconds,
    clock,
  })
}

async function planAndIssue(options: KeepInvoicing): Promise<void> {
  const { store, invoices, now } = options
  const [workspaces, entities] = await store.read(control, async tx => [
    (await tx.list({ kind: 'Workspace', workspace: null })).items,
    (await tx.list({ kind: 'LegalEntity', workspace: null })).items,
  ])
  const byName = new Map(entities?.map(entity => [entity.metadata.name, entity]))
  for (const document of workspaces ?? []) {
    // Why `as`: the API has checked each against its kind.
    const place = document as DocumentOf<typeof workspace>
    const entity = byName.get(place.spec.billing?.invoice?.entity ?? '')
    if (!entity) continue
    for (const plan of plansOf(place, entity as DocumentOf<typeof legalEntity>, now()))
      await invoices.plan(plan)
  }
  await invoiceDue(options)
}
