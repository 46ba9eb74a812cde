// What was spent in a period is known to the next process that counts in its own memory.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openMemoryLimiter } from '@switchyard/drivers/limits/memory'
import { nothingUsed, quotaBucket, rateBucket } from '@switchyard/runtime'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { keepingSpent, type SpentObservation } from '../src/limiter-spent.ts'

let folder: string
let path: string
let observed: SpentObservation[]
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spent-'))
  path = join(folder, 'spent.json')
  observed = []
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const start = Date.UTC(2026, 0, 1)
const day = 86_400_000
let now = start
const clock = { now: () => now, monotonic: () => now - start }
const opened = () =>
  keepingSpent(openMemoryLimiter({ clock }), { path, clock, observe: one => observed.push(one) })

const written = () => JSON.parse(readFileSync(path, 'utf8')) as { readonly spent: readonly unknown[] } // by itself

const purse = quotaBucket({
  key: 'key/k/money/USD/day/1',
  level: 'key',
  dimension: 'money',
  limit: 100n,
  resetsAtMs: start + day,
  currency: 'USD',
})
const rate = rateBucket({
  key: 'key/k/requests',
  level: 'key',
  dimension: 'requests',
  limit: 1,
  windowMs: day,
})
const costing = (money: bigint) => ({ ...nothingUsed, requests: 1, money: { USD: money } })

test('what was spent is booked by the next process, and no rate is', async () => {
  now = start
  const first = await opened()
  const verdict = first.admit({ id: 'a', buckets: [purse, rate], amounts: costing(90n) })
  if (verdict.type !== 'admitted') throw new Error('there was room')
  first.settle(verdict, costing(60n))
  await vi.waitFor(() => expect(written().spent).toMatchObject([{ spent: 60 }]), {
    timeout: 10_000,
  })
  // As if it had been killed: a second one reads what the first has written by now.
  const second = await opened()
  const over = second.admit({ id: 'b', buckets: [purse, rate], amounts: costing(41n) })
  expect(over).toMatchObject({ type: 'refused', dimension: 'money' })
  expect(second.admit({ id: 'c', buckets: [purse, rate], amounts: costing(40n) })).toMatchObject({
    type: 'admitted',
  })
  await second[Symbol.asyncDispose]()
  expect(written().spent).toMatchObject([{ spent: 100, limit: 100, currency: 'USD' }])
  await first[Symbol.asyncDispose]()
  expect(observed).toEqual([])
})

test('a period that has ended is not booked', async () => {
  now = start
  const first = await opened()
  first.admit({ id: 'a', buckets: [purse], amounts: costing(90n) })
  await first[Symbol.asyncDispose]()
  now = start + day
  const second = await opened()
  expect(second.spent()).toEqual([])
  await second[Symbol.asyncDispose]()
})

test('without limits of money there is no file', async () => {
  now = start
  const limiter = await opened()
  limiter.admit({ id: 'a', buckets: [rate], amounts: costing(0n) })
  await limiter[Symbol.asyncDispose]()
  expect(() => readFileSync(path)).toThrow(/ENOENT/)
})

test('a file that cannot be read is told of, and is no reason not to start', async () => {
  writeFileSync(path, '{"version":1,"spent":[{"key":"k"}]}')
  const limiter = await opened()
  expect(observed).toMatchObject([{ type: 'spent_not_read', path }])
  expect(limiter.spent()).toEqual([])
  await limiter[Symbol.asyncDispose]()
})
