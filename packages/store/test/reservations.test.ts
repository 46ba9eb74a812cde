// Devices are held by one replica at a time, however many are placed at once, and their holders are facts.
import type { Document } from '@switchyard/kinds'
import { openStore } from '@switchyard/store'
import { type TestDatabase, testDatabase } from '@switchyard/store/testing'
import { Client } from 'pg'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { agent, control, deleted, document, put } from './given.ts'

let db: TestDatabase
beforeEach(async () => {
  db = await testDatabase({ connections: 16 })
  for (const name of ['red', 'blue']) await put(db.store, document('Workspace', null, name))
  const cluster = document('Cluster', null, 'local', { type: 'local', share: 'all' })
  const status = { capacity: { cpus: 4, memoryBytes: 100 } }
  const made = await put(db.store, cluster)
  await db.store.write(agent, tx => tx.update({ ...made, status }, null))
})
afterEach(() => db.close())

let made = 0
const on = { nodes: ['local'], accelerator: 'nvidia', product: 'L4' }
function replica(workspace: string, assignment: object, store = db.store): Promise<Document> {
  const spec = { endpoint: 'e', cluster: 'platform/local', assignment }
  return put(store, document('Replica', workspace, `r${++made}`, spec), [], control)
}
const refused = (message: string) => ({
  code: 'conflict',
  reason: 'reserved',
  message: expect.stringContaining(message) as string,
})
const status = (given: Document, state: string) =>
  db.store.write(agent, tx => tx.update({ ...given, status: { state } }, null))

async function facts() {
  await using stack = new AsyncDisposableStack()
  const eyes = new Client({ connectionString: db.url, options: '-c search_path=switchyard' })
  await eyes.connect()
  stack.defer(() => eyes.end())
  const { rows } = await eyes.query<{
    workspace: string
    replica: string
    device: string
    held: boolean
    seconds: string
  }>(
    `select workspace, replica, device, until is null as held, extract(epoch from coalesce(until, clock_timestamp()) - since) as seconds
     from held_devices order by since, device`,
  )
  return rows
}

test('SV4: a device is held from when its replica is placed until it is gone, whoever asks meanwhile', async () => {
  const first = await replica('red', { ...on, devices: ['0', '1'] })
  await expect(replica('blue', { ...on, devices: ['1', '2'] })).rejects.toMatchObject(
    refused('has been given to another'),
  )
  expect((await db.reservations.on('local')).devices).toHaveLength(2)
  const { documents } = await status(first, 'Draining')
  await expect(replica('blue', { ...on, devices: ['1'] })).rejects.toMatchObject(refused('given to another'))
  await status(documents.get(first.metadata.id) as Document, 'Stopped')
  const second = await replica('blue', { ...on, devices: ['1'] })
  await db.store.write(control, tx => tx.remove(second))
  expect(await db.reservations.on('local')).toEqual({ devices: [], memoryBytes: 0 })
  // Devices of another vendor and of another machine are others, whatever they are called.
  await replica('red', { ...on, devices: ['0'] })
  await replica('red', { ...on, accelerator: 'amd', devices: ['0'] })
  await replica('red', { ...on, nodes: ['elsewhere'], devices: ['0'] })
  const told = await facts()
  expect(told.map(({ workspace, device, held }) => [workspace, device, held])).toEqual([
    ['red', '0', false],
    ['red', '1', false],
    ['blue', '1', false],
    ['red', '0', true],
    ['red', '0', true],
    ['red', '0', true],
  ])
  for (const { seconds } of told) expect(Number(seconds)).toBeGreaterThanOrEqual(0)
})

test('SV4: a deleted replica holds its devices until it was seen to be gone', async () => {
  const going = await replica('red', { ...on, devices: ['0'] })
  await db.store.write(control, tx => tx.update(deleted(going), null))
  await expect(replica('red', { ...on, devices: ['0'] })).rejects.toMatchObject(refused('given to another'))
})

test('SV4: memory of a machine is set aside for no more than it has', async () => {
  await replica('red', { nodes: ['local'], memoryBytes: 60 })
  await expect(replica('red', { nodes: ['local'], memoryBytes: 41 })).rejects.toMatchObject(
    refused('The memory that replica'),
  )
  await replica('blue', { nodes: ['local'], memoryBytes: 40 })
  expect((await db.reservations.on('local')).memoryBytes).toBe(100)
})

test('SV4: 34: a thousand reservations by many writers over two pools give no device twice', async () => {
  await using other = openStore({ url: db.url, connections: 16 })
  const stores = [db.store, other.store]
  let seed = 7
  const chance = (below: number) => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((seed / 2 ** 32) * below)
  }
  const before = await db.store.version(control)
  let kept = 0
  let lost = 0
  const writer = async (number: number) => {
    const store = stores[number % 2] ?? db.store
    const workspace = number % 3 === 0 ? 'red' : 'blue'
    const own: Document[] = []
    for (let step = 0; step < 60; step++) {
      const leaving = own.length > 0 && chance(3) === 0 ? own.shift() : undefined
      if (leaving) {
        await store.write(control, tx => tx.remove(leaving))
        continue
      }
      const from = chance(10)
      const devices = Array.from({ length: 1 + chance(3) }, (_, index) => String((from + index) % 12))
      try {
        own.push(await replica(workspace, { ...on, devices }, store))
        kept++
      } catch (error) {
        expect(error).toMatchObject(refused('given to another'))
        lost++
      }
    }
  }
  await Promise.all(Array.from({ length: 18 }, (_, number) => writer(number)))
  expect(kept).toBeGreaterThan(50)
  expect(lost).toBeGreaterThan(100)
  // By the log of commits, reckoned anew.
  const held = new Map<string, string>()
  const { changes } = await db.store.changes(control, before, 10_000)
  for (const { type, document: at } of changes) {
    if (at.kind !== 'Replica') continue
    const { devices } = (at.spec as { assignment: { devices: string[] } }).assignment
    for (const device of devices)
      if (type === 'DELETED') held.delete(device)
      else {
        expect(held.get(device) ?? at.metadata.id, device).toBe(at.metadata.id)
        held.set(device, at.metadata.id)
      }
  }
  const { devices } = await db.reservations.on('local')
  expect(devices.map(({ id }) => id).toSorted()).toEqual([...held.keys()].toSorted())
}, 60_000)
