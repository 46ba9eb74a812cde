// The wall clock with a fraction: what the gateway itself costs is below a millisecond, and would not be seen.
import type { Clock } from '@switchyard/runtime'

/** Milliseconds since 1970, never more than one from the clock's own. */
export function fineNow({ now, monotonic }: Pick<Clock, 'now' | 'monotonic'>): () => number {
  let apart = now() - monotonic()
  return () => {
    const whole = now()
    const measured = monotonic()
    const fine = measured + apart
    if (fine >= whole && fine < whole + 1) return fine
    // The wall clock was set, or has just gone on to its next millisecond: this is where that begins.
    apart = whole - measured
    return whole
  }
}
