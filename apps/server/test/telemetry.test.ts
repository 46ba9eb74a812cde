import { Sealed, systemClock } from '@switchyard/runtime'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Bed } from '../../../packages/gateway/test/bed.ts'
import { settle } from '../../../packages/gateway/test/fleet.ts'
import { ScriptedUpstream } from '../../../packages/gateway/test/upstream.ts'
import { startTelemetry, type Telemetry, type TelemetryOptions } from '../src/telemetry.ts'
import type { TelemetryObservation } from '../src/telemetry-export.ts'
import { instruments } from '../src/telemetry-names.ts'
import { contextOf } from '../src/telemetry-trace.ts'
import { Collector } from './collector.ts'

const trace = '4bf92f3577b34da6a3ce929d0e0e4736'
const parent = '00f067aa0ba902b7'
const traceparent = `00-${trace}-${parent}-01`

let bed: Bed
let engine: ScriptedUpstream
let collector: Collector
let telemetry: Telemetry
let told: TelemetryObservation[]
let key: string

function begin(more: Partial<TelemetryOptions> = {}): Telemetry {
  telemetry = startTelemetry({
    endpoint: collector.url,
    headers: new Sealed({ authorization: 'Bearer collector-secret' }),
    resource: { 'service.name': 'switchyard' },
    version: '0.1.0',
    generation: 'both',
    ratio: 1,
    metricsEvery: 60_000,
    clock: systemClock,
    random: Math.random,
    bytes: size => crypto.getRandomValues(new Uint8Array(size)),
    observe: observation => void told.push(observation),
    ...more,
  })
  bed.follow = telemetry.follow
  bed.hear = observation => {
    if (observation.type === 'request_ended') telemetry.ended(observation)
  }
  return telemetry
}

const end = () => telemetry[Symbol.asyncDispose]()
const servers = () => collector.spans.filter(({ kind }) => kind === 2)
const clients = () => collector.spans.filter(({ kind }) => kind === 3)

beforeEach(async () => {
  told = []
  collector = await Collector.start()
  engine = await ScriptedUpstream.start()
  bed = await Bed.start()
  bed.endpoint('tiny', [engine.address])
  key = bed.key()
})
afterEach(async () => {
  await end()
  await bed[Symbol.asyncDispose]()
  await engine[Symbol.asyncDispose]()
  await collector[Symbol.asyncDispose]()
})

