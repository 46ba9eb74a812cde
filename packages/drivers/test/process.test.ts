// The process orchestrator passes the suite of all orchestrators, and what only processes can get wrong.
import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { conformance, type Subject } from '@switchyard/drivers/orchestrators/conformance'
import { openProcesses, type ProcessOptions } from '@switchyard/drivers/orchestrators/process'
import { systemClock, systemRandom, type Workload } from '@switchyard/runtime'
import { describe, expect, onTestFinished, test } from 'vitest'
import { marks, processTable } from '../src/orchestrators/process/table.ts'

const tiny = fileURLToPath(new URL('./tiny-engine.ts', import.meta.url))
const table = processTable('linux')
const never = new AbortController().signal
const fence = { epoch: 1n }

async function bench(options: Partial<ProcessOptions> = {}) {
  const directory = await mkdtemp(join(tmpdir(), 'processes-'))
  const installation = systemRandom.id()
  const given: ProcessOptions = {
    directory,
    installation,
    builtin: [process.execPath, tiny],
    environment: { PATH: process.env.PATH ?? '', HOME: tmpdir(), LANG: 'C.UTF-8' },
    clock: systemClock,
    random: systemRandom,
    startingProbeMs: 50,
    readyProbeMs: 100,
    probeTimeoutMs: 500,
    ...options,
  }
  const mine = () => table.ofInstallation(installation)
  onTestFinished(async () => {
    for (const { pid } of await mine()) process.kill(pid, 'SIGKILL')
    await rm(directory, { recursive: true, force: true, maxRetries: 3 })
  })
  const subject: Subject = {
    open: () => openProcesses(given),
    abandon: async hand => hand[Symbol.asyncDispose](),
    workload: (id, argv, replicas) => workload(id, argv, replicas),
    kill: async ({ port }) => {
      const state = (await states(directory)).find(each => each.port === port)
      if (state?.process) process.kill(state.process.pid, 'SIGKILL')
    },
    living: async () => (await mine()).length,
    id: () => systemRandom.id(),
  }
  return { directory, installation, given, subject, mine }
}

function workload(id: string, argv: readonly string[], replicas: Workload['replicas']): Workload {
  return {
    id,
    workspace: 'default',
    endpoint: 'chat',
    revision: 1,
    binary: 'builtin',
    argv: ['--host', '{host}', '--port', '{port}', ...argv],
    env: {},
    probes: { alive: '/health', metrics: '/metrics' },
    signals: [
      { signal: 'progress', metric: 'llamacpp:tokens_predicted_total' },
      { signal: 'running', metric: 'llamacpp:requests_processing' },
    ],
    graceSeconds: 5,
    replicas,
  }
}

interface StateFile {
  readonly replica: string
  readonly token: string
  readonly port: number
  readonly process?: { readonly pid: number; readonly start: string }
}

async function states(directory: string): Promise<readonly StateFile[]> {
  const { readdir } = await import('node:fs/promises')
  const names = await readdir(join(directory, 'replicas'))
  // A test reads what the driver under test has written.
  return Promise.all(
    names.map(
      async name =>
        JSON.parse(await readFile(join(directory, 'replicas', name, 'state.json'), 'utf8')) as StateFile,
    ),
  )
}

async function until<T>(probe: () => Promise<T | undefined | false>): Promise<T> {
  for (const end = Date.now() + 15_000; Date.now() < end; await systemClock.sleep(30)) {
    const found = await probe()
    if (found !== undefined && found !== false) return found
  }
  throw new Error('never came')
}

describe.skipIf(process.platform !== 'linux')('the suite of all orchestrators', () => {
  for (const each of conformance)
    test(each.name, { timeout: 30_000 }, async () => each.run((await bench()).subject))
})

