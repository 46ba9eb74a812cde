// Sends what is observed to a collector over HTTP: in batches, with patience, and never at the cost of a request.
import type { Clock, Observe, Sealed } from '@switchyard/runtime'
import { request } from 'undici'

export type TelemetryObservation =
  /** Spans are dropped where the collector does not take them in time, metrics come again with the next. */
  | {
      readonly type: 'telemetry_failed'
      readonly signal: Signal
      readonly dropped: number
      readonly error: unknown
    }
  | { readonly type: 'telemetry_rejected'; readonly signal: Signal; readonly rejected: number }

export type Signal = 'traces' | 'metrics'

export interface ExportOptions {
  /** Base URL of the collector: `/v1/traces` and `/v1/metrics` are below it. */
  readonly endpoint: string
  /** Sent with every request; they may be secret. */
  readonly headers: Sealed<Readonly<Record<string, string>>>
  readonly clock: Clock
  /** From 0 up to 1. */
  readonly random: () => number
  readonly observe: Observe<TelemetryObservation>
}

/** What OTLP says may be tried again. */
const passing: ReadonlySet<number> = new Set([429, 502, 503, 504])
const tries = 5
const patience = 10_000
const firstPause = 1000
const longestPause = 30_000

/** True when the collector has taken it; what it does not take is told. `items` are those in the body. */
export async function post(
  signal: Signal,
  body: string,
  items: number,
  { endpoint, headers, clock, random, observe }: ExportOptions,
  ending: AbortSignal,
): Promise<boolean> {
  let failure: unknown
  for (let attempt = 1; attempt <= tries; attempt++) {
    let pause = Math.min(longestPause, firstPause * 2 ** (attempt - 1)) * (0.5 + random())
    try {
      const answer = await request(`${endpoint}/v1/${signal}`, {
        method: 'POST',
        headers: { ...headers.reveal(), 'content-type': 'application/json' },
        body,
        headersTimeout: patience,
        bodyTimeout: patience,
      })
      const text = await answer.body.text()
      if (answer.statusCode >= 200 && answer.statusCode < 300) {
        const rejected = rejectedIn(text)
        if (rejected > 0) observe({ type: 'telemetry_rejected', signal, rejected })
        return true
      }
      failure = new Error(`status ${answer.statusCode}`)
      if (!passing.has(answer.statusCode)) break
      const after = Number(answer.headers['retry-after'])
      if (after > 0) pause = Math.min(longestPause, after * 1000)
    } catch (error) {
      failure = error
    }
    // At the end there is no time to wait for a collector.
    if (ending.aborted || attempt === tries) break
    await clock.sleep(pause, ending)
  }
  observe({ type: 'telemetry_failed', signal, dropped: signal === 'traces' ? items : 0, error: failure })
  return false
}

/** A collector may take a part: `partialSuccess` says how much it did not. */
function rejectedIn(text: string): number {
  try {
    const { partialSuccess } = JSON.parse(text) as {
      readonly partialSuccess?: { readonly rejectedSpans?: string; readonly rejectedDataPoints?: string }
    } // what OTLP's JSON answers
    return Number(partialSuccess?.rejectedSpans ?? partialSuccess?.rejectedDataPoints ?? 0)
  } catch {
    // Some collectors answer nothing, or a word: they took it.
    return 0
  }
}
