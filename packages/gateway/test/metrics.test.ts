import { metricRows, metricsVersion, type RequestEnded } from '@switchyard/gateway'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { gatewayMetrics } from '../src/metrics/names.ts'
import { Metrics } from '../src/metrics.ts'
import { Bed } from './bed.ts'
import { seed, seeded } from './seeded.ts'
import { ScriptedUpstream } from './upstream.ts'

interface Family {
  readonly type: string
  readonly help: string
  readonly samples: {
    readonly name: string
    readonly labels: Record<string, string>
    readonly value: number
  }[]
}

const escaped = { '\\\\': '\\', '\\"': '"', '\\n': '\n' } as const

/** Prometheus' text format 0.0.4, strictly: what does not fit is an error. */
function parse(text: string): Map<string, Family> {
  const families = new Map<string, Family>()
  let current: Family | undefined
  expect(text.endsWith('\n')).toBe(true)
  for (const line of text.slice(0, -1).split('\n')) {
    const help = /^# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) ([^\n]*)$/.exec(line)
    const type = /^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram)$/.exec(line)
    const sample =
      /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*",?)*)\})? (\S+)$/.exec(
        line,
      )
    if (help) {
      expect(families.has(help[1]!)).toBe(false)
      current = { type: '', help: help[2]!, samples: [] }
      families.set(help[1]!, current)
    } else if (type) {
      current = { ...families.get(type[1]!)!, type: type[2]! }
      families.set(type[1]!, current)
    } else {
      if (!sample || !current) throw new Error(`not a line of the format: ${line}`)
      const labels: Record<string, string> = {}
      for (const [, name = '', value = ''] of (sample[2] ?? '').matchAll(
        /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g,
      ))
        labels[name] = value.replace(/\\[\\"n]/g, found => escaped[found as keyof typeof escaped])
      const value = sample[3] === '+Inf' ? Number.POSITIVE_INFINITY : Number(sample[3])
      expect(value).not.toBeNaN()
      current.samples.push({ name: sample[1]!, labels, value })
    }
  }
  return families
}

const total = (family: Family | undefined) => family?.samples.reduce((sum, { value }) => sum + value, 0) ?? 0
const named = (name: keyof typeof gatewayMetrics) => `switchyard_gateway_${name}`

describe('the text of the metrics', () => {
  test('is well formed, each metric once, with the type and the labels of the table', () => {
    const metrics = new Metrics()
    metrics.request('openai', 'chat.completions', 'ti"ny\n\\', 200, 'done')
    metrics.times(1000, 900, 400)
    metrics.pace(500, 11)
    metrics.attempt('a', 'answered')
    metrics.gone('waiting', 3)
    metrics.fallback('context_length_exceeded')
    metrics.hedge('hedge')
    metrics.cache('hit')
    metrics.guard([{ rule: 'r', kind: 'pii', action: 'redact', count: 2 }])
    metrics.loopDelay(2)
    const families = parse(metrics.text([['breaker_state', 2, ['default/a', 'tiny']]]))
    for (const [name, { type, help, samples }] of families) {
      const row = metricRows.find(([known]) => known === name)?.[1]
      expect(row, name).toMatchObject({ type, help })
      for (const { name: sampled, labels } of samples) {
        const own = Object.keys(labels).filter(label => !(type === 'histogram' && label === 'le'))
        expect(own).toEqual(row?.labels)
        const suffix = sampled.slice(name.length)
        expect(type === 'histogram' ? ['_bucket', '_sum', '_count'] : ['']).toContain(suffix)
      }
    }
    expect(families.get(named('requests_total'))?.samples[0]?.labels.route).toBe('ti"ny\n\\')
    expect(families.get(named('metrics_info'))?.samples).toEqual([
      { name: named('metrics_info'), labels: { version: String(metricsVersion) }, value: 1 },
    ])
    expect(families.get(named('guard_total'))?.samples[0]?.value).toBe(2)
  })

  test('has buckets that only grow and end at the count', () => {
    const metrics = new Metrics()
    for (const milliseconds of [0.05, 3, 70, 70, 900_000]) metrics.times(milliseconds, 0, milliseconds)
    const samples = parse(metrics.text([])).get(named('request_seconds'))?.samples ?? []
    const buckets = samples.filter(({ name }) => name.endsWith('_bucket')).map(({ value }) => value)
    expect(buckets).toEqual(buckets.toSorted((a, b) => a - b))
    expect(buckets.at(-1)).toBe(5)
    expect(samples.find(({ name }) => name.endsWith('_count'))?.value).toBe(5)
  })

  test('E4: stays bounded under routes, upstreams and rules without end, and no count is lost', () => {
    const metrics = new Metrics()
    for (let i = 0; i < 5000; i++) {
      metrics.request('openai', 'chat.completions', `route-${i}`, i % 2 ? 200 : 502, 'done')
      metrics.attempt(`upstream-${i}`, 'answered')
      metrics.guard([{ rule: `rule-${i}`, kind: 'keyword', action: 'block', count: 1 }])
      metrics.fallback(`reason-${i}`)
    }
    const families = parse(metrics.text([]))
    for (const name of ['requests_total', 'attempts_total', 'guard_total', 'fallbacks_total'] as const) {
      const family = families.get(named(name))
      expect(family?.samples.length).toBeLessThanOrEqual(1002)
      expect(total(family)).toBe(5000)
    }
    const other = families
      .get(named('requests_total'))
      ?.samples.filter(({ labels }) => labels.route === 'other')
    expect(other?.map(({ labels }) => labels.code).toSorted()).toEqual(['200', '502'])
  })
})