describe.skipIf(process.platform !== 'linux')('processes', () => {
  test('a child whose number was never written down is adopted by its token', async () => {
    const { subject, directory, mine } = await bench()
    const [work, id] = [subject.id(), subject.id()]
    const first = await subject.open()
    await first.apply(workload(work, [], [{ id, ordinal: 0 }]), fence, never)
    await until(async () => (await first.observe(never)).replicas[0]?.ready)
    await subject.abandon(first)
    const file = join(directory, 'replicas', id, 'state.json')
    const { process: born, ...rest } = JSON.parse(await readFile(file, 'utf8')) as StateFile
    await writeFile(file, JSON.stringify(rest))
    await using second = await subject.open()
    expect((await states(directory))[0]?.process).toEqual(born)
    await until(async () => (await second.observe(never)).replicas[0]?.ready)
    expect(await mine()).toHaveLength(1)
  })

  test('a child that no state knows is ended, and one of another installation is not', async () => {
    const { subject, installation, given } = await bench()
    const run = (mark: string) => {
      const child = spawn(process.execPath, ['-e', 'setInterval(()=>{},1000)'], {
        stdio: 'ignore',
        detached: true,
        env: { [marks.installation]: mark, [marks.token]: 'unknown' },
      })
      onTestFinished(() => void child.kill('SIGKILL'))
      return child
    }
    const ours = run(installation)
    const theirs = run(`${given.installation}-other`)
    await until(
      async () =>
        (await table.carries(theirs.pid ?? 0, 'unknown')) && (await table.carries(ours.pid ?? 0, 'unknown')),
    )
    const ended = new Promise(resolve => ours.once('exit', (_, signal) => resolve(signal)))
    await using _hand = await subject.open()
    expect(await ended).toBe('SIGKILL')
    expect(theirs.exitCode ?? theirs.signalCode).toBeNull()
  })

  test('a stranger that has the number of a dead child is not touched', async () => {
    const { subject, directory } = await bench()
    const [work, id] = [subject.id(), subject.id()]
    const first = await subject.open()
    await first.apply(workload(work, [], [{ id, ordinal: 0 }]), fence, never)
    const observed = await until(async () => {
      const [replica] = (await first.observe(never)).replicas
      return replica?.ready ? replica : undefined
    })
    await subject.abandon(first)
    await subject.kill(observed)
    const stranger = spawn(process.execPath, ['-e', 'setInterval(()=>{},1000)'], {
      stdio: 'ignore',
      detached: true,
      env: {},
    })
    onTestFinished(() => void stranger.kill('SIGKILL'))
    const file = join(directory, 'replicas', id, 'state.json')
    const state = JSON.parse(await readFile(file, 'utf8')) as StateFile
    // Even the start time may coincide: the token cannot.
    const start = await until(() => table.start(stranger.pid ?? 0))
    await writeFile(file, JSON.stringify({ ...state, process: { pid: stranger.pid, start } }))
    await using second = await subject.open()
    expect((await second.observe(never)).replicas[0]?.state).toBe('exited')
    expect(await second.remove(work, { graceSeconds: 0 }, fence, never)).toBe('removed')
    expect(stranger.exitCode ?? stranger.signalCode).toBeNull()
    expect(await table.start(stranger.pid ?? 0)).toBe(start)
  })

  test('a child sees a small environment and no secret of ours on its command line', async () => {
    const { subject, directory } = await bench()
    const [work, id] = [subject.id(), subject.id()]
    await using hand = await subject.open()
    await hand.apply(
      { ...workload(work, [], [{ id, ordinal: 0 }]), env: { HF_TOKEN: 'canary' } },
      fence,
      never,
    )
    await until(async () => (await hand.observe(never)).replicas[0]?.ready)
    const lines = await Array.fromAsync(hand.logs({ replica: id }, { tail: 10, follow: false }, never))
    const env: unknown = JSON.parse(lines.find(({ text }) => text.startsWith('env '))?.text.slice(4) ?? '{}')
    expect(Object.keys(env ?? {}).sort()).toEqual(
      [
        'CUDA_VISIBLE_DEVICES',
        'HF_TOKEN',
        'HOME',
        'LANG',
        'PATH',
        'ROCR_VISIBLE_DEVICES',
        marks.installation,
        marks.token,
      ].sort(),
    )
    expect(JSON.stringify(await states(directory))).not.toContain('canary')
    expect(lines.find(({ text }) => text.startsWith('argv '))?.text).not.toContain('canary')
  })

  test('a state that cannot be read costs its process, not the start', async () => {
    const { subject, directory, mine } = await bench()
    const [work, id] = [subject.id(), subject.id()]
    const first = await subject.open()
    await first.apply(workload(work, [], [{ id, ordinal: 0 }]), fence, never)
    await subject.abandon(first)
    await writeFile(join(directory, 'replicas', id, 'state.json'), '{"half')
    await using second = await subject.open()
    await until(async () => (await mine()).length === 0)
    await second.apply(workload(work, [], [{ id, ordinal: 0 }]), fence, never)
    await until(async () => (await second.observe(never)).replicas[0]?.ready)
  })

  test('a hand that was overtaken neither writes over nor ends what the newer hand started', async () => {
    const { subject, mine, given } = await bench({ sweepMs: 100 })
    const [work, id] = [subject.id(), subject.id()]
    const wanted = workload(work, [], [{ id, ordinal: 0 }])
    await using older = await subject.open()
    await older.apply(wanted, { epoch: 1n }, never)
    const before = await until(async () => (await older.observe(never)).replicas.find(({ ready }) => ready))
    await using newer = await openProcesses(given)
    await newer.apply({ ...wanted, replicas: [{ id, ordinal: 0, doomed: true }] }, { epoch: 2n }, never)
    await until(async () => (await newer.observe(never)).replicas[0]?.exit)
    await newer.apply(wanted, { epoch: 2n }, never)
    const after = await until(async () => (await newer.observe(never)).replicas.find(({ ready }) => ready))
    expect(after.startedAt).not.toBe(before.startedAt)
    await systemClock.sleep(2500) // the older hand sweeps meanwhile, more than once
    expect(await mine()).toHaveLength(1)
    await expect(older.apply(wanted, { epoch: 1n }, never)).rejects.toMatchObject({ reason: 'fenced' })
    expect((await newer.observe(never)).replicas[0]).toMatchObject({ ready: true, restarts: 1 })
  })

  test('a program that is not installed is EngineAbsent, in a sentence', async () => {
    const { subject } = await bench()
    const [work, id] = [subject.id(), subject.id()]
    await using hand = await subject.open()
    await hand.apply({ ...workload(work, [], [{ id, ordinal: 0 }]), binary: 'no-such-engine' }, fence, never)
    const [replica] = (await hand.observe(never)).replicas
    expect(replica?.exit).toMatchObject({
      reason: 'EngineAbsent',
      log: [
        'There is no program no-such-engine on this machine; install it, or name the engine version builtin.',
      ],
    })
  })

  test('a hung child fails its probes, is counted, and ends when it is doomed', async () => {
    const { subject, mine } = await bench()
    const [work, id] = [subject.id(), subject.id()]
    await using hand = await subject.open()
    await hand.apply(workload(work, [], [{ id, ordinal: 0 }]), fence, never)
    await until(async () => (await hand.observe(never)).replicas[0]?.ready)
    const [{ pid } = { pid: 0 }] = await mine()
    process.kill(pid, 'SIGSTOP')
    await until(async () => ((await hand.observe(never)).replicas[0]?.failing?.count ?? 0) >= 3)
    expect((await hand.observe(never)).replicas[0]).toMatchObject({ ready: false, state: 'running' })
    await hand.apply(workload(work, [], [{ id, ordinal: 0, doomed: true, graceSeconds: 1 }]), fence, never)
    await until(async () => (await hand.observe(never)).replicas[0]?.exit)
    expect(await mine()).toHaveLength(0)
  })

  test('work under way and its counter are read from the metrics that the signals name', async () => {
    const { subject } = await bench()
    const [work, id] = [subject.id(), subject.id()]
    await using hand = await subject.open()
    await hand.apply(workload(work, ['--progress', '--running', '2'], [{ id, ordinal: 0 }]), fence, never)
    const first = await until(async () => (await hand.observe(never)).replicas[0]?.progress)
    expect(first).toMatchObject({ running: 2, waiting: 0 })
    await until(async () => ((await hand.observe(never)).replicas[0]?.progress?.counter ?? 0) > first.counter)
  })

  test('changes wake whoever listens', async () => {
    const { subject } = await bench()
    await using hand = await subject.open()
    const heard = (async () => {
      for await (const _ of hand.hints?.(never) ?? []) return true
    })()
    await hand.apply(workload(subject.id(), [], [{ id: subject.id(), ordinal: 0 }]), fence, never)
    expect(await heard).toBe(true)
  })

  test('ending the installation stops every child', async () => {
    const { given, mine } = await bench()
    await using hand = await openProcesses(given)
    for (const id of [systemRandom.id(), systemRandom.id()])
      await hand.apply(workload(id, [], [{ id: systemRandom.id(), ordinal: 0 }]), fence, never)
    expect(await mine()).toHaveLength(2)
    await hand.endAll(2)
    expect(await mine()).toHaveLength(0)
  })
})
