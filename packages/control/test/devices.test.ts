// Devices over the real store and real processes. A person declares them, as for hardware that is not discovered: what
// is proved is who is given which, not that anything computes on them.
import { readFile } from 'node:fs/promises'
import type { Document } from '@switchyard/kinds'
import { testDatabase } from '@switchyard/store/testing'
import { expect, onTestFinished, test } from 'vitest'
import { processTable } from '../../drivers/src/orchestrators/process/table.ts'
import {
  change,
  chat,
  furnish,
  get,
  list,
  makeYard,
  put,
  removeYard,
  runControl,
  statusOf,
  until,
} from './yard.ts'

const linux = process.platform === 'linux'
const local = { kind: 'Cluster', name: 'local', workspace: null } as const
const key = (name: string) => ({ kind: 'Endpoint', name, workspace: 'default' }) as const
const needs = (devices: number) => ({
  resources: { accelerator: 'nvidia', product: 'L4', devices },
  drainSeconds: 1,
})

/** A test reads what control has written. */
const assigned = ({ spec }: Document) =>
  (spec as { assignment?: { devices?: readonly string[] } }).assignment?.devices ?? []

test.skipIf(!linux)(
  'SV4: a replica has devices of its own, which nobody else is given until it has ended, also over a restart',
  { timeout: 120_000 },
  async () => {
    const yard = await makeYard()
    const opened = await testDatabase()
    const { store } = opened
    await furnish(store, yard)
    const processes = () => processTable('linux').ofInstallation(yard.installation)
    let running = await runControl(yard, opened)
    onTestFinished(async () => {
      await running[Symbol.asyncDispose]()
      for (const { pid } of await processes()) process.kill(pid, 'SIGKILL')
      await opened[Symbol.asyncDispose]()
      await removeYard(yard)
    })
    const devices = async () =>
      (await get(store, 'Cluster', 'local'))?.status as {
        readonly devices?: { readonly capacity: number; readonly reserved: number; readonly free: number }
      }
    const placed = async (name: string) =>
      statusOf(await get(store, 'Endpoint', name, 'default')).conditions?.find(
        ({ type }) => type === 'Placed',
      )
    const ready = async (name: string) =>
      statusOf(await get(store, 'Endpoint', name, 'default')).replicas?.ready
    /** What each engine was told, by the variable of its vendor. */
    const seen = async () => {
      const all = await Promise.all(
        (await processes()).map(async ({ pid }) => {
          const variables = (await readFile(`/proc/${pid}/environ`, 'utf8')).split('\0')
          return variables.find(each => each.startsWith('CUDA_VISIBLE_DEVICES='))?.split('=')[1]
        }),
      )
      return all.map(String).toSorted()
    }

    await until('the cluster tells that it has none', async () => (await devices()).devices?.capacity === 0)
    await put(store, 'Endpoint', 'one', chat(needs(2)), 'default')
    await until('it is told so', async () => (await placed('one'))?.reason === 'Accelerator')
    expect((await placed('one'))?.message).toContain(
      'each needs 2 of nvidia L4, and cluster platform/local has none at all',
    )
    expect(await list(store, 'Replica')).toEqual([])

    const before = await store.version({ role: 'control' })
    const declared = [{ accelerator: 'nvidia', product: 'L4', memory: '24Gi', ids: ['0', '1', '2'] }]
    await change(store, local, { devices: declared })
    await until('it is placed when there are some', async () => (await ready('one')) === 1)
    await put(store, 'Endpoint', 'two', chat({ ...needs(1), replicas: 2 }), 'default')
    await until('one of two is placed', async () => (await ready('two')) === 1)
    await until('the other waits', async () => (await placed('two'))?.reason === 'TooFewDevices')
    expect((await placed('two'))?.message).toContain('has 3 of nvidia L4 (0 free)')
    expect(await seen()).toEqual(['0,1', '2'])
    await until('it is shown', async () => (await devices()).devices?.free === 0)
    expect((await devices()).devices).toMatchObject({ capacity: 3, reserved: 3 })

    await running[Symbol.asyncDispose]()
    running = await runControl(yard, opened)
    await until('control is at work again', async () => (await placed('two'))?.reason === 'TooFewDevices')
    expect(await seen()).toEqual(['0,1', '2'])

    await change(store, key('one'), { paused: true })
    await until('what was released is given on', async () => (await ready('two')) === 2)
    await until('and is told', async () => (await devices()).devices?.free === 1)
    expect((await placed('two'))?.status).toBe('True')
    expect((await seen())[1]).toBe('2')

    // By the log of commits: nobody ever had what another had.
    const held = new Map<string, string>()
    const { changes } = await store.changes({ role: 'control' }, before, 10_000, ['Replica'])
    for (const { type, document } of changes) {
      const { id } = document.metadata
      const gone = type === 'DELETED' || statusOf(document).state === 'Stopped'
      for (const device of assigned(document))
        if (gone) held.delete(device)
        else {
          expect(held.get(device) ?? id).toBe(id)
          held.set(device, id)
        }
    }
    expect(held.size).toBe(2)
  },
)

test.skipIf(!linux)(
  'SV4: endpoints that are made at once share out what there is',
  { timeout: 90_000 },
  async () => {
    const yard = await makeYard()
    const opened = await testDatabase()
    const { store } = opened
    await furnish(store, yard)
    const ids = Array.from({ length: 5 }, (_, index) => `GPU-${index}`)
    await change(store, local, { devices: [{ accelerator: 'nvidia', product: 'L4', ids }] })
    await using running = await runControl(yard, opened, { workers: 8 })
    onTestFinished(async () => {
      for (const { pid } of await processTable('linux').ofInstallation(yard.installation))
        process.kill(pid, 'SIGKILL')
      await opened[Symbol.asyncDispose]()
      await removeYard(yard)
    })
    const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
    await Promise.all(names.map(name => put(store, 'Endpoint', name, chat(needs(1)), 'default')))
    await until('five of seven have one', async () => (await list(store, 'Replica')).length === 5, 60)
    const reasons = async () => {
      const endpoints = (await list(store, 'Endpoint')).map(statusOf)
      return endpoints.map(({ conditions }) => conditions?.find(({ type }) => type === 'Placed')?.reason)
    }
    await until(
      'two wait',
      async () => (await reasons()).filter(each => each === 'TooFewDevices').length === 2,
      60,
    )
    const given = (await list(store, 'Replica')).flatMap(assigned)
    expect(given.toSorted()).toEqual(ids)
    for (const { conditions } of (await list(store, 'Endpoint')).map(statusOf))
      expect(conditions?.find(({ type }) => type === 'Reconciled')?.status).not.toBe('False')
    void running
  },
)
