// What every call of one gateway shares.
import type { Fault } from '@switchyard/kinds'
import type { EndReason, Journal, Observe } from '@switchyard/runtime'
import type { AdmissionObservation, Admissions } from './admission.ts'
import type { Flights } from './cache/flights.ts'
import type { ReplyCache } from './cache/replies.ts'
import type { SemanticIndex } from './cache/semantic.ts'
import type { DenialObservation, Denials } from './denials.ts'
import type { Door, DoorObservation } from './door/door.ts'
import type { Follow, RequestEnded } from './ended.ts'
import type { Checker, Finding, Send } from './guard/index.ts'
import type { Holding } from './hold.ts'
import type { Limits } from './limits.ts'
import type { McpPlaces } from './mcp/places.ts'
import type { McpSessions } from './mcp/sessions.ts'
import type { Metrics, Outcome } from './metrics.ts'
import type { Route } from './route.ts'
import type { Snapshot } from './snapshot.ts'
import type { Keeper } from './stored/keeper.ts'
import type { Traffic } from './traffic.ts'
import type { Upstreams } from './upstreams.ts'
import type { WalletObservation, Wallets } from './wallet/wallets.ts'
import type { Ticking, Wheel } from './wheel.ts'

export type GatewayObservation =
  | RequestEnded
  | {
      readonly type: 'attempt_failed'
      readonly request: string
      readonly upstream: string
      readonly outcome: Outcome
      readonly cause: unknown
    }
  | AdmissionObservation
  | WalletObservation
  /** A similar question could not be looked for; the request went on without. */
  | { readonly type: 'cache_not_compared'; readonly request: string; readonly error: unknown }
  | { readonly type: 'semantic_cache_lost'; readonly error: unknown }
  | DoorObservation
  | DenialObservation
  /** The URL of an image leads where nothing is fetched from. */
  | { readonly type: 'image_refused'; readonly request: string; readonly cause: unknown }
  /** A tool that is not open to callers was called. */
  | {
      readonly type: 'tool_refused'
      readonly request: string
      readonly workspace: string
      readonly key: string
      readonly server: string
      readonly tool: string
    }
  | { readonly type: 'guardrail_found'; readonly request: string; readonly findings: readonly Finding[] }
  /** A response whose caller may go on from it could not be kept. */
  | { readonly type: 'response_not_kept'; readonly error: unknown }
  | { readonly type: 'usage_not_recorded'; readonly request: string; readonly error: unknown }
  | { readonly type: 'internal_error'; readonly request: string; readonly error: unknown }

/** A request, or a session, that is under way. */
export interface Running extends Ticking {
  readonly streamed: boolean
  /** Ends it where it stands. */
  stop(fault: Fault, end: EndReason): void
  /** Closes a connection that its listener no longer knows of. */
  cut?(fault: Fault): void
}

export interface House {
  readonly snapshot: () => Snapshot
  readonly journal: Journal
  readonly denials: Denials
  readonly clock: () => number
  readonly random: () => number
  readonly uuid: () => string
  readonly limits: Limits
  /** Of Switchyard, for clients that ask. */
  readonly version: string
  readonly metrics: Metrics
  readonly upstreams: Upstreams
  readonly door: Door
  readonly admissions: Admissions
  /** Undefined where nobody keeps balances. */
  readonly wallets: Wallets | undefined
  readonly replies: ReplyCache
  readonly flights: Flights
  readonly holding: Holding
  /** Made when it is first asked for. */
  readonly semantic: () => SemanticIndex
  readonly checker: Checker
  readonly send: Send
  /** Of servers of tools. */
  readonly places: McpPlaces
  readonly sessions: McpSessions
  readonly wheel: Wheel
  /** Undefined where no response is kept. */
  readonly responses: Keeper | undefined
  readonly observe: Observe<GatewayObservation>
  readonly follow: Follow | undefined
  readonly stopping: boolean
  /** Throws while the snapshot is too old to answer by; absent where it never is. */
  readonly checkFresh: (() => void) | undefined
  /** Counts the call among those under way; throws the fault for which nothing new is taken. */
  enter(call: Running): void
  leave(call: Running): void
  /** `connection: close` while the gateway stops. */
  closing(): readonly string[]
  /** What is kept of a route. */
  traffic(route: Route): Traffic
  /** The route as the newest snapshot has it; itself where it is gone. */
  current(route: Route): Route
  /** The Route document of that name in the newest snapshot. */
  route(workspace: string, id: string): Route | undefined
}
