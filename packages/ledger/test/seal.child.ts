// A sealer in a process of its own, to be killed: DATABASE HOLDER.
import { keepBatches } from '@switchyard/ledger'
import { holdLease, systemClock } from '@switchyard/runtime'
import { openStore } from '@switchyard/store'

const [url = '', holder = ''] = process.argv.slice(2)
const { batches, leases } = openStore({ url, connections: 4 })
const clock = systemClock
const observe = (told: { readonly type: string; readonly error?: unknown }) => {
  if (told.error !== undefined) console.error(holder, told.error)
}
const pace = { seconds: 0.5, renewSeconds: 0.1, marginSeconds: 0.1 }
await holdLease(
  { leases, name: 'batches', holder, clock, signal: new AbortController().signal, ...pace },
  (held, signal) =>
    keepBatches({ batches, due: { seconds: 0.01, events: 50 }, clock, observe }, held, signal),
)
