// Usage as it travels from the gateway's journal to the store: one event per billable part of a request.

import type { ServiceTier } from '@switchyard/kinds'
import type { Holder } from './balances.ts'
import type { JournalledDenial } from './denials.ts'
import type { Identity } from './store.ts'
import type { TrafficAnswer, TrafficQuery } from './traffic.ts'

export const usageUnits = [
  'tok.in.uncached',
  'tok.in.cache_read',
  'tok.in.cache_read_audio',
  'tok.in.cache_write_5m',
  'tok.in.cache_write_1h',
  'tok.in.image',
  'tok.in.audio',
  'tok.in.video',
  'tok.out.text',
  'tok.out.reasoning',
  'tok.out.audio',
  'tok.out.image',
  'img.out.count',
  'img.out.px',
  'audio.in.ms',
  'char.in',
  'req',
  'doc.ranked',
] as const
export type UsageUnit = (typeof usageUnits)[number]

export const endReasons = [
  'done',
  /** Cut off: the caller's balance was used up. */
  'budget_cut',
  'client_gone',
  'caller_deadline',
  'upstream_error',
  'our_timeout',
  'refused',
  'guard_blocked',
  'drained',
  'gateway_lost',
] as const
export type EndReason = (typeof endReasons)[number]

export const attemptOutcomes = [
  'answered',
  /** No connection. */
  'refused',
  'reset',
  /** Answered with a status that is no answer. */
  'status',
  'malformed',
  'deadline',
  /** Broken off in mid-stream. */
  'cut',
  /** Given up: its caller left, or another attempt answered first. */
  'cancelled',
  'unasked',
  'shadow',
  /** Refused by the upstream's own limits, and never sent. */
  'limited',
] as const
export type AttemptOutcome = (typeof attemptOutcomes)[number]

/** One try at one upstream. Times in whole milliseconds since the request was admitted. */
export interface AttemptTimes {
  /** Name of the Replica or the Provider document. */
  readonly upstream: string
  readonly outcome: AttemptOutcome
  /** HTTP status; 0 where no head came. */
  readonly status: number
  /** When it was sent: until then the request queued, or waited for the attempt before it. */
  readonly startMs: number
  /** Of its first content, or of a whole reply; absent where none came. */
  readonly contentMs?: number | undefined
  readonly endMs: number
}

/** When what happened within a request. */
export interface CallTimes {
  /** Milliseconds from admission to the first content of a stream that left for the caller; absent where none did. */
  readonly firstTokenMs?: number | undefined
  /** In order, each one that was sent. */
  readonly attempts: readonly AttemptTimes[]
}

/** What the gateway knows of a request when it is admitted. */
export interface Admission {
  /** UUIDv7 that the gateway minted. */
  readonly request: string
  /** Milliseconds since 1970. */
  readonly at: number
  readonly workspace: string
  readonly project: string | null
  /** Public id of the API key. */
  readonly key: string
  /** Name of the ApiKey document. */
  readonly keyName: string
  /** Public model name that the caller used. */
  readonly model: string
  readonly endpoint: string
  readonly operation: string
  readonly streamed: boolean
  /** Number of the slice that holds the caller's money for it, `row` where the database does; absent where none is held. */
  readonly hold?: string | undefined
}

/** What answered, as prices know it. */
export interface AnsweredBy {
  /** The name that it knows the model by. */
  readonly model: string
  /** `WORKSPACE/NAME` or `platform/NAME` of a Provider; absent of an Endpoint. */
  readonly provider?: string | undefined
  /** Name of an Endpoint of the caller's workspace. */
  readonly endpoint?: string | undefined
  /** Where it stands, as far as that is known. */
  readonly region?: string | undefined
}

/** How it ended. */
export interface Ended {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly end: EndReason
  /** HTTP status that the caller saw, or would have seen; 499 when it was gone. */
  readonly status: number
  /** From 1; the attempt that was relayed, or the last one. */
  readonly attempt: number
  /** Name of the upstream of that attempt; '' when there was none. */
  readonly upstream: string
  /** What that is to prices; absent when there was none. */
  readonly by?: AnsweredBy | undefined
  /** `cost` when an upstream worked and the caller is not to pay. */
  readonly billable: 'caller' | 'cost'
  /**
   * Undefined is the call; `rest` is what the caller does not pay of one that did not end well, `spare` an attempt whose
   * answer nobody had: one that failed before it, or a hedge that lost.
   */
  readonly part?: 'rest' | 'spare' | undefined
  /** Of the call, as far as its gateway saw it. */
  readonly times?: CallTimes | undefined
  readonly usage:
    | {
        /** Non-negative and disjoint. */
        readonly quantities: Readonly<Partial<Record<UsageUnit, bigint>>>
        readonly source: Exclude<UsageEvent['data']['usageSource'], 'none'>
        readonly flags: readonly string[]
        /** How it was taken; `standard` when absent. */
        readonly tier?: ServiceTier | undefined
      }
    | undefined
}

