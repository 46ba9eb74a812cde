// A gateway on a port, with a journal that remembers and documents that tests can change.
import { hash, randomBytes, randomUUID, randomUUIDv7 } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import { openMemoryLimiter } from '@switchyard/drivers/limits/memory'
import {
  compileSnapshot,
  createGateway,
  type DoorOptions,
  type Follow,
  type Gateway,
  type GatewayObservation,
  type Limits,
  type Snapshot,
  type SnapshotInputs,
  WireServer,
} from '@switchyard/gateway'
import {
  type CredentialSecret,
  credential as credentialKind,
  type Document,
  Fault,
  mcpServer as mcpServerKind,
  priceBook,
  provider as providerKind,
  route as routeKind,
} from '@switchyard/kinds'
import { compilePrices, usageEvent } from '@switchyard/ledger'
import {
  type BookVersion,
  type Denied,
  type Journal,
  type JournalRecord,
  type JournalStep,
  Sealed,
  type UsageEvent,
} from '@switchyard/runtime'
import { checkOf } from '../src/key.ts'
import { seeded } from './seeded.ts'

const moment = '2026-01-01T00:00:00.000Z'

export function document(
  kind: string,
  workspace: string | null,
  name: string,
  spec: object,
  status = {},
): Document {
  return {
    apiVersion: 'switchyard.dev/v1',
    kind,
    metadata: {
      id: randomUUID(),
      name,
      workspace,
      project: null,
      labels: {},
      annotations: {},
      generation: 1,
      resourceVersion: '1',
      creationTimestamp: moment,
      updateTimestamp: moment,
      createdBy: 'user:admin',
      updatedBy: 'user:admin',
      ownerReferences: [],
      finalizers: [],
    },
    spec,
    status,
  }
}

export function newKey(): { readonly secret: string; readonly publicId: string } {
  const text = (length: number) =>
    randomBytes(length * 2)
      .toString('base64')
      .replace(/[^0-9A-Za-z]/g, '')
      .slice(0, length)
      .padEnd(length, '0')
  const publicId = text(12)
  const head = `sk-sy-${publicId}-${text(43)}`
  return { secret: head + checkOf(head), publicId }
}

export class MemoryJournal implements Journal {
  full = false
  failing = false
  readonly records: JournalStep[] = []
  /** Told to the trail. */
  readonly denied: Denied[] = []

  append(record: JournalRecord): Promise<void> {
    if (this.failing) return Promise.reject(new Fault('unavailable', 'full', { reason: 'journal_full' }))
    if (record.kind === 'denied') this.denied.push(record.denied)
    else this.records.push(record)
    return new Promise(resolve => setImmediate(resolve))
  }

  get events(): readonly UsageEvent[] {
    return this.records.flatMap(record =>
      record.kind === 'usage' ? [usageEvent(record.admitted, record.ended)] : [],
    )
  }

  get last(): UsageEvent['data'] {
    const event = this.events.at(-1)
    if (!event) throw new Error('no usage was journalled')
    return event.data
  }
}

interface Init {
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

type ProviderSpec = (typeof providerKind.spec)['_zod']['input']
type CredentialSpec = (typeof credentialKind.spec)['_zod']['input']
type McpServerSpec = (typeof mcpServerKind.spec)['_zod']['input']
type RouteSpec = (typeof routeKind.spec)['_zod']['input']
type BookSpec = (typeof priceBook.spec)['_zod']['input']

/** `null` is the platform. */
interface Place {
  readonly workspace?: string | null
}

interface KeyOptions {
  readonly workspace?: string
  readonly project?: string
  readonly spec?: object
}

/** What outlives a gateway, or is its app's to say. */
type Kept = Partial<
  Pick<
    Parameters<typeof createGateway>[0],
    'sessions' | 'sessionKeys' | 'responses' | 'limiter' | 'balances' | 'balanceWait' | 'countEvery'
  >
>

export class Bed implements AsyncDisposable {
  readonly journal = new MemoryJournal()
  readonly observed: GatewayObservation[] = []
  readonly gateway: Gateway
  /** Unless another one was given. */
  readonly limiter = openMemoryLimiter({ clock: { now: Date.now, monotonic: () => performance.now() } })
  readonly documents: Document[] = []
  keyHashes: SnapshotInputs['keyHashes'] = []
  grants: SnapshotInputs['grants'] = [{ principal: 'user:ada', workspace: null, permission: '*' }]
  /** Of the platform. */
  limits: SnapshotInputs['limits']
  books: readonly BookVersion[] = []
  readonly credentials = new Map<string, Sealed<CredentialSecret>>()
  /** Hears what is observed, as it is. */
  hear: ((observation: GatewayObservation) => void) | undefined
  follow: Follow | undefined
  /** Endpoints that were said to be wanted, each time. */
  readonly woken: string[] = []
  /** The snapshot is too old to answer by. */
  stale = false
  now: () => number = Date.now
  random: () => number = seeded(1)
  /** The addresses of a name; none is known. */
  resolve: (host: string) => Promise<readonly string[]> = async () => []
  #snapshot: Snapshot
  #gathering = false
  readonly #server = createServer()
  readonly #wire: WireServer

