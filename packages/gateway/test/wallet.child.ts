// A gateway with a journal on disk and a balance in a database, until it is killed.
import { randomUUIDv7 } from 'node:crypto'
import { createServer } from 'node:http'
import { openPostgresBalances } from '@switchyard/drivers/balances/postgres'
import { openMemoryLimiter } from '@switchyard/drivers/limits/memory'
import { compileSnapshot, createGateway, type SnapshotInputs } from '@switchyard/gateway'
import { compilePrices } from '@switchyard/ledger'
import { systemClock } from '@switchyard/runtime'
import { openJournal } from '@switchyard/store/journal'
import { seeded } from './seeded.ts'

interface Order {
  readonly folder: string
  readonly url: string
  readonly inputs: SnapshotInputs
}

process.once('message', (order: Order) => void serve(order))

async function serve({ folder, url, inputs }: Order): Promise<void> {
  const snapshot = compileSnapshot({ ...inputs, pricing: { compile: compilePrices, at: Date.now() } })
  const journal = await openJournal({ folder, clock: Date.now, observe: () => undefined })
  const gateway = createGateway({
    snapshot: () => snapshot,
    journal,
    limiter: openMemoryLimiter({ clock: systemClock }),
    balances: openPostgresBalances({ url, holder: journal.holder }),
    balanceWait: 5000,
    clock: Date.now,
    random: seeded(1),
    uuid: randomUUIDv7,
    observe: () => undefined,
  })
  const server = createServer(gateway.handle)
  server.on('upgrade', gateway.handleUpgrade)
  server.listen(0, '127.0.0.1', () => process.send?.(server.address()))
}
