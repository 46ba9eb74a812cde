// A model's name, a principal and the snapshot -> where the request may go.
import { Fault } from '@switchyard/kinds'
import type { Route } from './route.ts'
import type { Principal, Snapshot } from './snapshot.ts'

export function mayCall({ models }: Principal, name: string): boolean {
  return models === undefined || models.some(pattern => pattern.test(name))
}

/** Routes that the principal may call by their whole name, in the order of their names. */
export function callable(principal: Principal, snapshot: Snapshot): readonly Route[] {
  const routes = snapshot.routes.get(principal.workspace)?.named ?? new Map<string, readonly Route[]>()
  return [...routes].flatMap(([name, all]) => {
    const route = mayCall(principal, name) ? all.find(one => opens(one, principal)) : undefined
    return route ?? []
  })
}

/** Whether a route is open to the principal's key. */
export function opens({ access }: Pick<Route, 'access'>, { project, keyName }: Principal): boolean {
  if (!access) return true
  return (project !== null && access.projects?.includes(project)) || (access.keys?.includes(keyName) ?? false)
}

/** The same for an unknown model, for one of another workspace and, in listings, for one not allowed. */
export function unknownModel(name: string, cause?: Fault): Fault {
  const message = `The model '${name.slice(0, 128)}' does not exist or is not yours to call: GET /v1/models lists those that are.`
  return new Fault('not_found', message, {
    reason: 'model_not_found',
    cause,
    details: [{ path: 'model', rule: 'model_not_found', message }],
  })
}

const latest = ':latest'

/** What of a request a route may ask for. */
export interface Asked {
  readonly headers: readonly string[]
  /** Of `x-switchyard-tags`. */
  readonly tags: readonly string[]
  /** A text of the request's own metadata, read when a route asks for it. */
  readonly metadata: (name: string) => string | undefined
}

/**
 * The route of a public name: of the name itself, without Ollama's `:latest`, or of the longest wildcard that fits;
 * among those of one name the first that is open to the caller and matches.
 */
export function findRoute(
  name: string,
  principal: Principal,
  snapshot: Snapshot,
  asked?: Asked,
): Route | undefined {
  const routes = snapshot.routes.get(principal.workspace)
  if (!routes) return undefined
  const plain = name.endsWith(latest) ? name.slice(0, -latest.length) : name
  const named = routes.named.get(name) ?? routes.named.get(plain)
  const fits = (route: Route) => opens(route, principal) && (!asked || matches(route, asked))
  return (
    named?.find(fits) ??
    routes.wildcards.find(route => name.startsWith(route.name.slice(0, -1)) && fits(route))
  )
}

/** A value, or the start of one and a `*`. */
export const like = (pattern: string, value: string): boolean =>
  pattern.endsWith('*') ? value.startsWith(pattern.slice(0, -1)) : value === pattern

function matches({ match }: Route, asked: Asked): boolean {
  if (!match) return true
  const { headers = {}, metadata = {}, tags = [] } = match
  if (!tags.every(tag => asked.tags.includes(tag))) return false
  for (const name in headers) {
    const value = headerValue(asked.headers, name)
    if (value === undefined || !like(headers[name] ?? '', value)) return false
  }
  for (const name in metadata) {
    const value = asked.metadata(name)
    if (value === undefined || !like(metadata[name] ?? '', value)) return false
  }
  return true
}

export function headerValue(headers: readonly string[], name: string): string | undefined {
  const wanted = name.toLowerCase()
  for (let i = 0; i < headers.length; i += 2) if (headers[i]?.toLowerCase() === wanted) return headers[i + 1]
  return undefined
}

/** The route, when it may be called and can answer. */
export function resolve(name: string, principal: Principal, snapshot: Snapshot, asked: Asked): Route {
  const route = findRoute(name, principal, snapshot, asked)
  if (!route) throw unknownModel(name, closedTo(name, principal, snapshot))
  if (!mayCall(principal, name) && !mayCall(principal, route.name))
    throw new Fault(
      'denied',
      `This API key may not call '${name}': use another key, or add it to the key's models.`,
      {
        reason: 'model_not_allowed',
      },
    )
  if (route.paused) throw noUpstream(route)
  if (route.guarding.fault) throw route.guarding.fault
  if (
    route.tiers.every(({ upstreams }) => upstreams.length === 0) &&
    route.unready.every(({ hold }) => hold === undefined)
  )
    throw noUpstream(route)
  return route
}

/** Why a model is kept hidden that is there: for the trail alone. */
function closedTo(name: string, principal: Principal, { routes }: Snapshot): Fault | undefined {
  const named = routes.get(principal.workspace)?.named.get(name)
  if (!named || named.some(route => opens(route, principal))) return undefined
  return new Fault('denied', `'${name}' is not open to this key.`, { reason: 'route_not_open' })
}

/** Of a route that leads to nothing that is ready. */
export function noUpstream({ name, paused, unready }: Route): Fault {
  const [first] = unready
  const says = first?.says ?? `No upstream of the route '${name}' is ready: try again shortly.`
  return new Fault('unavailable', says, {
    reason: paused ? 'endpoint_paused' : 'no_upstream',
    retryAfterSeconds: first?.mends === false ? 30 : 5,
  })
}
