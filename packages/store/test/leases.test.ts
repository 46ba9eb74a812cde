// Leases: one holder at a time, a new epoch for each, and no write by an old one.

import { setTimeout as sleep } from 'node:timers/promises'
import { type TestDatabase, testDatabase } from '@switchyard/store/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { control, document } from './given.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await testDatabase()
})
afterAll(() => db.close())

const replica = (name: string) => document('Replica', 'red', name)

test('a lease is taken, renewed in its epoch, refused to others, and taken anew after release or lapse', async () => {
  const { leases } = db
  expect(await leases.acquire('a', 'one', 10)).toEqual({ lease: 'a', epoch: 1n })
  expect(await leases.acquire('a', 'one', 10)).toEqual({ lease: 'a', epoch: 1n })
  expect(await leases.acquire('a', 'two', 10)).toBeUndefined()
  await leases.release('a', 'two') // not the holder: nothing happens
  expect(await leases.acquire('a', 'two', 10)).toBeUndefined()
  await leases.release('a', 'one')
  expect(await leases.acquire('a', 'two', 0.05)).toEqual({ lease: 'a', epoch: 2n })
  await sleep(80)
  expect(await leases.acquire('a', 'two', 10)).toEqual({ lease: 'a', epoch: 3n })
})

test('twenty at once: one holder', async () => {
  const taken = await Promise.all(
    Array.from({ length: 20 }, (_, n) => db.leases.acquire('b', `holder-${n}`, 10)),
  )
  expect(taken.filter(fence => fence !== undefined)).toEqual([{ lease: 'b', epoch: 1n }])
})

test('a paused holder that wakes after its lease changed writes nothing', async () => {
  const old = await db.leases.acquire('c', 'one', 0.05)
  if (!old) throw new Error('the lease was free')
  await db.store.write(control, tx => tx.insert(replica('first'), []), { fence: old })
  await sleep(80)
  const now = await db.leases.acquire('c', 'two', 10)
  if (!now) throw new Error('the lease had lapsed')
  const late = db.store.write(control, tx => tx.insert(replica('late'), []), { fence: old })
  await expect(late).rejects.toMatchObject({ code: 'conflict', reason: 'fenced' })
  await db.store.write(control, tx => tx.insert(replica('second'), []), { fence: now })
  const { items } = await db.store.read(control, tx => tx.list({ kind: 'Replica' }))
  expect(items.map(({ metadata }) => metadata.name)).toEqual(['first', 'second'])
})

test('a lease does not change hands while a fenced write is under way', async () => {
  const mine = await db.leases.acquire('d', 'one', 0.05)
  if (!mine) throw new Error('the lease was free')
  let other: Promise<unknown> | undefined
  let early = true
  await db.store.write(
    control,
    async tx => {
      await tx.insert(replica('held'), [])
      await sleep(80)
      other = db.leases.acquire('d', 'two', 10).then(fence => {
        expect(early).toBe(false)
        return fence
      })
      await sleep(50)
      early = false
    },
    { fence: mine },
  )
  expect(await other).toEqual({ lease: 'd', epoch: 2n })
})
