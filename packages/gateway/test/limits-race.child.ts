// One of several gateways under shared limits: it is told where they are and what stands, and says its port.
import { randomUUIDv7 } from 'node:crypto'
import { createServer } from 'node:http'
import { openPostgresLimiter } from '@switchyard/drivers/limits/postgres'
import { openRedisLimiter } from '@switchyard/drivers/limits/redis'
import { compileSnapshot, createGateway, type SnapshotInputs } from '@switchyard/gateway'
import { compilePrices } from '@switchyard/ledger'

export interface Order {
  /** Of a Redis or a PostgreSQL. */
  readonly url: string
  readonly inputs: Omit<SnapshotInputs, 'pricing'>
}

process.once('message', (order: Order) => void serve(order))

async function serve({ url, inputs }: Order): Promise<void> {
  const snapshot = compileSnapshot({ ...inputs, pricing: { compile: compilePrices, at: Date.now() } })
  const gateway = createGateway({
    snapshot: () => snapshot,
    journal: { append: () => Promise.resolve(), full: false },
    // A race is no place for deadlines: every answer is waited for.
    limiter: url.startsWith('redis:')
      ? await openRedisLimiter({ url })
      : openPostgresLimiter({ url, timeoutMs: 60_000, connections: 3 }),
    clock: Date.now,
    random: Math.random,
    uuid: randomUUIDv7,
    observe: () => undefined,
  })
  const server = createServer(gateway.handle)
  server.listen(0, '127.0.0.1', () => process.send?.(server.address()))
}
