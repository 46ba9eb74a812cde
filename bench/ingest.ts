// How many usage events a second PostgreSQL keeps, rated and summed, beside a plain `insert … select unnest` of the same
// rows by as many connections: one that sends alone, and two and four at once, as gateways do; and rating a million of them
// in a stream. Interleaved rounds, medians.
//   node bench/ingest.ts
import { randomUUID } from 'node:crypto'
import { rmSync, writeFileSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { compilePrices, keepBatches } from '@switchyard/ledger'
import { systemClock, type UsageEvent, usageUnits } from '@switchyard/runtime'
import { migrate, openStore } from '@switchyard/store'
import { startEmbedded } from '@switchyard/store/embedded'
import { Pool } from 'pg'

const rounds = 5
const batches = 20
const size = 1000
const again = 100 // of each batch have come before
const senders = [1, 2, 4]
const million = 1_000_000

const directory = await mkdtemp(join(tmpdir(), 'switchyard-bench-'))
const server = await startEmbedded({ directory, durable: true })
await migrate(server.url)
const operator = { role: 'caller', principal: 'system:operator', scopes: ['*'] } as const
const store = openStore({ url: server.url, prices: compilePrices })
const plain = new Pool({
  connectionString: server.url,
  options: '-c search_path=switchyard',
  max: Math.max(...senders),
})

const rates = ['tok.in.*', 'tok.out.*'].flatMap(unit => [
  { model: '*', unit, price: '2.5', per: 1_000_000 },
  ...Array.from({ length: 20 }, (_, n) => ({
    model: `model-${n}`,
    unit,
    price: `0.${n + 1}`,
    per: 1_000_000,
  })),
])
await store.store.write(operator, async tx => {
  const said = { side: 'sale', currency: 'USD', from: '2020-01-01T00:00:00Z', rounding: 'half_even' } as const
  // Why `as`: units of a list that is written here.
  const spec = { ...said, rates } as unknown as Parameters<typeof store.prices.publish>[1]['spec']
  await store.prices.publish(tx, { name: 'bench', version: 1, publishedBy: 'system:operator', spec })
})
await plain.query(
  `insert into resources (id, kind, name, created_at, metadata, spec, status)
   select id, 'Workspace', 'bench', now(), jsonb_build_object('id', id, 'name', 'bench', 'workspace', null),
     '{"currency": "USD", "timezone": "UTC"}', '{}' from gen_random_uuid() id`,
)
// The same table without what comes after: its columns, its key and its index.
await plain.query('create table plain_events (like usage_events including all)')
await plain.query('alter table plain_events alter column batch set default 1')

// As on a server, batches are sealed meanwhile.
const ending = new AbortController()
const fence = { lease: 'batches', epoch: 1n }
const sealing = keepBatches(
  {
    batches: store.batches,
    due: { seconds: 1, events: 10_000 },
    clock: systemClock,
    observe(told) {
      if (told.type === 'sealing_failed') throw told.error
    },
  },
  { fence, current: () => fence },
  ending.signal,
)

let made = 0
function event(): UsageEvent {
  const n = made++
  const request = `${randomUUID().slice(0, 14)}7${randomUUID().slice(15)}`
  const time = new Date(Date.now() - (n % 60_000)).toISOString()
  return {
    specversion: '1.0',
    type: 'switchyard.usage.v1',
    source: '/gateway',
    id: `${request}:1:call`,
    subject: 'bench/-',
    time,
    data: {
      attempts: [
        {
          contentMs: 40 + (n % 700),
          endMs: 60 + (n % 9000),
          outcome: 'answered',
          startMs: 2 + (n % 90),
          status: 200,
          upstream: 'tiny-1-0',
        },
      ],
      billable: 'caller',
      end: 'done',
      endedAt: time,
      endpoint: 'tiny',
      firstTokenMs: 40 + (n % 700),
      flags: [],
      key: `key-${n % 20}`,
      keyName: `key-${n % 20}`,
      model: `model-${n % 5}`,
      operation: 'chat.completions',
      project: null,
      quantities: {
        'tok.in.cache_read': String(n % 300),
        'tok.in.uncached': String(n % 900),
        'tok.out.text': String(n % 700),
      },
      request,
      status: 200,
      streamed: true,
      upstream: 'tiny-1-0',
      usageSource: 'engine',
      workspace: 'bench',
    },
  }
}

/** Some of each batch were in one that was sent shortly before, and has been answered. */
function batchesOf(count: number): readonly (readonly UsageEvent[])[] {
  const sent: (readonly UsageEvent[])[] = []
  return Array.from({ length: count }, () => {
    const repeated = sent.at(-1 - Math.max(...senders))?.slice(0, again) ?? []
    const fresh = Array.from({ length: size - repeated.length }, event)
    sent.push(fresh)
    return [...repeated, ...fresh]
  })
}

const columns: readonly (readonly [name: string, type: string, read: (event: UsageEvent) => unknown])[] = [
  ['workspace', 'text', ({ data }) => data.workspace],
  ['source', 'text', ({ source }) => source],
  ['id', 'text', ({ id }) => id],
  ['body_hash', 'bytea', () => hash],
  ['time', 'timestamptz', ({ time }) => time],
  ['ended_at', 'timestamptz', ({ data }) => data.endedAt],
  ['project', 'text', ({ data }) => data.project],
  ['key', 'text', ({ data }) => data.key],
  ['key_name', 'text', ({ data }) => data.keyName],
  ['model', 'text', ({ data }) => data.model],
  ['endpoint', 'text', ({ data }) => data.endpoint],
  ['upstream', 'text', ({ data }) => data.upstream],
  ['request', 'uuid', ({ data }) => data.request],
  ['operation', 'text', ({ data }) => data.operation],
  ['billable', 'text', ({ data }) => data.billable],
  ['streamed', 'boolean', ({ data }) => data.streamed],
  ['end_reason', 'text', ({ data }) => data.end],
  ['status', 'integer', ({ data }) => data.status],
  ['usage_source', 'text', ({ data }) => data.usageSource],
  ['first_token_ms', 'integer', ({ data }) => data.firstTokenMs],
  ['attempts', 'jsonb', ({ data }) => JSON.stringify(data.attempts)],
  ...usageUnits
    .filter(unit => ['tok.in.cache_read', 'tok.in.uncached', 'tok.out.text'].includes(unit))
    .map(
      unit =>
        [
          unit.replaceAll('.', '_'),
          'bigint',
          ({ data }: UsageEvent) => data.quantities[unit] ?? null,
        ] as const,
    ),
]
const hash = `\\x${'ab'.repeat(32)}`
const names = columns.map(([name]) => name).join(', ')
const insertion = `insert into plain_events (${names}, flags)
  select ${names}, '{}' from unnest(${columns.map(([, type], at) => `$${at + 1}::${type}[]`).join(', ')}) as g(${names})
  on conflict do nothing`

async function insertPlain(events: readonly UsageEvent[]): Promise<void> {
  await plain.query({
    name: 'plain',
    text: insertion,
    values: columns.map(([, , read]) => events.map(read)),
  })
}

/** Events a second. */
async function speed(
  work: (events: readonly UsageEvent[]) => Promise<unknown>,
  given: readonly (readonly UsageEvent[])[],
  lanes: number,
): Promise<number> {
  const left = given.values()
  const send = async () => {
    for (const batch of left) await work(batch)
  }
  const began = performance.now()
  await Promise.all(Array.from({ length: lanes }, send))
  return (given.length * size) / ((performance.now() - began) / 1000)
}

const median = (values: readonly number[]) =>
  values.toSorted((one, other) => one - other)[values.length >> 1] ?? Number.NaN

for (const batch of batchesOf(5)) {
  await insertPlain(batch)
  await store.usage.ingest(batch)
}
const measured = senders.map(lanes => ({ lanes, plainly: [] as number[], ingested: [] as number[] }))
for (let round = 0; round < rounds; round++)
  for (const { lanes, plainly, ingested } of measured) {
    const given = batchesOf(batches)
    plainly.push(await speed(insertPlain, given, lanes))
    ingested.push(await speed(events => store.usage.ingest(events), given, lanes))
  }

/** Rated as they are made, and none of them kept. */
function stream(): { readonly perSecond: number; readonly grownMiB: number } {
  const prices = compilePrices([
    {
      id: '1',
      name: 'b',
      version: 1,
      sha256: '',
      publishedAt: '',
      publishedBy: '',
      spec: {
        side: 'sale',
        currency: 'USD',
        from: '2020-01-01T00:00:00Z',
        rounding: 'half_even',
        // Why `as`: as above.
        rates: rates as never,
      },
      holds: { from: 0 },
      rates: rates.map((_, place) => ({ id: String(place), place, from: 0 })),
    },
  ])
  const heap = () => {
    globalThis.gc?.()
    return process.memoryUsage().heapUsed
  }
  let sum = 0n
  let most = 0
  const before = heap()
  const began = performance.now()
  for (let n = 0; n < million; n++) {
    const quantities = { 'tok.in.uncached': BigInt(n % 900), 'tok.out.text': BigInt(n % 700) }
    const rated = prices.sale(`model-${n % 5}`, 'USD', 1)?.rate(quantities, () => 0n)
    if (rated?.type === 'rated') sum += rated.amount
    if (n % 100_000 === 99_999) most = Math.max(most, heap() - before)
  }
  const perSecond = million / ((performance.now() - began) / 1000)
  if (sum === 0n) throw new Error('nothing was rated')
  return { perSecond, grownMiB: most / 1024 ** 2 }
}

const rated = stream()
const round = (value: number) => Math.round(value / 100) * 100
const report = {
  at: new Date().toISOString().slice(0, 10),
  machine: {
    processor: cpus()[0]?.model ?? '',
    cores: cpus().length,
    node: process.version,
    load: loadavg()[0],
  },
  batch: { events: size, sentBefore: again },
  senders: measured.map(({ lanes, plainly, ingested }) => {
    const [reference, ours] = [median(plainly), median(ingested)]
    return {
      senders: lanes,
      eventsPerSecond: {
        plainInsert: round(reference),
        ingest: round(ours),
        ratio: Number((ours / reference).toFixed(2)),
      },
      rounds: { plainInsert: plainly.map(round), ingest: ingested.map(round) },
    }
  }),
  ratingOneMillion: {
    eventsPerSecond: round(rated.perSecond),
    heapGrownMiB: Number(Math.max(0, rated.grownMiB).toFixed(1)),
  },
}
console.log(JSON.stringify(report, null, 2))
if (!process.argv.includes('--dry'))
  writeFileSync(new URL('results/ingest.json', import.meta.url), `${JSON.stringify(report, null, 2)}\n`)
await plain.end()
ending.abort()
await sealing
await store.close()
await server[Symbol.asyncDispose]()
rmSync(directory, { recursive: true, force: true })
