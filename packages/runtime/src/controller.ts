// Keeps reconcilers running: one tail of the change log wakes keys, a resync sweeps all of them, workers
// run observe, decide, apply under a lease. Nothing is derived from what woke a key.
import { type Document, Fault } from '@switchyard/kinds'
import type { Action, Status } from './action.ts'
import { type Apply, applyActions, keyOf, statusOf } from './apply.ts'
import { backoffMs } from './backoff.ts'
import type { Clock, Random } from './clock.ts'
import { type Held, holdLease, type LeaseObservation } from './lease.ts'
import type { Observe } from './observation.ts'
import type { Orchestrator } from './orchestrator.ts'
import { Queue } from './queue.ts'
import type { Reconciler } from './reconciler.ts'
import { openScope, type Scope } from './scope.ts'
import type { Identity, Key, Leases, Store } from './store.ts'
import { startTail } from './tail.ts'

export type ControllerObservation =
  | LeaseObservation
  | { readonly type: 'ran'; readonly controller: string; readonly key: string; readonly written: number }
  | {
      readonly type: 'run_failed'
      readonly controller: string
      readonly key: string
      readonly failures: number
      readonly error: unknown
    }
  | { readonly type: 'resynced'; readonly controller: string; readonly keys: number }
  | { readonly type: 'tail_failed'; readonly error: unknown }

export interface ControllerOptions {
  readonly store: Store
  readonly leases: Leases
  /** Unique for each process. */
  readonly holder: string
  readonly clock: Clock
  readonly random: Random
  readonly orchestrator?: Orchestrator
  readonly observe?: Observe<ControllerObservation>
  readonly signal?: AbortSignal
  /** Default 4 for each reconciler. */
  readonly workers?: number
  /** Every document is looked at again so often, ±20 %; default 600. */
  readonly resyncSeconds?: number
  /** One run may take so long; default 60. */
  readonly runSeconds?: number
  /** Default 15, renewed at a third of it. */
  readonly leaseSeconds?: number
}

export interface Controllers extends AsyncDisposable {
  /** Settles when the controllers have ended. */
  readonly done: Promise<void>
}

const control: Identity = { role: 'control' }
/** From here on a failing key is Stalled: failures in a row, or the time since the first. */
const stalled = { failures: 10, milliseconds: 15 * 60_000 }

/** The new owner disposes of the result; that gives the leases back. */
export function startControllers(
  reconcilers: readonly Reconciler[],
  options: ControllerOptions,
): Controllers {
  const scope = openScope(options.signal)
  const controllers = reconcilers.map(each => new Controller(each, options))
  scope.spawn(signal => startTail(controllers, options, signal))
  for (const lease of new Set(reconcilers.map(each => each.lease))) {
    const group = controllers.filter(each => each.reconciler.lease === lease)
    scope.spawn(signal => underLease(lease, group, options, signal))
  }
  return { done: scope.done, [Symbol.asyncDispose]: () => scope[Symbol.asyncDispose]() }
}

async function underLease(
  name: string,
  group: readonly Controller[],
  options: ControllerOptions,
  signal: AbortSignal,
): Promise<void> {
  const { leases, holder, clock, observe, leaseSeconds: seconds = 15 } = options
  const lease = {
    leases,
    name,
    holder,
    clock,
    signal,
    seconds,
    renewSeconds: seconds / 3,
    marginSeconds: seconds / 5,
  }
  await holdLease(observe ? { ...lease, observe } : lease, async (held, signal) => {
    await using scope = openScope(signal)
    for (const controller of group) scope.spawn(signal => controller.lead(held, scope, signal))
    await scope.done
  })
}

interface Failing {
  readonly count: number
  readonly generation: number
  readonly since: number
  readonly until: number
}

/** One reconciler at work; it has a queue only while the lease is held. */
export class Controller {
  readonly reconciler: Reconciler
  readonly #options: ControllerOptions
  readonly #failing = new Map<string, Failing>()
  #queue: Queue | undefined

  constructor(reconciler: Reconciler, options: ControllerOptions) {
    this.reconciler = reconciler
    this.#options = options
  }

  /** False while another process leads: then nothing needs to be mapped. */
  get leads(): boolean {
    return this.#queue !== undefined
  }

  wake(key: Key, delayMs = 0): void {
    this.#queue?.add(textOf(key), delayMs)
  }

