// Metrics of the control plane, told beside those of the gateway.
import { type MetricRow, Series } from '@switchyard/gateway'
import type { StoreObservation } from '@switchyard/store'
import { sealingRows } from './sealing-metrics.ts'
import { trailRows } from './trail-metrics.ts'

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
  ...sealingRows,
  ...trailRows,
]

export class ControlMetrics {
  readonly #refused = new Series('switchyard_quota_refused_total', refused)
  #sealing: readonly string[] = []
  #trail: readonly string[] = []

  readonly hear = (observation: StoreObservation): void => {
    if (observation.type === 'quota_refused') this.#refused.add([observation.level, observation.dimension])
  }

  readonly tellSealing = (lines: readonly string[]): void => {
    this.#sealing = lines
  }

  readonly tellTrail = (lines: readonly string[]): void => {
    this.#trail = lines
  }

  /** Prometheus' text. */
  text(): string {
    return `${[...this.#refused.lines(), ...this.#sealing, ...this.#trail].join('\n')}\n`
  }
}