/** One request that was admitted and has ended: what a usage event is made of. */
export interface Used {
  readonly admitted: Admission
  readonly ended: Ended
}

/** CloudEvents 1.0 `switchyard.usage.v1`. Quantities are decimal strings of non-negative integers, disjoint. */
export interface UsageEvent {
  readonly specversion: '1.0'
  readonly type: 'switchyard.usage.v1'
  readonly source: '/gateway'
  /** `<request UUIDv7>:<attempt>:<part>`: the same work always yields the same id. */
  readonly id: string
  /** `<workspace>/<project or ->`. */
  readonly subject: string
  /** Moment of admission, RFC 3339 UTC. */
  readonly time: string
  readonly data: {
    readonly workspace: string
    readonly project: string | null
    /** Public id of the API key. */
    readonly key: string
    /** Name of the ApiKey document. */
    readonly keyName: string
    /** Public model name that the caller used. */
    readonly model: string
    /** Endpoint that answered, or that the model is; '' of a provider. */
    readonly endpoint: string
    readonly upstream: string
    /** Name by which that knows the model. */
    readonly upstreamModel?: string | undefined
    /** `WORKSPACE/NAME` or `platform/NAME` of the Provider that answered. */
    readonly provider?: string | undefined
    readonly region?: string | undefined
    /** `standard` when absent. */
    readonly tier?: ServiceTier | undefined
    readonly request: string
    readonly operation: string
    readonly billable: 'caller' | 'cost'
    readonly streamed: boolean
    readonly end: EndReason
    readonly status: number
    readonly endedAt: string
    readonly usageSource: 'provider' | 'engine' | 'counted' | 'estimated' | 'none'
    readonly quantities: Readonly<Partial<Record<UsageUnit, string>>>
    readonly flags: readonly string[]
    /** Of the call alone, as in CallTimes; absent of what gateways of before have recorded. */
    readonly firstTokenMs?: number | undefined
    readonly attempts?: readonly AttemptTimes[] | undefined
    /** As in Admission. */
    readonly hold?: string | undefined
  }
}

export interface UsageQuery {
  /** A workspace, or absent for every one that the identity may read. */
  readonly workspace?: string
  readonly from?: string
  readonly to?: string
  readonly project?: string
  /** Name of an ApiKey. */
  readonly key?: string
  readonly model?: string
  /** `WORKSPACE/NAME` or `platform/NAME` of a Provider, or the name of an Endpoint. */
  readonly upstream?: string
  readonly by: readonly ('workspace' | 'project' | 'key' | 'model' | 'upstream' | 'hour' | 'day')[]
}

/** Sums of one group; every count is a decimal string of an integer. */
export interface UsageRow {
  readonly group: Readonly<Partial<Record<UsageQuery['by'][number], string | null>>>
  readonly requests: string
  /** Events whose cost is not known: what they cost us is in no `cost`. */
  readonly uncosted: string
  readonly quantities: Readonly<Partial<Record<UsageUnit, string>>>
  readonly tokens: { readonly input: string; readonly output: string }
  /** Of what is priced, by currency; decimals. */
  readonly amounts: readonly {
    readonly currency: string
    /** To callers. */
    readonly amount: string
    /** To us. */
    readonly cost: string
    /** Of the amount, by unit. */
    readonly units: Readonly<Partial<Record<UsageUnit, string>>>
  }[]
}

export interface RequestQuery {
  /** A workspace, or absent for every one that the identity may read. */
  readonly workspace?: string
  readonly project?: string
  /** Name of an ApiKey. */
  readonly key?: string
  readonly model?: string
  /** As in UsageQuery. */
  readonly upstream?: string
  /** Least and greatest HTTP status that the caller saw. */
  readonly status?: readonly [least: number, greatest: number]
  readonly end?: EndReason
  /** By the moment of admission; `to` is not included. */
  readonly from?: string
  readonly to?: string
  /** Id of one request. */
  readonly request?: string
  /** Least milliseconds to the first token: streams alone. */
  readonly firstTokenFrom?: number
  /** `next` of the page before. */
  readonly after?: string
  readonly limit: number
}

