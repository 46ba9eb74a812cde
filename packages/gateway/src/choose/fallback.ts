// The two refusals of a request that another model may accept: each has its own route to fall back to.

/** Why an upstream refused the request itself; `other` is any other 400, 413 or 422. */
export type Rejection = 'context_length' | 'content_filter' | 'other'

export interface Fallbacks {
  /** Name of a route. */
  readonly onContextLength?: string
  readonly onContentFilter?: string
}

/** At most this many routes are walked for one request, the first included. */
const mostRoutes = 4

/**
 * The route to go on with, or undefined when the refusal is the answer. `visited` names the routes of the request so
 * far, in order: none is entered twice, so that two routes that fall back to each other end.
 */
export function fallbackOf(
  rejection: Rejection,
  { onContextLength, onContentFilter }: Fallbacks,
  visited: readonly string[],
): string | undefined {
  const next = { context_length: onContextLength, content_filter: onContentFilter, other: undefined }[
    rejection
  ]
  return next === undefined || visited.length >= mostRoutes || visited.includes(next) ? undefined : next
}
