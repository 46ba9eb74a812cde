// Replicas that were borrowed go back to who lent them, drained and one by one, over the real store and real processes.
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

test.skipIf(!linux)(
  'SV9: a borrower loses what its lender comes to need, the newest first, and nobody drops below nominal',
  { timeout: 90_000 },
  async () => {
    const yard = await makeYard()
    const opened = await testDatabase()
    const { store } = opened
    await furnish(store, yard)
    await put(store, 'Workspace', 'red', {})
    await put(store, 'Workspace', 'blue', {})
    const running = await runControl(yard, opened)
    onTestFinished(async () => {
      await running[Symbol.asyncDispose]()
      for (const { pid } of await processTable('linux').ofInstallation(yard.installation))
        process.kill(pid, 'SIGKILL')
      await opened[Symbol.asyncDispose]()
      await removeYard(yard)
    })
    const quota = (workspace: string, replicas: object) =>
      put(store, 'Quota', 'q', { cohort: 'lab', replicas }, workspace)
    await quota('red', { nominal: 1, borrow: 1 })
    await quota('blue', { nominal: 1, lend: 1 })
    const counts = async (workspace: string) =>
      (await get(store, 'Quota', 'q', workspace))?.status as Readonly<Record<string, number>>
    const ready = async (workspace: string) =>
      statusOf(await get(store, 'Endpoint', 'chat', workspace)).replicas?.ready
    const quotaOk = async (workspace: string) =>
      statusOf(await get(store, 'Endpoint', 'chat', workspace)).conditions?.find(
        ({ type }) => type === 'QuotaOk',
      )

    // Nobody has more than the cohort at any commit, whatever drains meanwhile.
    const before = await store.version({ role: 'control' })
    await put(store, 'Endpoint', 'chat', chat({ replicas: 2, drainSeconds: 1 }), 'red')
    await until('both of red are ready, one of them borrowed', async () => (await ready('red')) === 2)
    await until(
      'it is told',
      async () => (await counts('red')).borrowed === 1 && (await counts('blue')).lent === 1,
    )

    await put(store, 'Endpoint', 'chat', chat({ drainSeconds: 1 }), 'blue')
    await until('blue has its own', async () => (await ready('blue')) === 1)
    const left = (await list(store, 'Replica')).filter(({ metadata }) => metadata.workspace === 'red')
    expect(left.map(({ metadata }) => metadata.name)).toEqual(['chat-1-0'])
    expect(await ready('red')).toBe(1)
    expect(await quotaOk('red')).toMatchObject({ status: 'False', reason: 'Exceeded' })
    await until('nothing is borrowed', async () => (await counts('red')).borrowed === 0)
    expect(await counts('blue')).toMatchObject({ used: 1, lent: 0, limit: 1 })

    await change(store, { kind: 'Endpoint', name: 'chat', workspace: 'blue' }, { paused: true })
    await until('red borrows again', async () => (await ready('red')) === 2)
    await until('and is within', async () => (await quotaOk('red'))?.status === 'True')

    const { changes } = await store.changes({ role: 'control' }, before, 10_000, ['Replica'])
    const there = new Map<string, Document>()
    for (const { type, document } of changes) {
      const gone = type === 'DELETED' || statusOf(document).state === 'Stopped'
      if (gone) there.delete(document.metadata.id)
      else there.set(document.metadata.id, document)
      expect(there.size).toBeLessThanOrEqual(2)
    }
  },
)
