// Drops from the store what nobody can need any more, every few minutes; a failure waits for the next turn.
import { type Clock, keepTurns, type Observe } from '@switchyard/runtime'

const everyMilliseconds = 5 * 60_000

export type TidyObservation = { readonly type: 'prune_failed'; readonly error: unknown }

export function keepTidy(
  prune: () => Promise<void>,
  clock: Clock,
  observe: Observe<TidyObservation>,
): AsyncDisposable {
  return keepTurns({
    async turn() {
      await prune()
    },
    failed: error => observe({ type: 'prune_failed', error }),
    first: everyMilliseconds,
    pause: everyMilliseconds,
    clock,
  })
}
