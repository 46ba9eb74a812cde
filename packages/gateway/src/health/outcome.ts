// What the end of an attempt says about the upstream: one row for each outcome, so that no place decides by name.

/** How an attempt ended, as far as the upstream's health goes. */
export type HealthOutcome =
  /** Whole, or to the terminal event of a stream. */
  | 'answered'
  /** DNS, connect or TLS failed, refused, or reset before headers. */
  | 'unreached'
  /** 408, 500, 502, 503, 504, 529; an error or rubbish with 200; a cut. */
  | 'fault'
  /** No first content in time, or silence after it, by our clock. */
  | 'slow'
  /** 429. */
  | 'rate_limited'
  /** 401, 402, 403, 404. */
  | 'misconfigured'
  /** 400, 413, 422, 501: the request's own fault. */
  | 'rejected'
  /** The caller left or its own deadline passed, the attempt lost a hedge, the process stops. */
  | 'aborted'

export interface OutcomeRow {
  /** Column of the breaker's window; undefined is not counted at all. */
  readonly counts: 'good' | 'fault' | 'slow' | undefined
  /** Whether a connection stood; undefined when the attempt tells nothing about it. */
  readonly reached: boolean | undefined
  /** Where a retry may go. `next_tier`: the upstreams beside it are configured by the same hands. */
  readonly retry: 'other' | 'next_tier' | 'none'
}

export const outcomes: Readonly<Record<HealthOutcome, OutcomeRow>> = Object.freeze({
  answered: { counts: 'good', reached: true, retry: 'none' },
  unreached: { counts: 'fault', reached: false, retry: 'other' },
  fault: { counts: 'fault', reached: true, retry: 'other' },
  slow: { counts: 'slow', reached: true, retry: 'other' },
  rate_limited: { counts: undefined, reached: true, retry: 'other' },
  misconfigured: { counts: undefined, reached: true, retry: 'next_tier' },
  rejected: { counts: undefined, reached: true, retry: 'none' },
  aborted: { counts: undefined, reached: undefined, retry: 'none' },
})

const misconfigured: ReadonlySet<number> = new Set([401, 402, 403, 404])

/** Of the status of an upstream's answer; a 200 is `answered` until its body says otherwise. */
export function outcomeOfStatus(status: number): HealthOutcome {
  if (status >= 200 && status < 300) return 'answered'
  if (status === 429) return 'rate_limited'
  if (misconfigured.has(status)) return 'misconfigured'
  if (status === 501 || (status >= 400 && status < 500 && status !== 408)) return 'rejected'
  return 'fault'
}
