// The wall clock with a fraction: what the gateway itself costs is below a millisecond, and would not be seen.
import type { Clock } from '@switchyard/runtime'

const lookEvery = 1000

/** Milliseconds since 1970. Once a second it is seen to be within one of the clock's own. */
export function fineNow({ now, monotonic }: Pick<Clock, 'now' | 'monotonic'>): () => number {
  let lookedAt = monotonic()
  let apart = now() - lookedAt
  return () => {
    const measured = monotonic()
    if (measured - lookedAt >= lookEvery) {
      lookedAt = measured
      const whole = now()
      const fine = measured + apart
      // The wall clock was set, or goes at another pace.
      if (fine < whole || fine >= whole + 1) apart = whole - measured
    }
    return measured + apart
  }
}
