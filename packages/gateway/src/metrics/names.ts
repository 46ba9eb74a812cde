// Every metric of the gateway, once: its text, its page in the docs and the queries of the dashboard come from here.

export type MetricType = 'counter' | 'gauge' | 'histogram'

export interface MetricRow<T extends MetricType = MetricType> {
  readonly type: T
  /** What its values count or measure. */
  readonly unit: string
  readonly labels: readonly string[]
  /** Labels with values that documents make: beyond 1 000 label sets they are told as `other`. */
  readonly open: readonly string[]
  /** Upper bounds of a histogram's buckets, ascending. */
  readonly bounds: readonly number[]
  readonly help: string
}

/** Stands before every name. */
export const metricNamespace = 'switchyard_gateway'

/** Goes up when a metric is renamed, leaves, or changes its labels; not when one is added. */
export const metricsVersion = 1

const long = Object.freeze([0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600])
const short = Object.freeze([0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1])
const token = Object.freeze([
  0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5,
])
const none: readonly never[] = Object.freeze([])

const row = <T extends MetricType>(
  type: T,
  unit: string,
  help: string,
  labels: readonly string[],
  open: readonly string[],
  bounds: readonly number[],
): MetricRow<T> => Object.freeze({ type, unit, help, labels, open, bounds })

const counter = (
  unit: string,
  help: string,
  labels: readonly string[] = none,
  open: readonly string[] = none,
) => row('counter', unit, help, labels, open, none)
const gauge = (
  unit: string,
  help: string,
  labels: readonly string[] = none,
  open: readonly string[] = labels,
) => row('gauge', unit, help, labels, open, none)
const histogram = (bounds: readonly number[], help: string) =>
  row('histogram', 'seconds', help, none, none, bounds)

/** By name without the namespace, in the order in which they are told. */
export const gatewayMetrics = Object.freeze({
  metrics_info: gauge('1', 'Always 1; the label is the version of this table of names.', ['version'], none),

  requests_total: counter(
    'requests',
    'Requests by how they ended. `route` is empty where none was found.',
    ['dialect', 'operation', 'route', 'code', 'end'],
    ['route'],
  ),
  request_seconds: histogram(long, 'From the first header to the last byte.'),
  overhead_seconds: histogram(short, 'Time of a request without what upstreams were waited for.'),
  first_token_seconds: histogram(long, 'From the first header to the first content of the answer.'),
  output_token_seconds: histogram(
    token,
    'Between two output tokens of a stream, on average over the stream.',
  ),
  tokens_total: counter('tokens', 'Tokens by class and by who counted them.', ['class', 'source']),
  units_total: counter(
    'units',
    'What was used beside tokens, by its unit: images, pixels, characters, milliseconds of sound, documents, requests.',
    ['unit', 'source'],
  ),
  usage_missing_total: counter('streams', 'Streams whose upstream reported no usage: counted here.'),
  malformed_events_total: counter('events', 'Events of upstreams that could not be read and were withheld.'),
  requests_inflight: gauge('requests', 'Requests under way.'),
  streams_open: gauge('streams', 'Streamed requests under way.'),
  held: gauge('requests', 'Requests that wait because no replica is ready for them.'),
  holds_total: counter(
    'requests',
    'Requests that waited for a replica, by how that ended: `full` found no room, for `hopeless` none would have been ready in time.',
    ['outcome'],
  ),
  wakes_total: counter('wake-ups', 'How often an endpoint without a ready replica was said to be wanted.'),
  connections_open: gauge('connections', 'Connections of callers.'),
  client_gone_total: counter('requests', 'Callers that left before their answer was whole, by phase.', [
    'phase',
  ]),
  abort_seconds: histogram(
    short,
    'From when the gateway learns that the caller has left until its upstream is let go of.',
  ),

  attempts_total: counter(
    'attempts',
    'Attempts at upstreams by outcome.',
    ['upstream', 'outcome'],
    ['upstream'],
  ),
  retries_total: counter('attempts', 'Attempts after one that failed.'),
  retry_budget_exhausted_total: counter(
    'requests',
    'Requests not tried again because the retry budget was empty.',
  ),
  fallbacks_total: counter(
    'requests',
    'Requests that another route took over, by why.',
    ['reason'],
    ['reason'],
  ),
  hedges_total: counter('decisions', 'Decisions on a second copy of a request.', ['outcome']),
  breaker_state: gauge('state', '0 closed, 1 half open, 2 open.', ['upstream', 'model']),
  engine_metrics_stale: gauge(
    '1',
    '1 while an engine does not say how many requests it has: the load that others put on it is not known.',
    ['upstream', 'model'],
  ),
  upstream_inflight: gauge('requests', 'Requests under way at an origin.', ['upstream']),
  upstream_open: gauge('connections', 'Connections to an origin.', ['upstream']),

  limit_decisions_total: counter('decisions', 'Decisions of the limits.', ['level', 'dimension', 'outcome']),
  limiter_seconds: histogram(short, 'Until the limits have decided.'),
  limiter_degraded: gauge('1', '1 while limits are kept by this process alone, the shared ones being away.'),

  cache_total: counter('requests', 'Requests by what the response cache did for them.', ['result']),
  cache_bytes: gauge('bytes', 'Memory of the answers that are kept.'),
  guard_total: counter('findings', 'What guardrails have found.', ['rule', 'action'], ['rule']),

  balance_leased: gauge(
    'currency units',
    'Money of balances in slices of this process that is not spent, by what pays and its currency.',
    ['kind', 'currency'],
  ),
  balance_held: gauge('currency units', 'Of that, what requests under way hold.', ['kind', 'currency']),
  balance_holds_total: counter(
    'requests',
    'Requests that were held for: from a `slice`, or each by the database (`row`).',
    ['kind', 'from'],
  ),
  balance_extensions_total: counter('decisions', 'Streams that asked for money for another stretch.', [
    'kind',
    'outcome',
  ]),
  balance_refusals_total: counter('requests', 'Requests that were not held for, by why.', ['kind', 'reason']),
  balance_settled_total: counter(
    'currency units',
    'What requests have cost that were held for.',
    ['kind', 'currency'],
    ['currency'],
  ),
  balance_overrun_total: counter(
    'currency units',
    'Of that, what was used beyond what was held.',
    ['kind', 'currency'],
    ['currency'],
  ),
  journal_full: gauge('1', '1 while the journal takes no new request.'),
  journal_oldest_seconds: gauge('seconds', 'Age of the oldest usage record that is not yet in the store.'),
  snapshot_generation: gauge('1', 'Goes up by one with every snapshot that this process has taken.'),
  snapshot_age_seconds: gauge('seconds', 'Since this process was last equal to the store.'),
  loop_delay_seconds: histogram(short, 'How late the event loop was, every 20 ms.'),
}) satisfies Readonly<Record<string, MetricRow>>

export type MetricName = keyof typeof gatewayMetrics

type NameOf<T extends MetricType> = {
  [N in MetricName]: (typeof gatewayMetrics)[N]['type'] extends T ? N : never
}[MetricName]
export type GaugeName = NameOf<'gauge'>
