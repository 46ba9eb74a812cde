// One value of the metrics, as they are scraped.
import type { gatewayMetrics } from '../src/metrics/names.ts'
import type { Bed } from './bed.ts'

type Labels = Readonly<Record<string, string>>

/** 0 where nothing of it is told; `labels` are those that the sample must have. */
export function metric({ gateway }: Bed, name: keyof typeof gatewayMetrics, labels?: Labels): number {
  return sampleOf(gateway.metrics(), name, labels)
}

/** The same of metrics that were scraped. */
export function sampleOf(metrics: string, name: keyof typeof gatewayMetrics, labels: Labels = {}): number {
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`)
  const line = metrics
    .split('\n')
    .find(
      one =>
        new RegExp(`^switchyard_gateway_${name}[ {]`).test(one) && wanted.every(text => one.includes(text)),
    )
  return line === undefined ? 0 : Number(line.slice(line.lastIndexOf(' ') + 1))
}
