// OpenTelemetry: spans and metrics of every request, made of what the gateway tells when the request has ended.
import type { AttemptEnded, Follow, RequestEnded } from '@switchyard/gateway'
import { answerFacts, askFacts, Ends } from './telemetry-answer.ts'
import { type ExportOptions, post } from './telemetry-export.ts'
import { Histograms } from './telemetry-histograms.ts'
import {
  type About,
  attributesOf,
  type Generation,
  operationName,
  providerName,
  type Value,
} from './telemetry-names.ts'
import { metricsBody, type Source, type Span, tracesBody } from './telemetry-otlp.ts'
import { contextOf } from './telemetry-trace.ts'

export interface TelemetryOptions extends ExportOptions, Source {
  readonly generation: Generation
  /** Share of the traces that begin here, 0 to 1; a caller's `traceparent` has its own say. */
  readonly ratio: number
  /** Milliseconds between two exports of metrics. */
  readonly metricsEvery: number
  /** That many random bytes. */
  readonly bytes: (size: number) => Uint8Array
}

export interface Telemetry extends AsyncDisposable {
  readonly follow: Follow
  ended(request: RequestEnded): void
}

const mostSpans = 4096
const batch = 512
const spansEvery = 5000
const mostFollowed = 10_000

interface Watched {
  readonly ends: Ends
  readonly ask: Parameters<typeof askFacts>[0]
}

/** Disposing sends what is left, once. */
export function startTelemetry(options: TelemetryOptions): Telemetry {
  const { ratio, generation, clock, metricsEvery } = options
  const began = clock.now()
  const histograms = new Histograms(generation)
  const watched = new Map<string, Watched>()
  const ending = new AbortController()
  let spans: Span[] = []
  let lost = 0
  let wake: (() => void) | undefined

  const spanId = () => Buffer.from(options.bytes(8)).toString('hex')

  const flush = async () => {
    const dropped = lost
    lost = 0
    if (dropped > 0) {
      const error = new Error('the collector is slower than the gateway')
      options.observe({ type: 'telemetry_failed', signal: 'traces', dropped, error })
    }
    while (spans.length > 0) {
      const some = spans.slice(0, batch)
      spans = spans.slice(batch)
      if (!(await post('traces', tracesBody(some, options), some.length, options, ending.signal))) return
    }
  }
  const measure = async () => {
    const points = [...histograms.points()]
    if (points.length === 0) return
    const body = metricsBody(points, began, clock.now(), options)
    await post('metrics', body, points.length, options, ending.signal)
  }
  const tracing = (async () => {
    while (!ending.signal.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>()
      wake = resolve
      const pause = new AbortController()
      await Promise.race([promise, clock.sleep(spansEvery, AbortSignal.any([ending.signal, pause.signal]))])
      pause.abort()
      wake = undefined
      await flush()
    }
  })()
  const measuring = (async () => {
    while (!ending.signal.aborted) {
      await clock.sleep(metricsEvery, ending.signal)
      await measure()
    }
  })()

  const add = (span: Span) => {
    if (spans.length >= mostSpans) lost++
    else spans.push(span)
    if (spans.length >= batch) wake?.()
  }

  return {
    follow({ request, traceparent, ask }) {
      if (watched.size >= mostFollowed || !contextOf(request, traceparent, ratio).sampled) return undefined
      const ends = new Ends()
      watched.set(request, { ends, ask })
      return ends
    },
    ended(request) {
      const seen = watched.get(request.request)
      watched.delete(request.request)
      measureRequest(request, histograms)
      const context = contextOf(request.request, request.traceparent, ratio)
      if (!context.sampled) return
      const { trace, parent } = context
      const own = spanId()
      const about = { ...describe(request), ...(seen && answered(seen, request)) }
      const tracestate = parent === undefined ? undefined : request.tracestate
      add({
        trace,
        tracestate,
        id: own,
        parent,
        name: request.operation === '' ? 'gateway' : `gateway ${request.operation}`,
        kind: 'server',
        startedAt: request.startedAt,
        endedAt: request.startedAt + request.milliseconds,
        attributes: { ...attributesOf(about, generation), ...ownAttributes(request) },
        failed: request.status >= 500 || !good(request),
      })
      const told = request.tries.indexOf(tellingOf(request.tries) as AttemptEnded) // -1 where nothing was tried
      for (const [index, tried] of request.tries.entries()) {
        const last = index === told
        const { startedAt, endedAt, outcome } = tried
        add({
          trace,
          tracestate,
          id: spanId(),
          parent: own,
          name: `${request.operation === '' ? 'call' : operationName(request.operation)} ${tried.model}`,
          kind: 'client',
          startedAt,
          endedAt,
          attributes: {
            ...attributesOf({ ...(last ? about : asked(about)), ...attempted(tried) }, generation),
            'switchyard.upstream': tried.upstream,
          },
          failed: outcome !== 'answered' && outcome !== 'cancelled',
        })
      }
    },
    async [Symbol.asyncDispose]() {
      ending.abort()
      await Promise.all([tracing, measuring])
      await Promise.all([flush(), measure()])
    },
  }
}

