// Work that is done in turns for as long as it may be: a turn that fails is told, and the next one tries again.
import type { Clock } from './clock.ts'
import type { Held } from './lease.ts'

export interface Turns {
  /** Answers the milliseconds until the next when they are not `pause`; `over` when there is to be none. */
  readonly turn: (signal: AbortSignal) => Promise<number | 'over' | undefined>
  readonly failed: (error: unknown) => void
  /** Milliseconds between two turns. */
  readonly pause: number
  /** After one that failed; `pause` when absent. */
  readonly retry?: number
  /** Milliseconds before the first one; none when absent. */
  readonly first?: number
  readonly clock: Pick<Clock, 'sleep'>
}

/** Returns after the signal, or once the lease is lost when there is one, as soon as the turn under way has ended. */
export async function takeTurns(
  { turn, failed, pause, retry = pause, first = 0, clock }: Turns,
  signal: AbortSignal,
  held?: Pick<Held, 'current'>,
): Promise<void> {
  if (first > 0) await clock.sleep(first, signal)
  while (!signal.aborted && (!held || held.current())) {
    let next = pause
    try {
      const said = await turn(signal)
      if (said === 'over') return
      next = said ?? pause
    } catch (error) {
      failed(error)
      next = retry
    }
    await clock.sleep(next, signal)
  }
}

/** From now on; disposing ends them and waits for the turn under way. */
export function keepTurns(turns: Turns): AsyncDisposable {
  const ending = new AbortController()
  const done = takeTurns(turns, ending.signal)
  return {
    async [Symbol.asyncDispose]() {
      ending.abort()
      await done
    },
  }
}
