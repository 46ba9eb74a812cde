// Replicas whose engines say how many requests they have: of endpoints that have several, among which one is chosen.
import type { Counted } from '../counts.ts'
import { type Found, referred, within } from './found.ts'
import { originOf } from './upstreams.ts'

export function countedOf({ endpoints, engines, replicas }: Found): readonly Counted[] {
  return [...endpoints.values()].flatMap(({ metadata: { workspace, name }, spec }) => {
    const endpoint = within(workspace, name)
    const ready = replicas.get(endpoint) ?? []
    const engine = engines.get(referred(workspace, spec.engine?.name ?? ''))?.spec
    const path = engine?.probes.metrics
    if (ready.length < 2 || path === undefined || !engine?.signals.some(({ signal }) => signal === 'running'))
      return []
    const { signals } = engine
    return ready.map(replica => ({
      key: `${workspace}/${replica.metadata.name}`,
      endpoint,
      origin: originOf(replica),
      path,
      signals,
    }))
  })
}
