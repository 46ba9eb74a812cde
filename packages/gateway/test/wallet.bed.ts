// A gateway whose workspace pays from a balance in a real database: a token in costs 1, a token out 2.
import { randomUUID } from 'node:crypto'
import { openPostgresBalances } from '@switchyard/drivers/balances/postgres'
import { priceBook, workspace as workspaceKind } from '@switchyard/kinds'
import { compilePrices } from '@switchyard/ledger'
import type { Balances } from '@switchyard/runtime'
import { type TestDatabase, testDatabase } from '@switchyard/store/testing'
import { Client } from 'pg'
import { Bed, document } from './bed.ts'
import { model } from './upstream/speaker.ts'
import { ScriptedUpstream } from './upstream.ts'

export const operator = { role: 'caller', principal: 'system:operator', scopes: ['*'] } as const
const rates = [
  { model: 'm', unit: 'tok.in.*' as const, price: '1', per: 1 },
  { model: 'm', unit: 'tok.out.*' as const, price: '2', per: 1 },
]
type Rate = (typeof priceBook.spec)['_zod']['input']['rates'][number]
/** Requests on this machine wait for the database as long as it takes. */
const balanceWait = 5000

export class WalletBed implements AsyncDisposable {
  readonly db: TestDatabase
  readonly eyes: Client
  readonly engine: ScriptedUpstream
  readonly beds: readonly Bed[]
  readonly #shipped = new Map<Bed, number>()

  constructor(db: TestDatabase, eyes: Client, engine: ScriptedUpstream, beds: readonly Bed[]) {
    this.db = db
    this.eyes = eyes
    this.engine = engine
    this.beds = beds
  }

  static async start({
    billing = { mode: 'prepaid' },
    gateways = 1,
    balances = (made: Balances) => made,
    wait = balanceWait,
    own = [],
  }: {
    /** Rates beside those for every call. */
    readonly own?: readonly Rate[]
    readonly billing?: object
    readonly gateways?: number
    readonly balances?: (made: Balances) => Balances
    readonly wait?: number
  } = {}): Promise<WalletBed> {
    const db = await testDatabase({ prices: compilePrices })
    const eyes = new Client({ connectionString: db.url, options: '-c search_path=switchyard' })
    await eyes.connect()
    const spec = workspaceKind.spec.parse({ billing })
    const book = priceBook.spec.parse({
      side: 'sale',
      currency: 'USD',
      from: '2026-01-01T00:00:00.000Z',
      rates: [...rates, ...own],
    })
    const version = { name: 'sale', version: 1, publishedBy: 'system:operator', spec: book }
    await db.store.write(operator, tx => tx.insert(document('Workspace', null, 'default', spec), []))
    await db.store.write(operator, tx => db.prices.publish(tx, version))
    const engine = await ScriptedUpstream.start()
    const beds = await Promise.all(
      Array.from({ length: gateways }, async () => {
        const holder = { journal: randomUUID(), epoch: 1 }
        const made = balances(openPostgresBalances({ url: db.url, holder }))
        const bed = await Bed.start({}, {}, { balances: made, balanceWait: wait })
        bed.change('Workspace', 'default', { spec })
        bed.provider('p', {
          type: 'deepseek',
          baseUrl: engine.url(undefined, '/v1'),
          models: [{ name: model, maxOutput: 100_000 }],
        })
        bed.route('m', { tiers: [{ targets: [{ provider: 'p', model }] }], retries: { attempts: 1 } })
        bed.priceBook('sale', { side: 'sale', rates: [...rates, ...own] })
        return bed
      }),
    )
    return new WalletBed(db, eyes, engine, beds)
  }

  get bed(): Bed {
    const [bed] = this.beds
    if (!bed) throw new Error('there is no gateway')
    return bed
  }

  async pay(amount: string): Promise<void> {
    const money = { cause: 'top_up', amount, priority: 100, expiresAt: null, reason: null } as const
    const key = randomUUID()
    await this.db.ledger.record(operator, {
      workspace: 'default',
      project: '',
      ...money,
      key,
      fingerprint: '',
    })
  }

  /** Takes what the journals hold into the database. */
  async ship(): Promise<void> {
    for (const bed of this.beds) {
      const from = this.#shipped.get(bed) ?? 0
      const { events } = bed.journal
      this.#shipped.set(bed, events.length)
      const answers = await this.db.usage.ingest(events.slice(from))
      if (answers.some(answer => answer !== 'accepted')) throw new Error(`not taken: ${answers.join()}`)
    }
  }

  async balance() {
    const [found] = await this.db.ledger.balances(operator, 'default')
    if (!found) throw new Error('there is no account')
    const { balance, pending, sliced, available, overrun } = found
    return { balance, pending, sliced, available, overrun }
  }

  /** Nothing is out of balance in the whole ledger. */
  async unsound(): Promise<readonly unknown[]> {
    const { rows } = await this.eyes.query<{ id: string; what: string }>(unsound)
    return rows
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const bed of this.beds) await bed[Symbol.asyncDispose]()
    await this.engine[Symbol.asyncDispose]()
    await this.eyes.end()
    await this.db.close()
  }
}

/** What breaks a rule of the ledger. */
export const unsound = `
  select a.id, 'account' as what from accounts a
  where posted <> (select coalesce(sum(amount), 0) from ledger_entries where account = a.id)
    or (role = 'balance' and posted + pending + sliced > limit_amount + overrun)
    or sliced <> (select coalesce(sum(amount - used), 0) from slices where account = a.id)
    or pending <> (select coalesce(sum(reserved), 0) from holds where account = a.id and state in ('pending', 'orphaned'))
    or (role = 'balance' and greatest(0, -posted) <> (select coalesce(sum(remaining), 0) from credits where account = a.id))
  union all select txn, 'transaction' from ledger_entries group by txn, currency having sum(amount) <> 0`
