// A gateway with a journal on disk, until it is killed. Beside the journal it notes whom it has admitted.
import { randomUUIDv7 } from 'node:crypto'
import { openSync, writeSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { openMemoryLimiter } from '@switchyard/drivers/limits/memory'
import { compileSnapshot, createGateway, type SnapshotInputs } from '@switchyard/gateway'
import { type JournalRecord, systemClock } from '@switchyard/runtime'
import { openJournal } from '@switchyard/store/journal'
import { seeded } from './seeded.ts'

interface Order {
  readonly folder: string
  readonly inputs: SnapshotInputs
}

process.once('message', (order: Order) => void serve(order))

async function serve({ folder, inputs }: Order): Promise<void> {
  const snapshot = compileSnapshot(inputs)
  const journal = await openJournal({
    folder: join(folder, 'journal'),
    clock: Date.now,
    observe: () => undefined,
    segmentBytes: 30_000,
  })
  const notes = openSync(join(folder, 'admitted'), 'a')
  const append = async (record: JournalRecord) => {
    await journal.append(record)
    if (record.kind === 'open') writeSync(notes, `${record.admitted.request}\n`)
  }
  const gateway = createGateway({
    snapshot: () => snapshot,
    journal: {
      append,
      get full() {
        return journal.full
      },
    },
    limiter: openMemoryLimiter({ clock: systemClock }),
    clock: Date.now,
    random: seeded(1),
    uuid: randomUUIDv7,
    observe: () => undefined,
  })
  const server = createServer(gateway.handle)
  server.listen(0, '127.0.0.1', () => process.send?.(server.address()))
}
