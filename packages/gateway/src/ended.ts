// What is told of a request once it has ended: enough for a log line, spans and metrics, and nothing that is secret.
import type { Ask, Operation, Usage } from '@switchyard/dialects'
import type { EndReason } from '@switchyard/runtime'
import type { CacheResult } from './cache/replies.ts'
import type { Outcome, Speaking } from './metrics.ts'
import type { Upstream } from './route.ts'

/** One try at one upstream. Times in milliseconds since 1970. */
export interface AttemptEnded {
  /** Name of the Replica or the Provider document. */
  readonly upstream: string
  /** `engine`, or the type of the provider. */
  readonly provider: string
  /** `http://host:port` or `https://host:port`. */
  readonly origin: string
  /** Name by which it knows the model. */
  readonly model: string
  readonly startedAt: number
  /** Of the first content, or of a whole reply. */
  readonly contentAt: number | undefined
  readonly endedAt: number
  /** `refused` is a connection; a request that the upstream itself refuses was `answered`. */
  readonly outcome: Outcome
  /** HTTP status; 0 where no head came. */
  readonly status: number
}

export interface RequestEnded {
  readonly type: 'request_ended'
  readonly request: string
  readonly callerId: string | undefined
  /** Address that it came from, behind proxies that are listed; '' when its connection was gone. */
  readonly client: string
  /** Public id of the key. */
  readonly key: string | undefined
  readonly workspace: string | undefined
  readonly project: string | null | undefined
  readonly caller: Speaking
  readonly operation: Operation | ''
  /** Public name of the route. */
  readonly route: string | undefined
  /** The model that was asked for, where a route was found for it. */
  readonly model: string | undefined
  readonly streamed: boolean
  /** Output tokens that the caller allows. */
  readonly maxOutput: number | undefined
  /** The last one that was tried. */
  readonly upstream: string | undefined
  readonly attempts: number
  readonly tries: readonly AttemptEnded[]
  /** How the cache served it; undefined where the route has none. */
  readonly cache: CacheResult | undefined
  /** Why another route has taken over. */
  readonly detour: string | undefined
  readonly status: number
  readonly end: EndReason
  /** Reason of the fault that it ended with. */
  readonly reason: string | undefined
  /** Milliseconds since 1970. */
  readonly startedAt: number
  readonly milliseconds: number
  /** Milliseconds of those that upstreams were waited for. */
  readonly waited: number
  /** Milliseconds to the first content. */
  readonly firstContent: number | undefined
  /** Of the bodies. */
  readonly bytesIn: number
  readonly bytesOut: number
  readonly usage: Usage | undefined
  /** What of the request the upstream was not told, as `x-switchyard-warning` says it. */
  readonly warning: string | undefined
  readonly traceparent: string | undefined
  readonly tracestate: string | undefined
}

/** Decides for each request that has found its route whether its bytes are followed; undefined is no. */
export type Follow = (asked: Followed) => Follower | undefined

export interface Followed {
  readonly request: string
  readonly workspace: string
  readonly route: string
  readonly ask: Ask
  readonly traceparent: string | undefined
}

/** Hears what leaves for the caller. It must not throw, nor change the bytes. */
export interface Follower {
  left(bytes: Buffer | string): void
}

type Asked = Pick<Upstream, 'name' | 'provider' | 'origin' | 'served'>

/** An attempt while it runs: its times are filled in. */
export class Tried implements AttemptEnded {
  readonly upstream: string
  readonly provider: string
  readonly origin: string
  readonly model: string
  readonly startedAt: number
  contentAt: number | undefined
  endedAt: number
  /** Until it has ended it is taken for one that was given up. */
  outcome: Outcome = 'cancelled'
  status = 0

  constructor({ name, provider, origin, served }: Asked, asked: string, now: number) {
    this.upstream = name
    this.provider = provider
    this.origin = origin.url
    this.model = served ?? asked
    this.startedAt = now
    this.endedAt = now
  }

  end(outcome: Outcome, status: number, now: number): void {
    this.outcome = outcome
    this.status = status
    this.endedAt = now
  }
}
