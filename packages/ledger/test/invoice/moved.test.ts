// What an invoice counts is said by rows alone: it outlives another schema and another server.
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { migrate, openStore, readMigrations } from '@switchyard/store'
import { startEmbedded } from '@switchyard/store/embedded'
import { Client } from 'pg'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { archiveOf } from '../../src/invoice/archive.ts'
import { compilePrices } from '../../src/prices.ts'
import { openYard, operator, type Yard, yardOn } from './ledger.ts'

let yard: Yard
beforeEach(async () => {
  yard = await openYard()
  const rates = [{ model: '*', unit: 'tok.in.*' as const, price: '0.0375', per: 1 }]
  await yard.publish({ currency: 'CNY', rates })
})
afterEach(() => yard[Symbol.asyncDispose]())

const input = (count: number) => ({ 'tok.in.uncached': String(count) })
const afterOctober = '2026-11-04T00:00:00Z'
const afterNovember = '2026-12-05T00:00:00Z'

/** October is issued, and two of its events come after that. */
async function issueWithLate(): Promise<void> {
  for (let n = 0; n < 5; n++) await yard.use('2026-10-20T00:00:00Z', input(100 + n))
  await yard.turn(afterOctober)
  for (let n = 0; n < 2; n++) await yard.use('2026-10-21T00:00:00Z', input(10 + n))
}

/** That both documents are identical, and that November corrects October by exactly what came late. */
async function expectExact(of: Yard): Promise<void> {
  await of.turn(afterNovember)
  const issued = await of.issued()
  expect(issued.map(({ number }) => number)).toEqual(['ACME-2026-000001', 'ACME-2026-000002'])
  expect(issued[1]?.lines.map(({ quantity, correction }) => [quantity, correction])).toEqual([['21', true]])
  for (const { number } of issued) expect((await of.verify(number)).difference).toBeUndefined()
}

async function connected(url: string): Promise<Client & AsyncDisposable> {
  const client = new Client({ connectionString: url, options: '-c search_path=switchyard' })
  await client.connect()
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() })
}

test('documents that name a transaction of the database verify by the batch that ended there', async () => {
  await issueWithLate()
  const known = (await readMigrations()).findIndex(({ name }) => name === '0036_batches')
  await migrate(yard.db.url, known)
  await using eyes = await connected(yard.db.url)
  // As they were: numbers of transactions, some of which took no event.
  await eyes.query(`
    alter table invoices disable trigger keep_invoice;
    update usage_events set taken_in = (taken_in::text::bigint * 1000)::text::xid8;
    update invoices set cutoff = cutoff * 1000 + 17,
      document = replace(document, format('"cutoff":"%s"', cutoff), format('"cutoff":"%s"', cutoff * 1000 + 17));
    alter table invoices enable trigger keep_invoice`)
  await migrate(yard.db.url)
  const { rows } = await eyes.query(
    'select batch::text, count(*)::text as events from usage_events group by batch order by batch',
  )
  expect(rows).toEqual([
    { batch: '1', events: '5' },
    { batch: '2', events: '2' },
  ])
  const [issued] = await yard.issued()
  expect(issued?.evidence?.cutoff).toMatch(/017$/)
  expect((await yard.find('ACME-2026-000001')).cutoff).toBe('1')
  await expectExact(yard)
}, 60_000)

test('invoices verify and go on exactly on another server that was filled from a dump', async () => {
  await issueWithLate()
  const directory = await mkdtemp(join(tmpdir(), 'switchyard-restored-'))
  try {
    await chmod(directory, 0o777) // both servers write there, as a user of their own
    await using embedded = await startEmbedded({ directory, durable: false })
    await migrate(embedded.url)
    await copy(yard.db.url, embedded.url, directory)
    await using opened = openStore({ url: embedded.url, prices: compilePrices })
    const restored = yardOn({ url: embedded.url, ...opened })
    const found = await restored.find('ACME-2026-000001')
    const before = await Array.fromAsync(archiveOf(yard.db.invoices, operator, found))
    expect(await restored.archive('ACME-2026-000001')).toEqual(before)
    await expectExact(restored)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}, 120_000)

/** Every row of every table, as a dump of the rows holds them, and where the sequences stand. */
async function copy(from: string, to: string, directory: string): Promise<void> {
  await using source = await connected(from)
  await using target = await connected(to)
  const { rows: tables } = await source.query<{ name: string }>(
    `select relname as name from pg_class where relnamespace = 'switchyard'::regnamespace and relkind = 'r' and not relispartition
     and relname <> 'migrations' order by 1`,
  )
  await target.query('set session_replication_role = replica')
  await target.query(`truncate ${tables.map(({ name }) => name).join(', ')}`)
  for (const { name } of tables) {
    const file = join(directory, `${name}.copy`)
    await source.query(`copy ${name} to '${file}'`)
    await target.query(`copy ${name} from '${file}'`)
  }
  const { rows: sequences } = await source.query<{ name: string; last: string | null }>(
    "select sequencename as name, last_value::text as last from pg_sequences where schemaname = 'switchyard'",
  )
  for (const { name, last } of sequences)
    if (last !== null) await target.query('select setval($1, $2)', [name, last])
}
