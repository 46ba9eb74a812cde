// Which trace a request belongs to, and whether it is recorded: by W3C's `traceparent`, else by the request's own id.

export interface TraceContext {
  /** 32 lower-case hex digits. */
  readonly trace: string
  /** Span of the caller; undefined begins a trace. */
  readonly parent: string | undefined
  readonly sampled: boolean
}

const form = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/
const zeros = /^0+$/
/** What a double holds exactly of the last 56 bits: their first 52. */
const randomness = 2 ** 52

/**
 * As the caller decided; without a caller's decision `ratio` (0 to 1) of the traces. A trace that begins here is
 * called as its request, a UUIDv7: its last 56 bits are random, which is what the decision needs.
 */
export function contextOf(request: string, traceparent: string | undefined, ratio: number): TraceContext {
  const [, version, trace = '', parent = '', flags = '', more] = form.exec(traceparent ?? '') ?? []
  const known = version !== undefined && version !== 'ff' && (version !== '00' || more === undefined)
  if (known && !zeros.test(trace) && !zeros.test(parent))
    return { trace, parent, sampled: (Number.parseInt(flags, 16) & 1) === 1 }
  const own = request.replaceAll('-', '')
  return {
    trace: own,
    parent: undefined,
    sampled: Number.parseInt(own.slice(-14, -1), 16) >= (1 - ratio) * randomness,
  }
}
