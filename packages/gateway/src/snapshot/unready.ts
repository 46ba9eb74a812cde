// Endpoints without a ready replica: whether requests may wait for one, and what is told of them where they may not.
import { endpointHold, failureReasons } from '@switchyard/kinds'
import type { Unready } from '../route.ts'
import { type Endpoint, type Found, within } from './found.ts'

/** Of those names, each once and in their order, the ones that stand and have no ready replica. */
export function unreadyOf(workspace: string, names: readonly string[], found: Found): readonly Unready[] {
  return [...new Set(names)].flatMap(name => {
    const key = within(workspace, name)
    const endpoint = found.endpoints.get(key)
    return endpoint && !found.replicas.has(key) ? [unready(endpoint)] : []
  })
}

function unready(endpoint: Endpoint): Unready {
  const { metadata, spec } = endpoint
  const { requests, seconds } = spec.hold ?? endpointHold
  const why = nobodyComes(endpoint)
  const who = `The endpoint '${metadata.name}'`
  return Object.freeze({
    workspace: metadata.workspace ?? '',
    name: metadata.name,
    says: why
      ? `${who} ${why}.`
      : `No replica of the endpoint '${metadata.name}' is ready: try again shortly.`,
    mends: why === undefined,
    ...(why === undefined &&
      requests > 0 &&
      seconds > 0 && { hold: { requests, milliseconds: seconds * 1000 } }),
  })
}

const failures: ReadonlySet<string> = new Set(failureReasons)

/** Why no replica comes by itself; undefined where one is on its way. */
function nobodyComes({ spec, status }: Endpoint): string | undefined {
  if (spec.paused) return 'is paused: resume it to call it'
  if (spec.replicas === 0) return 'has no replicas: set spec.replicas to 1 or more to call it'
  if (status.phase !== 'Failed') return undefined
  // Of a condition only its word is told: its message is for those who may read the endpoint.
  const reason = status.conditions?.find(one => one.status === 'False' && failures.has(one.reason))?.reason
  return `cannot start${reason === undefined ? '' : ` (${reason})`}: its status says why`
}
