// Sizes and times of the gateway, each with its default, checked once.

export interface Limits {
  /** Bytes of a request's body, default 32 MiB. */
  readonly bodyBytes: number
  /** Bytes of a form with files, which is never held whole, default 256 MiB. */
  readonly formBytes: number
  /** Bytes of a form that are held until its model is known, and for another attempt, default 1 MiB. */
  readonly formHeldBytes: number
  /** Bytes of one message of a realtime session, default 16 MiB. */
  readonly realtimeBytes: number
  /** Milliseconds without a message in a realtime session, default 600 000. */
  readonly realtimeIdle: number
  /** Milliseconds for a whole realtime session, default 3 600 000. */
  readonly realtimeTotal: number
  /** Bytes of a URL, default 8 KiB. */
  readonly uriBytes: number
  /** Bytes of a reply that is held whole, and of a stream, default 64 MiB. */
  readonly replyBytes: number
  /** Milliseconds until the connection to an upstream stands, default 5 000. */
  readonly connect: number
  /** Milliseconds until the first content of an answer, default 60 000. */
  readonly firstContent: number
  /** Milliseconds without a byte after that, default 60 000. */
  readonly idle: number
  /** Milliseconds without content, though bytes arrive, default 300 000. */
  readonly stall: number
  /** Milliseconds for a request with all its attempts, default 600 000. */
  readonly total: number
  /** Milliseconds between two parts of a caller's body, default 30 000. */
  readonly bodyGap: number
  /** Milliseconds for a caller's whole body, default 120 000. */
  readonly bodyTotal: number
  /** Milliseconds of silence on a stream after which a comment is sent, default 15 000. */
  readonly ping: number
  /** Milliseconds for which a caller may take nothing of what waits for it, default 60 000. */
  readonly callerStall: number
  /** Attempts of one request, the first included, default 3. */
  readonly attempts: number
  /** Connections to one upstream, default 1024. */
  readonly connections: number
}

export const defaultLimits: Limits = Object.freeze({
  bodyBytes: 32 * 1024 * 1024,
  formBytes: 256 * 1024 * 1024,
  formHeldBytes: 1024 * 1024,
  realtimeBytes: 16 * 1024 * 1024,
  realtimeIdle: 600_000,
  realtimeTotal: 3_600_000,
  uriBytes: 8 * 1024,
  replyBytes: 64 * 1024 * 1024,
  connect: 5_000,
  firstContent: 60_000,
  idle: 60_000,
  stall: 300_000,
  total: 600_000,
  bodyGap: 30_000,
  bodyTotal: 120_000,
  ping: 15_000,
  callerStall: 60_000,
  attempts: 3,
  connections: 1024,
})

export function completeLimits(given: Partial<Limits> = {}): Limits {
  const limits = { ...defaultLimits, ...given }
  for (const [name, value] of Object.entries(limits))
    if (!Number.isFinite(value) || value <= 0)
      throw new TypeError(`limits.${name} must be above 0, not ${value}`)
  return Object.freeze(limits)
}
