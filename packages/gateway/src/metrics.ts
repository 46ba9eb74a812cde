// Plain counters on the way of a request, folded into Prometheus' text when they are scraped.
import type { CallerName, Operation, Usage } from '@switchyard/dialects'
import type { AttemptOutcome, EndReason, Verdict } from '@switchyard/runtime'
import type { CacheResult } from './cache/replies.ts'
import type { Finding } from './guard/index.ts'
import type { HoldEnd } from './hold.ts'
import {
  type GaugeName,
  gatewayMetrics,
  type MetricName,
  type MetricRow,
  metricNamespace,
  metricsVersion,
} from './metrics/names.ts'
import { Histogram, type Label, Series } from './metrics/series.ts'
import type { HoldSums } from './wallet/counted.ts'

export type Outcome = AttemptOutcome

/** How a caller speaks; '' while no path was found. */
export type Speaking = CallerName | 'mcp' | ''

/** A gauge's value now; `labels` in the order of its row. */
export type Sample = readonly [name: GaugeName, value: number, labels?: readonly Label[]]

const series = (name: MetricName): Series => new Series(`${metricNamespace}_${name}`, gatewayMetrics[name])
const histogram = (name: MetricName): Histogram =>
  new Histogram(`${metricNamespace}_${name}`, gatewayMetrics[name])
const nothing: readonly Label[] = Object.freeze([])

