// The life of an endpoint over the real store and real processes.
import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock } from '@switchyard/runtime'
import { testDatabase } from '@switchyard/store/testing'
import { describe, expect, onTestFinished, test } from 'vitest'
import { processTable } from '../../drivers/src/orchestrators/process/table.ts'
import {
  change,
  chat,
  chatKey,
  furnish,
  get,
  list,
  makeYard,
  put,
  removeYard,
  replicasOf,
  runControl,
  statusOf,
  until,
  untilPhase,
} from './yard.ts'

async function begin() {
  const yard = await makeYard()
  const opened = await testDatabase()
  await furnish(opened.store, yard)
  const errors: unknown[] = []
  const running = await runControl(yard, opened, {
    observe: said => {
      if (said.type === 'run_failed' || said.type === 'tail_failed') errors.push(said)
    },
  })
  const mine = () => processTable('linux').ofInstallation(yard.installation)
  onTestFinished(async () => {
    await running[Symbol.asyncDispose]()
    for (const { pid } of await mine()) process.kill(pid, 'SIGKILL')
    await opened[Symbol.asyncDispose]()
    await removeYard(yard)
  })
  const { store } = opened
  return { store, yard, running, mine, errors, opened }
}

describe.skipIf(process.platform !== 'linux')('an endpoint', { timeout: 60_000 }, () => {
  test('becomes ready, scales, pauses, resumes and is deleted without a trace', async () => {
    const { store, mine, errors } = await begin()
    await put(store, 'Endpoint', 'chat', chat(), 'default')
    await untilPhase(store, 'Ready')
    expect(statusOf(await get(store, 'Cluster', 'local')).phase).toBe('Ready')
    expect(statusOf(await get(store, 'Model', 'tiny')).phase).toBe('Ready')
    expect(statusOf(await get(store, 'ModelRegistry', 'files')).phase).toBe('Connected')
    const [first] = await replicasOf(store)
    expect(first?.status).toMatchObject({ state: 'Ready', restarts: 0 })
    expect(await (await fetch(`http://${first?.status.address}/health`)).json()).toEqual({ status: 'ok' })

    await change(store, chatKey, { replicas: 3 })
    await until(
      'three',
      async () => statusOf(await get(store, 'Endpoint', 'chat', 'default')).replicas?.ready === 3,
    )
    await change(store, chatKey, { replicas: 1 })
    await until(
      'one again',
      async () => (await mine()).length === 1 && (await list(store, 'Replica')).length === 1,
    )
    expect((await replicasOf(store))[0]?.metadata.id).toBe(first?.metadata.id)

    await change(store, chatKey, { paused: true })
    await until(
      'no process',
      async () => (await mine()).length === 0 && (await list(store, 'Replica')).length === 0,
    )
    await untilPhase(store, 'Paused')
    await change(store, chatKey, { paused: false })
    await untilPhase(store, 'Ready')
    expect((await list(store, 'Revision')).length).toBe(1)

    await change(store, chatKey, 'delete')
    await until('gone', async () => (await get(store, 'Endpoint', 'chat', 'default')) === undefined)
    expect(await mine()).toEqual([])
    expect([...(await list(store, 'Replica')), ...(await list(store, 'Revision'))]).toEqual([])
    expect(errors).toEqual([])
  })

  test('sleeps when nobody asks for it, and many who ask at once wake it once', async () => {
    const { store, mine, errors, opened } = await begin()
    await put(store, 'Endpoint', 'chat', chat({ idleSeconds: 10, replicas: 2 }), 'default')
    await untilPhase(store, 'Ready')
    const ask = () => opened.demand.mark([{ workspace: 'default', name: 'chat' }])
    // Whoever asks keeps it awake.
    for (let second = 0; second < 12; second += 3) {
      await ask()
      await systemClock.sleep(3000)
      expect((await replicasOf(store)).filter(({ spec }) => spec.drain)).toEqual([])
    }
    await untilPhase(store, 'Idle')
    await until(
      'no process',
      async () => (await mine()).length === 0 && (await list(store, 'Replica')).length === 0,
    )

    await Promise.all(Array.from({ length: 50 }, ask))
    // It is ready with the first of them.
    await untilPhase(store, 'Ready')
    const ready = async () =>
      (await replicasOf(store)).filter(({ status }) => status.state === 'Ready').length
    await until('two ready replicas', async () => (await ready()) === 2)
    const replicas = await replicasOf(store)
    expect(replicas.map(({ status }) => [status.state, status.restarts])).toEqual([
      ['Ready', 0],
      ['Ready', 0],
    ])
    expect(await mine()).toHaveLength(2)
    expect((await list(store, 'Revision')).length).toBe(1)
    expect(errors).toEqual([])
  })

  test('is updated by a new revision that is ready before the old one leaves, and back to the old number', async () => {
    const { store } = await begin()
    await put(store, 'Endpoint', 'chat', chat(), 'default')
    await untilPhase(store, 'Ready')
    let fewest = 1
    const count = async () => {
      const ready = (await replicasOf(store)).filter(
        ({ spec, status }) => status.state === 'Ready' && !spec.drain,
      )
      fewest = Math.min(fewest, ready.length)
    }
    const watched = new AbortController()
    const watching = (async () => {
      while (!watched.signal.aborted) {
        await count()
        await systemClock.sleep(20, watched.signal)
      }
    })()
    const active = (number: number) =>
      until(`revision ${number}`, async () => {
        const status = statusOf(await get(store, 'Endpoint', 'chat', 'default'))
        return status.revisions?.active === number && (await list(store, 'Replica')).length === 1
      })
    await change(store, chatKey, { context: { sequences: 2 } })
    await active(2)
    await change(store, chatKey, { context: { sequences: 4 } })
    await active(1)
    watched.abort()
    await watching
    expect(fewest).toBe(1)
    expect((await list(store, 'Revision')).map(({ status }) => (status as { phase?: string }).phase)).toEqual(
      ['Active', 'Retired'],
    )
  })

  test('keeps serving with the old revision when the new one cannot start, and says why', async () => {
    const { store } = await begin()
    await put(store, 'Endpoint', 'chat', chat(), 'default')
    await untilPhase(store, 'Ready')
    await change(store, chatKey, { extraArgs: ['--say', 'error: unknown argument --wrong', '--exit', '2'] })
    await untilPhase(store, 'Degraded')
    const status = statusOf(await get(store, 'Endpoint', 'chat', 'default'))
    expect(status.revisions).toMatchObject({ active: 1, desired: 2 })
    expect(status.conditions?.find(({ type }) => type === 'Progressing')).toMatchObject({
      status: 'False',
      reason: 'BadArguments',
    })
    expect((await replicasOf(store)).find(({ spec }) => spec.revision === 1)?.status.state).toBe('Ready')
    await change(store, chatKey, { extraArgs: [] })
    await untilPhase(store, 'Ready')
    await until('the failed one gone', async () => (await list(store, 'Replica')).length === 1)
  })

  test('whose model file is missing waits, and starts when the file comes', async () => {
    const { store, yard } = await begin()
    const file = join(yard.directory, 'tiny.gguf')
    await rename(file, `${file}.away`)
    await put(store, 'Model', 'late', { source: { registry: 'platform/files', path: 'tiny.gguf' } })
    await put(store, 'Endpoint', 'chat', chat({ model: { name: 'platform/late' } }), 'default')
    await untilPhase(store, 'Failed')
    const status = statusOf(await get(store, 'Endpoint', 'chat', 'default'))
    expect(status.conditions?.find(({ type }) => type === 'Resolved')).toMatchObject({
      reason: 'ModelInvalid',
    })
    await rename(`${file}.away`, file)
    await change(store, { kind: 'Model', name: 'late', workspace: null }, { license: 'MIT' }) // looked at now, not in 30 s
    await untilPhase(store, 'Ready')
  })

  test('whose engine is killed is ready again with a restart counted', async () => {
    const { store, mine } = await begin()
    await put(store, 'Endpoint', 'chat', chat(), 'default')
    await untilPhase(store, 'Ready')
    const [{ pid } = { pid: 0 }] = await mine()
    process.kill(pid, 'SIGKILL')
    await until('restarted', async () => {
      const [replica] = await replicasOf(store)
      return replica?.status.state === 'Ready' && replica.status.restarts === 1
    })
    await untilPhase(store, 'Ready')
  })

  test('whose engine hangs is replaced', async () => {
    const { store, mine } = await begin()
    await put(
      store,
      'Endpoint',
      'chat',
      chat({ probes: { stallSeconds: 2, generationSeconds: 60 } }),
      'default',
    )
    await untilPhase(store, 'Ready')
    const [{ pid } = { pid: 0 }] = await mine()
    process.kill(pid, 'SIGSTOP')
    await until('failed', async () => (await replicasOf(store))[0]?.status.failure?.reason === 'Stalled')
    await until('replaced', async () => {
      const [replica] = await replicasOf(store)
      return replica?.status.state === 'Ready' && replica.status.restarts === 1
    })
    expect((await mine()).map(found => found.pid)).not.toContain(pid)
  })

  test('whose engine works and moves nothing is replaced, and one that is slow is not', async () => {
    const { store } = await begin()
    const probes = { stallSeconds: 2, generationSeconds: 60 }
    await put(store, 'Endpoint', 'stuck', chat({ probes, extraArgs: ['--running', '1'] }), 'default')
    await put(
      store,
      'Endpoint',
      'slow',
      chat({ probes, extraArgs: ['--running', '1', '--progress'] }),
      'default',
    )
    await until('the stuck one replaced', async () =>
      (await replicasOf(store)).some(
        ({ metadata, status }) => metadata.name.startsWith('stuck') && (status.restarts ?? 0) >= 1,
      ),
    )
    const slow = (await replicasOf(store)).find(({ metadata }) => metadata.name.startsWith('slow'))
    expect(slow?.status).toMatchObject({ state: 'Ready', restarts: 0 })
  })

  test('whose engine answers its health and generates nothing is replaced', async () => {
    const { store } = await begin()
    const probes = { stallSeconds: 60, generationSeconds: 1 }
    await put(store, 'Endpoint', 'chat', chat({ probes, extraArgs: ['--mute'] }), 'default')
    await until(
      'suspect, then failed',
      async () => (await replicasOf(store))[0]?.status.failure?.reason === 'Stalled',
    )
  })

  test('goes on while control is away, and the next control adopts the same process', async () => {
    const { store, mine, running, yard, opened } = await begin()
    await put(store, 'Endpoint', 'chat', chat(), 'default')
    await untilPhase(store, 'Ready')
    const before = (await mine())[0]?.pid
    await running[Symbol.asyncDispose]()
    expect((await mine())[0]?.pid).toBe(before)
    const states: (string | undefined)[] = []
    await using again = await runControl(yard, opened)
    const [replica] = (await again.orchestrator.observe(new AbortController().signal)).replicas
    expect(replica?.startedAt).toBeDefined()
    await until('adopted and ready', async () => {
      states.push((await replicasOf(store))[0]?.status.state)
      return (await again.orchestrator.observe(new AbortController().signal)).replicas[0]?.ready
    })
    expect(new Set(states)).toEqual(new Set(['Ready']))
    expect((await mine())[0]?.pid).toBe(before)
  })
})
