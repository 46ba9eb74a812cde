import { describe, expect, test } from 'vitest'
import { addCounters, type Families, mergeMetrics, readMetrics } from '../src/workers-metrics.ts'

const text = (requests: number, open: number, sum: number) =>
  `# HELP asked_total Requests.
# TYPE asked_total counter
asked_total{route="a b",code="200"} ${requests}
# HELP open_now Open.
# TYPE open_now gauge
open_now ${open}
open_now{upstream="x"} ${open}
# HELP took_seconds Time.
# TYPE took_seconds histogram
took_seconds_bucket{le="+Inf"} ${requests}
took_seconds_sum ${sum}
took_seconds_count ${requests}
`

describe('metrics of several processes', () => {
  const living = new Map([
    [1, readMetrics(text(3, 1, 0.5))],
    [2, readMetrics(text(4, 2, 0.25))],
  ])

  test('counters and histograms are sums, gauges are told for each worker, every head once', () => {
    expect(mergeMetrics(living, new Map())).toBe(`# HELP asked_total Requests.
# TYPE asked_total counter
asked_total{route="a b",code="200"} 7
# HELP open_now Open.
# TYPE open_now gauge
open_now{worker="1"} 1
open_now{worker="1",upstream="x"} 1
open_now{worker="2"} 2
open_now{worker="2",upstream="x"} 2
# HELP took_seconds Time.
# TYPE took_seconds histogram
took_seconds_bucket{le="+Inf"} 7
took_seconds_sum 0.75
took_seconds_count 7
`)
  })

  test('a sum does not fall when a process ends, and its gauges go with it', () => {
    const ended: Families = new Map()
    addCounters(ended, readMetrics(text(10, 5, 1)))
    addCounters(ended, readMetrics(text(1, 5, 1)))
    const merged = mergeMetrics(living, ended)
    expect(merged).toContain('asked_total{route="a b",code="200"} 18\n')
    expect(merged).toContain('took_seconds_sum 2.75\n')
    expect(merged).not.toContain('} 5')
  })

  test('of ended processes alone the counters are told', () => {
    const ended: Families = new Map()
    addCounters(ended, readMetrics(text(10, 5, 1)))
    expect(mergeMetrics(new Map(), ended)).not.toContain('open_now')
    expect(mergeMetrics(new Map(), ended)).toContain('asked_total{route="a b",code="200"} 10\n')
  })
})
