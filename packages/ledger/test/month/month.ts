// A month of traffic and the two after it, through real processes on a real PostgreSQL, with kills; then everything that an
// independent reckoning needs, and everything that it is to be compared with.
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type InvoiceDocument, workspace } from '@switchyard/kinds'
import { type TestDatabase, testDatabase } from '@switchyard/store/testing'
import { Client } from 'pg'
import { document, operator, publish } from '../../../store/test/given.ts'
import { compilePrices } from '../../src/prices.ts'
import { attend, type Death, keepSealing } from './processes.ts'
import { type Book, books, places } from './terms.ts'
import { type Random, random, traffic, under, type Wave } from './traffic.ts'
import { type Counted, countedOf, type GatewayTask, type Held, type Told } from './truth.ts'

export interface PublishedBook {
  readonly id: string
  readonly name: string
  readonly version: number
  readonly spec: Book['spec']
  /** Id of each rate, by its place. */
  readonly rates: readonly string[]
}

export interface Month {
  readonly seed: number
  readonly kills: number
  readonly told: readonly Told[]
  /** Every event of the database, by its id. */
  readonly held: ReadonlyMap<string, Held>
  readonly counted: readonly Counted[]
  readonly books: readonly PublishedBook[]
  /** In the order of their issue. */
  readonly documents: readonly InvoiceDocument[]
  /** Of each workspace, by month: the last batch that its invoice counts. */
  readonly cutoffs: Readonly<Record<string, readonly number[]>>
  readonly db: TestDatabase
  readonly sql: Client
}

/** What each gateway is killed over, by wave. */
const deaths: ReadonlyMap<number, readonly (readonly string[])[]> = new Map([
  [0, [['begun'], ['begun'], ['ingest']]],
  [1, [['begun', 'ingest'], [], ['ingest']]],
  [2, [['begun']]],
  [3, [[], ['ingest']]],
])

