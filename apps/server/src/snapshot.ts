// Keeps the gateway's configuration equal to the store: lists once, follows the change log, and hands a whole new
// snapshot over on every change. While the store is away the gateway serves the last one; where it starts
// meanwhile, the one that was kept on disk.
//
//   loading ──the store answers──▶ live ◀──it answers──┐
//      └──it is away, or slow──▶ from disk ──▶ away ◀──┘──it does not──
import { type Document, Fault } from '@switchyard/kinds'
import type { Clock, Observe, Random } from '@switchyard/runtime'
import type { Kept, SnapshotDisk } from './snapshot-disk.ts'
import { type KeepObservation, keepOnDisk } from './snapshot-keep.ts'
import {
  advance,
  type CredentialsFailed,
  load,
  type SnapshotInputs,
  type State,
  type StoreOptions,
} from './snapshot-store.ts'

const pollMilliseconds = 500
/** After a failure. */
const pauseMilliseconds = 100
/** A store that has not given everything by then is not waited for, where there is a snapshot on disk. */
const patienceMilliseconds = 2000
/** How often it is told that the store is still away. */
const tellMilliseconds = 30_000

export type SnapshotObservation =
  | CredentialsFailed
  | KeepObservation
  | { readonly type: 'snapshot_swapped'; readonly version: string; readonly documents: number }
  /** Nothing newer can be read from the store: the gateway serves what it has. */
  | { readonly type: 'snapshot_stale'; readonly seconds: number; readonly error: unknown }
  /** The store answers again, and the gateway serves what it says. */
  | { readonly type: 'snapshot_live'; readonly version: string; readonly awaySeconds: number }
  /** The gateway has started without the store, on what was kept on disk so long ago. */
  | {
      readonly type: 'snapshot_from_disk'
      readonly version: string
      readonly documents: number
      readonly seconds: number
    }
  /** Cannot be served: the last good one stays. */
  | {
      readonly type: 'snapshot_failed'
      readonly from: 'store' | 'disk'
      /** What is other than in the last good one, as `Kind workspace/name`: the first of it. */
      readonly changes: readonly string[]
      readonly error: unknown
    }

export interface SnapshotOptions extends Omit<StoreOptions, 'observe' | 'clock'> {
  readonly swap: (inputs: SnapshotInputs) => void
  /** Where it is kept for a start without the store; nowhere when absent. */
  readonly disk?: SnapshotDisk
  readonly observe: Observe<SnapshotObservation>
  /** Told with every change of `away`. */
  readonly changed?: (standing: SnapshotStanding) => void
  readonly clock: Clock
  readonly random: Random
  readonly signal: AbortSignal
}

/** How what is served stands to the store. */
export interface SnapshotStanding {
  /** Milliseconds since 1970 at which it was last equal. */
  readonly equalAt: number
  /** Whether the store cannot be followed now. */
  readonly away: boolean
}

export interface Following extends SnapshotStanding {
  /** Resolves when the signal has ended the following. */
  readonly done: Promise<void>
}

/** Resolves once the first snapshot is in; rejects when neither the store nor the disk gives one. */
export async function followSnapshot(options: SnapshotOptions): Promise<Following> {
  const follower = new Follower(options)
  await follower.start()
  return follower
}

/** What is being read, and when that began: it is at least as new. */
interface Reading {
  readonly at: number
  readonly state: Promise<State>
}

class Follower implements Following {
  readonly #options: SnapshotOptions
  readonly #reading: StoreOptions
  #state: State | undefined
  /** Under way since the start. */
  #loading: Reading | undefined
  /** What is served. */
  #kept: Kept | undefined
  /** What cannot be served, so that it is not tried again and again. */
  #bad: SnapshotInputs | undefined
  #toldAt = Number.NEGATIVE_INFINITY
  away = false
  done: Promise<void> = Promise.resolve()

  constructor(options: SnapshotOptions) {
    this.#options = options
    this.#reading = { ...options, clock: options.clock.now }
  }

  get equalAt(): number {
    return this.#kept?.equalAt ?? 0
  }

