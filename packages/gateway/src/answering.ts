// Where an answer comes from, and what is heard of it, whether an upstream gives it, another caller's request that is
// under way, or the cache.
import type { Usage } from '@switchyard/dialects'
import type { Fault } from '@switchyard/kinds'
import type { AnsweredBy, Ended } from '@switchyard/runtime'
import type { CacheResult } from './cache/replies.ts'
import type { AttemptEnded } from './ended.ts'
import type { Failure } from './failure.ts'
import type { Blocked, Finding } from './guard/index.ts'
import type { Media } from './passage.ts'
import type { Rejection } from './rejection.ts'

/** What is heard of an answer: one beginning at most, and one end. */
export interface AnswerHearer {
  /** The first content of a stream has come: these bytes may leave. */
  committed(held: readonly Buffer[]): void
  flowed(bytes: Buffer): void
  /** The stream is whole; these bytes end it. */
  ended(terminal: Buffer): void
  /** A whole reply. */
  replied(bytes: Buffer): void
  /** A whole reply for which the caller's dialect has no form. */
  unspeakable(fault: Fault): void
  /** A guardrail has refused the answer before anything of it has left. */
  blocked(by: Blocked): void
  /** An upstream has refused the request itself, and no route has an answer to that. */
  rejected(status: number, rejection: Rejection): void
  /** No attempt is left, or one has failed after its first content. */
  failed(failure: Failure): void
}

export interface Answering {
  /** Attempts at upstreams so far. */
  readonly attempts: number
  /** Those attempts, in order, where it made some itself. */
  readonly tries?: readonly AttemptEnded[]
  /** What attempts have used by their upstreams' word whose answer nobody had; undefined where there are none. */
  readonly spares: readonly Ended[] | undefined
  /** It has failed with the retries that there were: another try by the caller would only add to the load. */
  readonly retriesSpent?: boolean
  /** Milliseconds that upstreams have been waited for. */
  readonly waited: number
  /** The tier of the last attempt, from 0. */
  readonly tier: number
  /** Why another route has taken over. */
  readonly detour: string | undefined
  /** Of an answer that passes as the bytes that it is. */
  readonly media?: Media | undefined
  /** Name of the upstream of the last attempt; '' where there was none. */
  readonly upstream: string
  /** What that upstream is to prices. */
  readonly by: AnsweredBy | undefined
  /** Key of the upstream whose own words the answer is; undefined where it was written here, and for a kept one. */
  readonly maker: string | undefined
  /** What of the request the upstream was not told, by name; '' when it was told everything. */
  readonly warning: string
  readonly findings: readonly Finding[]
  /** A guardrail has ended the answer. */
  readonly stopped: boolean
  /** How the cache served it; undefined where the route has none. */
  readonly cache: CacheResult | undefined
  /** Whole seconds since a kept answer was made. */
  readonly age: number | undefined
  start(): void
  /** Ends it unheard. */
  cancel(): void
  pause(): void
  resume(): void
  /** Called every 100 ms while it is under way; `blocked` while the caller takes nothing. */
  tick(now: number, blocked: boolean): void
  /** Status and headers have left: nothing is tried again. */
  seal(): void
  /** The bytes that end the stream with a fault, in the caller's dialect. */
  fail(fault: Fault, type?: string): Buffer
  /** What this caller's request has used so far; asked once, when it is settled. */
  used(): Usage | undefined
  /** Tokens of a stream's output so far, as far as this caller pays for it and they can be told from what has come. */
  readonly tokens: number
  /** What it has used so far, as far as is known while it runs. */
  progress(): Usage | undefined
}