  constructor(limits: Partial<Limits>, door: DoorOptions, kept: Kept = {}) {
    this.#snapshot = compileSnapshot({ documents: [], keyHashes: [], grants: [] })
    this.gateway = createGateway({
      snapshot: () => this.#snapshot,
      stale: () => this.stale,
      journal: this.journal,
      limiter: this.limiter,
      clock: () => this.now(),
      random: () => this.random(),
      resolve: host => this.resolve(host),
      uuid: randomUUIDv7,
      limits,
      door,
      ...kept,
      observe: observation => {
        this.observed.push(observation)
        this.hear?.(observation)
      },
      follow: asked => this.follow?.(asked),
      wanted: all => void this.woken.push(...all.map(({ workspace, name }) => `${workspace}/${name}`)),
    })
    this.#server.on('request', this.gateway.handle)
    this.#server.on('checkContinue', this.gateway.handle)
    this.#server.on('clientError', this.gateway.clientError)
    this.#server.on('upgrade', this.gateway.handleUpgrade)
    const { take, refusal } = this.gateway
    this.#wire = new WireServer(this.#server, { ours: () => true, take, refusal, clock: Date.now })
    this.add(document('User', null, 'ada', { email: 'ada@example.org', disabled: false }))
  }

  static async start(limits: Partial<Limits> = {}, door: DoorOptions = {}, kept: Kept = {}): Promise<Bed> {
    const bed = new Bed(limits, door, kept)
    bed.#server.listen(0, '127.0.0.1')
    await once(bed.#server, 'listening')
    bed.workspace('default')
    return bed
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port // it listens on TCP
  }

  add(...documents: Document[]): void {
    this.documents.push(...documents)
  }

  /** In the place of the one of its kind and name. */
  #put(made: Document): void {
    const { kind, metadata } = made
    const before = this.documents.findIndex(d => d.kind === kind && d.metadata.name === metadata.name)
    if (before >= 0) this.documents.splice(before, 1)
    this.add(made)
  }

  /** Makes several changes and swaps once. */
  together(change: () => void): void {
    this.#gathering = true
    try {
      change()
    } finally {
      this.#gathering = false
      this.swap()
    }
  }

  /** Compiles what stands at that time and swaps it in. Who is under way goes on by the clock: one that leaps ends it. */
  swap(at = this.now()): void {
    if (this.#gathering) return
    const { documents, keyHashes, grants, credentials, books, limits } = this
    const pricing = { compile: compilePrices, at }
    this.#snapshot = compileSnapshot({
      documents,
      keyHashes,
      grants,
      credentials,
      books,
      pricing,
      limits,
    })
  }

  workspace(name: string): void {
    this.add(document('Workspace', null, name, { suspended: false, currency: 'USD' }))
    this.swap()
  }

  /** An endpoint with a ready replica for each address. */
  endpoint(name: string, addresses: readonly string[], { workspace = 'default', spec = {} } = {}): void {
    this.add(document('Endpoint', workspace, name, { route: 'auto', paused: false, ...spec }))
    for (const [ordinal, address] of addresses.entries())
      this.add(
        document(
          'Replica',
          workspace,
          `${name}-1-${ordinal}`,
          { endpoint: name, revision: 1, ordinal, cluster: 'platform/local' },
          { state: 'Ready', address },
        ),
      )
    this.swap()
  }

  /** A provider on this machine, which it may dial. */
  provider(name: string, spec: ProviderSpec, { workspace = 'default' }: Place = {}): void {
    const given = { allowCidrs: ['127.0.0.0/8'], ...spec }
    this.add(document('Provider', workspace, name, providerKind.spec.parse(given)))
    this.swap()
  }

