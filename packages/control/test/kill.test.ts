// kill -9 of control at random moments: it converges, and no engine runs that nobody owns.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { systemClock } from '@switchyard/runtime'
import { testDatabase } from '@switchyard/store/testing'
import { expect, onTestFinished, test } from 'vitest'
import { processTable } from '../../drivers/src/orchestrators/process/table.ts'
import {
  change,
  chat,
  furnish,
  list,
  makeYard,
  put,
  removeYard,
  replicasOf,
  statusOf,
  tinyEngine,
  until,
} from './yard.ts'

const program = fileURLToPath(new URL('./control.child.ts', import.meta.url))
/** Printed, so that a failure can be run again. */
const seed = Number(process.env.KILL_SEED ?? Date.now() % 100_000)

function seeded(state: number) {
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

test.skipIf(process.platform !== 'linux')(
  `control killed at random moments converges (KILL_SEED=${seed})`,
  { timeout: 120_000 },
  async () => {
    const random = seeded(seed)
    const yard = await makeYard()
    const opened = await testDatabase()
    const { store } = opened
    await furnish(store, yard)
    const engines = () => processTable('linux').ofInstallation(yard.installation)
    const said: string[] = []
    const start = () => {
      const child = spawn(
        process.execPath,
        [program, opened.url, yard.directory, yard.installation, tinyEngine],
        { stdio: ['ignore', 'pipe', 'pipe'] },
      )
      child.stderr.on('data', (text: Buffer) => said.push(text.toString()))
      return child
    }
    let running = start()
    onTestFinished(async () => {
      running.kill('SIGKILL')
      for (const { pid } of await engines()) process.kill(pid, 'SIGKILL')
      await opened[Symbol.asyncDispose]()
      await removeYard(yard)
    })

    const names = ['a', 'b']
    let kills = 0
    const key = (name: string) => ({ kind: 'Endpoint', name, workspace: 'default' })
    for (const name of names) await put(store, 'Endpoint', name, chat({ drainSeconds: 1 }), 'default')
    for (const end = Date.now() + 35_000; Date.now() < end; ) {
      if (random() < 0.8) await once(running.stdout, 'data')
      await systemClock.sleep(random() * 1800)
      const name = names[Math.floor(random() * names.length)] ?? 'a'
      const patches = [
        { replicas: Math.floor(random() * 3) },
        { paused: random() < 0.3 },
        { context: { sequences: 1 + Math.floor(random() * 3) } },
      ]
      await change(store, key(name), patches[Math.floor(random() * patches.length)] ?? {})
      await systemClock.sleep(random() * 600)
      running.kill('SIGKILL')
      kills += 1
      await once(running, 'exit')
      if (random() < 0.3) for (const { pid } of (await engines()).slice(0, 1)) process.kill(pid, 'SIGKILL')
      running = start()
    }

    for (const name of names) await change(store, key(name), { paused: false, replicas: 2 })
    await until(
      'both endpoints ready with two replicas',
      async () => {
        const endpoints = await list(store, 'Endpoint')
        return endpoints.every(
          each => statusOf(each).phase === 'Ready' && statusOf(each).replicas?.ready === 2,
        )
      },
      45,
    ).catch(async error => {
      throw new Error(
        `${String(error)}\n${JSON.stringify((await list(store, 'Endpoint')).map(statusOf), null, 1)}\n${said.slice(-20).join('')}`,
      )
    })
    await until('four engines and four replicas, each its own', async () => {
      const [found, replicas] = [await engines(), await replicasOf(store)]
      return (
        found.length === 4 &&
        replicas.length === 4 &&
        new Set(replicas.map(({ status }) => status.address)).size === 4
      )
    })
    for (const name of names) await change(store, key(name), 'delete')
    await until('everything gone', async () => (await list(store, 'Endpoint')).length === 0)
    expect(await engines()).toEqual([])
    expect([...(await list(store, 'Replica')), ...(await list(store, 'Revision'))]).toEqual([])
    expect(kills).toBeGreaterThan(5)
    // Two hands at one document, or a moved lease, are expected; anything else is a mistake.
    expect(
      said
        .join('')
        .split('\n')
        .filter(
          line =>
            line !== '' &&
            !/lease|taken|changed meanwhile|has changed|being removed|connection|terminat/i.test(line),
        ),
    ).toEqual([])
  },
)
