// A gateway is killed in the middle of a stream: what it held counts until its journal is read, and then the caller pays
// for what the journal had last been told.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { shipUsage } from '@switchyard/ledger'
import type { UsageEvent } from '@switchyard/runtime'
import { openJournal } from '@switchyard/store/journal'
import { expect, test } from 'vitest'
import { WalletBed } from './wallet.bed.ts'

test.for([
  ['produced', true],
  ['input_only', false],
] as const)(
  'MB1.3, MB3.25: kill -9 in mid-stream settles from the last progress, with end gateway_lost (%s)',
  { timeout: 60_000 },
  async ([lost, output]) => {
    await using yard = await WalletBed.start({ billing: { mode: 'prepaid', charge: { lost } } })
    const folder = await mkdtemp(join(tmpdir(), 'wallet-'))
    const { bed, db } = yard
    const key = bed.key()
    await yard.pay('10000000')
    const child = fork(join(import.meta.dirname, 'wallet.child.ts'), [], { execArgv: [] })
    const { documents, keyHashes, grants, books } = bed
    child.send({ folder, url: db.url, inputs: { documents, keyHashes, grants, books } })
    const [{ port }] = (await once(child, 'message')) as [{ port: number }] // what the child sends
    yard.engine.will('slow events')
    const answered = await fetch(`http://127.0.0.1:${port}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
      body: JSON.stringify({ model: 'm', messages: [], stream: true, max_tokens: 5000 }),
    })
    const reader = answered.body?.getReader()
    const until = performance.now() + 6500
    while (performance.now() < until) await reader?.read()
    child.kill('SIGKILL')
    await once(child, 'exit')
    await reader?.cancel().catch(() => undefined) // its connection is gone

    const { sliced, balance } = await yard.balance()
    expect([Number(sliced) > 0, balance]).toEqual([true, '10000000'])
    const accepted: UsageEvent[] = []
    {
      await using journal = await openJournal({
        folder,
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
            return db.usage.ingest(events)
          },
          recovered: before => db.usage.recovered(before),
        },
        clock: Date.now,
        random: Math.random,
        observe: () => undefined,
        signal: stop.signal,
      })
      await expect.poll(() => journal.drained, { timeout: 20_000 }).toBe(true)
      stop.abort()
      await shipping
    }
    const [event] = accepted
    const { end, billable, quantities } = event?.data ?? {}
    expect([accepted.length, end, billable]).toEqual([1, 'gateway_lost', 'caller'])
    const [input, out] = [
      BigInt(quantities?.['tok.in.uncached'] ?? 0),
      BigInt(quantities?.['tok.out.text'] ?? 0),
    ]
    expect([input > 0n, out > 100n]).toEqual([true, output])
    expect(await yard.balance()).toEqual({
      balance: String(10_000_000n - input - 2n * out),
      pending: '0',
      sliced: '0',
      available: String(10_000_000n - input - 2n * out),
      overrun: '0',
    })
    expect(await yard.unsound()).toEqual([])
    await rm(folder, { recursive: true })
  },
)