  /** Works until the signal; the queue begins empty and is filled by a resync. */
  async lead(held: Held, scope: Scope, signal: AbortSignal): Promise<void> {
    const queue = new Queue(this.#options.clock)
    this.#queue = queue
    this.#failing.clear()
    const close = () => queue.close()
    signal.addEventListener('abort', close, { once: true })
    if (signal.aborted) close()
    scope.spawn(signal => this.#resyncs(signal))
    scope.spawn(signal => this.#wakes(signal))
    const workers = Array.from({ length: this.#options.workers ?? 4 }, () => this.#work(queue, held, signal))
    await Promise.all(workers)
    this.#queue = undefined
  }

  /** Queues every document of the kind. */
  async resync(): Promise<void> {
    const { kind, name } = this.reconciler
    const { items } = await this.#options.store.read(control, tx => tx.list({ kind }))
    for (const document of items) this.wake(keyOf(document))
    this.#options.observe?.({ type: 'resynced', controller: name, keys: items.length })
  }

  async #resyncs(signal: AbortSignal): Promise<void> {
    const { clock, random, resyncSeconds = 600 } = this.#options
    for (let failures = 0; !signal.aborted; ) {
      try {
        await this.resync()
        failures = 0
      } catch (error) {
        failures += 1
        this.#report('*', failures, error)
      }
      const wait =
        failures > 0
          ? Math.min(30_000, backoffMs(failures, random.fraction()))
          : resyncSeconds * 1000 * (0.8 + 0.4 * random.fraction())
      await clock.sleep(wait, signal)
    }
  }

  async #wakes(signal: AbortSignal): Promise<void> {
    if (!this.reconciler.wakes) return
    for await (const keys of this.reconciler.wakes(signal)) for (const key of keys) this.wake(key)
  }

  async #work(queue: Queue, held: Held, signal: AbortSignal): Promise<void> {
    for (let key = await queue.take(); key !== undefined; key = await queue.take()) {
      await this.#attend(key, held, signal)
      queue.done(key)
    }
  }

  /** One run of one key; what it throws stays with this key. */
  async #attend(text: string, held: Held, signal: AbortSignal): Promise<void> {
    const { store, clock, random, runSeconds = 60 } = this.#options
    const key = keyFrom(this.reconciler.kind, text)
    let document: Document | undefined
    try {
      document = await store.read(control, tx => tx.get(key))
      if (!document) {
        this.#failing.delete(text)
        return
      }
      const failing = this.#failing.get(text)
      if (failing?.generation === document.metadata.generation && clock.monotonic() < failing.until) {
        this.wake(key, failing.until - clock.monotonic())
        return
      }
      await this.#run(document, held, AbortSignal.any([signal, AbortSignal.timeout(runSeconds * 1000)]))
      this.#failing.delete(text)
    } catch (error) {
      if (signal.aborted) return
      const before = this.#failing.get(text)
      const count = (before?.count ?? 0) + 1
      const now = clock.monotonic()
      const delay = backoffMs(count, random.fraction())
      const generation = document?.metadata.generation ?? 0
      this.#failing.set(text, { count, generation, since: before?.since ?? now, until: now + delay })
      this.#report(text, count, error)
      this.wake(key, delay)
      if (document && !contended(error)) await this.#recordFailure(document, held, error, count, now, signal)
    }
  }

  async #run(document: Document, held: Held, signal: AbortSignal): Promise<void> {
    const { store, clock } = this.#options
    const { reconciler } = this
    const { actions, status, again } = await reconciler.run(document, { store, now: clock.now(), signal })
    const all: Action[] = [...actions]
    if (status) all.push({ do: 'status', of: document, status: withReconciled(status) })
    let written = await applyActions(all, this.#context(held, signal, reconciler.as ?? control))
    if (!status && isReconciled(document) === 'False')
      written += await applyActions(
        [{ do: 'status', of: document, status: withReconciled(decided(document)) }],
        this.#context(held, signal, control),
      )
    this.#options.observe?.({
      type: 'ran',
      controller: reconciler.name,
      key: textOf(keyOf(document)),
      written,
    })
    if (again !== undefined) this.wake(keyOf(document), Math.max(again, 1))
  }

  #context(held: Held, signal: AbortSignal, as: Identity): Apply {
    const { store, clock, random, orchestrator } = this.#options
    const fence = held.current()
    if (!fence)
      throw new Fault('conflict', 'The lease has been lost; another process goes on.', { reason: 'fenced' })
    const base = { store, as, by: `system:${as.role}`, fence, now: clock.now(), random, signal }
    return orchestrator ? { ...base, orchestrator } : base
  }

  async #recordFailure(
    document: Document,
    held: Held,
    error: unknown,
    count: number,
    now: number,
    signal: AbortSignal,
  ): Promise<void> {
    const since = this.#failing.get(textOf(keyOf(document)))?.since ?? now
    const reason = count >= stalled.failures || now - since >= stalled.milliseconds ? 'Stalled' : 'Error'
    const message = sentence(error)
    const claim = { type: 'Reconciled', status: 'False', reason, message } as const
    const before = decided(document)
    const conditions = [...(before.conditions ?? []).filter(({ type }) => type !== 'Reconciled'), claim]
    try {
      await applyActions(
        [
          { do: 'status', of: document, status: { ...before, conditions } },
          { do: 'event', of: document, type: 'Warning', reason: 'ReconcileFailed', message },
        ],
        this.#context(held, signal, control),
      )
    } catch (failure) {
      // The store itself may be what fails; the key is tried again either way.
      this.#report(textOf(keyOf(document)), count, failure)
    }
  }

  #report(key: string, failures: number, error: unknown): void {
    this.#options.observe?.({ type: 'run_failed', controller: this.reconciler.name, key, failures, error })
  }
}

const textOf = ({ workspace, name }: Key) => `${workspace ?? ''}/${name}`

function keyFrom(kind: string, text: string): Key {
  const slash = text.indexOf('/')
  return { kind, workspace: text.slice(0, slash) || null, name: text.slice(slash + 1) }
}

/** Somebody else was faster, or a lease moved: nothing a person needs to hear of. */
const contended = (error: unknown) =>
  error instanceof Fault &&
  (error.code === 'stale' ||
    error.code === 'conflict' ||
    error.code === 'cancelled' ||
    error.reason === 'quota_exceeded')

const isReconciled = (document: Document) =>
  statusOf(document).conditions?.find(({ type }) => type === 'Reconciled')?.status

/** The stored status as a decision would have said it. */
function decided(document: Document): Status {
  const { phase: _phase, observedGeneration: _generation, conditions = [], ...rest } = statusOf(document)
  return {
    ...rest,
    conditions: conditions.map(({ type, status, reason, message }) => ({ type, status, reason, message })),
  }
}

function withReconciled(status: Status): Status {
  const claim = { type: 'Reconciled', status: 'True', reason: 'Reconciled', message: '' } as const
  return {
    ...status,
    conditions: [...(status.conditions ?? []).filter(({ type }) => type !== 'Reconciled'), claim],
  }
}

function sentence(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return text.length > 500 ? `${text.slice(0, 499)}…` : text || 'failed without a message'
}
