// What holding and settling money costs: on one hot account out of a slice, at 2,000 a second beside an ingester that posts
// what was used, and as fast as it goes beside a bare one-row update; and held by the database itself over 1,000
// accounts, beside the same updates bare. Medians of rounds that take turns in one run.
//   node bench/hold.ts           prints, and keeps results/hold.md
//   node bench/hold.ts --quick   a fifth of it, and keeps nothing
import { randomUUID, randomUUIDv7 } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { availableParallelism, loadavg } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openPostgresBalances } from '@switchyard/drivers/balances/postgres'
import { Wallets } from '@switchyard/gateway'
import { priceBook } from '@switchyard/kinds'
import { compilePrices } from '@switchyard/ledger'
import type { UsageEvent } from '@switchyard/runtime'
import { testDatabase } from '@switchyard/store/testing'
import { Pool } from 'pg'

const quick = process.argv.includes('--quick')
const rounds = quick ? 3 : 5
const seconds = quick ? 2 : 10
const perSecond = 2000
const accounts = 1000
const connections = 4
const one = 10n ** 12n
const operator = { role: 'caller', principal: 'system:operator', scopes: ['*'] } as const

const db = await testDatabase({ prices: compilePrices })
const eyes = new Pool({ connectionString: db.url, max: connections, options: '-c search_path=switchyard' })

const now = '2026-01-01T00:00:00.000Z'
async function workspace(name: string): Promise<void> {
  const metadata = {
    id: randomUUID(),
    name,
    workspace: null,
    project: null,
    labels: {},
    annotations: {},
    generation: 1,
    resourceVersion: '0',
    creationTimestamp: now,
    updateTimestamp: now,
    createdBy: 'user:bench',
    updatedBy: 'user:bench',
    ownerReferences: [],
    finalizers: [],
  }
  const spec = { currency: 'USD', billing: { mode: 'postpaid', credit: '1000000000' } }
  const made = { apiVersion: 'switchyard.dev/v1' as const, kind: 'Workspace', metadata, spec, status: {} }
  await db.store.write(operator, tx => tx.insert(made, []))
}

function used(name: string, request: string, hold: string | undefined): UsageEvent {
  const time = new Date().toISOString()
  return {
    specversion: '1.0',
    type: 'switchyard.usage.v1',
    source: '/gateway',
    id: `${request}:1:call`,
    subject: `${name}/-`,
    time,
    data: {
      workspace: name,
      project: null,
      key: 'k',
      keyName: 'k',
      model: 'm',
      endpoint: '',
      upstream: 'u',
      request,
      operation: 'chat.completions',
      billable: 'caller',
      streamed: false,
      end: 'done',
      status: 200,
      endedAt: time,
      usageSource: 'provider',
      quantities: { 'tok.out.text': '1' },
      flags: [],
      ...(hold !== undefined && { hold }),
    },
  }
}

const quantile = (values: readonly number[], q: number) =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * q))] ?? 0
const median = (values: readonly number[]) => quantile(values, 0.5)

/** Done `count` times, so many at once; how many a second. */
async function rate(count: number, callers: number, work: (i: number) => unknown): Promise<number> {
  let next = 0
  const start = performance.now()
  await Promise.all(
    Array.from({ length: callers }, async () => {
      while (next < count) await work(next++)
    }),
  )
  return (count * 1000) / (performance.now() - start)
}

const rates = [{ model: 'm', unit: 'tok.out.*', price: '1', per: 1 }]
const spec = priceBook.spec.parse({ side: 'sale', currency: 'USD', from: now, rates })
await db.store.write(operator, tx =>
  db.prices.publish(tx, { name: 'sale', version: 1, publishedBy: 'system:operator', spec }),
)
await workspace('hot')
const holder = { journal: randomUUID(), epoch: 1 }
const balances = openPostgresBalances({ url: db.url, holder, connections })
const wallets = new Wallets({
  balances,
  monotonic: () => performance.now(),
  waitMs: 5000,
  observe: console.error,
})
const hot = { workspace: 'hot', project: '' }

interface Paced {
  /** Milliseconds of each, from the moment at which it was due. */
  readonly times: readonly number[]
  /** Of those the hold and its settlement. */
  readonly own: readonly number[]
  readonly posted: number
}

