// OTLP's JSON: https://opentelemetry.io/docs/specs/otlp. 64-bit counts and times are decimal strings, ids are hex.
import { type Instrument, instruments, type Value } from './telemetry-names.ts'

export interface Span {
  readonly trace: string
  /** 16 lower-case hex digits. */
  readonly id: string
  readonly parent: string | undefined
  readonly tracestate: string | undefined
  readonly name: string
  readonly kind: 'server' | 'client'
  /** Milliseconds since 1970. */
  readonly startedAt: number
  readonly endedAt: number
  readonly attributes: Readonly<Record<string, Value>>
  readonly failed: boolean
}

/** One set of attributes of one histogram, since the beginning. */
export interface Point {
  readonly instrument: Instrument
  readonly attributes: Readonly<Record<string, Value>>
  readonly counts: Float64Array
  readonly count: number
  readonly sum: number
}

export interface Source {
  readonly resource: Readonly<Record<string, Value>>
  readonly version: string
}

const kinds = { server: 2, client: 3 } as const
const failedStatus = 2
const cumulative = 2

export function tracesBody(spans: readonly Span[], { resource, version }: Source): string {
  return JSON.stringify({
    resourceSpans: [
      {
        resource: { attributes: keyed(resource) },
        scopeSpans: [{ scope: { name: 'switchyard.gateway', version }, spans: spans.map(spanOf) }],
      },
    ],
  })
}

function spanOf(span: Span): object {
  const { trace, id, parent, tracestate, name, kind, startedAt, endedAt, attributes, failed } = span
  return {
    traceId: trace,
    spanId: id,
    ...(parent !== undefined && { parentSpanId: parent }),
    ...(tracestate !== undefined && { traceState: tracestate }),
    name,
    kind: kinds[kind],
    startTimeUnixNano: nanoseconds(startedAt),
    endTimeUnixNano: nanoseconds(Math.max(startedAt, endedAt)),
    attributes: keyed(attributes),
    status: failed ? { code: failedStatus } : {},
  }
}

/** `since` and `now` in milliseconds. */
export function metricsBody(points: readonly Point[], since: number, now: number, source: Source): string {
  const metrics = [...Map.groupBy(points, ({ instrument }) => instrument)].map(([name, its]) => {
    const { unit, description, bounds } = instruments[name]
    const dataPoints = its.map(({ attributes, counts, count, sum }) => ({
      attributes: keyed(attributes),
      startTimeUnixNano: nanoseconds(since),
      timeUnixNano: nanoseconds(now),
      count: String(count),
      sum,
      bucketCounts: [...counts].map(String),
      explicitBounds: bounds,
    }))
    return { name, unit, description, histogram: { aggregationTemporality: cumulative, dataPoints } }
  })
  const { resource, version } = source
  return JSON.stringify({
    resourceMetrics: [
      {
        resource: { attributes: keyed(resource) },
        scopeMetrics: [{ scope: { name: 'switchyard.gateway', version }, metrics }],
      },
    ],
  })
}

function keyed(attributes: Readonly<Record<string, Value>>): readonly object[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: valued(value) }))
}

function valued(value: Value): object {
  if (typeof value === 'string') return { stringValue: value }
  if (typeof value === 'boolean') return { boolValue: value }
  if (typeof value === 'bigint') return { intValue: String(value) }
  if (typeof value === 'number') return { doubleValue: value }
  return { arrayValue: { values: value.map(valued) } }
}

/** Nanoseconds since 1970, which a double cannot hold. */
function nanoseconds(milliseconds: number): string {
  const whole = Math.floor(milliseconds)
  const rest = Math.min(999_999, Math.round((milliseconds - whole) * 1e6))
  return `${whole}${String(rest).padStart(6, '0')}`
}
