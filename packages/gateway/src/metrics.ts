// Plain counters on the way of a request, folded into Prometheus' text when they are scraped.
import type { Operation, Usage } from '@switchyard/dialects'
import type { EndReason, Verdict } from '@switchyard/runtime'
import type { Finding } from './guard/index.ts'

const mostLabels = 1000

/** A family of counters whose label sets are bounded: beyond 1 000 they are counted as `other`. */
class Counters {
  readonly #counts = new Map<string, number>()
  readonly name: string
  readonly help: string
  readonly #other: string

  constructor(name: string, help: string, labels: readonly string[]) {
    this.name = name
    this.help = help
    this.#other = labels.map(label => `${label}="other"`).join(',')
  }

  add(labels: string, by = 1): void {
    const before = this.#counts.get(labels)
    if (before !== undefined) this.#counts.set(labels, before + by)
    else if (this.#counts.size < mostLabels) this.#counts.set(labels, by)
    else this.#counts.set(this.#other, (this.#counts.get(this.#other) ?? 0) + by)
  }

  *lines(): Iterable<string> {
    yield `# HELP ${this.name} ${this.help}\n# TYPE ${this.name} counter`
    for (const [labels, count] of this.#counts) yield `${this.name}${labels && `{${labels}}`} ${count}`
  }
}

class Histogram {
  readonly name: string
  readonly help: string
  readonly #bounds: readonly number[]
  readonly #counts: Float64Array
  #sum = 0

  constructor(name: string, help: string, bounds: readonly number[]) {
    this.name = name
    this.help = help
    this.#bounds = bounds
    this.#counts = new Float64Array(bounds.length + 1)
  }

  observe(seconds: number): void {
    let bucket = 0
    while (bucket < this.#bounds.length && seconds > (this.#bounds[bucket] as number)) bucket++ // bucket < length
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1
    this.#sum += seconds
  }

  *lines(): Iterable<string> {
    yield `# HELP ${this.name} ${this.help}\n# TYPE ${this.name} histogram`
    let count = 0
    for (const [i, bound] of this.#bounds.entries()) {
      count += this.#counts[i] ?? 0
      yield `${this.name}_bucket{le="${bound}"} ${count}`
    }
    count += this.#counts[this.#bounds.length] ?? 0
    yield `${this.name}_bucket{le="+Inf"} ${count}\n${this.name}_sum ${this.#sum}\n${this.name}_count ${count}`
  }
}

const seconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600]
const short = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1]

export type Outcome =
  | 'answered'
  | 'refused'
  | 'reset'
  | 'status'
  | 'malformed'
  | 'deadline'
  | 'cut'
  | 'cancelled'
  | 'unasked'

/** Label sets are made once for each (route, operation, status, end). */
type RouteCounts = Map<string, Map<number, Map<EndReason, string>>>

const namespace = 'switchyard_gateway'

export class Metrics {
  readonly #requests = new Counters(`${namespace}_requests_total`, 'Requests by how they ended.', [
    'dialect',
    'operation',
    'route',
    'code',
    'end',
  ])
  readonly #attempts = new Counters(`${namespace}_attempts_total`, 'Attempts at upstreams by outcome.', [
    'upstream',
    'outcome',
  ])
  readonly #tokens = new Counters(`${namespace}_tokens_total`, 'Tokens by class and by who counted them.', [
    'class',
    'source',
  ])
  readonly #gone = new Counters(`${namespace}_client_gone_total`, 'Callers that left, by phase.', ['phase'])
  readonly #guards = new Counters(`${namespace}_guard_total`, 'What guardrails have found.', [
    'rule',
    'action',
  ])
  readonly #hedges = new Counters(`${namespace}_hedges_total`, 'Decisions on a second copy.', ['outcome'])
  readonly #limits = new Counters(`${namespace}_limit_decisions_total`, 'Decisions of the limits.', [
    'level',
    'dimension',
    'outcome',
  ])
  readonly #fallbacks = new Counters(
    `${namespace}_fallbacks_total`,
    'Requests that another route took over.',
    ['reason'],
  )
  readonly #requestSeconds = new Histogram(
    `${namespace}_request_seconds`,
    'From admission to the last byte.',
    seconds,
  )
  readonly #overhead = new Histogram(
    `${namespace}_overhead_seconds`,
    'Request time without waiting for upstreams.',
    short,
  )
  readonly #firstToken = new Histogram(
    `${namespace}_first_token_seconds`,
    'From admission to the first content.',
    seconds,
  )
  readonly #labels: RouteCounts = new Map()
  retries = 0
  retryBudgetExhausted = 0
  malformedEvents = 0
  usageMissing = 0

  /** `route` is the name of the route, or '' when none was found. */
  request(caller: string, operation: Operation | '', route: string, status: number, end: EndReason): void {
    const name = `${caller} ${operation} ${route}`
    let statuses = this.#labels.get(name)
    if (!statuses) {
      if (this.#labels.size >= mostLabels) {
        this.#requests.add(
          `dialect="${caller}",operation="${operation}",route="other",code="${status}",end="${end}"`,
        )
        return
      }
      statuses = new Map()
      this.#labels.set(name, statuses)
    }
    let ends = statuses.get(status)
    if (!ends) {
      ends = new Map()
      statuses.set(status, ends)
    }
    let labels = ends.get(end)
    if (!labels) {
      labels = `dialect="${caller}",operation="${operation}",route="${route}",code="${status}",end="${end}"`
      ends.set(end, labels)
    }
    this.#requests.add(labels)
  }

  attempt(upstream: string, outcome: Outcome): void {
    this.#attempts.add(`upstream="${upstream}",outcome="${outcome}"`)
  }

  tokens({ quantities, source }: Usage): void {
    for (const unit in quantities) {
      // A counter of a process may lose digits beyond 2^53; the ledger does not read it.
      const quantity = Number(quantities[unit as keyof typeof quantities])
      this.#tokens.add(`class="${unit}",source="${source}"`, quantity)
    }
  }

  limit(verdict: Verdict): void {
    this.#limits.add(
      verdict.type === 'admitted'
        ? 'level="",dimension="",outcome="admitted"'
        : `level="${verdict.level}",dimension="${verdict.dimension}",outcome="${verdict.reason}"`,
    )
  }

  guard(findings: readonly Finding[]): void {
    for (const { rule, action, failure, count } of findings)
      this.#guards.add(`rule="${rule}",action="${failure ?? action}"`, Math.max(1, count))
  }

  hedge(verdict: string): void {
    this.#hedges.add(`outcome="${verdict}"`)
  }

  fallback(reason: string): void {
    this.#fallbacks.add(`reason="${reason}"`)
  }

  gone(phase: string): void {
    this.#gone.add(`phase="${phase}"`)
  }

  times(total: number, waited: number, firstContent: number | undefined): void {
    this.#requestSeconds.observe(total / 1000)
    this.#overhead.observe(Math.max(0, total - waited) / 1000)
    if (firstContent !== undefined) this.#firstToken.observe(firstContent / 1000)
  }

  /** Prometheus' text format. `gauges` are values of the moment, by name without namespace and with labels. */
  text(gauges: Readonly<Record<string, number>>): string {
    const counters = {
      retries_total: this.retries,
      retry_budget_exhausted_total: this.retryBudgetExhausted,
      malformed_events_total: this.malformedEvents,
      usage_missing_total: this.usageMissing,
    }
    const lines = [
      ...this.#requests.lines(),
      ...this.#attempts.lines(),
      ...this.#tokens.lines(),
      ...this.#gone.lines(),
      ...this.#fallbacks.lines(),
      ...this.#limits.lines(),
      ...this.#hedges.lines(),
      ...this.#guards.lines(),
      ...this.#requestSeconds.lines(),
      ...this.#overhead.lines(),
      ...this.#firstToken.lines(),
      ...Object.entries(counters).map(
        ([name, count]) => `# TYPE ${namespace}_${name} counter\n${namespace}_${name} ${count}`,
      ),
      ...Object.entries(gauges).map(([name, value]) => `${namespace}_${name} ${value}`),
    ]
    return `${lines.join('\n')}\n`
  }
}
