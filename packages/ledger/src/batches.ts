// Seals batches of usage: one process by a lease closes the open batch when it is due, then computes the root over each
// that is closed. Whoever is killed between the two leaves it to the next.
import { Fault } from '@switchyard/kinds'
import {
  type BatchDue,
  type BatchStore,
  type Clock,
  type Held,
  type Observe,
  type Turns,
  takeTurns,
} from '@switchyard/runtime'
import { Root } from './root.ts'

export type BatchObservation =
  | {
      readonly type: 'batch_sealed'
      readonly batch: string
      readonly events: string
      readonly root: string
    }
  /** It is due, and events are taken that hold it open. */
  | { readonly type: 'batch_held' }
  | { readonly type: 'sealing_failed'; readonly error: unknown }

export interface SealingOptions {
  readonly batches: BatchStore
  /** When the open batch is closed. */
  readonly due: BatchDue
  readonly clock: Clock
  readonly observe: Observe<BatchObservation>
}

const pollMilliseconds = 200
/** Events that come wait while somebody waits to close: not all the time. */
const retryMilliseconds = 1000
const some = 100

/** Runs while the lease is held; a failure is told and tried again. */
export function keepBatches(options: SealingOptions, held: Held, signal: AbortSignal): Promise<void> {
  const { clock, observe } = options
  const turns: Turns = {
    turn: async stop => ((await sealBatches(options, stop)) === 'held' ? retryMilliseconds : undefined),
    failed: error => observe({ type: 'sealing_failed', error }),
    pause: pollMilliseconds,
    retry: retryMilliseconds,
    clock,
  }
  return takeTurns(turns, signal, held)
}

/** One turn: `held` when the open batch is due and could not be closed yet. */
export async function sealBatches(
  { batches, due, observe }: Omit<SealingOptions, 'clock'>,
  signal?: AbortSignal,
): Promise<'held' | undefined> {
  const held = await isHeld(batches, due)
  if (held) observe({ type: 'batch_held' })
  for (let closed: readonly string[] = []; ; ) {
    closed = await batches.unsealed(some)
    for (const batch of closed) {
      if (signal?.aborted) return
      const root = new Root()
      await batches.hashes(batch, page => {
        for (const leaf of page) root.add(leaf)
      })
      const done = await batches.seal(batch, { events: root.leaves, root: root.bytes() })
      if (done) observe({ type: 'batch_sealed', batch, events: String(root.leaves), root: root.hex() })
    }
    if (closed.length < some) return held ? 'held' : undefined
  }
}

async function isHeld(batches: BatchStore, due: BatchDue): Promise<boolean> {
  try {
    await batches.close(due)
    return false
  } catch (error) {
    if (error instanceof Fault && error.reason === 'busy') return true
    throw error
  }
}
