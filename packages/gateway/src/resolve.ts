// A model's name, a principal and the snapshot -> where the request may go.
import { Fault } from '@switchyard/kinds'
import type { Model, Principal, Snapshot } from './snapshot.ts'

export function mayCall({ models }: Principal, name: string): boolean {
  return models === undefined || models.some(pattern => pattern.test(name))
}

/** Models that the principal may call, in the order of their names. */
export function callable(principal: Principal, snapshot: Snapshot): readonly Model[] {
  const models = snapshot.models.get(principal.workspace)?.values() ?? []
  return [...models].filter(({ name }) => mayCall(principal, name))
}

/** The same for an unknown model, for one of another workspace and, in listings, for one not allowed. */
export function unknownModel(name: string): Fault {
  const message = `The model '${name.slice(0, 128)}' does not exist or is not yours to call: GET /v1/models lists those that are.`
  return new Fault('not_found', message, {
    reason: 'model_not_found',
    details: [{ path: 'model', rule: 'model_not_found', message }],
  })
}

/** The model, when it may be called and can answer. */
export function resolve(name: string, principal: Principal, snapshot: Snapshot): Model {
  const model = snapshot.models.get(principal.workspace)?.get(name)
  if (!model) throw unknownModel(name)
  if (!mayCall(principal, name))
    throw new Fault(
      'denied',
      `This API key may not call '${name}': use another key, or add it to the key's models.`,
      {
        reason: 'model_not_allowed',
      },
    )
  if (model.paused)
    throw new Fault('unavailable', `The endpoint '${model.endpoint}' is paused: resume it to call it.`, {
      reason: 'endpoint_paused',
      retryAfterSeconds: 30,
    })
  if (model.upstreams.length === 0) throw noUpstream(model)
  return model
}

export function noUpstream({ endpoint }: Model): Fault {
  return new Fault('unavailable', `No replica of the endpoint '${endpoint}' is ready: try again shortly.`, {
    reason: 'no_upstream',
    retryAfterSeconds: 5,
  })
}
