// Replicas of endpoints that may sleep: only of these is it told that they are in use.
import type { Napping } from '../use.ts'
import { type Found, within } from './found.ts'

export function nappingOf({ endpoints, replicas }: Found): readonly Napping[] {
  return [...endpoints.values()].flatMap(({ metadata: { workspace, name }, spec }) => {
    if (spec.idleSeconds === undefined || workspace === null) return []
    const ready = replicas.get(within(workspace, name)) ?? []
    return ready.map(({ metadata }) => ({ key: `${workspace}/${metadata.name}`, workspace, name }))
  })
}
