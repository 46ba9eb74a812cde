// A whole control plane for the command line: the API over a fresh real database, on a port of its own.
import { randomBytes, randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { type ApiOptions, bootstrapDocuments, createApi, type Shipped } from '@switchyard/api'
import { type Client, createClient } from '@switchyard/client'
import type { Document } from '@switchyard/kinds'
import { invoicing } from '@switchyard/ledger'
import { testDatabase } from '@switchyard/store/testing'
import { type Circumstances, cli, folder, type Ran } from './harness.ts'

export interface Yard extends AsyncDisposable {
  readonly url: string
  readonly operator: string
  /** As the operator, in the workspace `team`. */
  readonly client: Client
  readonly database: Awaited<ReturnType<typeof testDatabase>>
  run(argv: readonly string[], given?: Circumstances): Promise<Ran>
  /** Writes a status as control would: conditions carry the document's generation. */
  setStatus(kind: string, name: string, status: Readonly<Record<string, unknown>>): Promise<Document>
  /** What control does when the last outside thing is gone. */
  finish(kind: string, name: string): Promise<void>
}

const shipped = (kind: string, name: string, spec: Shipped['spec']): Shipped => ({
  apiVersion: 'switchyard.dev/v1',
  kind,
  metadata: { name, workspace: null, description: '', labels: { 'switchyard.dev/builtin': 'true' } },
  spec,
})

const platform: readonly Shipped[] = [
  shipped('Cluster', 'local', { type: 'local', share: 'all' }),
  shipped('Engine', 'llama-cpp', {
    tasks: ['chat'],
    formats: ['gguf'],
    versions: [{ version: '1.0.0', binary: 'builtin' }],
    arguments: { threads: { schema: { type: 'integer', minimum: 1, maximum: 64 }, flag: '--threads' } },
    start: { command: ['{binary}'] },
    probes: { alive: '/health' },
  }),
  shipped('ModelRegistry', 'bundled', { type: 'files', url: 'file:///srv/models' }),
  shipped('Model', 'tiny', { source: { registry: 'bundled', path: 'tiny.gguf' } }),
]

export async function startYard(options: Partial<ApiOptions> = {}): Promise<Yard> {
  const database = await testDatabase()
  const { store, secrets, identity, usage, audit, ledger, prices, keyUses } = database
  const api = await createApi({
    store,
    secrets,
    identity,
    usage,
    audit,
    ledger,
    invoicing: invoicing({ ...database, now: Date.now, observe: () => {} }),
    prices,
    keyUses,
    issuer: 'http://switchyard.test',
    cursorKey: randomBytes(32),
    version: '0.0.0-test',
    now: Date.now,
    uuid: uuidv7,
    random: randomBytes,
    chance: Math.random,
    ...options,
    async *logs({ previous }, { tail, follow }, signal) {
      const lines = previous ? ['died\u001b[31m'] : ['loading', 'ready'].slice(-tail)
      for (const text of lines) yield { text }
      if (follow)
        await new Promise<void>(done => signal.addEventListener('abort', () => done(), { once: true }))
    },
  })
  await api.ship([...bootstrapDocuments(), ...platform])
  const operator = await api.mintOperatorToken()
  const server = createServer((request, response) => api.handle(request, response))
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('a TCP server has a port')
  const url = `http://127.0.0.1:${address.port}`
  const client = createClient({ url, token: () => operator })
  const workspace = 'team'
  await client.create({ kind: 'Workspace', metadata: { name: workspace }, spec: {} })
  const env = { SWITCHYARD_URL: url, SWITCHYARD_TOKEN: operator, SWITCHYARD_WORKSPACE: workspace }
  const home = folder()

  return {
    url,
    operator,
    client,
    database,
    run: (argv, given = {}) => cli(argv, { home, env, ...given }),
    async setStatus(kind, name, status) {
      const { metadata } = await client.get(kind, { workspace, name })
      const given: unknown = status.conditions
      const conditions = (Array.isArray(given) ? (given as readonly object[]) : []).map(condition => ({
        message: '',
        observedGeneration: metadata.generation,
        lastTransitionTime: new Date().toISOString(),
        ...condition,
      }))
      const ifMatch = metadata.resourceVersion
      return client.status(kind, { workspace, name }, { ...status, conditions }, { ifMatch })
    },
    async finish(kind, name) {
      await store.write({ role: 'control' }, async tx => {
        const document = await tx.lock({ kind, workspace, name }, 'update')
        if (!document) return
        const metadata = { ...document.metadata, finalizers: [] }
        await tx.remove(await tx.update({ ...document, metadata }, null))
      })
    },
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]()
      await api.close()
      server.closeAllConnections()
      await new Promise<void>(done => server.close(() => done()))
      await database.close()
    },
  }
}

function uuidv7(): string {
  const time = Date.now().toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`
}
