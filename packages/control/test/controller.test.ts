// The controller over the real store: failing keys, wakes, fences.
import type { Document } from '@switchyard/kinds'
import {
  type ControllerOptions,
  reconciler,
  startControllers,
  systemClock,
  systemRandom,
} from '@switchyard/runtime'
import { type TestDatabase, testDatabase } from '@switchyard/store/testing'
import { describe, expect, onTestFinished, test } from 'vitest'
import { chat, get, put, statusOf, until } from './yard.ts'

async function begin(): Promise<TestDatabase> {
  const opened = await testDatabase()
  onTestFinished(() => opened[Symbol.asyncDispose]())
  return opened
}

const options = (opened: TestDatabase, more: Partial<ControllerOptions> = {}): ControllerOptions => ({
  store: opened.store,
  leases: opened.leases,
  holder: systemRandom.id(),
  clock: systemClock,
  random: systemRandom,
  ...more,
})

describe('a controller', { timeout: 30_000 }, () => {
  test('leaves a failing key alone for longer and longer while the others finish, and says why', async () => {
    const opened = await begin()
    const { store } = opened
    const runs = new Map<string, number>()
    for (const name of ['bad', ...Array.from({ length: 99 }, (_, at) => `good-${at}`)])
      await put(store, 'Endpoint', name, chat(), 'default')
    let mended = false
    const each = reconciler<Document, boolean>({
      name: 'test',
      kind: 'Endpoint',
      watches: [],
      observe: ({ metadata: { name } }) => {
        runs.set(name, (runs.get(name) ?? 0) + 1)
        return name === 'bad' && !mended
          ? Promise.reject(new Error('The disk is full; make room.'))
          : Promise.resolve(true)
      },
      decide: () => ({ actions: [], status: { conditions: [] } }),
    })
    await using _running = startControllers([each], options(opened, { leaseSeconds: 5 }))
    await until('the good ones are done', async () => {
      const all = await Promise.all(
        Array.from({ length: 99 }, (_, at) => get(store, 'Endpoint', `good-${at}`, 'default')),
      )
      return all.every(found =>
        statusOf(found).conditions?.some(({ type, status }) => type === 'Reconciled' && status === 'True'),
      )
    })
    const reconciled = async () =>
      statusOf(await get(store, 'Endpoint', 'bad', 'default')).conditions?.find(
        ({ type }) => type === 'Reconciled',
      )
    await until('the failure is said', async () => (await reconciled())?.status === 'False')
    expect(await reconciled()).toMatchObject({ reason: 'Error', message: 'The disk is full; make room.' })
    await systemClock.sleep(1500)
    expect(runs.get('bad')).toBeLessThanOrEqual(4)
    const events = await store.events(
      { role: 'control' },
      { object: { kind: 'Endpoint', name: 'bad' }, limit: 10 },
    )
    expect(events).toMatchObject([{ reason: 'ReconcileFailed', type: 'Warning' }])
    mended = true
    await until('it is mended', async () => (await reconciled())?.status === 'True')
  })

  test('of two processes one acts, and the other goes on when it ends', async () => {
    const opened = await begin()
    const acted: string[] = []
    const watching = (who: string) =>
      reconciler<Document, undefined>({
        name: 'test',
        kind: 'Endpoint',
        watches: [],
        observe: () => Promise.resolve(undefined),
        decide: () => {
          acted.push(who)
          return { actions: [] }
        },
      })
    const a = startControllers([watching('a')], options(opened, { leaseSeconds: 2 }))
    await put(opened.store, 'Endpoint', 'one', chat(), 'default')
    await until('a acted', async () => acted.length > 0)
    await using _b = startControllers([watching('b')], options(opened, { leaseSeconds: 2 }))
    await put(opened.store, 'Endpoint', 'two', chat(), 'default')
    await until('a acted again', async () => acted.length > 1)
    expect(new Set(acted)).toEqual(new Set(['a']))
    await a[Symbol.asyncDispose]()
    await until('b acted', async () => acted.includes('b'))
  })

  test('that lost its lease to another changes nothing any more', async () => {
    const opened = await begin()
    const { store, leases } = opened
    await put(store, 'Endpoint', 'chat', chat(), 'default')
    const gate = Promise.withResolvers<void>()
    const inside = Promise.withResolvers<void>()
    const slow = reconciler<Document, undefined>({
      name: 'test',
      kind: 'Endpoint',
      watches: [],
      observe: async () => {
        inside.resolve()
        await gate.promise
        return undefined
      },
      decide: () => ({
        actions: [],
        status: { conditions: [{ type: 'Ready', status: 'True', reason: 'Ready', message: '' }] },
      }),
    })
    const holder = systemRandom.id()
    const failures: unknown[] = []
    await using _running = startControllers(
      [slow],
      options(opened, { holder, observe: said => said.type === 'run_failed' && failures.push(said.error) }),
    )
    await inside.promise
    await leases.release('test', holder)
    expect((await leases.acquire('test', 'another', 60))?.epoch).toBe(2n)
    gate.resolve()
    await until('it was refused', async () => failures.length > 0)
    expect(failures[0]).toMatchObject({ code: 'conflict', reason: 'fenced' })
    expect(statusOf(await get(store, 'Endpoint', 'chat', 'default')).conditions).toBeUndefined()
  })
})
