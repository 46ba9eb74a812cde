// The port through which control runs workloads on a cluster, whatever the platform is.
import type { Accelerator } from '@switchyard/kinds'

/** One (endpoint, revision): the template never changes under one id, only the replica list does. */
export interface Workload {
  /** Derived from ids, never random: the id of the Revision document. */
  readonly id: string
  readonly workspace: string
  readonly endpoint: string
  readonly revision: number
  /** Program; `builtin` is the engine that comes with Switchyard. */
  readonly binary: string
  /** Arguments after the program; a whole element `{host}` or `{port}` is replaced for each replica. */
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly probes: { readonly alive: string; readonly metrics?: string }
  /** Metric names of the engine by what they mean (`running`, `waiting`, `progress`); same names are summed. Not of the template. */
  readonly signals?: readonly { readonly signal: string; readonly metric: string }[]
  readonly graceSeconds: number
  readonly replicas: readonly WorkloadReplica[]
}

export interface WorkloadReplica {
  readonly id: string
  readonly ordinal: number
  /** Its own while it runs: it sees these, and no other where the platform can hide them. */
  readonly devices?: { readonly accelerator: Accelerator; readonly ids: readonly string[] }
  /** Must not run, but is still observed: why it ended can be read until it is listed no more. */
  readonly doomed?: boolean
  /** Time to stop when doomed, instead of the workload's. */
  readonly graceSeconds?: number
}

export interface Fencing {
  readonly epoch: bigint
}

export interface Capabilities {
  readonly binding: 'exact' | 'hinted' | 'platform'
  readonly version: string
  readonly cpus: number
  readonly memoryBytes: number
  /** Name of the machine, where there is one alone: what is on it is held once, whatever clusters are made of it. */
  readonly node: string
  readonly devices: {
    readonly found: readonly {
      readonly accelerator: Accelerator
      readonly id: string
      readonly product?: string
      readonly memoryBytes?: number
    }[]
    /** Accelerators that could not be asked: what they have is not known. */
    readonly failed: readonly { readonly accelerator: Accelerator; readonly message: string }[]
  }
}

export interface ObservedReplica {
  /** Replica document id. */
  readonly id: string
  readonly workload: string
  readonly epoch: bigint
  readonly address: string
  readonly port: number
  readonly state: 'starting' | 'running' | 'exited' | 'unknown'
  /** The alive probe answered 200 in the newest check. */
  readonly ready: boolean
  readonly exit?: {
    readonly code: number | null
    readonly signal: string | null
    readonly log: readonly string[]
    readonly at: string
    /** A failure reason that the platform itself knows, such as EngineAbsent or PortTaken. */
    readonly reason?: string
  }
  /** Times of the newest ends of its process, oldest first, at most 10. */
  readonly exits?: readonly string[]
  /** Alive probes failed in a row since the process was last ready, and when the first of them failed. */
  readonly failing?: { readonly count: number; readonly since: string }
  readonly restarts: number
  readonly startedAt: string
  /** A monotone counter of work done (tokens), and whether requests are under way; undefined when not scraped. */
  readonly progress?: {
    readonly counter: number
    readonly running: number
    readonly waiting: number
    readonly at: string
  }
}

export interface Observed {
  /** False when a part could not be listed: nothing may be concluded from absence. */
  readonly complete: boolean
  readonly at: string
  readonly replicas: readonly ObservedReplica[]
}

export interface LogLine {
  readonly at?: string
  readonly text: string
}

export interface Orchestrator {
  capabilities(signal: AbortSignal): Promise<Capabilities>
  /** The whole desired state of one workload; idempotent. Replicas not listed are stopped. */
  apply(work: Workload, fence: Fencing, signal: AbortSignal): Promise<void>
  observe(signal: AbortSignal): Promise<Observed>
  /** Wakes; never carries truth. */
  hints?(signal: AbortSignal): AsyncIterable<void>
  remove(
    workload: string,
    stop: { readonly graceSeconds: number },
    fence: Fencing,
    signal: AbortSignal,
  ): Promise<'removed' | 'absent'>
  logs(
    ref: { readonly replica: string; readonly previous?: boolean },
    ask: { readonly tail: number; readonly follow: boolean },
    signal: AbortSignal,
  ): AsyncIterable<LogLine>
}
