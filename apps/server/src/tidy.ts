// Drops from the store what nobody can need any more, every few minutes; a failure waits for the next turn.
import { type Clock, keepTurns, type Observe } from '@switchyard/runtime'

const everyMilliseconds = 5 * 60_000

export type TidyObservation = { readonly type: 'prune_failed'; readonly error: unknown }

interface KeepTidy {
  readonly prune: () => Promise<void>
  /** It was done, at milliseconds since 1970. */
  readonly tidied: (at: number) => void
  readonly clock: Clock
  readonly observe: Observe<TidyObservation>
}

export function keepTidy({ prune, tidied, clock, observe }: KeepTidy): AsyncDisposable {
  return keepTurns({
    async turn() {
      await prune()
      tidied(clock.now())
    },
    failed: error => observe({ type: 'prune_failed', error }),
    first: everyMilliseconds,
    pause: everyMilliseconds,
    clock,
  })
}
