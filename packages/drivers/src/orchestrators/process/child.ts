// One replica as a process group: started, adopted, probed, stopped. Its owner decides which of these.
//
//   (none) ─start─▶ starting ─200─▶ running ─exit─▶ exited ─start─▶ starting …
//                      └────────────── exit ──────────┘
import { spawn } from 'node:child_process'
import { open } from 'node:fs/promises'
import {
  canonical,
  type ObservedReplica,
  samples,
  signalOf,
  timestamp,
  type Workload,
} from '@switchyard/runtime'
import { logOf, rotate, tailOf, turnLog } from './log.ts'
import type { Settings } from './options.ts'
import { ask } from './probe.ts'
import type { Exit, State, StateFiles } from './state.ts'
import { marks, type ProcessTable } from './table.ts'

export interface Yard {
  readonly settings: Settings
  readonly files: StateFiles
  readonly table: ProcessTable
  readonly signal: AbortSignal
  readonly changed: () => void
}

export class Child {
  readonly #yard: Yard
  #state: State
  /** Since the first probe of this life was answered or failed; before that nothing is known. */
  #probed = false
  #ready = false
  #failing: { count: number; since: string } | undefined
  #progress: ObservedReplica['progress']
  #stopBy: number | undefined
  #stopping: Promise<void> | undefined
  #ended: Promise<void> = Promise.resolve()
  #recording: Promise<void> | undefined
  #saving: Promise<void> = Promise.resolve()

  constructor(state: State, yard: Yard) {
    this.#state = state
    this.#yard = yard
  }

  get state(): State {
    return this.#state
  }
  get alive(): boolean {
    return this.#state.exit === undefined
  }
  /** No stop is under way any more. */
  async stopped(): Promise<void> {
    await this.#stopping
  }

