// How long to leave a failing key alone: 0.5 s, doubled each time, at most 300 s, half of it by chance.

export interface Backoff {
  readonly baseMs: number
  readonly capMs: number
}

export const defaultBackoff: Backoff = { baseMs: 500, capMs: 300_000 }

/** @param failures 1 for the first failure. @param fraction uniform in [0, 1). */
export function backoffMs(failures: number, fraction: number, backoff: Backoff = defaultBackoff): number {
  const full = Math.min(backoff.capMs, backoff.baseMs * 2 ** Math.min(Math.max(0, failures - 1), 62))
  return full / 2 + (full / 2) * fraction
}
