// Runs replicas as processes of this machine. They outlive the server; the next one adopts them.
import { createHash } from 'node:crypto'
import { availableParallelism, totalmem } from 'node:os'
import { visibility } from '@switchyard/catalog'
import { Fault } from '@switchyard/kinds'
import {
  type Capabilities,
  canonical,
  type Fencing,
  type LogLine,
  type Observed,
  type Orchestrator,
  openScope,
  type Scope,
  timestamp,
  type Workload,
  type WorkloadReplica,
} from '@switchyard/runtime'
import { Child, signalProcess, type Yard } from './child.ts'
import { findDevices } from './devices.ts'
import { readLog } from './log.ts'
import { complete, type ProcessOptions, type Settings } from './options.ts'
import { freePort } from './port.ts'
import { type State, StateFiles } from './state.ts'
import { type ProcessTable, processTable } from './table.ts'

export interface Processes extends Orchestrator, AsyncDisposable {
  /** Stops every replica of this installation, for when the installation itself goes down. */
  endAll(graceSeconds: number): Promise<void>
}

/** Adopts what runs, ends what nobody recorded. Disposing leaves the replicas running. */
export async function openProcesses(options: ProcessOptions): Promise<Processes> {
  const opened = new ProcessOrchestrator(complete(options))
  await opened.open()
  return opened
}

class ProcessOrchestrator implements Processes {
  readonly #settings: Settings
  readonly #files: StateFiles
  readonly #table: ProcessTable = processTable(process.platform)
  readonly #scope: Scope = openScope()
  readonly #yard: Yard
  readonly #children = new Map<string, Child>()
  readonly #locks = new Map<string, Promise<unknown>>()
  readonly #ports = new Set<number>()
  readonly #waiting = new Set<() => void>()
  #devices: { readonly at: number; readonly found: ReturnType<typeof findDevices> } | undefined

  constructor(settings: Settings) {
    this.#settings = settings
    this.#files = new StateFiles(settings.directory, (replica, error) =>
      settings.observe({ type: 'process_error', what: `the state of ${replica}`, error }),
    )
    const changed = () => {
      for (const wake of this.#waiting) wake()
    }
    this.#yard = { settings, files: this.#files, table: this.#table, signal: this.#scope.signal, changed }
  }

  async open(): Promise<void> {
    await this.#files.open()
    for (const state of await this.#files.all())
      if (state.installation === this.#settings.installation) await this.#take(state)
    await this.#sweep()
    this.#scope.spawn(async signal => {
      // Soon again: a child caught between its birth and its environment shows only a moment later.
      for (let wait = 2000; !signal.aborted; wait = this.#settings.sweepMs) {
        await this.#settings.clock.sleep(wait, signal)
        if (!signal.aborted) await this.#sweep()
      }
    })
  }

