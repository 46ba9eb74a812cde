// What a scrape finds at its moment: the gateway's own gauges, and those that only its app knows.

import type { BreakerState } from '../health/breaker.ts'
import type { VitalsState } from '../health/vitals.ts'
import { type Sample, unitsOf } from '../metrics.ts'
import type { Purse } from '../wallet/counted.ts'

/** What the app tells of itself; what it leaves out is not in the text. */
export interface Told {
  /** Of callers. */
  readonly connections?: number
  /** Limits are kept by this process alone. */
  readonly limiterDegraded?: boolean
  /** Seconds; 0 when everything is in the store. */
  readonly journalOldest?: number
  readonly snapshotGeneration?: number
  /** Seconds since the snapshot was equal to the store. */
  readonly snapshotAge?: number
}

export interface Moment {
  readonly inflight: number
  readonly streams: number
  /** Requests that wait for a replica. */
  readonly held: number
  readonly journalFull: boolean
  readonly cacheBytes: number
  readonly leased: Iterable<{ readonly purse: Purse; readonly leased: bigint; readonly held: bigint }>
  readonly origins: Iterable<{ readonly url: string; readonly inflight: number; readonly open: number }>
  readonly vitals: Iterable<Pick<VitalsState, 'upstream' | 'model' | 'breaker' | 'metrics'>>
}

const mostPairs = 1000
const breakerValue = { closed: 0, half_open: 1, open: 2 } as const satisfies Record<BreakerState, number>

export function samplesOf(
  { inflight, streams, held, journalFull, cacheBytes, leased, origins, vitals }: Moment,
  told: Told,
): Sample[] {
  const samples: Sample[] = [
    ['requests_inflight', inflight],
    ['streams_open', streams],
    ['held', held],
    ['journal_full', journalFull ? 1 : 0],
    ['cache_bytes', cacheBytes],
  ]
  for (const { purse, ...sums } of leased) {
    const labels = [purse.kind, purse.currency]
    samples.push(
      ['balance_leased', unitsOf(sums.leased), labels],
      ['balance_held', unitsOf(sums.held), labels],
    )
  }
  for (const { url, inflight: there, open } of origins)
    samples.push(['upstream_inflight', there, [url]], ['upstream_open', open, [url]])
  let pairs = 0
  for (const { upstream, model, breaker, metrics } of vitals) {
    // Beyond the bound nothing is told: a sum of states would mean nothing.
    if (++pairs > mostPairs) break
    samples.push(['breaker_state', breakerValue[breaker], [upstream, model]])
    if (metrics !== 'none')
      samples.push(['engine_metrics_stale', metrics === 'stale' ? 1 : 0, [upstream, model]])
  }
  const { connections, limiterDegraded, journalOldest, snapshotGeneration, snapshotAge } = told
  if (connections !== undefined) samples.push(['connections_open', connections])
  if (limiterDegraded !== undefined) samples.push(['limiter_degraded', limiterDegraded ? 1 : 0])
  if (journalOldest !== undefined) samples.push(['journal_oldest_seconds', journalOldest])
  if (snapshotGeneration !== undefined) samples.push(['snapshot_generation', snapshotGeneration])
  if (snapshotAge !== undefined) samples.push(['snapshot_age_seconds', snapshotAge])
  return samples
}