  /** A server of tools on this machine, which it may dial. */
  mcpServer(name: string, spec: McpServerSpec, { workspace = 'default' }: Place = {}): void {
    const given = { allowCidrs: ['127.0.0.0/8'], ...spec }
    this.add(document('McpServer', workspace, name, mcpServerKind.spec.parse(given)))
    this.swap()
  }

  /** A credential that holds the value; a second one of the same name takes the first one's place. */
  credential(
    name: string,
    value: string,
    { workspace = 'default', ...spec }: Place & Omit<CredentialSpec, 'value'> = {},
  ): void {
    const { value: _, headers, ...shown } = credentialKind.spec.parse({ ...spec, value })
    const made = document('Credential', workspace, name, shown)
    this.credentials.set(made.metadata.id, new Sealed(headers ? { value, headers } : { value }))
    this.#put(made)
    this.swap()
  }

  /** A route of its own name, unless the spec has others. */
  route(
    name: string,
    spec: Omit<RouteSpec, 'names'> & Partial<Pick<RouteSpec, 'names'>>,
    { workspace = 'default' } = {},
  ): void {
    this.add(document('Route', workspace, name, routeKind.spec.parse({ names: [name], ...spec })))
    this.swap()
  }

  /** In USD since 2026, unless the spec says otherwise; a second one of the same name takes the first one's place. */
  priceBook(name: string, given: Pick<BookSpec, 'side' | 'rates'> & Partial<BookSpec>): void {
    const spec = priceBook.spec.parse({ currency: 'USD', from: moment, ...given })
    const holds = { from: Date.parse(spec.from), ...(spec.to !== undefined && { to: Date.parse(spec.to) }) }
    const rates = spec.rates.map((_, place) => ({ id: `${name}/${place}`, place, ...holds }))
    const stamp = { version: 1, sha256: '', publishedAt: moment, publishedBy: 'user:ada' }
    this.removeBook(name)
    this.books = [...this.books, { id: name, name, ...stamp, spec, holds, rates }]
    this.swap()
  }

  removeBook(name: string): void {
    this.books = this.books.filter(book => book.name !== name)
    this.swap()
  }

  key({ workspace = 'default', project, spec = {} }: KeyOptions = {}): string {
    const { secret, publicId } = newKey()
    const made = document(
      'ApiKey',
      workspace,
      `key-${this.keyHashes.length}`,
      { owner: { kind: 'User', name: 'ada' }, scopes: ['inference:call'], disabled: false, ...spec },
      { publicId },
    )
    const key = project === undefined ? made : { ...made, metadata: { ...made.metadata, project } }
    this.add(key)
    this.keyHashes = [
      ...this.keyHashes,
      { id: key.metadata.id, field: 'secret', hash: hash('sha256', secret, 'hex') },
    ]
    this.swap()
    return secret
  }

  /** Changes the spec or status of a document, and swaps. */
  change(kind: string, name: string, change: { spec?: object; status?: object }): void {
    const index = this.documents.findIndex(d => d.kind === kind && d.metadata.name === name)
    const found = this.documents[index]
    if (!found) throw new Error(`no ${kind} ${name}`)
    this.documents[index] = {
      ...found,
      spec: { ...(found.spec as object), ...change.spec }, // every document of these tests has an object here
      status: { ...(found.status as object), ...change.status },
    }
    this.swap()
  }

  remove(kind: string, name: string): void {
    const index = this.documents.findIndex(d => d.kind === kind && d.metadata.name === name)
    if (index < 0) throw new Error(`no ${kind} ${name}`)
    this.documents.splice(index, 1)
    this.swap()
  }

  /** Everything that has left the gateway but answers: observations, records, metrics. */
  get told(): string {
    return inspect([this.observed, this.journal.records], { depth: Infinity }) + this.gateway.metrics()
  }

  post(path: string, key: string, body: object | string, init: Init = {}): Promise<Response> {
    return fetch(this.url + path, {
      method: 'POST',
      ...init,
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}`, ...init.headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
  }

  chat(key: string, more: object = {}, init: Init = {}): Promise<Response> {
    return this.post('/v1/chat/completions', key, { model: 'tiny', messages: [], ...more }, init)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await this.#wire.close(0)
    await this.gateway.close()
    this.#server.close()
    await once(this.#server, 'close')
  }
}