describe('what a gateway tells of a request', () => {
  let bed: Bed
  let engine: ScriptedUpstream
  let key: string

  beforeEach(async () => {
    engine = await ScriptedUpstream.start()
    bed = await Bed.start()
    bed.endpoint('tiny', [engine.address])
    key = bed.key()
  })
  afterEach(async () => {
    await bed[Symbol.asyncDispose]()
    await engine[Symbol.asyncDispose]()
  })

  const families = () => parse(bed.gateway.metrics())
  const ended = () => bed.observed.filter((o): o is RequestEnded => o.type === 'request_ended')

  test('E4: metrics, observations and usage records agree, whatever becomes of a request', async () => {
    engine.will('good', 'status 500', 'status 500', 'status 500', 'html', 'good', 'good', 'good')
    for (let i = 0; i < 3; i++) await (await bed.chat(key)).text()
    await (await bed.chat(key, { stream: true })).text()
    await (await bed.chat(key, { model: 'made-up-name' })).text()
    await (await bed.chat('sk-wrong')).text()
    const told = families()
    const requests = told.get(named('requests_total'))
    expect(total(requests)).toBe(6)
    expect(ended()).toHaveLength(6)
    const recorded = requests?.samples.filter(({ labels }) => labels.route === 'tiny')
    expect(recorded?.reduce((sum, { value }) => sum + value, 0)).toBe(bed.journal.events.length)
    expect(total(told.get(named('attempts_total')))).toBe(engine.seen.length)
    expect(engine.seen.length).toBe(ended().reduce((sum, { tries }) => sum + tries.length, 0))
    expect(JSON.stringify([...told])).not.toContain('made-up-name')
  })

  test(`E4: labels stay the same under models, users, tags and keys of every kind (SEED=${seed})`, async () => {
    const random = seeded(seed)
    const word = () => `canary-${Math.floor(random() * 1e9).toString(36)}`
    const labels = () =>
      [...families()].flatMap(([name, { samples }]) =>
        samples.map(({ labels: of }) => `${name} ${JSON.stringify(of)}`),
      )
    const round = async () => {
      const asked = { model: word(), user: word(), metadata: { [word()]: word() } }
      const headers = { 'x-switchyard-tags': word(), 'x-switchyard-end-user': word(), 'user-agent': word() }
      await (await bed.chat(key, { ...asked, model: 'tiny' }, { headers })).text()
      await (await bed.chat(key, asked, { headers })).text()
      await (await bed.chat(`sk-sy-${word()}`, asked, { headers })).text()
      await (await bed.post(`/v1/${word()}`, key, asked, { headers })).text()
      await (await bed.post(`/v1beta/models/${word()}:generateContent`, key, { contents: [] })).text()
    }
    await round()
    const before = labels()
    for (let i = 0; i < 40; i++) await round()
    expect(labels().filter(label => !before.includes(label))).toEqual([])
    expect(labels().join()).not.toContain('canary')
    expect(total(families().get(named('requests_total')))).toBe(41 * 5)
    expect(ended()).toHaveLength(41 * 5)
    expect(bed.journal.events).toHaveLength(41)
  })

  test('E5: waiting for an upstream of a second is no overhead', async () => {
    engine.always('slow reply')
    await (await bed.chat(key)).text()
    const [request] = ended()
    expect(request?.milliseconds).toBeGreaterThanOrEqual(995)
    expect((request?.milliseconds ?? 0) - (request?.waited ?? 0)).toBeLessThan(20)
    const buckets = families().get(named('overhead_seconds'))?.samples
    expect(buckets?.find(({ labels }) => labels.le === '0.025')?.value).toBe(1)
  })

  test('E5: nor is waiting that the caller gives up', async () => {
    engine.always('silence')
    const leaving = new AbortController()
    const answer = bed.chat(key, {}, { signal: leaving.signal })
    await expect.poll(() => engine.seen.length).toBe(1)
    const before = Date.now()
    await expect.poll(() => Date.now() - before).toBeGreaterThan(150)
    leaving.abort()
    await expect(answer).rejects.toThrow(/abort/)
    await expect.poll(() => ended().length).toBe(1)
    const [request] = ended()
    expect(request?.end).toBe('client_gone')
    expect((request?.milliseconds ?? 0) - (request?.waited ?? 0)).toBeLessThan(50)
    expect(families().get(named('abort_seconds'))?.samples.at(-1)?.value).toBe(1)
  })

  test('each attempt with its upstream, its times and its outcome, and never a credential', async () => {
    const other = await ScriptedUpstream.start()
    bed.endpoint('pair', [engine.address, other.address])
    engine.always('status 503')
    other.always('status 503')
    await (await bed.chat(key, { model: 'pair' })).text()
    const [request] = ended()
    expect(request?.tries.length).toBeGreaterThanOrEqual(2)
    for (const tried of request?.tries ?? []) {
      expect(tried).toMatchObject({ provider: 'engine', outcome: 'status', status: 503, model: 'pair' })
      expect(tried.endedAt).toBeGreaterThanOrEqual(tried.startedAt)
    }
    expect(request).toMatchObject({ status: 503, reason: 'overloaded', route: 'pair', model: 'pair' })
    await other[Symbol.asyncDispose]()
  })

  test('its bytes in and out, its first content and its pace', async () => {
    const response = await bed.chat(key, { stream: true })
    const text = await response.text()
    const [request] = ended()
    expect(request).toMatchObject({ bytesOut: text.length, streamed: true })
    expect(request?.bytesIn).toBeGreaterThan(20)
    expect(request?.firstContent).toBeGreaterThanOrEqual(0)
    expect(families().get(named('output_token_seconds'))?.samples.at(-1)?.value).toBe(1)
  })

  test('to who follows it, the bytes that leave, and nothing to who does not', async () => {
    const left: string[] = []
    bed.follow = ({ route, ask }) =>
      ask.stream.on ? { left: bytes => void left.push(`${route} ${bytes.toString()}`) } : undefined
    const text = await (await bed.chat(key, { stream: true })).text()
    await (await bed.chat(key)).text()
    expect(left.map(part => part.replace('tiny ', '')).join('')).toBe(text)
  })

  test('the state of breakers, of connections and of what its app tells', async () => {
    await (await bed.chat(key)).text()
    const told = parse(
      bed.gateway.metrics({
        connections: 3,
        limiterDegraded: true,
        journalOldest: 1.5,
        snapshotGeneration: 7,
        snapshotAge: 0.25,
      }),
    )
    const value = (name: keyof typeof gatewayMetrics) => told.get(named(name))?.samples[0]?.value
    expect(value('connections_open')).toBe(3)
    expect(value('limiter_degraded')).toBe(1)
    expect(value('journal_oldest_seconds')).toBe(1.5)
    expect(value('snapshot_generation')).toBe(7)
    expect(value('snapshot_age_seconds')).toBe(0.25)
    expect(value('upstream_open')).toBe(1)
    expect(told.get(named('breaker_state'))?.samples).toEqual([
      { name: named('breaker_state'), labels: { upstream: 'default/tiny-1-0', model: 'tiny' }, value: 0 },
    ])
    await expect
      .poll(() => parse(bed.gateway.metrics()).get(named('loop_delay_seconds'))?.samples.at(-1)?.value)
      .toBeGreaterThan(0)
  })
})