const good = ({ end, status }: RequestEnded) => end === 'done' && status < 400
const sum = ({ usage }: RequestEnded, prefix: string): bigint | undefined => {
  let total: bigint | undefined
  for (const unit in usage?.quantities)
    if (unit.startsWith(prefix))
      total = (total ?? 0n) + (usage?.quantities[unit as keyof typeof usage.quantities] ?? 0n) // its own key
  return total
}

/** The attempt that the request is told with: the one that answered, else the last. */
const tellingOf = (tries: readonly AttemptEnded[]): AttemptEnded | undefined =>
  tries.findLast(({ outcome }) => outcome === 'answered') ?? tries.at(-1)

/** What is said of a request and of that attempt. */
function describe(request: RequestEnded): About {
  const { operation, model, streamed, maxOutput, tries, usage } = request
  const last = tellingOf(tries)
  return {
    operation: operation === '' ? undefined : operationName(operation),
    provider: last && providerName(last.provider),
    requestModel: model,
    stream: model === undefined ? undefined : streamed,
    maxTokens: maxOutput === undefined || !Number.isSafeInteger(maxOutput) ? undefined : BigInt(maxOutput),
    inputTokens: sum(request, 'tok.in.'),
    outputTokens: sum(request, 'tok.out.'),
    cacheRead: usage && sum(request, 'tok.in.cache_read'),
    cacheCreation: usage && sum(request, 'tok.in.cache_write'),
    reasoning: usage?.quantities['tok.out.reasoning'],
    errorType: good(request) ? undefined : (request.reason ?? request.end),
  }
}

/** Without what only the attempt that answered knows. */
function asked({ operation, requestModel, stream, maxTokens, temperature, topP }: About): About {
  return { operation, requestModel, stream, maxTokens, temperature, topP }
}

function answered({ ends, ask }: Watched, { caller }: RequestEnded): About {
  const { id, model, finishReasons } = answerFacts(ends, caller)
  return { ...askFacts(ask), responseId: id, responseModel: model, finishReasons }
}

function attempted({ provider, origin, model, outcome, status }: AttemptEnded): About {
  const failed = outcome !== 'answered' && outcome !== 'cancelled'
  return {
    provider: providerName(provider),
    requestModel: model,
    ...placeOf(origin),
    errorType: failed ? (outcome === 'status' ? String(status) : outcome) : undefined,
  }
}

const places = new Map<string, Pick<About, 'serverAddress' | 'serverPort'>>()
const mostPlaces = 1000

/** Upstreams are few and come again: each address is read once. */
function placeOf(origin: string): Pick<About, 'serverAddress' | 'serverPort'> {
  const known = places.get(origin)
  if (known) return known
  const { hostname, port, protocol } = new URL(origin)
  const place = { serverAddress: hostname, serverPort: BigInt(port || (protocol === 'https:' ? 443 : 80)) }
  if (places.size >= mostPlaces) places.clear()
  places.set(origin, place)
  return place
}

function ownAttributes(request: RequestEnded): Record<string, Value> {
  const { route, key, workspace, end, attempts, cache, milliseconds, waited } = request
  const told = {
    'switchyard.route': route,
    'switchyard.key': key,
    'switchyard.workspace': workspace,
    'switchyard.cache': cache,
  }
  const found: Record<string, Value> = {
    'http.request.method': 'POST',
    'http.response.status_code': BigInt(request.status),
    'switchyard.request': request.request,
    'switchyard.end': end,
    'switchyard.attempts': BigInt(attempts),
    'switchyard.overhead_seconds': Math.max(0, milliseconds - waited) / 1000,
  }
  for (const [name, value] of Object.entries(told)) if (value !== undefined) found[name] = value
  return found
}

function measureRequest(request: RequestEnded, histograms: Histograms): void {
  // A model that was asked for is a label only where a route knows it: what callers make up is not.
  const { operation, route, tries, milliseconds, firstContent, streamed } = request
  if (operation === '' || route === undefined) return
  const { inputTokens, outputTokens, errorType } = describe(request)
  const last = tellingOf(tries)
  const base: About = {
    operation: operationName(operation),
    provider: last ? providerName(last.provider) : 'switchyard',
    requestModel: route,
  }
  histograms.record('gen_ai.server.request.duration', milliseconds / 1000, { ...base, errorType })
  if (inputTokens !== undefined)
    histograms.record('gen_ai.client.token.usage', Number(inputTokens), { ...base, tokenType: 'input' })
  if (outputTokens !== undefined)
    histograms.record('gen_ai.client.token.usage', Number(outputTokens), { ...base, tokenType: 'output' })
  for (const tried of tries) {
    const { errorType: failure, provider, serverAddress, serverPort } = attempted(tried)
    const seconds = Math.max(0, tried.endedAt - tried.startedAt) / 1000
    const about: About = { ...base, provider, serverAddress, serverPort, errorType: failure }
    histograms.record('gen_ai.client.operation.duration', seconds, about)
  }
  if (!good(request) || !streamed || firstContent === undefined) return
  histograms.record('gen_ai.server.time_to_first_token', firstContent / 1000, base)
  const tokens = Number(outputTokens ?? 0n)
  if (tokens < 2) return
  const each = (milliseconds - firstContent) / 1000 / (tokens - 1)
  histograms.record('gen_ai.server.time_per_output_token', each, base)
}