/** One request as its usage tells of it; counts are decimal strings of integers, money is decimals. */
export interface RequestRow {
  /** Of the usage event of its call. */
  readonly id: string
  readonly request: string
  readonly workspace: string
  readonly project: string | null
  /** Name of the ApiKey. */
  readonly key: string
  readonly model: string
  readonly operation: string
  readonly streamed: boolean
  /** Moment of admission. */
  readonly at: string
  readonly endedAt: string
  /** As in CallTimes; null where it is not known. */
  readonly firstTokenMs: number | null
  readonly attempts: readonly AttemptTimes[] | null
  readonly end: EndReason
  readonly status: number
  /** Number of the attempt that was relayed, or of the last one. */
  readonly attempt: number
  /** As in UsageQuery; null when there was none. */
  readonly upstream: string | null
  readonly tier: ServiceTier
  readonly tokens: { readonly input: string; readonly output: string }
  readonly currency: string | null
  /** To its caller; null where nothing has a price, or the caller does not pay. */
  readonly amount: string | null
  /** To us, with all attempts; null where it is not known. */
  readonly cost: string | null
}

export interface RequestPage {
  readonly items: readonly RequestRow[]
  /** Absent on the last page. */
  readonly next?: string
}

export interface QuarantineQuery {
  readonly workspace?: string
  readonly reason?: string
  /** Only what waits; default true. */
  readonly open?: boolean
  /** Number before which to go on. */
  readonly before?: string
  /** Default 100. */
  readonly limit?: number
}

/** An event that could not be used, as it was sent. */
export interface Quarantined {
  readonly number: string
  /** As it claims. */
  readonly workspace: string | null
  readonly reason: string
  readonly seenAt: string
  readonly resolvedAt: string | null
  readonly resolution: 'retry' | 'discard' | null
  readonly event: unknown
}

export interface Resolved {
  readonly number: string
  /** `not_found`: there is none that waits and that the caller may resolve. */
  readonly outcome: IngestAnswer | 'discarded' | 'not_found'
}

/** A row as it stands and as it should; undefined where there is none. */
export interface RollupDifference {
  readonly standing: RollupRow | undefined
  readonly folded: RollupRow | undefined
}

/** Columns of a roll-up by their names. */
export type RollupRow = Readonly<Record<string, string | number | null>>

export type IngestAnswer = 'accepted' | 'duplicate' | 'quarantined'

/** What became of an event of a meter outside. */
export interface Pushed {
  readonly outcome: IngestAnswer
  /** Why it is in quarantine. */
  readonly reason?: string
}

export interface UsageStore {
  /** Sums over events, under the identity's row-level security. */
  usage(as: Identity, query: UsageQuery): Promise<readonly UsageRow[]>
  /** From the events of that time, under the identity's row-level security. */
  traffic(as: Identity, query: TrafficQuery): Promise<TrafficAnswer>
  /** One transaction; a row already there with the same body is a `duplicate`, with another body it is quarantined. */
  ingest(events: readonly UsageEvent[]): Promise<readonly IngestAnswer[]>
  /**
   * As `ingest`, for meters outside. One event by itself under the id of another with another body is `conflict`
   * (`event_differs`), and is kept nowhere. `backfills` tells in whose workspaces what is too old is taken; in none when
   * absent.
   */
  push(events: readonly UsageEvent[], backfills?: (workspace: string) => boolean): Promise<readonly Pushed[]>
  /**
   * Rows of the roll-ups that are not what the events sum up to, between two full days of UTC; with `mend` they are made
   * so. Needs usage:rebuild on the platform.
   */
  rebuild(
    as: Identity,
    span: { readonly from?: string; readonly to?: string },
    mend: boolean,
  ): Promise<readonly RollupDifference[]>
  /** What was asked, newest first, under the identity's row-level security. */
  requests(as: Identity, query: RequestQuery): Promise<RequestPage>
  /** What waits in quarantine, newest first. */
  quarantine(as: Identity, query: QuarantineQuery): Promise<readonly Quarantined[]>
  /** Takes each as if it was just sent. Needs usage:quarantine where it belongs, and billing:backfill for what is too old. */
  retry(as: Identity, numbers: readonly string[]): Promise<readonly Resolved[]>
  discard(as: Identity, numbers: readonly string[], why: string): Promise<readonly Resolved[]>
  /** Every event of a request with the prices of its units, oldest first; `not_found` where there is none. */
  explain(
    as: Identity,
    workspace: string,
    request: string,
  ): Promise<readonly Readonly<Record<string, unknown>>[]>
  /** Puts refusals into the trail, each once, however often it is sent; those of one journal in their order. */
  denied(denials: readonly JournalledDenial[]): Promise<void>
  /** Everything that this journal recorded before that epoch is in: what was held then and is not settled comes back. */
  recovered(before: Holder): Promise<void>
}