  async start(): Promise<void> {
    const { disk, clock, random, observe, signal } = this.#options
    const loading = this.#load()
    // Without a snapshot on disk there is nothing but the store to wait for.
    if (!disk) this.#take(await loading.state, loading.at)
    else
      try {
        this.#take(await this.#soon(loading.state), loading.at)
      } catch (error) {
        if (!isAway(error)) throw error
        if (await this.#takeFromDisk(disk)) {
          this.#loading = loading
          this.#lost(error)
        } else this.#take(await loading.state, loading.at)
      }
    const kept = disk && keepOnDisk({ disk, newest: () => this.#kept, clock, random, observe, signal })
    this.done = Promise.all([this.#follow(), kept]).then(() => undefined)
  }

  async #follow(): Promise<void> {
    const { store, clock, signal } = this.#options
    while (!signal.aborted) {
      const { at, state } = this.#newer()
      try {
        this.#take(await state, at)
      } catch (error) {
        if (signal.aborted) return
        if (error instanceof Fault && error.code === 'expired') this.#state = undefined
        this.#lost(error)
        // A store that fails at once must not keep the loop from everything else.
        await clock.sleep(pauseMilliseconds, signal)
      }
      await store.wake(pollMilliseconds, signal).catch(() => undefined) // only a wake: the poll knows
    }
  }

  #load(): Reading {
    return { at: this.#options.clock.now(), state: load(this.#reading) }
  }

  #newer(): Reading {
    const loading = this.#loading
    this.#loading = undefined
    if (loading) return loading
    const state = this.#state
    return state ? { at: this.#options.clock.now(), state: advance(this.#reading, state) } : this.#load()
  }

  /** `unavailable` when it takes too long; the loading goes on. */
  async #soon(loading: Promise<State>): Promise<State> {
    const over = new AbortController()
    const late = this.#options.clock.sleep(patienceMilliseconds, over.signal).then(() => {
      throw new Fault('unavailable', 'The database has not answered in time.', { reason: 'database_slow' })
    })
    try {
      return await Promise.race([loading, late])
    } finally {
      late.catch(() => undefined) // nobody waits for it any more
      over.abort()
    }
  }

  /** Serves what the store said. */
  #take(state: State, at: number): void {
    const { swap, observe, changed, clock } = this.#options
    const { inputs, version, documents } = state
    this.#state = state
    if (inputs === this.#bad) return
    const isNew = inputs !== this.#kept?.inputs
    if (isNew)
      try {
        swap(inputs)
      } catch (error) {
        if (!this.#kept) throw error
        this.#bad = inputs
        const changes = changesOf(this.#kept.inputs.documents, inputs.documents)
        observe({ type: 'snapshot_failed', from: 'store', changes, error })
        return
      }
    const isOther = version !== this.#kept?.version
    const awaySeconds = Math.round((clock.now() - this.equalAt) / 1000)
    this.#kept = { version, inputs, equalAt: at }
    if (isNew && isOther) observe({ type: 'snapshot_swapped', version, documents: documents.size })
    if (!this.away) return
    this.away = false
    this.#toldAt = Number.NEGATIVE_INFINITY
    observe({ type: 'snapshot_live', version, awaySeconds })
    changed?.(this)
  }

  /** False when there is none that can be served. */
  async #takeFromDisk(disk: SnapshotDisk): Promise<boolean> {
    const { swap, observe, clock, limits } = this.#options
    try {
      const kept = await disk.read(limits)
      if (!kept) return false
      swap(kept.inputs)
      this.#kept = kept
      observe({
        type: 'snapshot_from_disk',
        version: kept.version,
        documents: kept.inputs.documents.length,
        seconds: Math.max(0, Math.round((clock.now() - kept.equalAt) / 1000)),
      })
      return true
    } catch (error) {
      observe({ type: 'snapshot_failed', from: 'disk', changes: [], error })
      return false
    }
  }

  #lost(error: unknown): void {
    const { observe, changed, clock } = this.#options
    const now = clock.now()
    if (now - this.#toldAt >= tellMilliseconds) {
      this.#toldAt = now
      observe({ type: 'snapshot_stale', seconds: Math.round((now - this.equalAt) / 1000), error })
    }
    if (this.away) return
    this.away = true
    changed?.(this)
  }
}

/** Whether it may answer later: a store that refuses is not away. */
const isAway = (error: unknown) => error instanceof Fault && error.code === 'unavailable'

const mostChanges = 20

/** Documents that stand in one of the two alone. */
function changesOf(before: readonly Document[], after: readonly Document[]): readonly string[] {
  const [old, now] = [new Set(before), new Set(after)]
  const made = after.filter(document => !old.has(document))
  const ids = new Set(after.map(({ metadata }) => metadata.id))
  const gone = before.filter(document => !now.has(document) && !ids.has(document.metadata.id))
  return [...made, ...gone]
    .slice(0, mostChanges)
    .map(({ kind, metadata }) => `${kind} ${metadata.workspace ?? 'platform'}/${metadata.name}`)
}
