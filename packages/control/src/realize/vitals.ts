// What a replica's samples say over time: does its counter move, does it still generate. Kept in memory only:
// after a restart it is learned anew.
import type { ObservedReplica } from '@switchyard/runtime'

export interface Vital {
  /** The life that it speaks of. */
  readonly startedAt: string
  readonly counter?: number
  /** When the counter moved, or the replica was seen ready, last. Wall clock, ms. */
  readonly movedAt: number
  /** Since when work is under way and the counter stands still. */
  readonly stillSince?: number
  /** Moment of the newest sample that was heard. */
  readonly sampleAt?: string
  /** Generation probes that failed in a row. */
  readonly failed: number
  readonly message?: string
  readonly probedAt?: number
}

export interface Limits {
  readonly generationSeconds: number
  readonly stallSeconds: number
}

/** Between probes after one that failed, at most. */
const againAfterFailureMs = 10_000

/** The next vital after an observation. Pure. */
export function follow(before: Vital | undefined, observed: ObservedReplica, now: number): Vital {
  const same = before?.startedAt === observed.startedAt ? before : undefined
  const vital: Vital = same ?? { startedAt: observed.startedAt, movedAt: now, failed: 0 }
  const { progress } = observed
  if (!observed.ready) return same ? vital : { ...vital, movedAt: now }
  if (!progress || progress.at === vital.sampleAt) return vital
  const moved = vital.counter !== undefined && progress.counter !== vital.counter
  const busy = progress.running + progress.waiting > 0
  const { stillSince: _, ...rest } = vital
  return {
    ...rest,
    counter: progress.counter,
    sampleAt: progress.at,
    movedAt: moved ? now : vital.movedAt,
    // A counter that moved is a token that came: whatever a probe said before is over.
    failed: moved ? 0 : vital.failed,
    ...(busy && !moved ? { stillSince: vital.stillSince ?? now } : {}),
  }
}

export function answered(vital: Vital, good: boolean, message: string | undefined, now: number): Vital {
  const { message: _, ...rest } = vital
  return good
    ? { ...rest, failed: 0, probedAt: now, movedAt: now }
    : { ...rest, failed: vital.failed + 1, probedAt: now, ...(message === undefined ? {} : { message }) }
}

/** Milliseconds until one token should be asked for; undefined while real work shows more than a probe would. */
export function probeIn(
  vital: Vital,
  observed: ObservedReplica,
  limits: Limits,
  now: number,
): number | undefined {
  if (!observed.ready) return undefined
  if (observed.progress && observed.progress.running + observed.progress.waiting > 0) return undefined
  const period = limits.generationSeconds * 1000
  const due =
    vital.failed > 0
      ? (vital.probedAt ?? 0) + Math.min(againAfterFailureMs, period)
      : Math.max(vital.movedAt, vital.probedAt ?? 0) + period
  return Math.max(0, due - now)
}
