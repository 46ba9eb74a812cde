// Plans, drafts and issues invoices every minute, in one process of all; a failure waits for the next turn.
import type { DocumentOf, legalEntity, workspace } from '@switchyard/kinds'
import { type InvoicingOptions, invoiceDue, plansOf } from '@switchyard/ledger'
import type { Clock, Leases, Store } from '@switchyard/runtime'

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
  const ending = new AbortController()
  const done = (async () => {
    while (!ending.signal.aborted) {
      try {
        if (await leases.acquire(lease, holder, leaseSeconds)) await turn(options)
      } catch (error) {
        observe({ type: 'invoicing_failed', error })
      }
      await clock.sleep(everyMilliseconds, ending.signal)
    }
  })()
  return {
    async [Symbol.asyncDispose]() {
      ending.abort()
      await done
    },
  }
}

async function turn(options: KeepInvoicing): Promise<void> {
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