/** Holds and settles at a fixed rate, while what was used is posted. */
async function paced(holding: boolean): Promise<Paced> {
  const times: number[] = []
  const own: number[] = []
  let events: UsageEvent[] = []
  let posted = 0
  const batches: Promise<unknown>[] = []
  const start = performance.now()
  const all = seconds * perSecond
  let begun = 0
  while (begun < all) {
    const wanted = Math.min(all, Math.floor(((performance.now() - start) / 1000) * perSecond))
    for (; begun < wanted; begun++) {
      const request = randomUUIDv7()
      const due = start + (begun * 1000) / perSecond
      const from = performance.now()
      const held = holding ? await wallets.hold(hot, request, 2n * one, 0n) : undefined
      held?.settle(one)
      const ended = performance.now()
      own.push(ended - from)
      times.push(ended - due)
      events.push(used('hot', request, held?.from))
    }
    if (events.length >= 1000) {
      const batch = events
      events = []
      batches.push(db.usage.ingest(batch))
      posted += batch.length
    }
    await sleep(1)
  }
  await Promise.all(batches)
  await db.usage.ingest(events)
  return { times, own, posted: posted + events.length }
}

const lines: string[] = []
const say = (line = '') => {
  console.log(line)
  lines.push(line)
}

// The first one of an account waits for its lease.
await wallets.hold(hot, randomUUIDv7(), one, 0n)
const reference = await paced(false)
const { times, own, posted } = await paced(true)

await eyes.query('create table bare (id integer primary key, value numeric(38, 12)) with (fillfactor = 50)')
await eyes.query('insert into bare select i, 0 from generate_series(0, $1::int - 1) i', [accounts])
const update = 'update bare set value = value + 1 where id = $1 returning value'
const bare = (id: number) => eyes.query({ name: 'bare', text: update, values: [id] })

const slice = async () => {
  const request = randomUUIDv7()
  const held = wallets.hold(hot, request, 2n * one, 0n)
  const hold = held instanceof Promise ? await held : held
  // What was used comes back, so that what is measured is not the ingester.
  hold.void()
}
const ids: string[] = []
for (let i = 0; i < accounts; i++) {
  await workspace(`w${i}`)
  const asked = { workspace: `w${i}`, project: '', need: 0n, burn: 0n, free: 0n, back: 0n, estimate: one }
  const answer = await balances.lease(asked)
  if (answer.said === 'slice' || answer.said === 'row') ids.push(answer.account)
}
const row = (i: number) => balances.hold(randomUUIDv7(), ids[i % ids.length] ?? '', one)

const found = { one: [] as number[], slice: [] as number[], many: [] as number[], row: [] as number[] }
for (let round = 0; round < rounds; round++) {
  found.one.push(await rate(quick ? 1000 : 4000, connections, () => bare(0)))
  found.slice.push(await rate(quick ? 20_000 : 200_000, connections, slice))
  found.many.push(await rate(quick ? 1000 : 4000, connections, i => bare(i % accounts)))
  found.row.push(await rate(quick ? 1000 : 4000, connections, row))
}
const ratio = (of: readonly number[], over: readonly number[]) => median(of) / median(over)
const whole = (number: number) => Math.round(number).toLocaleString('en')
const met = (yes: boolean) => (yes ? 'met' : 'missed')

say('# Holding and settling money')
say()
say(
  `${process.version}, ${availableParallelism()} processors, load ${loadavg()[0]?.toFixed(1)}; PostgreSQL on this machine without fsync, ${connections} connections. \`node bench/hold.ts\` makes this file.`,
)
say()
say('| what | found | bar | |')
say('|---|---:|---:|---|')
say(
  `| hold and settle on one hot account, ${whole(perSecond)} a second for ${seconds} s while ${whole(posted)} charges were posted: p50 | ${median(own).toFixed(4)} ms | | |`,
)
const p99 = quantile(own, 0.99)
say(`| p99 | ${p99.toFixed(4)} ms | 5 ms | ${met(p99 < 5)} |`)
say(`| the slowest | ${quantile(own, 1).toFixed(1)} ms | | |`)
say(`| p99 from the moment at which each was due | ${quantile(times, 0.99).toFixed(1)} ms | | |`)
say(
  `| the same without holding: what this machine and the posting take | ${quantile(reference.times, 0.99).toFixed(1)} ms | | |`,
)
say(`| bare one-row update of one row | ${whole(median(found.one))} a second | | |`)
const sliced = ratio(found.slice, found.one)
say(
  `| hold out of a slice of one account | ${whole(median(found.slice))} a second, ${sliced.toFixed(1)} x | 20 x | ${met(sliced >= 20)} |`,
)
say(`| bare update over ${whole(accounts)} rows | ${whole(median(found.many))} a second | | |`)
const rowed = ratio(found.row, found.many)
say(
  `| hold by the database over ${whole(accounts)} accounts | ${whole(median(found.row))} a second, ${rowed.toFixed(2)} x | 0.5 x | ${met(rowed >= 0.5)} |`,
)
if (!quick) await writeFile(join(import.meta.dirname, 'results/hold.md'), `${lines.join('\n')}\n`)
process.exit(0)
