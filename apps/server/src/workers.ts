// The gateway's worker processes as the server sees them: it starts each, hands connections to it, hears of its end,
// and starts it again.
//
//   starting ──ready──▶ ready ──drain──▶ leaving ──▶ (gone)
//       ▲                 └──── it ends ────┐
//       └────────── backoff ────────────── away
import { type ChildProcess, fork } from 'node:child_process'
import type { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { ExplainAsk, Explanation } from '@switchyard/gateway'
import { Fault } from '@switchyard/kinds'
import { backoffMs, type Clock, type Observe, type Random } from '@switchyard/runtime'
import type { SnapshotStanding } from './snapshot.ts'
import type { Begin, FromWorker, ToWorker, WorkerState } from './workers-messages.ts'
import { addCounters, type Families, mergeMetrics, readMetrics } from './workers-metrics.ts'
import { busy, Questions } from './workers-questions.ts'

const program = fileURLToPath(new URL('./main.ts', import.meta.url))

/** A start that takes longer has failed. */
const startMilliseconds = 60_000
/** Who has lived so long begins its count of failures anew. */
const soundMilliseconds = 60_000
const backoff = { baseMs: 100, capMs: 10_000 }
/** What a worker may need beyond the time for its requests: to ship, and to close. */
const closeMilliseconds = 15_000
const metricsMilliseconds = 1000

export type WorkersObservation =
  | {
      readonly type: 'worker_ready'
      readonly worker: number
      readonly pid: number
      readonly milliseconds: number
    }
  | { readonly type: 'worker_left'; readonly worker: number; readonly pid: number }
  | {
      readonly type: 'worker_lost'
      readonly worker: number
      readonly pid: number
      readonly code: number | null
      readonly signal: string | null
      /** It is started again after so long. */
      readonly restartMilliseconds: number
    }
  | { readonly type: 'worker_start_failed'; readonly worker: number; readonly message: string }

export interface WorkersOptions {
  readonly count: number
  readonly begin: Pick<Begin, 'databaseUrl' | 'control'>
  /** Of the processes; this one's when absent. */
  readonly environment?: NodeJS.ProcessEnv
  readonly clock: Clock
  readonly random: Random
  readonly observe: Observe<WorkersObservation>
  /** Called with every change of a worker's state. */
  readonly changed: (states: readonly WorkerState[]) => void
}

export interface Workers extends AsyncDisposable {
  readonly states: readonly WorkerState[]
  /** Of those that are ready. */
  readonly snapshots: readonly SnapshotStanding[]
  /** Hands the connection to the ready worker that holds the fewest; false when none is ready. */
  take(socket: Socket, secure: boolean): boolean
  /** Asks every worker for its counters; one that does not answer within a second is told as it last was. */
  gather(): Promise<void>
  /** Prometheus' text of all workers, those that have ended included, as it was last gathered. */
  metrics(): string
  /** Asks a ready worker where a request would go; each has a health of its own. */
  explain(ask: ExplainAsk): Promise<Explanation>
  /** Lets requests end for so many seconds; resolves when every worker has ended. */
  drain(seconds: number): Promise<void>
}

/** Resolves when every worker is ready; rejects with what keeps the first of them from starting. */
export async function openWorkers(options: WorkersOptions): Promise<Workers> {
  const house = new House(options)
  try {
    await Promise.all(house.workers.map(worker => worker.start()))
  } catch (error) {
    await house.drain(0)
    throw error
  }
  return house
}

class House implements Workers {
  readonly options: WorkersOptions
  readonly workers: readonly Worker[]
  readonly ending = new AbortController()
  /** Counters of processes that have ended. */
  readonly ended: Families = new Map()
  #gathering: Promise<unknown> | undefined

  constructor(options: WorkersOptions) {
    this.options = options
    this.workers = Array.from({ length: options.count }, (_, i) => new Worker(this, i + 1))
  }

  get states(): readonly WorkerState[] {
    return this.workers.map(worker => worker.standing)
  }

  get snapshots(): readonly SnapshotStanding[] {
    return this.workers.filter(({ state }) => state === 'ready').map(({ snapshot }) => snapshot)
  }

  take(socket: Socket, secure: boolean): boolean {
    let least: Worker | undefined
    for (const worker of this.workers)
      if (worker.state === 'ready' && (!least || worker.connections < least.connections)) least = worker
    least?.take(socket, secure)
    return least !== undefined
  }

  async gather(): Promise<void> {
    this.#gathering ??= Promise.all(this.workers.map(worker => worker.gather())).finally(() => {
      this.#gathering = undefined
    })
    await this.#gathering
  }

  metrics(): string {
    const living = new Map(
      this.workers.flatMap(({ number, told }) => (told ? [[number, told] as const] : [])),
    )
    const states = this.workers.map(
      ({ number, state }) => `switchyard_worker_ready{worker="${number}"} ${state === 'ready' ? 1 : 0}\n`,
    )
    const restarts = this.workers.map(
      ({ number, restarts }) => `switchyard_worker_restarts_total{worker="${number}"} ${restarts}\n`,
    )
    return (
      mergeMetrics(living, this.ended) +
      '# HELP switchyard_worker_ready 1 while the worker takes connections.\n# TYPE switchyard_worker_ready gauge\n' +
      states.join('') +
      '# HELP switchyard_worker_restarts_total How often a worker was started again.\n' +
      `# TYPE switchyard_worker_restarts_total counter\n${restarts.join('')}`
    )
  }

  explain(ask: ExplainAsk): Promise<Explanation> {
    const worker = this.workers.find(({ state }) => state === 'ready')
    return worker ? worker.explain(ask) : Promise.reject(busy())
  }

  async drain(seconds: number): Promise<void> {
    this.ending.abort()
    await Promise.all(this.workers.map(worker => worker.drain(seconds)))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.drain(0)
  }

  /** Tells who must know that a worker stands otherwise. */
  changed(): void {
    const count = Math.max(1, this.workers.filter(({ state }) => state === 'ready').length)
    for (const worker of this.workers) worker.say({ type: 'gateways', count })
    this.options.changed(this.states)
  }
}

