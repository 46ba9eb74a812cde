// What a run of the bench has found, as its parts hand it over and as it is kept.
import type { Reading } from './probe.ts'

/** One round of one program in one scenario. */
export interface Cell {
  readonly perSecond: number
  /** Of the program's own processes, for each answer. */
  readonly cpuMicroseconds: number
  /** The same for each piece that the upstream wrote; streams only. */
  readonly cpuPerChunk?: number
  /** Microseconds. */
  readonly p50: number
  readonly p99: number
  readonly firstP50: number
  readonly firstP99: number
  readonly errors: number
}

/** 200 streams whose events come 10 ms apart. */
export interface Paced {
  readonly chunksPerSecond: number
  /** Microseconds. */
  readonly cpuPerChunk: number
}

export interface Latency {
  /** Microseconds. */
  readonly p50: number
  readonly p99: number
  readonly errors: number
  /** Milliseconds of each second in which the host gave a core to others. */
  readonly stolen: number
}

/** Big bodies beside small requests. */
export interface Bodies {
  /** Of the proxy's process, milliseconds; absent for a direct call. */
  readonly loop?: Pick<Reading, 'loopP50' | 'loopP99' | 'loopMax'>
  /** Of the small requests, microseconds. */
  readonly smallP50: number
  readonly smallP99: number
  readonly bodies: number
  readonly errors: number
}

export interface Connections {
  /** Held, and those that the limit of open files lets in. */
  readonly idle: number
  readonly idleAllowed: number
  readonly idleBytes: number
  readonly streams: number
  readonly streamsAllowed: number
  readonly streamBytes: number
}

export interface Soaked {
  readonly at: string
  readonly node: string
  readonly minutes: number
  readonly verdicts: readonly {
    readonly verdict: 'held' | 'missed' | 'unclear'
    readonly line: string
  }[]
}

/** By scenario, then by program: one for each round. */
export type Rounds<T> = Record<string, Record<string, T[]>>

export interface Results {
  readonly at: string
  readonly node: string
  readonly cpu: string
  /** Processes that could run or did, beside the cores, when it began: what else the machine had to do. */
  readonly loadAverage: number
  readonly rounds: number
  readonly roundMilliseconds: number
  /** In the rounds each program had one core, and its callers and the upstream the others. */
  readonly apart: boolean
  readonly cells: Rounds<Cell>
  readonly paced: Rounds<Paced>
  readonly latency: { readonly rate: number; readonly programs: Record<string, Latency[]> }
  /** By program, then by what passes. */
  readonly bodies: Record<string, Record<string, Bodies>>
  readonly connections: Record<string, Connections>
  /** Resident bytes of each of 500 open streams; NaN when they did not all open. */
  readonly memory: Record<string, number>
  /** The last soak, which is a run of its own. */
  readonly soak?: Soaked
  /** Programs that were not there, and why. */
  readonly leftOut: readonly string[]
}

export const subject = 'switchyard'
/** Of the subject, its own HTTP server and client. */
export const wire = "switchyard's wire alone"

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2
}

/** Medians over the rounds, divided: of `mine` by `others`. */
export function ratio<T>(
  mine: readonly T[] | undefined,
  others: readonly T[] | undefined,
  pick: (one: T) => number | undefined,
): number {
  const middle = (rounds: readonly T[] | undefined) =>
    median((rounds ?? []).map(one => pick(one) ?? Number.NaN))
  return middle(mine) / middle(others)
}
