// Follows the change log and wakes the keys that each change concerns.
import { Fault } from '@switchyard/kinds'
import { keyOf } from './apply.ts'
import { backoffMs } from './backoff.ts'
import type { Controller, ControllerOptions } from './controller.ts'
import type { Change, Identity } from './store.ts'

const control: Identity = { role: 'control' }
/** A lost wake costs at most this. */
const pollMs = 1000
const batch = 500

/** Runs until the signal. A log that no longer reaches back makes every controller look at everything. */
export async function startTail(
  controllers: readonly Controller[],
  options: Pick<ControllerOptions, 'store' | 'clock' | 'random' | 'observe'>,
  signal: AbortSignal,
): Promise<void> {
  const { store, clock, random, observe } = options
  const kinds = [
    ...new Set(
      controllers.flatMap(({ reconciler }) => [
        reconciler.kind,
        ...reconciler.watches.map(({ kind }) => kind),
      ]),
    ),
  ]
  let after: string | undefined
  let failures = 0
  while (!signal.aborted) {
    try {
      if (after === undefined) {
        after = await store.version(control)
        await Promise.all(controllers.filter(({ leads }) => leads).map(each => each.resync()))
      }
      const { changes, through } = await store.changes(control, after, batch, kinds)
      await dispatch(changes)
      const idle = through === after
      after = through
      failures = 0
      if (idle) await store.wake(pollMs, signal)
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof Fault && error.code === 'expired') after = undefined
      failures += 1
      observe?.({ type: 'tail_failed', error })
      await clock.sleep(Math.min(5000, backoffMs(failures, random.fraction())), signal)
    }
  }

  async function dispatch(changes: readonly Change[]): Promise<void> {
    const mapped: { readonly change: Change; readonly controller: Controller }[] = []
    for (const change of changes)
      for (const controller of controllers.filter(({ leads }) => leads)) {
        const { kind, watches } = controller.reconciler
        if (change.document.kind === kind) controller.wake(keyOf(change.document))
        if (watches.some(watch => watch.kind === change.document.kind)) mapped.push({ change, controller })
      }
    if (mapped.length === 0) return
    await store.read(control, async tx => {
      for (const { change, controller } of mapped)
        for (const watch of controller.reconciler.watches)
          if (watch.kind === change.document.kind)
            for (const key of await watch.keys(change.document, tx)) controller.wake(key)
    })
  }
}