describe('spans', () => {
  test('of a request stand below the span of its caller, each attempt below the request', async () => {
    begin()
    const headers = { traceparent, tracestate: 'a=b' }
    await (await bed.chat(key, { temperature: 0.5, top_p: 0.9, max_tokens: 9 }, { headers })).text()
    await end()
    const [server] = servers()
    const [client] = clients()
    expect(server).toMatchObject({ traceId: trace, parentSpanId: parent, traceState: 'a=b', status: {} })
    expect(client).toMatchObject({ traceId: trace, parentSpanId: server?.spanId, name: 'chat tiny' })
    expect(client?.attributes).toMatchObject({
      'gen_ai.operation.name': 'chat',
      'gen_ai.request.model': 'tiny',
      'gen_ai.request.stream': false,
      'gen_ai.request.max_tokens': 9,
      'gen_ai.request.temperature': 0.5,
      'gen_ai.request.top_p': 0.9,
      'gen_ai.response.model': 'tiny',
      'gen_ai.response.finish_reasons': ['stop'],
      'gen_ai.usage.input_tokens': 7,
      'gen_ai.usage.output_tokens': 3,
      'server.address': '127.0.0.1',
      'server.port': Number(engine.address.split(':')[1]),
    })
    expect(client?.attributes['gen_ai.response.id']).toBeTypeOf('string')
    expect(server?.attributes).toMatchObject({ 'http.response.status_code': 200, 'switchyard.route': 'tiny' })
    expect(BigInt(client?.endTimeUnixNano ?? 0)).toBeGreaterThanOrEqual(
      BigInt(client?.startTimeUnixNano ?? 0),
    )
    expect(collector.headers[0]).toMatchObject({ authorization: 'Bearer collector-secret' })
    expect(collector.resource).toEqual({ 'service.name': 'switchyard' })
  })

  test.each([
    ['both', { 'gen_ai.provider.name': 'switchyard', 'gen_ai.system': 'switchyard' }],
    ['latest', { 'gen_ai.provider.name': 'switchyard' }],
  ] as const)('E4: carry the names of the generation %s', async (generation, expected) => {
    begin({ generation })
    await (await bed.chat(key, { stream: true })).text()
    await end()
    const [client] = clients()
    const providers = Object.entries(client?.attributes ?? {}).filter(([name]) =>
      /provider|system/.test(name),
    )
    expect(Object.fromEntries(providers)).toEqual(expected)
    expect(client?.attributes).toMatchObject({
      'gen_ai.request.stream': true,
      'gen_ai.response.finish_reasons': ['stop'],
    })
  })

  test('of attempts that failed say why, the one that answered says the usage', async () => {
    begin()
    const second = await ScriptedUpstream.start()
    bed.endpoint('pair', [engine.address, second.address])
    engine.always('status 503')
    second.always('status 503')
    await (await bed.chat(key, { model: 'pair' })).text()
    await end()
    expect(servers()[0]).toMatchObject({ status: { code: 2 }, attributes: { 'error.type': 'overloaded' } })
    expect(clients().length).toBeGreaterThanOrEqual(2)
    for (const { attributes, status } of clients()) {
      expect(attributes).toMatchObject({ 'error.type': '503' })
      expect(status).toEqual({ code: 2 })
    }
    await second[Symbol.asyncDispose]()
  })

  test('name the provider as the conventions do, before and now', async () => {
    begin()
    bed.credential('k', 'sk-ant-canary')
    settle(bed, engine, 'p', 'anthropic', { credential: 'k' })
    bed.route('clever', { tiers: [{ targets: [{ provider: 'p', model: 'claude-x' }] }] })
    await (await bed.chat(key, { model: 'clever', messages: [{ role: 'user', content: 'hello' }] })).text()
    await end()
    expect(clients()[0]).toMatchObject({
      name: 'chat claude-x',
      attributes: { 'gen_ai.provider.name': 'anthropic', 'gen_ai.system': 'anthropic' },
    })
    expect(collector.text).not.toContain('sk-ant-canary')
  })

  test('are made of what was refused early too, without a model that nobody knows', async () => {
    begin()
    await (await bed.chat(key, { model: 'invented-by-a-caller' })).text()
    await end()
    expect(servers()[0]?.attributes).toMatchObject({ 'error.type': 'model_not_found' })
    expect(collector.text).not.toContain('invented-by-a-caller')
  })
})

describe('sampling', () => {
  const id = (tail: string) => `01890a5d-ac96-774b-bc${tail.slice(0, 2)}-${tail.slice(2)}`

  test('follows the caller where it has decided', () => {
    expect(contextOf(id('00000000000000'), traceparent, 0)).toEqual({ trace, parent, sampled: true })
    expect(contextOf(id('ffffffffffffff'), `00-${trace}-${parent}-00`, 1).sampled).toBe(false)
  })

  test.each([
    ['ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'],
    ['00-00000000000000000000000000000000-00f067aa0ba902b7-01'],
    ['00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01'],
    ['00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01'],
    [`${traceparent}-more`],
    ['nonsense'],
  ])('takes %s for no decision, and the request for the trace', text => {
    const context = contextOf(id('80000000000000'), text, 0.5)
    expect(context).toEqual({ trace: '01890a5dac96774bbc80000000000000', parent: undefined, sampled: true })
  })

  test('takes its share of the traces that begin here, all and none at the ends', () => {
    const sampled = (tail: string, ratio: number) => contextOf(id(tail), undefined, ratio).sampled
    expect(sampled('00000000000000', 1)).toBe(true)
    expect(sampled('ffffffffffffff', 0)).toBe(false)
    expect(sampled('7fffffffffffff', 0.5)).toBe(false)
    expect(sampled('c0000000000000', 0.25)).toBe(true)
  })

  test('follows no bytes and sends no span of what is not sampled, and measures it all the same', async () => {
    begin({ ratio: 0 })
    await (await bed.chat(key)).text()
    await end()
    expect(collector.spans).toEqual([])
    expect(collector.metrics.map(({ name }) => name)).toContain('gen_ai.server.request.duration')
  })
})

