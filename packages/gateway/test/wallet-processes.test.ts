// Three gateway processes draw on one balance and are killed over requests and over batches: whatever happens between, no
// more is spent than there is, everything adds up, and in the end each call has paid what it used.
import { randomUUID } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { priceBook } from '@switchyard/kinds'
import { compilePrices } from '@switchyard/ledger'
import { testDatabase } from '@switchyard/store/testing'
import { Client } from 'pg'
import { expect, test } from 'vitest'
import { attend } from '../../ledger/test/month/processes.ts'
import { document } from './bed.ts'
import { unsound } from './wallet.bed.ts'

export type Told =
  | {
      readonly kind: 'begun'
      readonly request: string
      /** Tokens, which cost 1 each. */
      readonly reserved: number
      readonly used: number
    }
  | { readonly kind: 'ended' | 'refused'; readonly request: string }

const operator = { role: 'caller', principal: 'system:operator', scopes: ['*'] } as const
const paid = 2500
const program = new URL('./wallet-processes.child.ts', import.meta.url).pathname

test('MB3.I5: gateways that are killed over one balance spend no more than there is, and settle what was rated', async () => {
  await using stack = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'wallets-'))
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  const db = await testDatabase({ prices: compilePrices })
  stack.defer(() => db.close())
  const eyes = new Client({ connectionString: db.url, options: '-c search_path=switchyard' })
  await eyes.connect()
  stack.defer(() => eyes.end())
  const spec = priceBook.spec.parse({
    side: 'sale',
    currency: 'USD',
    from: '2026-01-01T00:00:00Z',
    rates: [{ model: 'm', unit: 'tok.out.*', price: '1', per: 1 }],
  })
  const place = document('Workspace', null, 'default', { currency: 'USD', billing: { mode: 'prepaid' } })
  await db.store.write(operator, tx => tx.insert(place, []))
  await db.store.write(operator, tx =>
    db.prices.publish(tx, { name: 'sale', version: 1, publishedBy: 'system:operator', spec }),
  )
  await db.ledger.record(operator, {
    workspace: 'default',
    project: '',
    cause: 'top_up',
    amount: String(paid),
    priority: 1,
    expiresAt: null,
    reason: null,
    key: randomUUID(),
    fingerprint: '',
  })

  let over = false
  const watched = (async () => {
    let looks = 0
    for (; !over; looks++) {
      expect((await eyes.query(unsound)).rows).toEqual([])
      await sleep(50)
    }
    return looks
  })()
  const truthOf = (gateway: number) => join(folder, `truth-${gateway}`)
  const death = (word: string, times: number) => ({
    word,
    times,
    milliseconds: Math.floor(Math.random() * 15),
  })
  const deaths = [
    [death('begun', 40), death('ingest', 2)],
    [death('begun', 90), death('begun', 25)],
    [death('ingest', 1), death('begun', 60)],
  ]
  const kills = await Promise.all(
    deaths.map((its, gateway) =>
      attend(program, [db.url, join(folder, `journal-${gateway}`), truthOf(gateway), 'default', '300'], its),
    ),
  )
  over = true
  expect(await watched).toBeGreaterThan(5)
  expect(kills).toEqual([2, 2, 2])

  const texts = await Promise.all(deaths.map((_, gateway) => readFile(truthOf(gateway), 'utf8')))
  const told = texts.flatMap(text =>
    text
      .split('\n')
      .filter(Boolean)
      .map(line => JSON.parse(line) as Told),
  )
  const ended = new Set(told.flatMap(({ kind, request }) => (kind === 'ended' ? [request] : [])))
  const { rows } = await eyes.query<{ request: string; end: string; tokens: number }>(
    'select request::text, end_reason as end, coalesce(tok_out_text, 0)::integer as tokens from usage_events',
  )
  const events = new Map(rows.map(row => [row.request, row]))
  let [spent, beyond, cut] = [0, 0, 0]
  for (const each of told) {
    if (each.kind !== 'begun') continue
    const event = events.get(each.request)
    events.delete(each.request)
    if (ended.has(each.request)) expect(event).toMatchObject({ end: 'done', tokens: each.used })
    else {
      cut++
      const possible = [each.used, ...(event?.end === 'gateway_lost' ? [each.used >> 1, 0] : [])]
      if (event) expect(possible).toContain(event.tokens)
    }
    spent += event?.tokens ?? 0
    beyond += Math.max(0, (event?.tokens ?? 0) - each.reserved)
  }
  expect([...events.keys()]).toEqual([])
  expect(cut).toBeGreaterThan(0)
  expect(told.some(({ kind }) => kind === 'refused')).toBe(true)
  const [balance] = await db.ledger.balances(operator, 'default')
  expect(balance).toMatchObject({ balance: String(paid - spent), pending: '0', sliced: '0' })
  expect(spent).toBeLessThanOrEqual(paid + beyond)
  expect(Number(balance?.overrun)).toBeLessThanOrEqual(beyond)
  // Nothing is held any more.
  const open = await eyes.query(
    `select state from holds where state in ('pending', 'orphaned') union all select state from slices where state <> 'closed' and amount <> used`,
  )
  expect(open.rows).toEqual([])
  const twice = await eyes.query(
    `select reference from ledger_transactions where cause = 'charge' group by reference having count(*) > 1`,
  )
  expect(twice.rows).toEqual([])
}, 240_000)