  /** What to look for in its metrics; kept, because an adopted child is scraped before it is applied. */
  async follow(signals: Workload['signals']): Promise<void> {
    if (signals && canonical(signals) !== canonical(this.#state.signals ?? null)) await this.take({ signals })
  }

  async take(change: Partial<State>): Promise<void> {
    this.#state = { ...this.#state, ...change }
    await this.#save()
  }

  /** Writes what is so now, after what was so before. */
  #save(beginning = false): Promise<void> {
    const { files, signal } = this.#yard
    const write = async () => {
      // Once we are disposed of, or another hand began a life with another token, the file is not ours.
      if (signal.aborted) return
      const state = this.#state
      if (beginning || (await files.read(state.replica))?.token === state.token) await files.write(state)
    }
    this.#saving = this.#saving.then(write, write)
    return this.#saving
  }

  /** Nothing is being written any more; for the end of the driver. */
  async settled(): Promise<void> {
    await Promise.allSettled([this.#saving, this.#recording])
  }

  /** Begins a life: the state with its token is on disk before the process is born. */
  async start(
    command: readonly string[],
    env: Readonly<Record<string, string>>,
    state: State,
  ): Promise<void> {
    const { files, settings, table, signal } = this.#yard
    const folder = files.folder(state.replica)
    await this.#recording // the end of the life before is written first
    this.#forget()
    const { process: _process, exit: _exit, readyAt: _readyAt, ...fresh } = state
    this.#state = fresh
    await this.#save(true)
    await turnLog(folder)
    const [program = '', ...argv] = command
    await using log = await open(logOf(folder), 'a', 0o600)
    const child = spawn(program, argv, {
      cwd: folder,
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
      env: { ...env, [marks.installation]: state.installation, [marks.token]: state.token },
    })
    const born = Promise.withResolvers<Error | undefined>()
    const ended = Promise.withResolvers<void>()
    this.#ended = ended.promise
    child.once('spawn', () => born.resolve(undefined))
    child.once('error', error => born.resolve(error))
    child.once('exit', (code, sign) => {
      // A word about an earlier life says nothing of this one.
      const mine = this.#state.token === state.token
      const told = mine && !signal.aborted ? this.#exited({ code, signal: sign }) : Promise.resolve()
      void told
        .catch(error =>
          settings.observe({ type: 'process_error', what: `the end of ${state.replica}`, error }),
        )
        .finally(ended.resolve)
    })
    const failed = await born.promise
    if (failed || child.pid === undefined) {
      ended.resolve()
      await this.#exited({
        code: null,
        signal: null,
        reason: 'EngineAbsent',
        said: sentenceOf(program, failed),
      })
      return
    }
    child.unref()
    const start = await table.start(child.pid)
    settings.observe({ type: 'engine_started', replica: state.replica, pid: child.pid, port: state.port })
    // Gone already: the exit that was heard is what counts.
    if (start !== undefined && this.alive) await this.take({ process: { pid: child.pid, start } })
    if (this.alive) void this.#watch(signal, false)
  }

  /** Records that it could not even be tried. */
  async refuse(state: State, reason: string, said: string): Promise<void> {
    await this.#recording
    this.#forget()
    this.#state = state
    await this.#save(true)
    await this.#exited({ code: null, signal: null, reason, said })
  }

  /** Takes over a process that an earlier life of ours began. */
  async adopt(pid: number, start: string): Promise<void> {
    await this.take({ process: { pid, start } })
    const { settings, signal } = this.#yard
    settings.observe({ type: 'engine_adopted', replica: this.#state.replica, pid })
    void this.#watch(signal, true)
  }

  /** It is gone and nobody saw how. */
  lost(): Promise<void> {
    return this.#exited({ code: null, signal: null })
  }

  /** SIGTERM to the group, then SIGKILL after the grace; a second call can only shorten it. Resolves when it is gone. */
  stop(graceSeconds: number): Promise<void> {
    const by = this.#yard.settings.clock.monotonic() + graceSeconds * 1000
    this.#stopBy = Math.min(this.#stopBy ?? by, by)
    this.#stopping ??= this.#stop().finally(() => {
      this.#stopping = undefined
      this.#stopBy = undefined
    })
    return this.#stopping
  }

  observed(): ObservedReplica {
    const state = this.#state
    const { readyAt, exit, exits, port } = state
    const running = readyAt !== undefined && this.#probed
    const base = {
      id: state.replica,
      workload: state.workload,
      epoch: BigInt(state.epoch),
      address: `127.0.0.1:${port}`,
      port,
      ready: this.#ready,
      restarts: state.restarts,
      startedAt: state.startedAt,
      exits,
    }
    if (exit) return { ...base, state: 'exited', ready: false, exit }
    return {
      ...base,
      state: running ? 'running' : readyAt === undefined ? 'starting' : 'unknown',
      ...(this.#failing && { failing: this.#failing }),
      ...(this.#progress && { progress: this.#progress }),
    }
  }

  #forget(): void {
    this.#probed = false
    this.#ready = false
    this.#failing = undefined
    this.#progress = undefined
    this.#recording = undefined
  }

  async #stop(): Promise<void> {
    const { clock } = this.#yard.settings
    if (!this.alive) return
    await this.#signalGroup('SIGTERM')
    await this.#signalGroup('SIGCONT') // a stopped process hears nothing until it goes on
    while (this.alive && !this.#yard.signal.aborted) {
      if (clock.monotonic() >= (this.#stopBy ?? 0)) await this.#signalGroup('SIGKILL')
      await Promise.race([clock.sleep(50), this.#recording ?? clock.sleep(50)])
      if (this.alive && !(await this.#isThere())) await (this.#recording ?? this.#exitedSoon())
    }
  }

  /** The exit event of our own child comes a moment after /proc has forgotten it. */
  async #exitedSoon(): Promise<void> {
    await Promise.race([this.#ended, this.#yard.settings.clock.sleep(500)])
    if (this.alive) await this.#exited({ code: null, signal: null })
  }

  async #isThere(): Promise<boolean> {
    const { process: known, token } = this.#state
    if (!known) return false
    const { table } = this.#yard
    return (await table.start(known.pid)) === known.start && (await table.carries(known.pid, token)) !== false
  }

  /** Only while the leader is provably ours: a reused number is a stranger. */
  async #signalGroup(name: NodeJS.Signals): Promise<void> {
    const pid = this.#state.process?.pid
    if (pid !== undefined && (await this.#isThere())) signalProcess(-pid, name)
  }

  #exited(how: {
    code: number | null
    signal: string | null
    reason?: string
    said?: string
  }): Promise<void> {
    this.#recording ??= this.#record(how)
    return this.#recording
  }

  async #record(how: {
    code: number | null
    signal: string | null
    reason?: string
    said?: string
  }): Promise<void> {
    const { settings, files, table, changed } = this.#yard
    const { replica, token, installation } = this.#state
    const at = timestamp(settings.clock.now())
    const log = how.said === undefined ? await tailOf(logOf(files.folder(replica)), 100) : [how.said]
    const exit: Exit = {
      code: how.code,
      signal: how.signal,
      log,
      at,
      ...(how.reason && { reason: how.reason }),
    }
    const { process: _, ...rest } = this.#state
    this.#state = { ...rest, exit, exits: [...rest.exits, at].slice(-10) }
    this.#ready = false
    this.#progress = undefined
    await this.#save()
    settings.observe({ type: 'engine_exited', replica, code: how.code, signal: how.signal })
    // Its own children may have outlived it.
    for (const stray of await table.ofInstallation(installation))
      if (stray.token === token) signalProcess(stray.pid, 'SIGKILL')
    changed()
  }

  async #watch(signal: AbortSignal, adopted: boolean): Promise<void> {
    const { settings, files, changed } = this.#yard
    const { clock } = settings
    const { token, port, replica, probes } = this.#state
    const mine = () => this.#state.token === token && this.alive && !signal.aborted
    try {
      for (let turn = 0; mine(); turn++) {
        if (adopted && !(await this.#isThere())) return await this.lost()
        const answer = await ask(port, probes.alive, settings.probeTimeoutMs, signal)
        if (!mine()) return
        await this.#heard(answer?.status === 200)
        if (this.#ready && probes.metrics !== undefined)
          await this.#scrape(port, probes.metrics, signal, mine)
        if (turn % 16 === 15) await rotate(files.folder(replica), settings.logBytes)
        await clock.sleep(this.#ready ? settings.readyProbeMs : settings.startingProbeMs, signal)
      }
    } catch (error) {
      settings.observe({ type: 'process_error', what: `watching ${replica}`, error })
      changed()
      if (mine()) {
        await clock.sleep(1000, signal)
        void this.#watch(signal, adopted)
      }
    }
  }

  async #heard(good: boolean): Promise<void> {
    const { settings, changed } = this.#yard
    const at = timestamp(settings.clock.now())
    const before = { ready: this.#ready, failing: this.#failing?.count ?? 0, probed: this.#probed }
    this.#ready = good
    if (good) {
      this.#failing = undefined
      if (this.#state.readyAt === undefined) await this.take({ readyAt: at })
    } else if (this.#state.readyAt !== undefined)
      this.#failing = { count: before.failing + 1, since: this.#failing?.since ?? at }
    this.#probed = true
    if (before.ready !== good || before.failing !== (this.#failing?.count ?? 0) || !before.probed) changed()
  }

  async #scrape(port: number, path: string, signal: AbortSignal, mine: () => boolean): Promise<void> {
    const { signals } = this.#state
    if (!signals || signals.length === 0) return
    const { settings } = this.#yard
    const answer = await ask(port, path, settings.scrapeTimeoutMs, signal)
    if (!mine()) return
    const found = answer?.status === 200 ? samples(answer.body) : undefined
    const value = (name: string) => (found ? signalOf(name, signals, found) : undefined)
    const [counter, running, waiting] = [value('progress'), value('running'), value('waiting')]
    const known = counter !== undefined && running !== undefined
    const wasBusy = isBusy(this.#progress)
    // What is missing is unknown, never 0.
    this.#progress = known
      ? { counter, running, waiting: waiting ?? 0, at: timestamp(settings.clock.now()) }
      : undefined
    if (isBusy(this.#progress) !== wasBusy) this.#yard.changed()
  }
}

const isBusy = (progress: ObservedReplica['progress']) => progress && progress.running + progress.waiting > 0

/** A process that has ended meanwhile needs no signal. */
export function signalProcess(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

function sentenceOf(program: string, error: Error | undefined): string {
  const code = error && 'code' in error ? error.code : undefined
  if (code === 'ENOENT')
    return `There is no program ${program} on this machine; install it, or name the engine version builtin.`
  if (code === 'EACCES') return `The program ${program} may not be executed; allow it with chmod +x.`
  return `The program ${program} could not be started: ${error?.message ?? 'unknown cause'}.`
}
