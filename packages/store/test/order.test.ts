// Whoever has seen version n never later meets a commit with a version <= n, however commits race.
import { setTimeout as sleep } from 'node:timers/promises'
import { type TestDatabase, testDatabase } from '@switchyard/store/testing'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { caller, control, document, operator, put } from './given.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await testDatabase({ connections: 40 })
})
afterAll(() => db.close())

const writers = 32
const perWriter = 8
let runs = 0

/** Reads on from a version until told to stop, forgetting all but the version now and then. */
async function tail(from: string, limit: number, done: () => boolean, signal: AbortSignal) {
  const seen: string[] = []
  let at = from
  for (;;) {
    const ending = done()
    const { changes, through } = await db.store.changes(control, at, limit)
    for (const change of changes) {
      expect(BigInt(change.version)).toBeGreaterThan(BigInt(at))
      at = change.version
      seen.push(`${change.type} ${change.document.metadata.name} ${String(change.version)}`)
    }
    expect(BigInt(through)).toBeGreaterThanOrEqual(BigInt(at))
    at = through
    if (changes.length === 0) {
      if (ending) return seen
      await db.store.wake(50, signal)
    }
  }
}

test('32 writers that pause before they commit, and readers cut and resumed: nothing is missed, twice or out of order', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(12), { minLength: writers * perWriter, maxLength: writers * perWriter }),
      fc.integer({ min: 1, max: 50 }),
      async (pauses, limit) => {
        const run = ++runs
        const from = await db.store.version(control)
        const committed: string[] = []
        let finished = false
        const stop = new AbortController()
        const readers = [limit, 1000].map(size => tail(from, size, () => finished, stop.signal))
        await Promise.all(
          Array.from({ length: writers }, async (_, writer) => {
            for (let n = 0; n < perWriter; n++) {
              const pause = pauses[writer * perWriter + n] ?? 0
              const { documents } = await db.store.write(operator, async tx => {
                await tx.insert(document('Project', 'red', `p-${run}-${writer}-${n}`), [])
                // Some write two documents, so that one commit holds several versions.
                if (pause % 3 === 0)
                  await tx.insert(document('Project', 'blue', `q-${run}-${writer}-${n}`), [])
                await sleep(pause)
              })
              for (const { metadata } of documents.values())
                committed.push(`ADDED ${metadata.name} ${metadata.resourceVersion}`)
            }
          }),
        )
        finished = true
        const inOrder = (a: string, b: string) =>
          Number(BigInt(a.split(' ')[2] ?? 0) - BigInt(b.split(' ')[2] ?? 0))
        committed.sort(inOrder)
        for (const seen of await Promise.all(readers)) expect(seen).toEqual(committed)
        stop.abort()
      },
    ),
    { numRuns: 4, endOnFailure: true },
  )
}, 120_000)

test('a list and the changes after its version are together the whole truth', async () => {
  let writing = true
  const writes = (async () => {
    for (let n = 0; writing; n++) await put(db.store, document('Workspace', null, `w-${n}`))
  })()
  await sleep(20)
  for (let round = 0; round < 20; round++) {
    const page = await db.store.read(operator, tx => tx.list({ kind: 'Workspace' }))
    const names = new Set(page.items.map(({ metadata }) => metadata.name))
    await sleep(5)
    const { changes, through } = await db.store.changes(operator, page.version, 10_000, ['Workspace'])
    for (const change of changes) names.add(change.document.metadata.name)
    const later = await db.store.read(operator, tx => tx.list({ kind: 'Workspace' }))
    const upTo = later.items.filter(({ metadata }) => BigInt(metadata.resourceVersion) <= BigInt(through))
    expect(upTo.every(({ metadata }) => names.has(metadata.name))).toBe(true)
  }
  writing = false
  await writes
})

test('a waiter is woken by a commit, by its signal, and by time', async () => {
  const { signal } = new AbortController()
  await db.store.wake(10, signal) // the listener connects with the first wait
  await sleep(200)
  await db.store.wake(1, signal)
  const began = performance.now()
  const woken = db.store.wake(10_000, signal)
  await put(db.store, document('Project', 'red', 'wakes'))
  await woken
  expect(performance.now() - began).toBeLessThan(5000)

  const stop = new AbortController()
  const cut = db.store.wake(10_000, stop.signal)
  stop.abort()
  await cut
  await db.store.wake(20, signal)
})

test('a commit between reading and waiting is not slept over', async () => {
  const { signal } = new AbortController()
  await db.store.wake(1, signal)
  await put(db.store, document('Project', 'red', 'between'))
  await sleep(100)
  const began = performance.now()
  await db.store.wake(10_000, signal)
  expect(performance.now() - began).toBeLessThan(1000)
})

test('the listener comes back after its connection was cut', async () => {
  const lost: string[] = []
  await using other = await testDatabase({ observe: ({ type }) => lost.push(type) })
  const { signal } = new AbortController()
  await other.store.wake(300, signal)
  await other.store.write(control, () => Promise.resolve())
  const { Client } = await import('pg')
  const client = new Client({ connectionString: other.url })
  await client.connect()
  await client.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'switchyard-listener' and datname = current_database()",
  )
  await client.end()
  // Coming back wakes everyone: something may have been missed.
  await other.store.wake(10_000, signal)
  await sleep(50)
  const woken = other.store.wake(10_000, signal)
  const began = performance.now()
  await put(other.store, document('Project', 'red', 'p'))
  await woken
  expect(performance.now() - began).toBeLessThan(5000)
  expect(lost).toContain('listener_back')
})

test('a caller without any right sees an empty log and may still go on from it', async () => {
  const { changes, through } = await db.store.changes(caller('stranger'), '0', 100)
  expect(changes).toEqual([])
  expect(through).toBe(await db.store.version(control))
})