export class Metrics {
  readonly #counters = {
    requests_total: series('requests_total'),
    tokens_total: series('tokens_total'),
    units_total: series('units_total'),
    client_gone_total: series('client_gone_total'),
    holds_total: series('holds_total'),
    attempts_total: series('attempts_total'),
    fallbacks_total: series('fallbacks_total'),
    hedges_total: series('hedges_total'),
    limit_decisions_total: series('limit_decisions_total'),
    cache_total: series('cache_total'),
    guard_total: series('guard_total'),
    balance_holds_total: series('balance_holds_total'),
    balance_extensions_total: series('balance_extensions_total'),
    balance_refusals_total: series('balance_refusals_total'),
    balance_settled_total: series('balance_settled_total'),
    balance_overrun_total: series('balance_overrun_total'),
  }
  readonly #histograms = {
    request_seconds: histogram('request_seconds'),
    overhead_seconds: histogram('overhead_seconds'),
    first_token_seconds: histogram('first_token_seconds'),
    output_token_seconds: histogram('output_token_seconds'),
    abort_seconds: histogram('abort_seconds'),
    limiter_seconds: histogram('limiter_seconds'),
    loop_delay_seconds: histogram('loop_delay_seconds'),
  }
  retries = 0
  retryBudgetExhausted = 0
  malformedEvents = 0
  usageMissing = 0
  wakes = 0

  /** What becomes of money that is held for requests. */
  readonly money: HoldSums = {
    opened: ({ kind }, from) => this.#counters.balance_holds_total.add([kind, from]),
    extended: ({ kind }, granted) =>
      this.#counters.balance_extensions_total.add([kind, granted ? 'granted' : 'short']),
    paid: ({ kind, currency }, amount, over) => {
      this.#counters.balance_settled_total.add([kind, currency], unitsOf(amount))
      this.#counters.balance_overrun_total.add([kind, currency], unitsOf(over))
    },
    refused: ({ kind }, reason) => this.#counters.balance_refusals_total.add([kind, reason]),
  }

  /** `route` is the name of the route, or '' when none was found. */
  request(caller: Speaking, operation: Operation | '', route: string, status: number, end: EndReason): void {
    this.#counters.requests_total.add([caller, operation, route, status, end])
  }

  attempt(upstream: string, outcome: Outcome): void {
    this.#counters.attempts_total.add([upstream, outcome])
  }

  used({ quantities, source }: Usage): void {
    const { tokens_total, units_total } = this.#counters
    for (const unit in quantities) {
      // A counter of a process may lose digits beyond 2^53; the ledger does not read it.
      const quantity = Number(quantities[unit as keyof typeof quantities])
      const counter = unit.startsWith('tok.') ? tokens_total : units_total
      counter.add([unit, source], quantity)
    }
  }

  /** `milliseconds` that the decision took. */
  limit(verdict: Verdict, milliseconds?: number): void {
    if (milliseconds !== undefined) this.#histograms.limiter_seconds.observe(milliseconds / 1000)
    this.#counters.limit_decisions_total.add(
      verdict.type === 'admitted' ? admitted : [verdict.level, verdict.dimension, verdict.reason],
    )
  }

  /** A request whose cost is limited and not known. */
  unpriced(): void {
    this.#counters.limit_decisions_total.add(unpriced)
  }

  guard(findings: readonly Finding[]): void {
    for (const { rule, action, failure, count } of findings)
      this.#counters.guard_total.add([rule, failure ?? action], Math.max(1, count))
  }

  cache(result: CacheResult): void {
    this.#counters.cache_total.add([result])
  }

  hold(end: HoldEnd): void {
    this.#counters.holds_total.add([end])
  }

  hedge(verdict: string): void {
    this.#counters.hedges_total.add([verdict])
  }

  fallback(reason: string): void {
    this.#counters.fallbacks_total.add([reason])
  }

  /** `milliseconds` until the upstream was let go of; undefined where none was asked. */
  gone(phase: string, milliseconds?: number): void {
    this.#counters.client_gone_total.add([phase])
    if (milliseconds !== undefined) this.#histograms.abort_seconds.observe(milliseconds / 1000)
  }

  times(total: number, waited: number, firstContent: number | undefined): void {
    this.#histograms.request_seconds.observe(total / 1000)
    this.#histograms.overhead_seconds.observe(Math.max(0, total - waited) / 1000)
    if (firstContent !== undefined) this.#histograms.first_token_seconds.observe(firstContent / 1000)
  }

  /** A stream of `tokens` whose content took `milliseconds` from the first to the last. */
  pace(milliseconds: number, tokens: number): void {
    if (tokens > 1) this.#histograms.output_token_seconds.observe(milliseconds / 1000 / (tokens - 1))
  }

  loopDelay(milliseconds: number): void {
    this.#histograms.loop_delay_seconds.observe(milliseconds / 1000)
  }

  /** Prometheus' text format; of the gauges only those are told that have a sample. */
  text(samples: readonly Sample[]): string {
    const gauges = new Map<MetricName, Series>()
    const all: readonly Sample[] = [['metrics_info', 1, [metricsVersion]], ...samples]
    for (const [name, value, labels = nothing] of all) {
      const gauge = gauges.get(name) ?? series(name)
      gauges.set(name, gauge)
      gauge.add(labels, value)
    }
    const plain: Partial<Record<MetricName, number>> = {
      retries_total: this.retries,
      retry_budget_exhausted_total: this.retryBudgetExhausted,
      malformed_events_total: this.malformedEvents,
      usage_missing_total: this.usageMissing,
      wakes_total: this.wakes,
    }
    for (const [name, count = 0] of Object.entries(plain)) {
      const counter = series(name as MetricName) // a key of `plain`
      counter.add(nothing, count)
      gauges.set(name as MetricName, counter)
    }
    const kept: Partial<Record<MetricName, Series | Histogram>> = { ...this.#counters, ...this.#histograms }
    const lines: string[] = []
    for (const name of Object.keys(gatewayMetrics) as MetricName[]) // the table's own keys
      lines.push(...((kept[name] ?? gauges.get(name))?.lines() ?? []))
    return `${lines.join('\n')}\n`
  }
}

/** Of 10^-12 of a currency: a counter of a process may lose digits, the ledger does not read it. */
export const unitsOf = (amount: bigint): number => Number(amount) / 1e12

const admitted: readonly Label[] = Object.freeze(['', '', 'admitted'])
const unpriced: readonly Label[] = Object.freeze(['', 'money', 'unpriced'])

/** Rows of the table, for pages that are made of it. */
export const metricRows: readonly (readonly [string, MetricRow])[] = Object.freeze(
  Object.entries(gatewayMetrics).map(([name, row]) => [`${metricNamespace}_${name}`, row] as const),
)