describe('metrics', () => {
  test('are histograms with the bounds of the conventions, and agree with what was used', async () => {
    begin()
    for (let i = 0; i < 3; i++) await (await bed.chat(key, { stream: true })).text()
    await end()
    for (const { name, unit, histogram } of collector.metrics) {
      const row = instruments[name as keyof typeof instruments]
      expect(unit).toBe(row.unit)
      for (const { explicitBounds, bucketCounts, count } of histogram.dataPoints) {
        expect(explicitBounds).toEqual(row.bounds)
        expect(bucketCounts.reduce((sum, one) => sum + Number(one), 0)).toBe(Number(count))
      }
    }
    expect(collector.metrics.map(({ name }) => name).toSorted()).toEqual(Object.keys(instruments).toSorted())
    const usage = collector.metrics.find(({ name }) => name === 'gen_ai.client.token.usage')
    const sums = usage?.histogram.dataPoints.map(({ attributes, sum }) => [
      attributes['gen_ai.token.type'],
      sum,
    ])
    expect(sums).toEqual([
      ['input', 21],
      ['output', 9],
    ])
  })

  test('stay bounded, and say that they do', async () => {
    begin({ ratio: 0 })
    await (await bed.chat(key)).text()
    const ended = bed.observed.find(({ type }) => type === 'request_ended')
    if (ended?.type !== 'request_ended') throw new Error('nothing has ended')
    for (let i = 0; i < 1500; i++) telemetry.ended({ ...ended, route: `route-${i}` })
    await end()
    const durations = collector.metrics.find(({ name }) => name === 'gen_ai.server.request.duration')
    const points = durations?.histogram.dataPoints ?? []
    expect(points).toHaveLength(1001)
    expect(points.at(-1)?.attributes).toEqual({ 'otel.metric.overflow': true })
    expect(points.reduce((sum, { count }) => sum + Number(count), 0)).toBe(1501)
  })
})

describe('a collector', () => {
  test('that is busy is asked again, and loses nothing', async () => {
    collector.refusals = [503, 429]
    begin()
    await (await bed.chat(key)).text()
    for (let i = 0; i < 511; i++) {
      const [first] = bed.observed
      if (first?.type === 'request_ended') telemetry.ended(first)
    }
    await expect.poll(() => collector.spans.length, { timeout: 10_000 }).toBeGreaterThanOrEqual(512)
    expect(told).toEqual([])
  })

  test('that refuses for good is told of, with what was lost and nothing of what it holds', async () => {
    collector.refusals = [401, 401]
    begin()
    await (await bed.chat(key)).text()
    await end()
    expect(told).toContainEqual(
      expect.objectContaining({ type: 'telemetry_failed', signal: 'traces', dropped: 2 }),
    )
    expect(JSON.stringify(told)).not.toContain('collector-secret')
  })

  test('that is away costs no request its answer, and memory only up to a bound', async () => {
    begin({ endpoint: 'http://127.0.0.1:1' })
    const response = await bed.chat(key)
    expect(response.status).toBe(200)
    await response.text()
    const [first] = bed.observed
    if (first?.type === 'request_ended') for (let i = 0; i < 10_000; i++) telemetry.ended(first)
    await end()
    const dropped = told.reduce((sum, one) => sum + ('dropped' in one ? one.dropped : 0), 0)
    expect(dropped).toBeGreaterThan(10_000)
  })
})
