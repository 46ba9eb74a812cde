// Which versions of an engine there are, and which of its arguments each of them knows.
import type { EngineSpec } from './engine.ts'

/** `0.9.2` before `0.11.0`: runs of digits count as numbers. */
const order = new Intl.Collator('en', { numeric: true })

/** Whether a version has this argument. */
export const knows = (
  { since, until }: Pick<EngineSpec['arguments'][string], 'since' | 'until'>,
  version: string,
): boolean =>
  (since === undefined || order.compare(since, version) <= 0) &&
  (until === undefined || order.compare(version, until) <= 0)

/** The version named, or the first supported one; undefined when the engine has no such version. */
export function findVersion(spec: EngineSpec, version?: string): EngineSpec['versions'][number] | undefined {
  return version === undefined
    ? spec.versions.find(({ state }) => state === 'supported')
    : spec.versions.find(each => each.version === version)
}
