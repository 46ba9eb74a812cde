// A gateway without callers that draws on one balance: holds, journals, settles and ships until it is killed. What it begins
// and what was acknowledged it writes down itself.
import { randomUUIDv7 } from 'node:crypto'
import { appendFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { openPostgresBalances } from '@switchyard/drivers/balances/postgres'
import { compilePrices, shipUsage } from '@switchyard/ledger'
import type { Ended } from '@switchyard/runtime'
import { openStore } from '@switchyard/store'
import { openJournal } from '@switchyard/store/journal'
import { Wallets } from '../src/wallet/wallets.ts'
import type { Told } from './wallet-processes.test.ts'

const [url = '', folder = '', truth = '', workspace = '', calls = '0'] = process.argv.slice(2)
const say = (word: string) => process.stdout.write(`${word}\n`)
const tell = (told: Told) => appendFileSync(truth, `${JSON.stringify(told)}\n`)
const upTo = (most: number) => Math.floor(Math.random() * (most + 1))

const journal = await openJournal({ folder, clock: Date.now, observe: () => undefined })
const store = openStore({ url, prices: compilePrices, connections: 2 })
const balances = openPostgresBalances({ url, holder: journal.holder, connections: 2, timeoutMs: 20_000 })
const wallets = new Wallets({
  balances,
  monotonic: () => performance.now(),
  waitMs: 20_000,
  observe: () => undefined,
})
const ending = new AbortController()
const shipping = shipUsage({
  reader: journal.reader,
  store: {
    async ingest(events) {
      say('ingest')
      // Some batches come twice, and backwards.
      if (upTo(3) === 0) await store.usage.ingest(events.toReversed())
      return store.usage.ingest(events)
    },
    recovered: before => store.usage.recovered(before),
  },
  observe: () => undefined,
  clock: Date.now,
  random: Math.random,
  limit: 50,
  signal: ending.signal,
})

const one = 10n ** 12n

async function call(): Promise<void> {
  const request = randomUUIDv7()
  const [reserved, used] = [1 + upTo(8), upTo(11)]
  let hold: Awaited<ReturnType<Wallets['hold']>>
  try {
    hold = await wallets.hold({ workspace, project: '' }, request, BigInt(reserved) * one, 0n)
  } catch (error) {
    if (!(error instanceof Error && 'reason' in error && error.reason === 'insufficient_quota')) throw error
    tell({ kind: 'refused', request })
    await sleep(5)
    return
  }
  if (upTo(9) === 0) {
    hold.void()
    return
  }
  tell({ kind: 'begun', request, reserved, used })
  say('begun')
  const admitted = {
    request,
    at: Date.now(),
    workspace,
    project: null,
    key: 'k',
    keyName: 'k',
    model: 'm',
    endpoint: '',
    operation: 'chat.completions',
    streamed: true,
    hold: hold.from,
  }
  const ended = (tokens: number, end: Ended['end']): Ended => ({
    at: Date.now(),
    end,
    status: 200,
    attempt: 1,
    upstream: 'u',
    billable: 'caller',
    usage: { quantities: { 'tok.out.text': BigInt(tokens) }, source: 'provider', flags: [] },
  })
  await journal.append({ kind: 'open', admitted })
  await sleep(upTo(4))
  await journal.append({ kind: 'progress', admitted, ended: ended(used >> 1, 'gateway_lost') })
  await sleep(upTo(4))
  const last = ended(used, 'done')
  await journal.append({ kind: 'usage', admitted, ended: last })
  hold.settle(BigInt(used) * one)
  tell({ kind: 'ended', request })
}

const left = Array.from({ length: Number(calls) }).values()
await Promise.all(
  Array.from({ length: 5 }, async () => {
    for (const _ of left) await call()
  }),
)
say('finished')
for await (const _ of process.stdin);
await wallets.close()
while (!journal.drained) await sleep(20)
ending.abort()
await shipping
await journal.close()
await balances[Symbol.asyncDispose]()
await store.close()
