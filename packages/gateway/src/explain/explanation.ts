// What `route explain` answers: where a request would go now, and why not elsewhere. Plain values, fit for JSON.
import type { LimitDimension, LimitLevel } from '@switchyard/runtime'
import type { Step, Word } from '../choose/reason.ts'
import type { Strategy } from '../choose/tier.ts'
import type { VitalsState } from '../health/vitals.ts'
import type { Refusal } from '../snapshot.ts'

/** A request as far as its way depends on it. */
export interface ExplainAsk {
  readonly workspace: string
  /** Public model name. */
  readonly model: string
  /** Name of an ApiKey of the workspace; without one nothing is said of keys, and routes for some are closed. */
  readonly key?: string | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly tags?: readonly string[] | undefined
  readonly metadata?: Readonly<Record<string, string>> | undefined
  /** What keeps a session at one upstream. */
  readonly session?: string | undefined
  readonly streamed?: boolean | undefined
}

/** A route that the name could lead to. */
export interface Candidate {
  /** Name of the Route, or of the Endpoint that has it by itself. */
  readonly id: string
  readonly kind: 'Route' | 'Endpoint'
  /** Public name; a wildcard ends in `*`. */
  readonly name: string
  readonly priority: number
  readonly taken: boolean
  /** `Route canary is for requests with the tag beta: send x-switchyard-tags.` */
  readonly says: string
}

export interface Standing {
  readonly level: LimitLevel
  readonly dimension: LimitDimension
  /** Of money a decimal. */
  readonly limit: number | string
  /** Milliseconds of the window; undefined for seats and quotas. */
  readonly windowMs: number | undefined
  readonly remaining: number | string
  /** Of money: ISO 4217. */
  readonly currency?: string
  /** Milliseconds until it is whole again; undefined when no time makes it so. */
  readonly resetMs: number | undefined
}

export interface ExplainedTarget {
  /** Name of the Replica or the Provider. */
  readonly name: string
  /** Name of the Endpoint; undefined for a provider. */
  readonly endpoint: string | undefined
  /** `engine`, or the type of the provider. */
  readonly provider: string
  readonly dialect: string
  /** What it knows the model by. */
  readonly model: string
  readonly weight: number
  /** Part of the tier's requests that it would have with nothing tried, 0 to 1; only where weights are drawn. */
  readonly share: number | undefined
  readonly step: Step
  readonly word: Word
  readonly says: string
  /** What the strategy thinks of it, less is better; undefined when it did not look. */
  readonly score: number | undefined
  readonly health: VitalsState
}

export interface ExplainedTier {
  readonly strategy: Strategy
  readonly targets: readonly ExplainedTarget[]
}

export interface ExplainedRoute {
  readonly id: string
  readonly kind: 'Route' | 'Endpoint'
  readonly name: string
  readonly tiers: readonly ExplainedTier[]
  readonly attempts: number
  /** Milliseconds. */
  readonly timeouts: {
    readonly connect: number
    readonly firstContent: number
    readonly idle: number
    readonly stall: number
    readonly total: number
  }
  readonly hedgePercent: number | undefined
  readonly shadow: { readonly percent: number; readonly upstream: string } | undefined
  readonly onContextLength: string | undefined
  readonly onContentFilter: string | undefined
  readonly strict: boolean
  readonly guardrails: readonly {
    readonly name: string
    readonly kind: string
    readonly action: string
    readonly stages: readonly ('request' | 'response')[]
  }[]
  readonly cache:
    | { readonly mode: 'exact' | 'semantic'; readonly scope: string; readonly ttlSeconds: number }
    | undefined
}

export interface Explanation {
  readonly workspace: string
  readonly model: string
  /** Milliseconds since 1970. */
  readonly at: number
  /** `served`: it would be sent on; `held`: it would wait for a replica; else what its caller would be told. */
  readonly verdict:
    | { readonly type: 'served'; readonly upstream: string; readonly tier: number }
    | { readonly type: 'held'; readonly endpoint: string; readonly seconds: number }
    | { readonly type: 'refused'; readonly code: string; readonly reason: string; readonly message: string }
  readonly key:
    | {
        readonly name: string
        readonly project: string | null
        readonly refusal: Refusal | 'unknown' | undefined
        readonly mayCall: boolean
      }
    | undefined
  readonly candidates: readonly Candidate[]
  readonly route: ExplainedRoute | undefined
  readonly limits: readonly Standing[]
  /** The whole as English sentences, in the order in which it is decided. */
  readonly sentences: readonly string[]
}
