// One call, and everything that tells of it: metrics, spans, the log, and a capture that was asked for.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { metricRows } from '@switchyard/gateway'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { Collector } from '../../apps/server/test/collector.ts'
import { startYard, type Yard } from './yard.ts'

let yard: Yard
let collector: Collector

beforeAll(async () => {
  collector = await Collector.start()
  yard = await startYard({
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_METRIC_EXPORT_INTERVAL: '500',
      SWITCHYARD_CAPTURE: '{"routes":["*"],"words":["nightingale"]}',
    },
  })
  expect(yard.started.code).toBe(0)
}, 170_000)
afterAll(async () => {
  await yard?.[Symbol.asyncDispose]()
  await collector[Symbol.asyncDispose]()
})

test('a call is seen in metrics, spans, the log and a capture, under one id', async () => {
  const { baseUrl, model, adminToken } = yard.facts
  const { data, response } = await yard
    .openai()
    .chat.completions.create({
      model,
      messages: [{ role: 'user', content: 'Hello, nightingale!' }],
      max_tokens: 4,
    })
    .withResponse()
  expect(data.choices).toHaveLength(1)
  const request = response.headers.get('x-request-id') ?? ''

  // The line is written once the answer has left.
  await vi.waitFor(() => {
    const lines = readFileSync(join(yard.folder, '.switchyard/server.log'), 'utf8').split('\n')
    const line = lines.find(text => text.includes('"msg":"request"') && text.includes(request))
    expect(JSON.parse(line ?? '{}')).toMatchObject({ route: model, status: 200, end: 'done', attempts: 1 })
  }, 10_000)

  const metrics = await fetch(`${baseUrl}/metrics`, { headers: { authorization: `Bearer ${adminToken}` } })
  const text = await metrics.text()
  expect(text).toMatch(/switchyard_gateway_connections_open [1-9]/)
  expect(text).toMatch(/switchyard_gateway_snapshot_generation [1-9]/)
  // What needs no traffic, or has had some, is told; engines are asked for their load where there are two to choose from.
  const untold = metricRows.map(([name]) => name).filter(name => !text.includes(`# TYPE ${name} `))
  expect(untold).toEqual([
    'switchyard_gateway_engine_metrics_stale',
    // Of accounts that pay, of which a new yard has none.
    'switchyard_gateway_balance_leased',
    'switchyard_gateway_balance_held',
  ])

  await expect
    .poll(() => collector.spans.filter(({ traceId }) => traceId === request.replaceAll('-', '')).length, {
      timeout: 15_000,
    })
    .toBe(2)
  await expect.poll(() => collector.metrics.length, { timeout: 5000 }).toBeGreaterThan(0)

  const captures = join(yard.folder, '.switchyard/captures')
  const kept = () => readdirSync(captures, { recursive: true }).find(name => String(name).includes(request))
  await expect.poll(kept).toBeDefined()
  const capture = readFileSync(join(captures, String(kept())), 'utf8')
  expect(capture).toContain('Hello, [REDACTED:keyword]!')
  expect(capture).not.toMatch(/nightingale/i)
}, 60_000)
