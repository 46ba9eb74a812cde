// One value of the metrics, as they are scraped.
import type { gatewayMetrics } from '../src/metrics/names.ts'
import type { Bed } from './bed.ts'

/** 0 where nothing of it is told; `labels` are those that the sample must have. */
export function metric(
  bed: Bed,
  name: keyof typeof gatewayMetrics,
  labels: Readonly<Record<string, string>> = {},
): number {
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`)
  const line = bed.gateway
    .metrics()
    .split('\n')
    .find(
      one =>
        new RegExp(`^switchyard_gateway_${name}[ {]`).test(one) && wanted.every(text => one.includes(text)),
    )
  return line === undefined ? 0 : Number(line.slice(line.lastIndexOf(' ') + 1))
}
