// How far the loops of the control plane have come, as gauges: every server asks the database, so that it is told also
// when nobody does the work.
import type { MetricRow } from '@switchyard/gateway'
import {
  type AuditStanding,
  type BatchStanding,
  type Clock,
  type HoldStanding,
  type InvoiceStanding,
  keepTurns,
  type Observe,
} from '@switchyard/runtime'

interface Gauge<T> {
  readonly name: string
  readonly row: MetricRow
  /** Nothing where there is nothing to tell. */
  readonly read: (standing: T) => number | null | undefined
}

/** What is told of one loop. */
export interface StandingGauges<T> {
  /** Between `switchyard_` and what each tells. */
  readonly of: string
  readonly gauges: readonly Gauge<T>[]
}

type Told<T> = readonly [name: string, help: string, read: Gauge<T>['read'], unit?: string]

const gaugesOf = <T>(of: string, told: readonly Told<T>[]): StandingGauges<T> => ({
  of,
  gauges: told.map(([name, help, read, unit = 'seconds']) => ({
    name: `switchyard_${of}_${name}`,
    row: Object.freeze({ type: 'gauge', unit, labels: [], open: [], bounds: [], help }),
    read,
  })),
})

/** What only an archive lets wait is null where there is none. */
type Sealing = Omit<BatchStanding, 'unarchived'> & { readonly unarchived: number | null }

export const sealingGauges = gaugesOf<Sealing>('usage', [
  [
    'unsealed_seconds',
    'Age of the oldest usage event that is in no sealed batch; 0 when all are.',
    ({ unsealed }) => unsealed,
  ],
  [
    'sealed_timestamp_seconds',
    'When a batch of usage was sealed last, since 1970.',
    ({ sealedAt }) => sealedAt,
  ],
  [
    'unarchived_seconds',
    'Since the oldest sealed batch of usage that is not archived was closed; 0 when all are. Told with an archive.',
    ({ unarchived }) => unarchived,
  ],
  [
    'archived_timestamp_seconds',
    'When a batch of usage was archived last, since 1970. Told with an archive.',
    ({ archivedAt }) => archivedAt,
  ],
])

export const trailGauges = gaugesOf<AuditStanding>('audit', [
  [
    'unnumbered_seconds',
    'Age of the oldest entry of the trail that has no number yet; 0 when all have.',
    ({ unnumbered }) => unnumbered,
  ],
  [
    'numbered_timestamp_seconds',
    'When an entry of the trail was numbered last, since 1970.',
    ({ numberedAt }) => numberedAt,
  ],
  [
    'unsigned_seconds',
    'Since the oldest entry of the trail that no checkpoint covers was numbered; 0 when all are covered.',
    ({ unsigned }) => unsigned,
  ],
  [
    'signed_timestamp_seconds',
    'When a checkpoint of the trail was signed last, since 1970.',
    ({ signedAt }) => signedAt,
  ],
  [
    'unarchived_seconds',
    'Since the oldest entry of the trail that is not archived was numbered; 0 when all are.',
    ({ unarchived }) => unarchived,
  ],
])

export const invoiceGauges = gaugesOf<InvoiceStanding>('invoice', [
  [
    'undrafted_seconds',
    'Since the oldest draft of an invoice was due to be reckoned again, which is every hour; 0 when none is due.',
    ({ undrafted }) => undrafted,
  ],
  [
    'drafted_timestamp_seconds',
    'When a draft of an invoice was reckoned last, since 1970.',
    ({ draftedAt }) => draftedAt,
  ],
  [
    'unissued_seconds',
    'Since the oldest invoice that is not issued was due to be, by itself or because somebody has begun to; 0 when none is due.',
    ({ unissued }) => unissued,
  ],
  [
    'stopped',
    'Invoices that cannot be issued as things stand: each says why.',
    ({ stopped }) => stopped,
    'invoices',
  ],
])

export const holdGauges = gaugesOf<HoldStanding>('balance', [
  [
    'lapsed_seconds',
    'Since the oldest money that is held for a gateway that keeps it no more lapsed; 0 when there is none. Written off after a day.',
    ({ lapsed }) => lapsed,
  ],
])

/** When this process last tidied, in seconds since 1970. */
export const tidyGauges = gaugesOf<number>('store', [
  [
    'tidied_timestamp_seconds',
    'When this server last gave back what nobody holds any more, let credits expire and dropped what nobody needs, since 1970.',
    at => at,
  ],
])

/** As it is set, for the alert. */
export const overrunGauges = gaugesOf<number>('overrun', [
  [
    'warning_ratio',
    'Share of what was charged from which overruns of balances are warned of: `SWITCHYARD_OVERRUN_PERCENT` by 100.',
    share => share,
    '1',
  ],
])

const all = [overrunGauges, sealingGauges, trailGauges, invoiceGauges, holdGauges, tidyGauges]

/** By name, in the order in which they are told. */
export const standingRows: readonly (readonly [string, MetricRow])[] = all.flatMap(({ gauges }) =>
  gauges.map(({ name, row }) => [name, row] as const),
)

/** Prometheus' text. */
export const standingLines = <T>({ gauges }: StandingGauges<T>, standing: T): readonly string[] =>
  gauges.flatMap(({ name, row: { help }, read }) => {
    const value = read(standing)
    if (value === null || value === undefined) return []
    return [`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, `${name} ${value}`]
  })

export interface WatchStanding<T> {
  readonly gauges: StandingGauges<T>
  readonly read: () => Promise<T>
  /** Between two looks. Default 5000. */
  readonly everyMilliseconds?: number
  readonly clock: Clock
  /** No lines while the database is away. */
  readonly tell: (of: string, lines: readonly string[]) => void
  readonly observe: Observe<{ readonly type: 'standing_lost'; readonly error: unknown }>
}

export function watchStanding<T>(watch: WatchStanding<T>): AsyncDisposable {
  const { gauges, read, everyMilliseconds = 5000, clock, tell, observe } = watch
  return keepTurns({
    async turn() {
      tell(gauges.of, standingLines(gauges, await read()))
    },
    failed(error) {
      tell(gauges.of, [])
      observe({ type: 'standing_lost', error })
    },
    pause: everyMilliseconds,
    clock,
  })
}
