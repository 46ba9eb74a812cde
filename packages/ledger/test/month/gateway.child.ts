// A gateway without callers: journals what it is asked as the product does, and ships it, until it is killed. What it is
// about to journal it writes down first, and what was acknowledged after that: the truth, by which nothing can be lost.
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Admission, Ended, UsageUnit } from '@switchyard/runtime'
import { openStore } from '@switchyard/store'
import { openJournal } from '@switchyard/store/journal'
import { compilePrices } from '../../src/prices.ts'
import { shipUsage } from '../../src/ship.ts'
import type { Ask } from './traffic.ts'
import { type Begun, type GatewayTask, requestOf, type Told } from './truth.ts'

const task = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as GatewayTask
const clock = () => Date.parse(task.now)
const say = (word: string) => process.stdout.write(`${word}\n`)

const journal = await openJournal({ folder: task.folder, clock, observe: () => {}, segmentBytes: 60_000 })
const ending = new AbortController()
const store = openStore({ url: task.url, prices: compilePrices, clock, connections: 3 })
const { usage } = store
const shipping = task.ships
  ? shipUsage({
      reader: journal.reader,
      store: {
        ingest(events) {
          say('ingest')
          return usage.ingest(events)
        },
        recovered: before => usage.recovered(before),
      },
      observe: () => {},
      clock,
      random: Math.random,
      limit: 200,
      signal: ending.signal,
    })
  : undefined

const tell = (told: Told) => appendFileSync(task.truth, `${JSON.stringify(told)}\n`)

const before = (existsSync(task.truth) ? readFileSync(task.truth, 'utf8') : '')
  .split('\n')
  .filter(line => line.endsWith('}'))
  .map(line => JSON.parse(line) as Told)
/** How often each was asked, and which have been answered. */
const asked = new Map<number, number>()
const answered = new Set<number>()
for (const told of before)
  if (told.kind === 'begun') asked.set(told.number, told.attempt)
  else if (told.kind === 'ended') answered.add(told.number)

function admissionOf(ask: Ask, request: string): Admission {
  const { at, workspace, project, key, model, progress } = ask
  return {
    request,
    at,
    workspace,
    project,
    key,
    keyName: key,
    model,
    endpoint: '',
    operation: 'chat.completions',
    streamed: progress !== undefined,
  }
}

function endOf({ at, billable }: Ask, quantities: Ask['quantities'], end?: Ended['end']): Ended {
  const counts: Partial<Record<UsageUnit, bigint>> = {}
  for (const [unit, count] of Object.entries(quantities)) counts[unit as UsageUnit] = BigInt(count)
  return {
    at: at + 1500,
    end: end ?? (billable === 'caller' ? 'done' : 'upstream_error'),
    status: 200,
    attempt: 1,
    upstream: 'u',
    billable,
    usage: { quantities: counts, source: 'provider', flags: [] },
  }
}

async function answer(ask: Ask): Promise<void> {
  const attempt = (asked.get(ask.number) ?? 0) + 1
  const request = requestOf(ask, attempt)
  const admitted = admissionOf(ask, request)
  const { number, at, workspace, project, key, model, billable, quantities, progress } = ask
  const id = `${request}:1:call`
  const begun: Begun = {
    kind: 'begun',
    number,
    attempt,
    wave: task.wave,
    came: task.now,
    id,
    at: new Date(at).toISOString(),
    workspace,
    project,
    key,
    model,
    billable,
    quantities,
    ...(progress && { progress }),
  }
  tell(begun)
  say('begun')
  await journal.append({ kind: 'open', admitted })
  await sleep(task.pause)
  if (progress) {
    await journal.append({ kind: 'progress', admitted, ended: endOf(ask, progress, 'gateway_lost') })
    await sleep(task.pause)
  }
  const ended = endOf(ask, quantities)
  await journal.append({ kind: 'usage', admitted, ended })
  tell({ kind: 'ended', number, id })
  if (ask.twice) {
    await journal.append({ kind: 'usage', admitted, ended })
    tell({ kind: 'twice', id })
  }
  if (ask.conflict) {
    await journal.append({ kind: 'usage', admitted, ended: endOf(ask, { ...quantities, req: '1000' }) })
    tell({ kind: 'conflict', id })
  }
}

const left = task.asks.filter(({ number }) => !answered.has(number)).values()
say('ready')
await Promise.all(
  Array.from({ length: 6 }, async () => {
    for (const ask of left) await answer(ask)
  }),
)
say('finished')
// Nobody stops by himself: whoever is killed is killed while he runs.
for await (const _ of process.stdin);
while (shipping && !journal.drained) await sleep(20)
ending.abort()
await shipping
await journal.close()
await store.close()
