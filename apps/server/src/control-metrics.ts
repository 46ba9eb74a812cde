// Metrics of the control plane, told beside those of the gateway.
import { type MetricRow, Series } from '@switchyard/gateway'
import type { StoreObservation } from '@switchyard/store'
import { overrunGauges, standingLines, standingRows, tidyGauges } from './standing-metrics.ts'

const refused: MetricRow = Object.freeze({
  type: 'counter',
  unit: 'changes',
  labels: ['level', 'dimension'],
  open: ['dimension'],
  bounds: [],
  help: 'Changes that a Quota refused: endpoints that ask for too much, and replicas that came too late. `dimension` is `replicas`, an accelerator, or an accelerator and a product.',
})

/** By name, in the order in which they are told. */
export const controlMetricRows: readonly (readonly [string, MetricRow])[] = [
  ['switchyard_quota_refused_total', refused],
  ...standingRows,
]

export class ControlMetrics {
  readonly #refused = new Series('switchyard_quota_refused_total', refused)
  readonly #standing = new Map<string, readonly string[]>()

  readonly hear = (observation: StoreObservation): void => {
    if (observation.type === 'quota_refused') this.#refused.add([observation.level, observation.dimension])
  }

  constructor({ overrunPercent }: { readonly overrunPercent: number }) {
    this.tell(overrunGauges.of, standingLines(overrunGauges, overrunPercent / 100))
  }

  /** How far a loop has come, in place of what was told of it before. */
  readonly tell = (of: string, lines: readonly string[]): void => {
    this.#standing.set(of, lines)
  }

  /** At milliseconds since 1970. */
  readonly tidied = (at: number): void => this.tell(tidyGauges.of, standingLines(tidyGauges, at / 1000))

  /** Prometheus' text. */
  text(): string {
    return `${[...this.#refused.lines(), ...[...this.#standing.values()].flat()].join('\n')}\n`
  }
}
