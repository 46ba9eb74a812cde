// Keeps the newest snapshot on disk, aside from the swaps: soon after a change, however many come, and now and then
// without one, so that the file's age is true.
import type { Clock, Observe, Random } from '@switchyard/runtime'
import type { Kept, SnapshotDisk } from './snapshot-disk.ts'

export type KeepObservation =
  | {
      readonly type: 'snapshot_kept'
      readonly version: string
      readonly bytes: number
      readonly milliseconds: number
    }
  | { readonly type: 'snapshot_keep_failed'; readonly error: unknown }

export interface KeepOptions {
  readonly disk: SnapshotDisk
  /** The same value until there is another. */
  readonly newest: () => Kept | undefined
  readonly clock: Clock
  readonly random: Random
  readonly observe: Observe<KeepObservation>
  readonly signal: AbortSignal
}

const lookMilliseconds = 1000
/** The file is written anew so long after it was, also when nothing has changed but the time. */
const renewMilliseconds = 60_000
/** Of the time, in a storm of changes and without any, that writing may take. */
const stormShare = 1 / 20
const quietShare = 1 / 200
const afterFailureMilliseconds = 10_000

/** Runs until the signal; then writes what has changed since. */
export async function keepOnDisk(options: KeepOptions): Promise<void> {
  const { newest, clock, random, signal } = options
  const keeper = new Keeper(options)
  while (!signal.aborted) {
    // By chance, so that the processes of one folder do not write at one moment.
    await clock.sleep(lookMilliseconds * (0.5 + random.fraction()), signal)
    const kept = newest()
    if (kept) await keeper.look(kept)
  }
}

class Keeper {
  readonly #options: KeepOptions
  #inputs: Kept['inputs'] | undefined
  /** Of what the file says. */
  #equalAt = Number.NEGATIVE_INFINITY
  /** By the monotonic clock. */
  #changeAfter = 0
  #renewAfter = 0

  constructor(options: KeepOptions) {
    this.#options = options
  }

  async look(kept: Kept): Promise<void> {
    const { disk, clock, observe, signal } = this.#options
    const began = clock.monotonic()
    const isOther = kept.inputs !== this.#inputs
    // While the store is away there is nothing to tell.
    if (!isOther && kept.equalAt === this.#equalAt) return
    if (signal.aborted ? !isOther : began < (isOther ? this.#changeAfter : this.#renewAfter)) return
    try {
      if (await this.#byAnother(kept)) return
      const bytes = await disk.keep(kept)
      const milliseconds = clock.monotonic() - began
      this.#settle(kept, milliseconds)
      observe({
        type: 'snapshot_kept',
        version: kept.version,
        bytes,
        milliseconds: Math.round(milliseconds),
      })
    } catch (error) {
      this.#changeAfter = clock.monotonic() + afterFailureMilliseconds
      this.#renewAfter = this.#changeAfter
      observe({ type: 'snapshot_keep_failed', error })
    }
  }

  /** Another process of the folder has kept the same; an older one of our own may be newer for all that. */
  async #byAnother(kept: Kept): Promise<boolean> {
    const told = await this.#options.disk.told()
    if (told?.version !== kept.version || !(kept.equalAt - told.equalAt < renewMilliseconds / 2)) return false
    this.#settle({ ...kept, equalAt: told.equalAt }, 0)
    return true
  }

  #settle({ inputs, equalAt }: Kept, milliseconds: number): void {
    const now = this.#options.clock.monotonic()
    this.#inputs = inputs
    this.#equalAt = equalAt
    this.#changeAfter = now + milliseconds / stormShare
    this.#renewAfter = now + Math.max(renewMilliseconds, milliseconds / quietShare)
  }
}
