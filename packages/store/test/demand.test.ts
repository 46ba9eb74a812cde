// When endpoints were last asked for, over real connections.
import type { Document } from '@switchyard/kinds'
import type { Demand } from '@switchyard/runtime'
import { type TestDatabase, testDatabase } from '@switchyard/store/testing'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { document, operator, put } from './given.ts'

let db: TestDatabase
let demand: Demand
let eyes: Client
beforeAll(async () => {
  db = await testDatabase()
  demand = db.demand
  eyes = new Client({ connectionString: db.url, options: '-c search_path=switchyard' })
  await eyes.connect()
  for (const workspace of ['red', 'blue']) await put(db.store, document('Workspace', null, workspace))
})
afterAll(async () => {
  await eyes.end()
  await db.close()
})

/** Moves what was marked into the past. */
const age = (seconds: number) =>
  eyes.query('update demand set wanted_at = wanted_at - make_interval(secs => $1)', [seconds])

const later = (endpoint: Document): Document => ({
  ...endpoint,
  metadata: { ...endpoint.metadata, generation: endpoint.metadata.generation + 1 },
})

test('an endpoint is quiet since it was made, its spec was changed or it was asked for', async () => {
  const endpoint = document('Endpoint', 'red', 'chat')
  expect(await demand.quiet(endpoint)).toBe(0)
  await age(100)
  const quiet = await demand.quiet(endpoint)
  expect(quiet).toBeGreaterThanOrEqual(100_000)
  expect(quiet).toBeLessThan(200_000)
  await demand.mark([{ workspace: 'red', name: 'chat' }])
  expect(await demand.quiet(endpoint)).toBeLessThan(60_000)
  await age(100)
  expect(await demand.quiet(later(endpoint))).toBe(0)
  await age(100)
  // One of the same name that was made anew is not quiet for as long as the one before it.
  expect(await demand.quiet(document('Endpoint', 'red', 'chat'))).toBe(0)
})

test('a mark counts also when it comes before control has looked', async () => {
  const endpoint = document('Endpoint', 'red', 'early')
  await demand.mark([{ workspace: 'red', name: 'early' }])
  await age(100)
  expect(await demand.quiet(endpoint)).toBe(0)
})

test('marks are followed, of every workspace, and none is missed', async () => {
  const { wanted: none, through } = await demand.since(undefined)
  expect(none).toEqual([])
  const chat = { workspace: 'red', name: 'chat' }
  const other = { workspace: 'blue', name: 'other' }
  await demand.mark([chat, other, chat])
  const { wanted, through: next } = await demand.since(through)
  expect(wanted).toEqual(expect.arrayContaining([chat, other]))
  await age(100)
  expect((await demand.since(next)).wanted).toEqual([])
})

test('whoever follows the store is woken by a mark', async () => {
  const { signal } = new AbortController()
  await db.store.wake(100, signal)
  const woken = db.store.wake(20_000, signal)
  const began = performance.now()
  await new Promise(resolve => setTimeout(resolve, 300))
  await demand.mark([{ workspace: 'red', name: 'chat' }])
  await woken
  expect(performance.now() - began).toBeLessThan(15_000)
})

test('two gateways that mark the same endpoints in other orders do not wait for each other', async () => {
  const names = Array.from({ length: 20 }, (_, i) => ({ workspace: 'red', name: `e${i}` }))
  await Promise.all(
    Array.from({ length: 40 }, (_, i) => demand.mark(i % 2 === 0 ? names : names.toReversed())),
  )
})

test('what is said of endpoints that are gone is dropped', async () => {
  const stands = await put(db.store, document('Endpoint', 'blue', 'stands'))
  const goes = await put(db.store, document('Endpoint', 'blue', 'goes'))
  await demand.mark(['stands', 'goes'].map(name => ({ workspace: 'blue', name })))
  await demand.quiet(stands)
  await age(100)
  await db.store.write(operator, tx => tx.remove(goes))
  await db.prune()
  const { rows } = await eyes.query<{ endpoint: string }>(
    "select endpoint from demand where workspace = 'blue' order by 1",
  )
  expect(rows.map(({ endpoint }) => endpoint)).toEqual(['stands'])
  expect(await demand.quiet(stands)).toBeGreaterThan(99_000)
})