class Worker {
  readonly number: number
  readonly #house: House
  #child: ChildProcess | undefined
  #exited: Promise<void> = Promise.resolve()
  #ready = Promise.withResolvers<void>()
  #failure: Fault | undefined
  #begunAt = 0
  #failures = 0
  #gathered: (() => void) | undefined
  /** Connections that it does not hold yet, in the order in which they were handed. */
  #handed: { readonly socket: Socket; readonly secure: boolean; sent: boolean }[] = []
  readonly #questions = new Questions<Explanation>()
  state: WorkerState['state'] = 'away'
  connections = 0
  restarts = 0
  #snapshot: SnapshotStanding | undefined
  /** What it last told of itself. */
  told: Families | undefined

  constructor(house: House, number: number) {
    this.#house = house
    this.number = number
    this.#ready.promise.catch(() => undefined) // told where the first start is awaited, and by `worker_start_failed`
  }

  get standing(): WorkerState {
    const { number, state, restarts } = this
    return { worker: number, state, pid: this.#child?.pid, restarts }
  }

  /** It tells only when that changes; while it follows the store it is equal to it now. */
  get snapshot(): SnapshotStanding {
    return this.#snapshot?.away ? this.#snapshot : { equalAt: this.#house.options.clock.now(), away: false }
  }

  /** Resolves when it is ready. */
  start(): Promise<void> {
    const { begin, environment, clock } = this.#house.options
    this.#begunAt = clock.monotonic()
    this.#failure = undefined
    this.#snapshot = undefined
    this.#ready = Promise.withResolvers()
    this.#ready.promise.catch(() => undefined)
    const child = fork(program, ['worker'], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      ...(environment && { env: environment }),
    })
    this.#child = child
    const late = setTimeout(() => child.kill('SIGKILL'), startMilliseconds)
    const exited = Promise.withResolvers<void>()
    this.#exited = exited.promise
    child.on('message', (message: FromWorker) => this.#hear(message))
    child.once('error', error => {
      this.#failure ??= new Fault('internal', `A gateway worker cannot be started: ${error.message}.`)
      if (child.pid === undefined) child.emit('exit', null, null)
    })
    child.once('exit', (code, signal) => {
      clearTimeout(late)
      exited.resolve()
      this.#end(child, code, signal)
    })
    void this.#ready.promise.finally(() => clearTimeout(late)).catch(() => undefined)
    this.say({ type: 'begin', worker: this.number, ...begin })
    this.#stand('starting')
    return this.#ready.promise
  }

  /** It stays ours too until the worker tells that it holds it: node leaves what was on its way open for ever. */
  take(socket: Socket, secure: boolean): void {
    this.connections++
    const handed = { socket, secure, sent: false }
    this.#handed.push(handed)
    this.#child?.send({ type: 'connection', secure } satisfies ToWorker, socket, { keepOpen: true }, () => {
      handed.sent = true
    })
  }

  say(message: ToWorker): void {
    if (this.#child?.connected) this.#child.send(message, () => undefined) // who has ended needs to hear nothing
  }

  async gather(): Promise<void> {
    if (this.state !== 'ready' && this.state !== 'leaving') return
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, metricsMilliseconds)
    this.#gathered = resolve
    this.say({ type: 'metrics' })
    await promise
    clearTimeout(timer)
  }

  explain(ask: ExplainAsk): Promise<Explanation> {
    return this.#questions.ask(number => this.say({ type: 'explain', number, ask }))
  }

  async drain(seconds: number): Promise<void> {
    const child = this.#child
    if (!child || this.state === 'away') return
    this.say({ type: 'drain', seconds })
    if (this.state === 'ready') this.#stand('leaving')
    const late = setTimeout(() => child.kill('SIGKILL'), seconds * 1000 + closeMilliseconds)
    await this.#exited
    clearTimeout(late)
  }

  #hear(message: FromWorker): void {
    const { observe, clock } = this.#house.options
    if (message.type === 'closed') this.connections -= message.count
    else if (message.type === 'taken') this.#handed.shift()?.socket.destroy()
    else if (message.type === 'metrics') {
      this.told = readMetrics(message.text)
      this.#gathered?.()
    } else if (message.type === 'snapshot') this.#snapshot = message.standing
    else if (message.type === 'explained') this.#questions.answered(message.number, message.answer)
    else if (message.type === 'failed') this.#failure = new Fault(message.code, message.message)
    else if (message.type === 'leaving') this.#stand('leaving')
    else {
      const milliseconds = Math.round(clock.monotonic() - this.#begunAt)
      observe({ type: 'worker_ready', worker: this.number, pid: this.#child?.pid ?? 0, milliseconds })
      this.#stand(this.#house.ending.signal.aborted ? 'leaving' : 'ready')
      this.#ready.resolve()
    }
  }

  #end(child: ChildProcess, code: number | null, signal: NodeJS.Signals | null): void {
    const { options, ending, ended } = this.#house
    const { observe, clock, random } = options
    const { number: worker, state } = this
    const pid = child.pid ?? 0
    if (this.told) addCounters(ended, this.told)
    this.told = undefined
    this.connections = 0
    this.#gathered?.()
    this.#questions.end()
    const failure =
      this.#failure ??
      new Fault('internal', `Gateway worker ${worker} ended while it started (${signal ?? `exit ${code}`}).`)
    if (state === 'starting') observe({ type: 'worker_start_failed', worker, message: failure.message })
    this.#ready.reject(failure)
    const inOrder = state === 'leaving' && code === 0
    if (inOrder) observe({ type: 'worker_left', worker, pid })
    this.#failures = inOrder
      ? 0
      : clock.monotonic() - this.#begunAt > soundMilliseconds
        ? 1
        : this.#failures + 1
    const restartMilliseconds = inOrder
      ? 0
      : Math.round(backoffMs(this.#failures, random.fraction(), backoff))
    if (!inOrder && state !== 'starting')
      observe({ type: 'worker_lost', worker, pid, code, signal, restartMilliseconds })
    this.#child = undefined
    this.#stand('away')
    // Of what was sent it may have read: the caller connects again. The rest is another's.
    for (const { socket, secure, sent } of this.#handed.splice(0))
      if (sent || !this.#house.take(socket, secure)) socket.destroy()
    if (!ending.signal.aborted) void this.#again(restartMilliseconds)
  }

  async #again(milliseconds: number): Promise<void> {
    const { clock } = this.#house.options
    const { signal } = this.#house.ending
    await clock.sleep(milliseconds, signal)
    if (signal.aborted) return
    this.restarts++
    void this.start().catch(() => undefined) // its end is told, and tried again
  }

  #stand(state: WorkerState['state']): void {
    this.state = state
    this.#house.changed()
  }
}
