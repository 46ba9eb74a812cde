import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ShipObservation, shipUsage } from '@switchyard/ledger'
import type { UsageEvent, UsageStore } from '@switchyard/runtime'
import { openJournal } from '@switchyard/store/journal'
import { testDatabase } from '@switchyard/store/testing'
import { expect, test } from 'vitest'
import { Bed } from './bed.ts'
import { seed, seeded } from './seeded.ts'
import { ScriptedUpstream } from './upstream.ts'

async function startGateway(folder: string, bed: Bed): Promise<{ child: ChildProcess; url: string }> {
  const child = fork(join(import.meta.dirname, 'crash.child.ts'), [], { execArgv: [] })
  const { documents, keyHashes, grants } = bed
  child.send({ folder, inputs: { documents, keyHashes, grants } })
  const [{ port }] = (await once(child, 'message')) as [{ port: number }] // what the child sends
  return { child, url: `http://127.0.0.1:${port}/v1/chat/completions` }
}

/** Ships until nothing is left; the store is cut off at random before and after it commits. */
async function shipAll(
  folder: string,
  store: Pick<UsageStore, 'ingest'>,
  accepted: UsageEvent[],
  flaky: boolean,
): Promise<void> {
  await using journal = await openJournal({
    folder: join(folder, 'journal'),
    clock: Date.now,
    observe: () => undefined,
    gatherMilliseconds: 1,
  })
  const stop = new AbortController()
  let calls = 0
  const observed: ShipObservation[] = []
  const shipping = shipUsage({
    reader: journal.reader,
    store: {
      async ingest(events) {
        calls++
        if (flaky && calls % 3 === 1) throw new Error('connection reset before the commit')
        const answers = await store.ingest(events)
        accepted.push(...events.filter((_, i) => answers[i] === 'accepted'))
        if (flaky && calls % 3 === 2) throw new Error('connection reset after the commit')
        return answers
      },
    },
    clock: Date.now,
    random: seeded(seed),
    observe: observation => void observed.push(observation),
    limit: 20,
    backoffMilliseconds: 100,
    signal: stop.signal,
  })
  await expect.poll(() => journal.drained, { timeout: 20_000, interval: 10 }).toBe(true)
  stop.abort()
  await shipping
  expect(observed.filter(({ type }) => type === 'usage_quarantined')).toEqual([])
}

test(`F12: a gateway that is killed at random has one end and one record for each request, and loses no answer that was complete (SEED=${seed})`, async () => {
  const random = seeded(seed)
  await using engine = await ScriptedUpstream.start()
  await using bed = await Bed.start()
  await using database = await testDatabase()
  bed.endpoint('tiny', [engine.address])
  const key = bed.key()
  const folder = await mkdtemp(join(tmpdir(), 'crash-'))
  /** Ids of requests whose callers saw a whole answer. */
  const complete = new Set<string>()
  /** Ids of those whose callers saw its beginning. */
  const begun = new Set<string>()

  for (let round = 0; round < 5; round++) {
    const { child, url } = await startGateway(folder, bed)
    let alive = true
    const caller = async (stream: boolean) => {
      while (alive)
        try {
          const response = await fetch(url, {
            method: 'POST',
            headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
            body: JSON.stringify({ model: 'tiny', messages: [], stream }),
          })
          const id = response.headers.get('request-id') ?? ''
          if (response.status !== 200) continue
          begun.add(id)
          const text = await response.text()
          if (stream ? text.endsWith('data: [DONE]\n\n') : JSON.parse(text)) complete.add(id)
        } catch {
          if (alive) await new Promise(resolve => setTimeout(resolve, 5)) // the gateway was killed
        }
    }
    const callers = Promise.all([false, true, false, true, true].map(caller))
    await new Promise(resolve => setTimeout(resolve, 100 + 600 * random()))
    child.kill('SIGKILL')
    await once(child, 'exit')
    alive = false
    await callers
  }
  expect(complete.size).toBeGreaterThan(50)
  const admitted = (await readFile(join(folder, 'admitted'), 'utf8')).split('\n').filter(Boolean)

  const accepted: UsageEvent[] = []
  await shipAll(folder, database.usage, accepted, true)
  // The same folder once more: what is shipped again does not count again.
  await shipAll(folder, database.usage, accepted, false)
  const requests = accepted.map(({ data }) => data.request)
  expect(new Set(requests).size).toBe(requests.length)
  // Whatever was admitted has an end: also what its caller heard nothing of, or only the beginning.
  const known = new Set(requests)
  expect(admitted.length).toBeGreaterThan(complete.size)
  expect(admitted.filter(id => !known.has(id))).toEqual([])
  expect([...begun].filter(id => !known.has(id))).toEqual([])
  const ends = Map.groupBy(accepted, ({ data }) => data.end)
  expect([...ends.keys()].filter(end => end !== 'done' && end !== 'gateway_lost')).toEqual([])
  const done = new Set(accepted.filter(({ data }) => data.end === 'done').map(({ data }) => data.request))
  expect([...complete].filter(id => !done.has(id))).toEqual([])

  const admin = { role: 'caller', principal: 'system:operator', scopes: ['*'] } as const
  const rows = await database.usage.usage(admin, { by: ['model'] })
  expect(rows.map(row => row.requests)).toEqual([`${requests.length}`])
  const output = BigInt(rows[0]?.tokens.output ?? 0)
  // Each answer that came whole has its three tokens; what was cut has none or what had been counted.
  expect(output).toBeGreaterThanOrEqual(BigInt(complete.size) * 3n)
  expect(requests.length).toBeGreaterThanOrEqual(engine.seen.length)
  await rm(folder, { recursive: true })
}, 60_000)
