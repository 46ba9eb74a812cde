// How far sealing and archiving of usage have come, as gauges: every server asks the database, so that it is told also
// when nobody seals.
import type { MetricRow } from '@switchyard/gateway'
import type { BatchStanding, BatchStore, Clock, Observe } from '@switchyard/runtime'

const everyMilliseconds = 5000

interface Gauge {
  readonly name: string
  readonly row: MetricRow
  readonly read: (standing: BatchStanding) => number | null
  /** Told only where there is an archive. */
  readonly archive: boolean
}

const gauge = (name: string, help: string, read: Gauge['read'], archive = false): Gauge => ({
  name: `switchyard_usage_${name}`,
  row: Object.freeze({ type: 'gauge', unit: 'seconds', labels: [], open: [], bounds: [], help }),
  read,
  archive,
})

const gauges: readonly Gauge[] = [
  gauge(
    'unsealed_seconds',
    'Age of the oldest usage event that is in no sealed batch; 0 when all are.',
    ({ unsealed }) => unsealed,
  ),
  gauge(
    'sealed_timestamp_seconds',
    'When a batch of usage was sealed last, since 1970.',
    ({ sealedAt }) => sealedAt,
  ),
  gauge(
    'unarchived_seconds',
    'Since the oldest sealed batch of usage that is not archived was closed; 0 when all are. Told with an archive.',
    ({ unarchived }) => unarchived,
    true,
  ),
  gauge(
    'archived_timestamp_seconds',
    'When a batch of usage was archived last, since 1970. Told with an archive.',
    ({ archivedAt }) => archivedAt,
    true,
  ),
]

/** By name, in the order in which they are told. */
export const sealingRows: readonly (readonly [string, MetricRow])[] = gauges.map(({ name, row }) => [
  name,
  row,
])

export interface WatchSealing {
  readonly batches: Pick<BatchStore, 'standing'>
  /** There is an archive. */
  readonly archives: boolean
  readonly clock: Clock
  /** Lines of Prometheus' text; none while the database is away. */
  readonly tell: (lines: readonly string[]) => void
  readonly observe: Observe<{ readonly type: 'sealing_lost'; readonly error: unknown }>
}

/** Looks every five seconds. */
export function watchSealing({ batches, archives, clock, tell, observe }: WatchSealing): AsyncDisposable {
  const ending = new AbortController()
  const done = (async () => {
    while (!ending.signal.aborted) {
      try {
        tell(linesOf(await batches.standing(), archives))
      } catch (error) {
        tell([])
        observe({ type: 'sealing_lost', error })
      }
      await clock.sleep(everyMilliseconds, ending.signal)
    }
  })()
  return {
    async [Symbol.asyncDispose]() {
      ending.abort()
      await done
    },
  }
}

function linesOf(standing: BatchStanding, archives: boolean): readonly string[] {
  return gauges.flatMap(({ name, row: { help }, read, archive }) => {
    const value = archive && !archives ? null : read(standing)
    return value === null ? [] : [`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, `${name} ${value}`]
  })
}
