// What is told of requests, and to whom: OpenTelemetry's own variables, and those of the access log and of captures.
import { Sealed } from '@switchyard/runtime'
import { z } from 'zod'
import { type CaptureSettings, captureSetting } from './capture-settings.ts'
import type { Generation } from './telemetry-names.ts'

const ratio = z.coerce.number().min(0).max(1)

/** `name=value` pairs with commas between them, each part percent-encoded. */
const pairs = z.string().transform((text, context): Readonly<Record<string, string>> => {
  const found: Record<string, string> = {}
  for (const pair of text.split(',').filter(part => part.trim() !== '')) {
    const equals = pair.indexOf('=')
    if (equals < 1) {
      context.addIssue({ code: 'custom', message: 'must be name=value pairs with commas between them' })
      return z.NEVER
    }
    try {
      found[pair.slice(0, equals).trim()] = decodeURIComponent(pair.slice(equals + 1).trim())
    } catch {
      context.addIssue({ code: 'custom', message: 'has a % that begins no escape' })
      return z.NEVER
    }
  }
  return found
})

/** What of the GenAI conventions is said: the newest alone when it is asked for, else 1.36's names too. */
const optIn = z.string().transform((text): Generation => {
  const wanted = text.split(',').map(word => word.trim())
  return wanted.includes('gen_ai_latest_experimental') ? 'latest' : 'both'
})

export const telemetryShape = {
  SWITCHYARD_ACCESS_LOG: z
    .enum(['on', 'off', 'sampled'])
    .default('on')
    .describe('One line of the log for each request; sampled: for what went wrong, and a share of the rest.'),
  SWITCHYARD_ACCESS_LOG_RATIO: ratio.default(0.01).describe('That share, 0 to 1.'),
  SWITCHYARD_CAPTURE: captureSetting
    .optional()
    .describe(
      'Requests and answers that are kept in files, as JSON such as {"routes":["tiny"],"ratio":0.01}: see the page on observability; none when absent.',
    ),
  OTEL_EXPORTER_OTLP_ENDPOINT: z
    .url({ protocol: /^https?$/ })
    .transform(url => url.replace(/\/+$/, ''))
    .optional()
    .describe(
      'Base URL of an OpenTelemetry collector that takes OTLP over HTTP; nothing is sent when absent.',
    ),
  OTEL_EXPORTER_OTLP_HEADERS: pairs
    .transform(headers => new Sealed(headers))
    .optional()
    .describe('Headers for the collector: name=value pairs with commas between them.'),
  OTEL_EXPORTER_OTLP_PROTOCOL: z
    .literal('http/json', 'only http/json is spoken')
    .default('http/json')
    .describe('How it is spoken to.'),
  OTEL_TRACES_SAMPLER_ARG: ratio
    .default(1)
    .describe('Share of the traces that begin here, 0 to 1; a caller with a traceparent decides by itself.'),
  OTEL_METRIC_EXPORT_INTERVAL: z.coerce
    .number()
    .int()
    .min(100)
    .max(3_600_000)
    .default(60_000)
    .describe('Milliseconds between two exports of metrics.'),
  OTEL_SERVICE_NAME: z
    .string()
    .min(1)
    .default('switchyard')
    .describe('Name of this service in its telemetry.'),
  OTEL_RESOURCE_ATTRIBUTES: pairs
    .optional()
    .describe('More attributes of this service: name=value pairs with commas between them.'),
  OTEL_SEMCONV_STABILITY_OPT_IN: optIn
    .optional()
    .describe(
      'gen_ai_latest_experimental: only the newest names of the GenAI conventions; those of 1.36 too when absent.',
    ),
} as const

type Given = z.output<z.ZodObject<typeof telemetryShape>>

export interface TelemetrySettings {
  readonly accessLog: { readonly mode: 'on' | 'off' | 'sampled'; readonly ratio: number }
  readonly capture: CaptureSettings | undefined
  /** Undefined sends nothing. */
  readonly collector: CollectorSettings | undefined
}

export interface CollectorSettings {
  readonly endpoint: string
  readonly headers: Sealed<Readonly<Record<string, string>>>
  /** Of the traces that begin here. */
  readonly ratio: number
  /** Milliseconds. */
  readonly metricsEvery: number
  readonly resource: Readonly<Record<string, string>>
  readonly generation: Generation
}

export function telemetrySettings(given: Given): TelemetrySettings {
  const endpoint = given.OTEL_EXPORTER_OTLP_ENDPOINT
  return Object.freeze({
    accessLog: { mode: given.SWITCHYARD_ACCESS_LOG, ratio: given.SWITCHYARD_ACCESS_LOG_RATIO },
    capture: given.SWITCHYARD_CAPTURE,
    collector:
      endpoint === undefined
        ? undefined
        : {
            endpoint,
            headers: given.OTEL_EXPORTER_OTLP_HEADERS ?? new Sealed({}),
            ratio: given.OTEL_TRACES_SAMPLER_ARG,
            metricsEvery: given.OTEL_METRIC_EXPORT_INTERVAL,
            resource: { ...given.OTEL_RESOURCE_ATTRIBUTES, 'service.name': given.OTEL_SERVICE_NAME },
            generation: given.OTEL_SEMCONV_STABILITY_OPT_IN ?? 'both',
          },
  })
}
