// A collector of OTLP in JSON that remembers what it was sent, and can be told to refuse.
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { z } from 'zod'

const decimal = z.string().regex(/^\d+$/)
const hex = (digits: number) => z.string().regex(new RegExp(`^[0-9a-f]{${digits}}$`))
const scalar = z.union([
  z.strictObject({ stringValue: z.string() }),
  z.strictObject({ boolValue: z.boolean() }),
  z.strictObject({ intValue: z.string().regex(/^-?\d+$/) }),
  z.strictObject({ doubleValue: z.number() }),
])
const attributes = z
  .array(
    z.strictObject({
      key: z.string().min(1),
      value: z.union([scalar, z.strictObject({ arrayValue: z.strictObject({ values: z.array(scalar) }) })]),
    }),
  )
  .transform(pairs => Object.fromEntries(pairs.map(({ key, value }) => [key, plain(value)])))
const source = z.strictObject({ attributes })
const scope = z.strictObject({ name: z.string(), version: z.string() })

type Told = string | number | boolean | readonly Told[]

function plain(value: object): Told {
  const [told] = Object.values(value) as [Told | { readonly values: readonly object[] }] // one member, by the schema
  if (typeof told === 'object' && !Array.isArray(told))
    return (told as { readonly values: readonly object[] }).values.map(plain) // the only object
  return 'intValue' in value ? Number(told) : told
}

const span = z.strictObject({
  traceId: hex(32),
  spanId: hex(16),
  parentSpanId: hex(16).optional(),
  traceState: z.string().optional(),
  name: z.string().min(1),
  kind: z.union([z.literal(2), z.literal(3)]),
  startTimeUnixNano: decimal,
  endTimeUnixNano: decimal,
  attributes,
  status: z.strictObject({ code: z.literal(2).optional() }),
})
const traces = z.strictObject({
  resourceSpans: z.array(
    z.strictObject({
      resource: source,
      scopeSpans: z.array(z.strictObject({ scope, spans: z.array(span) })),
    }),
  ),
})
const point = z.strictObject({
  attributes,
  startTimeUnixNano: decimal,
  timeUnixNano: decimal,
  count: decimal,
  sum: z.number(),
  bucketCounts: z.array(decimal),
  explicitBounds: z.array(z.number()),
})
const metrics = z.strictObject({
  resourceMetrics: z.array(
    z.strictObject({
      resource: source,
      scopeMetrics: z.array(
        z.strictObject({
          scope,
          metrics: z.array(
            z.strictObject({
              name: z.string(),
              unit: z.string(),
              description: z.string(),
              histogram: z.strictObject({ aggregationTemporality: z.literal(2), dataPoints: z.array(point) }),
            }),
          ),
        }),
      ),
    }),
  ),
})

export type SentSpan = z.output<typeof span>
export type SentMetric = z.output<
  typeof metrics
>['resourceMetrics'][number]['scopeMetrics'][number]['metrics'][number]

export class Collector implements AsyncDisposable {
  readonly spans: SentSpan[] = []
  /** Of the last export. */
  metrics: readonly SentMetric[] = []
  resource: Readonly<Record<string, Told>> = {}
  readonly headers: IncomingHttpHeaders[] = []
  /** Path and body of each request that was taken. */
  readonly bodies: (readonly [string, string])[] = []
  /** Everything as it came. */
  text = ''
  /** Statuses of the next answers; 200 afterwards. */
  refusals: number[] = []
  readonly #server = createServer()

  static async start(): Promise<Collector> {
    const collector = new Collector()
    const server = collector.#server
    server.on('request', (request, response) => void collector.#answer(request, response))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return collector
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}` // it listens on TCP
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = ''
    for await (const chunk of request.setEncoding('utf8')) body += String(chunk)
    this.headers.push(request.headers)
    const status = this.refusals.shift() ?? 200
    if (status === 200) this.#take(request.url ?? '', body)
    response.writeHead(status, { 'content-type': 'application/json', 'retry-after': '0.01' })
    response.end('{"partialSuccess":{}}')
  }

  /** What a schema refuses is an answer that never comes, and a test that fails. */
  #take(url: string, body: string): void {
    this.text += body
    this.bodies.push([url, body])
    if (url === '/v1/traces')
      for (const { resource, scopeSpans } of traces.parse(JSON.parse(body)).resourceSpans) {
        this.resource = resource.attributes
        this.spans.push(...scopeSpans.flatMap(({ spans }) => spans))
      }
    else if (url === '/v1/metrics')
      this.metrics = metrics
        .parse(JSON.parse(body))
        .resourceMetrics.flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(its => its.metrics))
    else throw new Error(`nothing is sent to ${url}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }
}
