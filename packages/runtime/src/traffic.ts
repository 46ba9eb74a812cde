// What a gateway was asked over a time, step by step: how much, how it ended, and how long it took.

export interface TrafficQuery {
  /** A workspace, or absent for every one that the identity may read. */
  readonly workspace?: string
  readonly project?: string
  /** RFC 3339; moments of admission from then on. */
  readonly from: string
  /** Before then. */
  readonly to: string
  /** Seconds of each step, counted from 1970 in UTC. */
  readonly step: number
  /** Name of the Endpoint that answered, or that the model is. */
  readonly endpoint?: string
  readonly model?: string
  /** Name of an ApiKey. */
  readonly key?: string
}

/** Of a step or of all: counts are decimal strings of integers. */
export interface Traffic {
  /** Each one that was admitted, once. */
  readonly requests: string
  readonly errors: {
    /** Answered with a status from 400 to 499. */
    readonly client: string
    /** Answered with a status from 500 on, or broken off after it had begun. */
    readonly server: string
    /** Left by its caller before the end. */
    readonly gone: string
  }
  /** What callers are billed for. */
  readonly tokens: { readonly input: string; readonly output: string }
  /** Seconds from admission to the end of those that were done; undefined where there were none. */
  readonly seconds: { readonly p50: number; readonly p95: number } | undefined
  /** Seconds from admission to the first token of streams; undefined where none is known. */
  readonly firstToken: { readonly p50: number; readonly p95: number } | undefined
}

export interface TrafficStep extends Traffic {
  /** RFC 3339. */
  readonly start: string
}

export interface TrafficAnswer {
  readonly total: Traffic
  /** Those in which something was asked, oldest first. */
  readonly steps: readonly TrafficStep[]
}
