// A sequencer in a process of its own, to be killed: DATABASE FOLDER KEY HOLDER.
import { filesObjects } from '@switchyard/drivers/objects/files'
import { keepLog, readSigner } from '@switchyard/ledger'
import { holdLease, systemClock } from '@switchyard/runtime'
import { openStore } from '@switchyard/store'

const [url = '', folder = '', key = '', holder = ''] = process.argv.slice(2)
const opened = openStore({ url, connections: 4 })
const options = {
  audit: opened.audit,
  archive: filesObjects(folder),
  signers: [readSigner(key)],
  clock: systemClock,
  observe: (told: { readonly type: string; readonly error?: unknown }) => {
    if (told.error !== undefined) console.error(holder, told.error)
  },
  batch: 7,
  checkpointSeconds: 0.05,
  archiveSeconds: 0.1,
}
await holdLease(
  {
    leases: opened.leases,
    name: 'audit',
    holder,
    clock: systemClock,
    signal: new AbortController().signal,
    seconds: 1,
    renewSeconds: 0.2,
    marginSeconds: 0.3,
  },
  (held, signal) => keepLog(options, held, signal),
)
