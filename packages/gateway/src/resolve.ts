// A model's name, a principal and the snapshot -> where the request may go.
import { Fault } from '@switchyard/kinds'
import type { Route } from './route.ts'
import type { Principal, Snapshot } from './snapshot.ts'

export function mayCall({ models }: Principal, name: string): boolean {
  return models === undefined || models.some(pattern => pattern.test(name))
}

/** Routes that the principal may call by their whole name, in the order of their names. */
export function callable(principal: Principal, snapshot: Snapshot): readonly Route[] {
  const routes = snapshot.routes.get(principal.workspace)?.named.values() ?? []
  return [...routes].filter(({ name }) => mayCall(principal, name))
}

/** The same for an unknown model, for one of another workspace and, in listings, for one not allowed. */
export function unknownModel(name: string): Fault {
  const message = `The model '${name.slice(0, 128)}' does not exist or is not yours to call: GET /v1/models lists those that are.`
  return new Fault('not_found', message, {
    reason: 'model_not_found',
    details: [{ path: 'model', rule: 'model_not_found', message }],
  })
}

const latest = ':latest'

/** The route of a public name: the name itself, without Ollama's `:latest`, or the longest wildcard that fits. */
export function findRoute(name: string, workspace: string, snapshot: Snapshot): Route | undefined {
  const routes = snapshot.routes.get(workspace)
  if (!routes) return undefined
  const named =
    routes.named.get(name) ??
    (name.endsWith(latest) ? routes.named.get(name.slice(0, -latest.length)) : undefined)
  return named ?? routes.wildcards.find(route => name.startsWith(route.name.slice(0, -1)))
}

/** The route, when it may be called and can answer. */
export function resolve(name: string, principal: Principal, snapshot: Snapshot): Route {
  const route = findRoute(name, principal.workspace, snapshot)
  if (!route) throw unknownModel(name)
  if (!mayCall(principal, name) && !mayCall(principal, route.name))
    throw new Fault(
      'denied',
      `This API key may not call '${name}': use another key, or add it to the key's models.`,
      {
        reason: 'model_not_allowed',
      },
    )
  if (route.paused)
    throw new Fault('unavailable', `The endpoint '${route.endpoint}' is paused: resume it to call it.`, {
      reason: 'endpoint_paused',
      retryAfterSeconds: 30,
    })
  if (route.tiers.every(({ upstreams }) => upstreams.length === 0)) throw noUpstream(route)
  return route
}

export function noUpstream({ endpoint, name }: Route): Fault {
  const who = endpoint === '' ? `upstream of the route '${name}'` : `replica of the endpoint '${endpoint}'`
  return new Fault('unavailable', `No ${who} is ready: try again shortly.`, {
    reason: 'no_upstream',
    retryAfterSeconds: 5,
  })
}