export async function runMonth(
  seed: number,
  events: number,
  pause: number,
): Promise<Month & AsyncDisposable> {
  await using stack = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'switchyard-month-'))
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  const db = await testDatabase({ prices: compilePrices })
  stack.defer(() => db.close())
  const sql = new Client({ connectionString: db.url, options: '-c search_path=switchyard -c timezone=UTC' })
  await sql.connect()
  stack.defer(() => sql.end())
  const next = random(seed ^ 0x5eed)
  const { waves, most } = traffic(seed, events)
  const { ahead, meanwhile } = books(most)
  for (const { name, spec } of places)
    await db.store.write(operator, tx =>
      tx.insert(document('Workspace', null, name, workspace.spec.parse(spec)), []),
    )
  for (const { name, topUp } of places) if (topUp !== undefined) await pay(db, name, topUp)
  for (const book of ahead) await publish(db, book.name, book.spec.rates, book.spec)
  const truths: string[] = []
  let kills = 0
  const sealers = stack.use(keepSealing(db.url, next, () => allSealed(sql)))
  for (const [index, wave] of waves.entries()) {
    if (index === 1) for (const book of meanwhile) await publish(db, book.name, book.spec.rates, book.spec)
    const at = { wave, index, folder, url: db.url, pause, next }
    const { shipping, issuing } = wave
    kills += sum(
      await Promise.all([
        shipping === 'gateways' ? gateways(at, true) : rivals(at),
        issuing ? invoicers(db, sql, wave.now, issuing, next) : 0,
      ]),
    )
    truths.push(...wave.asks.map((_, gateway) => truthOf(folder, index, gateway)))
  }
  kills += await sealers.ended()
  const texts = await Promise.all(truths.map(path => readFile(path, 'utf8')))
  const told = texts.flatMap(text =>
    text
      .split('\n')
      .filter(Boolean)
      .map(line => JSON.parse(line) as Told),
  )
  const held = await heldIn(sql)
  const documents = await documentsIn(sql)
  const owned = stack.move()
  return {
    seed,
    kills,
    told,
    held,
    counted: countedOf(told, held),
    books: await publishedIn(sql),
    documents,
    cutoffs: cutoffsOf(documents),
    db,
    sql,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

interface At {
  readonly wave: Wave
  readonly index: number
  readonly folder: string
  readonly url: string
  readonly pause: number
  readonly next: Random
}

const truthOf = (folder: string, wave: number, gateway: number) => join(folder, `truth-${wave}-${gateway}`)
const journalOf = (folder: string, gateway: number) => join(folder, `journal-${gateway}`)

async function gateways({ wave, index, folder, url, pause, next }: At, ships: boolean): Promise<number> {
  const all = wave.asks.map(async (asks, gateway) =>
    attend(
      './gateway.child.ts',
      await ordered({
        url,
        now: wave.now,
        wave: index,
        folder: journalOf(folder, gateway),
        truth: truthOf(folder, index, gateway),
        asks,
        ships,
        pause,
      }),
      (deaths.get(index)?.[gateway] ?? []).map(word => deathAt(word, asks.length, next)),
    ),
  )
  return sum(await Promise.all(all))
}

/** Arguments of a process cannot hold it. */
async function ordered(task: GatewayTask): Promise<readonly string[]> {
  const path = `${task.folder}.task-${task.wave}`
  await writeFile(path, JSON.stringify(task))
  return [path]
}

/** Somewhere in its work: of a batch, in its first milliseconds. */
const deathAt = (word: string, asks: number, next: Random): Death => ({
  word,
  times: 1 + under(next, Math.max(2, Math.floor(word === 'begun' ? asks * 0.4 : asks / 1000))),
  milliseconds: under(next, 12),
})

/** Copies of what a gateway has written, each shipped by a process of its own; two of them are killed. */
async function rivals(at: At): Promise<number> {
  const { wave, index, folder, url, next } = at
  const written = await gateways(at, false)
  const all = [0, 1, 2].map(async rival => {
    const copy = join(folder, `copy-${rival}`)
    await cp(journalOf(folder, 0), copy, { recursive: true })
    const truth = join(folder, 'none')
    const { now } = wave
    return attend(
      './gateway.child.ts',
      await ordered({ url, now, wave: index, folder: copy, truth, asks: [], ships: true, pause: 0 }),
      rival === 2 ? [] : [{ word: 'ingest', times: 1, milliseconds: under(next, 12) }],
    )
  })
  const shipped = sum(await Promise.all(all))
  // What is left of it has been shipped by the copies.
  await rm(journalOf(folder, 0), { recursive: true })
  return written + shipped
}

/** Two at once, of whom one is killed over each word. */
async function invoicers(db: TestDatabase, sql: Client, at: string, words: readonly string[], next: Random) {
  const issued = async () => {
    for (;;) {
      const { rows } = await sql.query(
        `select from invoices where state in ('gathering', 'draft', 'issuing') and upper(period) < $1::timestamptz - interval '3 days'`,
        [at],
      )
      if (rows.length === 0) return
      await sleep(100)
    }
  }
  const killed = words.map(word => ({ word, times: 1, milliseconds: under(next, 30) }))
  const both = await Promise.all([
    attend('./invoicer.child.ts', [db.url, at], killed, issued),
    attend('./invoicer.child.ts', [db.url, at], [], issued),
  ])
  return sum(both)
}

const sum = (all: readonly number[]) => all.reduce((total, each) => total + each, 0)

async function pay(db: TestDatabase, place: string, amount: string): Promise<void> {
  await db.ledger.record(operator, {
    workspace: place,
    project: '',
    cause: 'top_up',
    amount,
    priority: 100,
    expiresAt: null,
    reason: null,
    key: `first-${place}`,
    fingerprint: 'first',
  })
}

const used = [
  'tok.in.uncached',
  'tok.in.cache_read',
  'tok.in.cache_write_5m',
  'tok.out.text',
  'tok.out.reasoning',
  'img.out.count',
  'req',
]
const counts = used.map(unit => `'${unit}', ${unit.replaceAll('.', '_')}::text`).join(', ')

async function heldIn(sql: Client): Promise<ReadonlyMap<string, Held>> {
  const { rows } = await sql.query<Held>(
    `select id, end_reason as end, billable, batch::integer as batch,
       json_strip_nulls(json_build_object(${counts})) as quantities
     from usage_events`,
  )
  return new Map(rows.map(row => [row.id, row]))
}

async function publishedIn(sql: Client): Promise<readonly PublishedBook[]> {
  const { rows } = await sql.query<PublishedBook>(
    `select b.id::text, b.name, b.version, b.spec,
       array(select r.id::text from price_rates r where r.book = b.id order by r.rate) as rates
     from price_books b order by b.id`,
  )
  return rows
}

async function documentsIn(sql: Client): Promise<readonly InvoiceDocument[]> {
  const { rows } = await sql.query<{ document: string }>(
    'select document from invoices where number is not null order by turn',
  )
  return rows.map(({ document: text }) => JSON.parse(text) as InvoiceDocument)
}

function cutoffsOf(documents: readonly InvoiceDocument[]): Month['cutoffs'] {
  const invoices = documents.filter(({ kind }) => kind === 'invoice')
  return Object.fromEntries(
    places.map(({ name, months }) => [
      name,
      months
        .slice(0, -1)
        .map(from =>
          Number(
            invoices.find(({ workspace: place, period }) => place === name && period.from === from)?.evidence
              ?.cutoff,
          ),
        ),
    ]),
  )
}

/** Every batch that has an event is sealed. */
async function allSealed(sql: Client): Promise<boolean> {
  const { rows } = await sql.query<{ left: boolean }>(
    `select exists (select from usage_events e join usage_batches b on b.number = e.batch where b.sealed_at is null) as left`,
  )
  return rows[0]?.left === false
}
