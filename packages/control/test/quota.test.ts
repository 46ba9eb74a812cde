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
const local = { kind: 'Cluster', name: 'local', workspace: null } as const

const nvidia = { accelerator: 'nvidia', product: 'L4' }

/** What is shared out: how a Quota says it, what each endpoint asks for, and where the status tells of it. */
const things = [
  {
    of: 'replicas',
    asking: {},
    sharing: (share: object) => ({ replicas: share }),
    told: (status: Told) => status,
  },
  {
    of: 'devices',
    asking: { resources: { ...nvidia, devices: 1 } },
    sharing: (share: object) => ({ flavors: [{ ...nvidia, ...share }] }),
    told: (status: Told) => status.flavors?.[0] ?? {},
  },
] as const
type Counts = Readonly<Record<string, number>>
type Told = Counts & { readonly flavors?: readonly Counts[] }

test.skipIf(!linux).each(things)(
  'SV9: 38: a borrower of $of loses what its lender comes to need, the newest first, and nobody drops below nominal',
  { timeout: 90_000 },
  async ({ asking, sharing, told }) => {
    const yard = await makeYard()
    const opened = await testDatabase()
    const { store } = opened
    await furnish(store, yard)
    await change(store, local, { devices: [{ ...nvidia, ids: ['0', '1'] }] })
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
    const quota = (workspace: string, share: object) =>
      put(store, 'Quota', 'q', { cohort: 'lab', ...sharing(share) }, workspace)
    await quota('red', { nominal: 1, borrow: 1 })
    await quota('blue', { nominal: 1, lend: 1 })
    const counts = async (workspace: string) =>
      told((await get(store, 'Quota', 'q', workspace))?.status as Told)
    const ready = async (workspace: string) =>
      statusOf(await get(store, 'Endpoint', 'chat', workspace)).replicas?.ready
    const quotaOk = async (workspace: string) =>
      statusOf(await get(store, 'Endpoint', 'chat', workspace)).conditions?.find(
        ({ type }) => type === 'QuotaOk',
      )

    // Nobody has more than the cohort at any commit, whatever drains meanwhile.
    const before = await store.version({ role: 'control' })
    await put(store, 'Endpoint', 'chat', chat({ replicas: 2, drainSeconds: 1, ...asking }), 'red')
    await until('both of red are ready, one of them borrowed', async () => (await ready('red')) === 2)
    await until(
      'it is told',
      async () => (await counts('red')).borrowed === 1 && (await counts('blue')).lent === 1,
    )

    await put(store, 'Endpoint', 'chat', chat({ drainSeconds: 1, ...asking }), 'blue')
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
