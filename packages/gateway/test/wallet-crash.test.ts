// A gateway is killed in the middle of a stream or a session: what it held counts until its journal is read, and then the
// caller pays for what the journal had last been told.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { shipUsage } from '@switchyard/ledger'
import type { UsageEvent } from '@switchyard/runtime'
import { openJournal } from '@switchyard/store/journal'
import { expect, test, vi } from 'vitest'
import { Heard, Sessions } from './realtime.bed.ts'
import { WalletBed } from './wallet.bed.ts'

/** A gateway of its own process, with the documents of the yard's. */
class Doomed implements AsyncDisposable {
  readonly port: number
  readonly #yard: WalletBed
  readonly #child: ChildProcess
  readonly #folder: string

  constructor(yard: WalletBed, child: ChildProcess, folder: string, port: number) {
    this.#yard = yard
    this.#child = child
    this.#folder = folder
    this.port = port
  }

  static async start(yard: WalletBed): Promise<Doomed> {
    const folder = await mkdtemp(join(tmpdir(), 'wallet-'))
    const child = fork(join(import.meta.dirname, 'wallet.child.ts'), [], { execArgv: [] })
    const { documents, keyHashes, grants, books } = yard.bed
    child.send({ folder, url: yard.db.url, inputs: { documents, keyHashes, grants, books } })
    const [{ port }] = (await once(child, 'message')) as [{ port: number }] // what the child sends
    return new Doomed(yard, child, folder, port)
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await once(this.#child, 'exit')
  }

  /** Another process reads its journal: the events of it that are taken. */
  async recover(): Promise<readonly UsageEvent[]> {
    const { usage } = this.#yard.db
    const accepted: UsageEvent[] = []
    await using journal = await openJournal({
      folder: this.#folder,
      clock: Date.now,
      observe: () => undefined,
      gatherMilliseconds: 1,
    })
    const stop = new AbortController()
    const shipping = shipUsage({
      reader: journal.reader,
      store: {
        async ingest(events) {
          accepted.push(...events)
          return usage.ingest(events)
        },
        recovered: before => usage.recovered(before),
      },
      clock: Date.now,
      random: Math.random,
      observe: () => undefined,
      signal: stop.signal,
    })
    await expect.poll(() => journal.drained, { timeout: 20_000 }).toBe(true)
    stop.abort()
    await shipping
    return accepted
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL')
    await rm(this.#folder, { recursive: true })
  }
}

const paidIn = 10_000_000n

/** What is left once so much is paid, and nothing is held any more. */
async function expectPaid(yard: WalletBed, due: bigint): Promise<void> {
  const balance = String(paidIn - due)
  const rest = { pending: '0', sliced: '0', overrun: '0' }
  expect(await yard.balance()).toEqual({ balance, available: balance, ...rest })
  expect(await yard.unsound()).toEqual([])
}

test.for([
  ['produced', true],
  ['input_only', false],
] as const)(
  'MB1.3, MB3.25: kill -9 in mid-stream settles from the last progress, with end gateway_lost (%s)',
  { timeout: 60_000 },
  async ([lost, output]) => {
    await using yard = await WalletBed.start({ billing: { mode: 'prepaid', charge: { lost } } })
    const key = yard.bed.key()
    await yard.pay(String(paidIn))
    await using doomed = await Doomed.start(yard)
    yard.engine.will('slow events')
    const answered = await fetch(`http://127.0.0.1:${doomed.port}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
      body: JSON.stringify({ model: 'm', messages: [], stream: true, max_tokens: 5000 }),
    })
    const reader = answered.body?.getReader()
    const until = performance.now() + 6500
    while (performance.now() < until) await reader?.read()
    await doomed.kill()
    await reader?.cancel().catch(() => undefined) // its connection is gone

    const { sliced, balance } = await yard.balance()
    expect([Number(sliced) > 0, balance]).toEqual([true, '10000000'])
    const accepted = await doomed.recover()
    const { end, billable, quantities } = accepted[0]?.data ?? {}
    expect([accepted.length, end, billable]).toEqual([1, 'gateway_lost', 'caller'])
    const input = BigInt(quantities?.['tok.in.uncached'] ?? 0)
    const out = BigInt(quantities?.['tok.out.text'] ?? 0)
    expect([input > 0n, out > 100n]).toEqual([true, output])
    await expectPaid(yard, input + 2n * out)
  },
)

test.for([
  ['produced', 2n * (20n + 2n * 10n)],
  ['input_only', 2n * 20n],
] as const)(
  'MB3.25: kill -9 in a realtime session pays for the responses that were done by then, with end gateway_lost (%s)',
  { timeout: 60_000 },
  async ([lost, due]) => {
    await using yard = await WalletBed.start({ billing: { mode: 'prepaid', charge: { lost } } })
    await using far = await Sessions.start()
    const { bed } = yard
    const key = bed.key()
    bed.provider('far', { type: 'openai-compatible', baseUrl: `http://${far.address}/v1` })
    bed.remove('Route', 'm')
    bed.route('m', { tiers: [{ targets: [{ provider: 'far', model: 'm' }] }] })
    await yard.pay(String(paidIn))
    await using doomed = await Doomed.start(yard)
    const bearer = { authorization: `Bearer ${key}` }
    const heard = new Heard(`ws://127.0.0.1:${doomed.port}/v1/realtime?model=m`, [], bearer)
    expect(await heard.opened).toBe('open')
    for (const responses of [1, 2]) {
      heard.socket.send('{"type":"response.create"}')
      await vi.waitUntil(() => heard.types.filter(type => type === 'response.done').length === responses)
    }
    // The journal gathers what it is told for some milliseconds.
    await new Promise(resolve => setTimeout(resolve, 200))
    await doomed.kill()
    const accepted = await doomed.recover()
    expect(accepted).toHaveLength(1)
    expect(accepted[0]?.data).toMatchObject({
      operation: 'realtime',
      end: 'gateway_lost',
      billable: 'caller',
    })
    await expectPaid(yard, due)
  },
)
