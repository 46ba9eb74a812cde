// What every call of one gateway shares.
import type { Meter } from '@switchyard/ledger'
import type { EndReason, Journal, Observe } from '@switchyard/runtime'
import type { RetryBudget } from './balance.ts'
import type { Call } from './call.ts'
import type { Limits } from './limits.ts'
import type { Metrics, Outcome } from './metrics.ts'
import type { Model, Snapshot, Upstream } from './snapshot.ts'
import type { Upstreams } from './upstreams.ts'
import type { Wheel } from './wheel.ts'

export type GatewayObservation =
  | {
      readonly type: 'request_ended'
      readonly request: string
      readonly callerId: string | undefined
      /** Public id of the key. */
      readonly key: string | undefined
      readonly workspace: string | undefined
      readonly operation: string
      readonly endpoint: string | undefined
      readonly attempts: number
      readonly status: number
      readonly end: EndReason
      readonly milliseconds: number
    }
  | {
      readonly type: 'attempt_failed'
      readonly request: string
      readonly upstream: string
      readonly outcome: Outcome
      readonly cause: unknown
    }
  | { readonly type: 'usage_not_recorded'; readonly request: string; readonly error: unknown }
  | { readonly type: 'internal_error'; readonly request: string; readonly error: unknown }

export interface House {
  readonly snapshot: () => Snapshot
  readonly journal: Journal
  readonly meter: Meter
  readonly clock: () => number
  readonly random: () => number
  readonly uuid: () => string
  readonly limits: Limits
  readonly metrics: Metrics
  readonly upstreams: Upstreams
  readonly wheel: Wheel
  readonly observe: Observe<GatewayObservation>
  readonly stopping: boolean
  /** Counts the call among those under way; throws the fault for which nothing new is taken. */
  enter(call: Call): void
  leave(call: Call): void
  /** `connection: close` while the gateway stops. */
  closing(): readonly string[]
  budget(model: Model): RetryBudget
  inflight: (upstream: Upstream) => number
  /** A number that goes up, so that ties are broken in turn. */
  turn(): number
}
