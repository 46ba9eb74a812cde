// How far numbering, signing and archiving of the trail have come, as gauges: every server asks the database, so that it
// is told also when nobody keeps the log.
import type { MetricRow } from '@switchyard/gateway'
import type { AuditStanding, AuditStore, Clock, Observe } from '@switchyard/runtime'

const everyMilliseconds = 5000

interface Gauge {
  readonly name: string
  readonly row: MetricRow
  readonly read: (standing: AuditStanding) => number | undefined
}

const gauge = (name: string, help: string, read: Gauge['read']): Gauge => ({
  name: `switchyard_audit_${name}`,
  row: Object.freeze({ type: 'gauge', unit: 'seconds', labels: [], open: [], bounds: [], help }),
  read,
})

const gauges: readonly Gauge[] = [
  gauge(
    'unnumbered_seconds',
    'Age of the oldest entry of the trail that has no number yet; 0 when all have.',
    ({ unnumbered }) => unnumbered,
  ),
  gauge(
    'numbered_timestamp_seconds',
    'When an entry of the trail was numbered last, since 1970.',
    ({ numberedAt }) => numberedAt,
  ),
  gauge(
    'unsigned_seconds',
    'Since the oldest entry of the trail that no checkpoint covers was numbered; 0 when all are covered.',
    ({ unsigned }) => unsigned,
  ),
  gauge(
    'signed_timestamp_seconds',
    'When a checkpoint of the trail was signed last, since 1970.',
    ({ signedAt }) => signedAt,
  ),
  gauge(
    'unarchived_seconds',
    'Since the oldest entry of the trail that is not archived was numbered; 0 when all are.',
    ({ unarchived }) => unarchived,
  ),
]

/** By name, in the order in which they are told. */
export const trailRows: readonly (readonly [string, MetricRow])[] = gauges.map(({ name, row }) => [name, row])

export interface WatchTrail {
  readonly audit: Pick<AuditStore, 'standing'>
  readonly clock: Clock
  /** Lines of Prometheus' text; none while the database is away. */
  readonly tell: (lines: readonly string[]) => void
  readonly observe: Observe<{ readonly type: 'standing_lost'; readonly error: unknown }>
}

/** Looks every five seconds. */
export function watchTrail({ audit, clock, tell, observe }: WatchTrail): AsyncDisposable {
  const ending = new AbortController()
  const done = (async () => {
    while (!ending.signal.aborted) {
      try {
        tell(linesOf(await audit.standing()))
      } catch (error) {
        tell([])
        observe({ type: 'standing_lost', error })
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

const linesOf = (standing: AuditStanding): readonly string[] =>
  gauges.flatMap(({ name, row: { help }, read }) => {
    const value = read(standing)
    return value === undefined ? [] : [`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, `${name} ${value}`]
  })