  async capabilities(): Promise<Capabilities> {
    const { clock, devices, environment, devicesMs } = this.#settings
    const now = clock.monotonic()
    if (!this.#devices || now - this.#devices.at >= devicesMs)
      this.#devices = { at: now, found: findDevices({ root: '/', path: environment.PATH ?? '', ...devices }) }
    return {
      binding: 'exact',
      version: `process ${process.platform}`,
      cpus: availableParallelism(),
      memoryBytes: totalmem(),
      node: 'local',
      devices: await this.#devices.found,
    }
  }

  apply(work: Workload, fence: Fencing, signal: AbortSignal): Promise<void> {
    return this.#locked(work.id, async () => {
      const template = templateOf(work)
      const present = await this.#ofWorkload(work.id, fence)
      if (present.some(({ state }) => state.template !== template))
        throw new Fault(
          'invalid',
          'The template of a workload never changes under one id; make a new revision.',
          {
            reason: 'template_changed',
          },
        )
      const listed = new Map(work.replicas.map(replica => [replica.id, replica]))
      for (const child of present) {
        const replica = listed.get(child.state.replica)
        if (child.alive) await child.follow(work.signals)
        if (!replica) this.#background(this.#end(child, work.graceSeconds))
        else if (replica.doomed && child.alive)
          this.#background(child.stop(replica.graceSeconds ?? work.graceSeconds))
      }
      for (const replica of work.replicas) {
        signal.throwIfAborted()
        if (!replica.doomed) await this.#want(work, replica, template, fence)
      }
    })
  }

  observe(): Promise<Observed> {
    const replicas = [...this.#children.values()].map(child => child.observed())
    return Promise.resolve({ complete: true, at: timestamp(this.#settings.clock.now()), replicas })
  }

  async *hints(signal: AbortSignal): AsyncIterable<void> {
    const whole = AbortSignal.any([signal, this.#scope.signal])
    while (!whole.aborted) {
      await new Promise<void>(resolve => {
        const wake = () => {
          this.#waiting.delete(wake)
          whole.removeEventListener('abort', wake)
          resolve()
        }
        this.#waiting.add(wake)
        whole.addEventListener('abort', wake, { once: true })
        if (whole.aborted) wake()
      })
      if (!whole.aborted) yield
    }
  }

  remove(
    workload: string,
    { graceSeconds }: { readonly graceSeconds: number },
    fence: Fencing,
  ): Promise<'removed' | 'absent'> {
    return this.#locked(workload, async () => {
      const present = await this.#ofWorkload(workload, fence)
      await Promise.all(present.map(child => this.#end(child, graceSeconds)))
      return present.length > 0 ? 'removed' : 'absent'
    })
  }

  logs(
    { replica, previous = false }: { readonly replica: string; readonly previous?: boolean },
    ask: { readonly tail: number; readonly follow: boolean },
    signal: AbortSignal,
  ): AsyncIterable<LogLine> {
    if (!this.#children.has(replica))
      throw new Fault('not_found', `Replica ${replica} has no log here; it was removed or never started.`)
    const whole = AbortSignal.any([signal, this.#scope.signal])
    return readLog(this.#files.folder(replica), { ...ask, previous }, this.#settings.clock, whole)
  }

  async endAll(graceSeconds: number): Promise<void> {
    await Promise.all(
      [...this.#children.values()].map(child =>
        this.#locked(child.state.workload, () => this.#end(child, graceSeconds)),
      ),
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#scope[Symbol.asyncDispose]()
    await Promise.allSettled(this.#locks.values())
    await Promise.all([...this.#children.values()].map(child => child.settled()))
  }

  /** Starts a replica that does not run. A new life has a new token and a new port. */
  async #want(work: Workload, replica: WorkloadReplica, template: string, fence: Fencing): Promise<void> {
    const known = this.#children.get(replica.id)
    if (known?.alive) return // also while it is being stopped: its end is heard, and asked about again
    await known?.stopped()
    const { settings } = this.#yard
    const state: State = {
      installation: settings.installation,
      workload: work.id,
      replica: replica.id,
      ordinal: replica.ordinal,
      epoch: String(fence.epoch),
      template,
      probes: work.probes,
      ...(work.signals ? { signals: work.signals } : {}),
      token: settings.random.id(),
      port: 0,
      startedAt: timestamp(settings.clock.now()),
      restarts: known ? known.state.restarts + 1 : 0,
      exits: known?.state.exits ?? [],
    }
    const child = known ?? new Child(state, this.#yard)
    this.#children.set(replica.id, child)
    const program = work.binary === 'builtin' ? settings.builtin : [work.binary]
    if (!program)
      return child.refuse(
        state,
        'EngineAbsent',
        'This installation has no built-in engine; name an engine version whose program is installed.',
      )
    const port = await this.#port()
    if (port === undefined)
      return child.refuse(
        state,
        'PortTaken',
        `No port from ${settings.ports.from} to ${settings.ports.to} is free on this machine; end what holds them.`,
      )
    const filled = work.argv.map(word =>
      word === '{port}' ? String(port) : word === '{host}' ? '127.0.0.1' : word,
    )
    const env = { ...settings.environment, ...work.env, ...visibility(replica.devices) }
    try {
      await child.start([...program, ...filled], env, { ...state, port })
    } finally {
      this.#ports.delete(port)
    }
  }

  /** Ports of living children and of starts under way are not given twice. */
  async #port(): Promise<number | undefined> {
    for (;;) {
      const living = [...this.#children.values()].filter(({ alive }) => alive).map(({ state }) => state.port)
      const port = await freePort(
        this.#settings.ports,
        new Set([...this.#ports, ...living]),
        this.#settings.random,
      )
      if (port === undefined || !this.#ports.has(port)) {
        if (port !== undefined) this.#ports.add(port)
        return port
      }
    }
  }

  async #end(child: Child, graceSeconds: number): Promise<void> {
    if (child.alive) await child.stop(graceSeconds)
    if (child.alive) return // we are being disposed: the next life goes on from the state on disk
    if (this.#children.get(child.state.replica) !== child) return
    this.#children.delete(child.state.replica)
    await this.#files.remove(child.state.replica)
    this.#yard.changed()
  }

  #background(work: Promise<void>): void {
    this.#scope.spawn(async () => {
      await work.catch(error => this.#settings.observe({ type: 'process_error', what: 'stopping', error }))
    })
  }

  /** The children of a workload as the disk tells: another hand may have been here. Throws `fenced`. */
  async #ofWorkload(workload: string, { epoch }: Fencing): Promise<readonly Child[]> {
    const states = (await this.#files.all()).filter(
      state => state.workload === workload && state.installation === this.#settings.installation,
    )
    if (states.some(state => BigInt(state.epoch) > epoch))
      throw new Fault('conflict', 'A newer holder of the lease has taken this workload over.', {
        reason: 'fenced',
      })
    for (const state of states) {
      const known = this.#children.get(state.replica)
      if (!known || known.state.token !== state.token) await this.#take(state)
    }
    const children = [...this.#children.values()].filter(({ state }) => state.workload === workload)
    for (const child of children)
      if (BigInt(child.state.epoch) < epoch) await child.take({ epoch: String(epoch) })
    return children
  }

  /** A state from disk becomes a child: adopted when its process is provably the same, else it has ended. */
  async #take(state: State): Promise<void> {
    const child = new Child(state, this.#yard)
    this.#children.set(state.replica, child)
    if (state.exit) return
    const { process: known, token, installation } = state
    if (
      known &&
      (await this.#table.start(known.pid)) === known.start &&
      (await this.#table.carries(known.pid, token)) !== false
    )
      return child.adopt(known.pid, known.start)
    // Born, but its number was never written down.
    const leader = (await this.#table.ofInstallation(installation)).find(
      found => found.token === token && found.pid === found.group,
    )
    if (leader) return child.adopt(leader.pid, leader.start)
    await child.lost()
  }

  /** Ends processes with our mark whose token stands in no state. */
  async #sweep(): Promise<void> {
    const { installation, observe } = this.#settings
    try {
      const found = await this.#table.ofInstallation(installation)
      const known = new Set((await this.#files.all()).map(({ token }) => token))
      for (const child of this.#children.values()) known.add(child.state.token)
      for (const orphan of found.filter(({ token }) => !known.has(token))) {
        observe({ type: 'orphan_ended', pid: orphan.pid })
        signalProcess(orphan.pid, 'SIGKILL')
      }
    } catch (error) {
      observe({ type: 'process_error', what: 'sweeping', error })
    }
  }

  async #locked<T>(workload: string, work: () => Promise<T>): Promise<T> {
    const before = this.#locks.get(workload) ?? Promise.resolve()
    const run = before.then(work, work)
    const settled = run.then(
      () => {},
      () => {},
    )
    this.#locks.set(workload, settled)
    try {
      return await run
    } finally {
      if (this.#locks.get(workload) === settled) this.#locks.delete(workload)
    }
  }
}

/** What never changes under one workload id. */
function templateOf({ binary, argv, env, probes }: Workload): string {
  return createHash('sha256').update(canonical({ binary, argv, env, probes })).digest('hex')
}
