// What an invoice costs by its events: issuing, and reckoning it again from its archive, for a number of events and for
// ten times as many. The reference of issuing is the database alone, reading the same events by the same pages.
//   node bench/invoice.ts [EVENTS] [--keep]
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { type DocumentOf, type legalEntity, priceBook, type workspace } from '@switchyard/kinds'
import { invoicing, plansOf, verifyInvoice } from '@switchyard/ledger'
import type { Identity } from '@switchyard/runtime'
import { testDatabase } from '@switchyard/store/testing'
import { Client } from 'pg'
import { entity, workspaceOf } from '../packages/ledger/test/invoice/ledger.ts'

const operator: Identity = { role: 'caller', principal: 'system:operator', scopes: ['*'] }
const at = Date.parse('2026-11-10T00:00:00Z')

/** Of 4 projects and 10 models, over October; each has two units. */
const filling = `
insert into usage_events (workspace, source, id, body_hash, time, ended_at, project, key, key_name, model, endpoint,
  upstream, request, operation, billable, streamed, end_reason, status, usage_source, flags, tok_in_uncached, tok_out_text)
select 'default', '/gateway', request || ':1:call', sha256(convert_to(request, 'UTF8')), time, time, 'p' || n % 4, 'k', 'k',
  'model-' || n % 10, 'e', 'u', request::uuid, 'chat', 'caller', true, 'done', 200, 'engine', '{}', n % 5000, n % 900
from generate_series(1, $1::bigint) n
cross join lateral (select '01990000-0000-7000-8000-' || lpad(to_hex(n), 12, '0') as request,
  timestamptz '2026-10-01 00:00+08' + n * (interval '31 days' / ($1 + 1)) as time) e`

interface Measured {
  readonly events: number
  /** Seconds. */
  readonly read: number
  readonly issue: number
  readonly verify: number
  /** MiB above what the process had before. */
  readonly memory: number
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const before = performance.now()
  await work()
  return (performance.now() - before) / 1000
}

async function measure(events: number): Promise<Measured> {
  await using db = await testDatabase()
  const eyes = new Client({ connectionString: db.url, options: '-c search_path=switchyard' })
  await eyes.connect()
  await eyes.query(filling, [events])
  await eyes.query('vacuum analyze usage_events')
  await eyes.end()
  const spec = priceBook.spec.parse({
    side: 'sale',
    currency: 'CNY',
    from: '2026-01-01T00:00:00Z',
    rates: ['tok.in.*', 'tok.out.*'].map(unit => ({ model: '*', unit, price: '2.49' })),
  })
  const { invoices, prices, store } = db
  await store.write(operator, async tx => {
    await prices.publish(tx, { name: 'sale', version: 1, publishedBy: 'system:operator', spec })
  })
  const place: DocumentOf<typeof workspace> = workspaceOf('default', 'CNY')
  const issuer: DocumentOf<typeof legalEntity> = entity
  const [plan] = plansOf(place, issuer, at)
  if (!plan) throw new Error('no plan')
  await invoices.plan(plan)
  const hand = invoicing({ invoices, prices, now: () => at, observe: () => {} })
  const [row] = await invoices.list(operator, { limit: 1 })
  const find = async (name: string) => {
    const work = await invoices.find(operator, 'default', name)
    if (!work) throw new Error(`no ${name}`)
    return work
  }

  globalThis.gc?.()
  const before = process.memoryUsage().rss
  let most = before
  const sampling = setInterval(() => {
    most = Math.max(most, process.memoryUsage().rss)
  }, 20)
  const cutoff = await invoices.sealed()
  const read = await timed(async () => {
    const { workspace: name, from, to } = plan
    for await (const page of invoices.events({ workspace: name, from, to, cutoff }))
      if (page.length === 0) break
  })
  const issue = await timed(async () => hand.issue(await find(row?.id ?? '')))
  const issued = await find('ACME-2026-000001')
  const verify = await timed(async () => {
    const { difference } = await verifyInvoice(hand.archive(operator, issued))
    if (difference !== undefined) throw new Error(difference)
  })
  clearInterval(sampling)
  return { events, read, issue, verify, memory: Math.round((most - before) / 2 ** 20) }
}

const given = process.argv.slice(2).find(each => /^\d+$/.test(each))
const events = Number(given ?? 1_000_000)
const all: Measured[] = []
for (const count of [events / 10, events]) all.push(await measure(count))
const [tenth, whole] = all
if (!tenth || !whole) throw new Error('nothing was measured')
const ratio = (one: number, other: number) => Number((one / other).toFixed(2))
const result = {
  at: new Date().toISOString(),
  node: process.version,
  processors: cpus().length,
  measured: all,
  verifyToIssue: ratio(whole.verify, whole.issue),
  issueToRead: ratio(whole.issue, whole.read),
  tenfold: ratio(whole.issue, tenth.issue),
}
for (const { events: count, read, issue, verify, memory } of all)
  console.log(
    `${count} events: read ${read.toFixed(1)} s, issue ${issue.toFixed(1)} s, verify ${verify.toFixed(1)} s, ${memory} MiB more`,
  )
console.log(
  `verify / issue ${result.verifyToIssue} (at most 1.5), issue / read ${result.issueToRead}, ten times the events ${result.tenfold} (at most 12)`,
)
if (process.argv.includes('--keep'))
  writeFileSync(new URL('results/invoice.json', import.meta.url), `${JSON.stringify(result, null, 2)}\n`)
process.exit(0)
