// Drops from the store what nobody can need any more, every few minutes; a failure waits for the next turn.
import type { Clock, Observe } from '@switchyard/runtime'

const everyMilliseconds = 5 * 60_000

export type TidyObservation = { readonly type: 'prune_failed'; readonly error: unknown }

export function keepTidy(
  prune: () => Promise<void>,
  clock: Clock,
  observe: Observe<TidyObservation>,
): AsyncDisposable {
  const ending = new AbortController()
  const done = (async () => {
    for (;;) {
      await clock.sleep(everyMilliseconds, ending.signal)
      if (ending.signal.aborted) return
      await prune().catch((error: unknown) => observe({ type: 'prune_failed', error }))
    }
  })()
  return {
    async [Symbol.asyncDispose]() {
      ending.abort()
      await done
    },
  }
}
