// Whether requests can be served, and what is amiss though they are. A gateway whose store is away is ready: it serves
// its snapshot, and taking it out of a balancer would turn a lost database into an outage.
import type { Readiness } from '@switchyard/api'
import type { Front } from './front.ts'

interface Options {
  readonly front: Pick<Front, 'problems' | 'snapshots'>
  /** Age of a snapshot from which nothing is answered by it. */
  readonly maxStaleSeconds: number | undefined
  /** Milliseconds since 1970. */
  readonly now: number
}

export function readinessOf({ front, maxStaleSeconds, now }: Options): Readiness {
  const away = front.snapshots.filter(standing => standing.away)
  if (away.length === 0) return { waitingFor: front.problems, degraded: [] }
  const ages = away.map(({ equalAt }) => Math.max(0, Math.round((now - equalAt) / 1000)))
  const stale = ages.filter(age => maxStaleSeconds !== undefined && age > maxStaleSeconds)
  const refused = stale.length > 0 && stale.length === front.snapshots.length
  return {
    waitingFor: refused
      ? [...front.problems, `the store: it is away, and the snapshot is older than ${maxStaleSeconds} s`]
      : front.problems,
    degraded: [`the store: it is away; the gateway serves its snapshot of ${Math.max(...ages)} s ago`],
  }
}
