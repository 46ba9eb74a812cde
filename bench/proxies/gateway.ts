// The gateway as the server runs it: keys, routing, a journal on disk that is shipped, metrics.
import { hash } from 'node:crypto'
import { createServer } from 'node:http'
import { performance } from 'node:perf_hooks'
import { openMemoryLimiter } from '@switchyard/drivers/limits/memory'
import { compileSnapshot, createGateway, WireServer } from '@switchyard/gateway'
import type { Document } from '@switchyard/kinds'
import { shipUsage } from '@switchyard/ledger'
import { systemClock, systemRandom } from '@switchyard/runtime'
import { openJournal } from '@switchyard/store/journal'
import { answerProbes } from '../probe.ts'

const [, , upstream = '', folder = '', key = '', sync = 'interval', connections = '1024'] = process.argv
const at = '2026-01-01T00:00:00.000Z'

function document(
  kind: string,
  workspace: string | null,
  name: string,
  spec: object,
  status: object,
): Document {
  const metadata = {
    id: `00000000-0000-4000-8000-${hash('sha256', kind + name, 'hex').slice(0, 12)}`,
    name,
    workspace,
    project: null,
    labels: {},
    annotations: {},
    generation: 1,
    resourceVersion: '1',
    creationTimestamp: at,
    updateTimestamp: at,
    createdBy: 'user:bench',
    updatedBy: 'user:bench',
    ownerReferences: [],
    finalizers: [],
  }
  return { apiVersion: 'switchyard.dev/v1', kind, metadata, spec, status }
}

const owner = { kind: 'User', name: 'bench' }
const apiKey = document(
  'ApiKey',
  'default',
  'bench',
  {
    owner,
    scopes: ['inference:call'],
    disabled: false,
    limits: { requests: { perMinute: 1_000_000_000 }, tokens: { perMinute: 1_000_000_000_000 } },
  },
  { publicId: 'bench' },
)
const snapshot = compileSnapshot({
  documents: [
    document('Workspace', null, 'default', { suspended: false }, {}),
    document('User', null, 'bench', { disabled: false }, {}),
    apiKey,
    document('Endpoint', 'default', 'bench', { route: 'auto', paused: false }, {}),
    document(
      'Replica',
      'default',
      'bench-1-0',
      { endpoint: 'bench' },
      { state: 'Ready', address: `127.0.0.1:${upstream}` },
    ),
  ],
  keyHashes: [{ id: apiKey.metadata.id, field: 'secret', hash: hash('sha256', key, 'hex') }],
  grants: [{ principal: 'user:bench', workspace: null, permission: '*' }],
})

const { timeOrigin } = performance
const clock = () => timeOrigin + performance.now()
const journal = await openJournal({
  folder,
  clock,
  sync: sync === 'reply' ? 'reply' : 'interval',
  keepSeconds: 0,
  observe: observation => console.error(observation),
})
const gateway = createGateway({
  snapshot: () => snapshot,
  journal,
  limiter: openMemoryLimiter({ clock: systemClock }),
  clock,
  random: Math.random,
  uuid: systemRandom.id,
  limits: { connections: Number(connections) },
  observe: () => undefined,
})
// The store is left out: the records are read back, parsed and acknowledged.
const store = {
  ingest: (events: readonly unknown[]) => Promise.resolve(events.map(() => 'accepted' as const)),
}
void shipUsage({
  reader: journal.reader,
  store,
  clock,
  random: Math.random,
  observe: () => undefined,
  signal: new AbortController().signal,
})

const server = createServer({
  keepAliveTimeout: 75_000,
  headersTimeout: 10_000,
  requestTimeout: 0,
  maxHeaderSize: 32 * 1024,
})
server.on('request', gateway.handle)
const { take, refusal } = gateway
new WireServer(server, { ours: () => true, take, refusal, clock: Date.now })
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  process.send?.({ port: typeof address === 'object' && address ? address.port : 0 })
})
answerProbes(() => gateway.inflight)
