// A6: what a caller sends and what opens a provider is in no log, span, metric, error or observation.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { systemClock, systemRandom } from '@switchyard/runtime'
import pino from 'pino'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Bed, document } from '../../../packages/gateway/test/bed.ts'
import { settle, upstreamDialects } from '../../../packages/gateway/test/fleet.ts'
import { formOf, formType } from '../../../packages/gateway/test/upload.bed.ts'
import { type Name, ScriptedUpstream } from '../../../packages/gateway/test/upstream.ts'
import { readSettings } from '../src/settings.ts'
import { type Observing, observeGateway } from '../src/telemetry-gateway.ts'
import { Collector } from './collector.ts'

const canaries = {
  'provider key': 'sk-provider-canary-1f3a9c',
  'body text': 'body-canary-7b21de',
  'system text': 'system-canary-55c0aa',
  'end user': 'user-canary-90ab12',
  "upstream's text": 'sk-upstream-4f9a',
  'wrong key': 'sk-sy-wrongcanary000-aaaa',
  tags: 'tag-canary-3344',
} as const

let bed: Bed
let engine: ScriptedUpstream
let collector: Collector
let observing: Observing
let folder: string
let lines: string
let key: string
let answers: string

const keep = (line: string): void => {
  lines += line
}

beforeEach(async () => {
  lines = ''
  answers = ''
  folder = await mkdtemp(join(tmpdir(), 'switchyard-secrets-'))
  collector = await Collector.start()
  engine = await ScriptedUpstream.start()
  bed = await Bed.start({ firstContent: 300, idle: 300, total: 3000 })
  const log = pino({ level: 'trace', base: null }, { write: keep })
  const { telemetry: settings } = readSettings({
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_HEADERS: 'authorization=collector-canary',
  })
  observing = await observeGateway({ settings, data: folder, log, clock: systemClock, random: systemRandom })
  bed.follow = observing.follow
  bed.hear = observing.observe
  bed.credential('k', canaries['provider key'])
  key = bed.key()
})
afterEach(async () => {
  await observing[Symbol.asyncDispose]()
  await bed[Symbol.asyncDispose]()
  await engine[Symbol.asyncDispose]()
  await collector[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

const messages = [
  { role: 'system', content: canaries['system text'] },
  { role: 'user', content: canaries['body text'] },
]

async function ask(path: string, body: object | string, headers: Record<string, string> = {}): Promise<void> {
  const response = await bed.post(path, key, body, {
    headers: { 'x-switchyard-tags': canaries.tags, ...headers },
  })
  answers += inspect([...response.headers]) + (await response.text().catch(String))
}

const chat = (more: object = {}) =>
  ask('/v1/chat/completions', { model: 'm', messages, user: canaries['end user'], ...more })

/** Everything that has left but to the upstream itself. */
async function everything(): Promise<string> {
  await observing[Symbol.asyncDispose]()
  const observed = inspect(bed.observed, {
    depth: Infinity,
    maxStringLength: Infinity,
    maxArrayLength: Infinity,
  })
  return [
    lines,
    collector.text,
    bed.gateway.metrics(),
    observed,
    inspect(bed.journal.records, { depth: Infinity }),
    answers,
  ].join('\n')
}

async function expectNothing(): Promise<void> {
  const told = await everything()
  expect(lines).toContain('"msg":"request"')
  expect(collector.spans.length).toBeGreaterThan(0)
  for (const [what, canary] of Object.entries(canaries)) expect(told.includes(canary), what).toBe(false)
  expect(told.includes('collector-canary')).toBe(false)
  for (const part of [key, key.slice(-20)]) expect(told.includes(part), "the caller's key").toBe(false)
}

const acts: readonly Name[] = [
  'good',
  'status 401',
  'status 403',
  'status 404',
  'status 429',
  'status 500',
  'context length',
  'html',
  'empty',
  'error as reply',
  'error as first event',
  'error in mid-stream',
  'malformed events',
  'cut after 2',
  'headers then silence',
  'truncated at 40',
]

describe('A6: nothing that is secret is told', () => {
  test.each(upstreamDialects)('under every fault of an upstream that speaks %s', async dialect => {
    for (const [index, act] of acts.entries()) {
      settle(bed, engine, `p${index}`, dialect, { act, credential: 'k' })
      bed.route(`m${index}`, { tiers: [{ targets: [{ provider: `p${index}`, model: 'x' }] }] })
    }
    const models = acts.map((_, index) => `m${index}`)
    await Promise.all(models.flatMap(model => [chat({ model }), chat({ model, stream: true })]))
    expect(engine.seen.length).toBeGreaterThanOrEqual(acts.length * 2)
    expect(
      engine.seen.some(({ rawHeaders }) => rawHeaders.some(v => v.includes(canaries['provider key']))),
    ).toBe(true)
    await expectNothing()
  })

  test('when the upstream cannot be reached at all', async () => {
    bed.provider('p', { type: 'deepseek', baseUrl: 'http://127.0.0.1:1/v1', credential: 'k' })
    bed.route('m', { tiers: [{ targets: [{ provider: 'p', model: 'x' }] }] })
    await chat()
    await chat({ stream: true })
    await expectNothing()
  })

  test('when the caller is refused at any stage', async () => {
    settle(bed, engine, 'p', 'openai', { credential: 'k' })
    bed.route('m', { tiers: [{ targets: [{ provider: 'p', model: 'x' }] }] })
    await chat()
    const wrong = await bed.chat(canaries['wrong key'])
    await wrong.text()
    await ask(
      '/v1/chat/completions',
      `{"model":"m","messages":[{"role":"user","content":"${canaries['body text']}"`,
    )
    await ask('/v1/chat/completions', { model: canaries['body text'], messages })
    await ask('/v1/chat/completions', { model: 'm', messages: canaries['body text'] })
    await ask('/v1/chat/completions', {
      model: 'm',
      model2: canaries['body text'],
      stream: canaries['body text'],
    })
    await ask(`/v1/nowhere/${canaries['body text']}?key=${key}`, {})
    await ask('/v1/chat/completions', { model: 'm', messages }, { 'x-api-key': canaries['wrong key'] })
    // A model's own name is told back to who asked for it, and nowhere else.
    answers = answers.replaceAll(canaries['body text'], '')
    await expectNothing()
  })

  test("nor is Gemini's key in the query, wherever the request ends", async () => {
    settle(bed, engine, 'p', 'gemini', { credential: 'k' })
    bed.route('m', { tiers: [{ targets: [{ provider: 'p', model: 'x' }] }] })
    const body = JSON.stringify({ contents: [{ role: 'user', parts: [{ text: canaries['body text'] }] }] })
    for (const path of ['m:generateContent', 'm:streamGenerateContent', 'none:generateContent', 'm:unknown'])
      for (const act of ['good', 'status 500', 'html'] as const) {
        engine.always(act)
        const response = await fetch(`${bed.url}/v1beta/models/${path}?key=${key}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body,
        })
        answers += inspect([...response.headers]) + (await response.text())
      }
    expect(engine.seen.length).toBeGreaterThan(0)
    await expectNothing()
  })

  test('when a guardrail finds it, in a form, to tools, and in what names a response', async () => {
    settle(bed, engine, 'p', 'openai', { credential: 'k' })
    const tiers = [{ targets: [{ provider: 'p', model: 'x' }] }]
    bed.route('m', { tiers })
    for (const action of ['block', 'redact', 'flag']) {
      const found = { kind: 'keyword', words: [canaries['body text']], stage: 'both', action }
      bed.add(document('Guardrail', 'default', action, { onFailure: 'closed', share: 'all', ...found }))
      bed.route(`guarded-${action}`, { tiers, guardrails: [action] })
      await chat({ model: `guarded-${action}` })
      await chat({ model: `guarded-${action}`, stream: true })
    }
    await ask('/v1/embeddings', { model: 'm', input: canaries['body text'] })
    const form = formOf(
      { name: 'model', value: 'm' },
      { name: 'prompt', value: canaries['body text'] },
      { name: 'file', value: canaries['system text'] },
    )
    for (const act of ['good', 'status 500', 'html'] as const) {
      engine.always(act)
      await ask('/v1/audio/transcriptions', form.toString(), { 'content-type': formType })
    }
    bed.mcpServer('tools', { urls: [`http://${engine.address}/mcp`], credential: 'k', tools: ['known'] })
    const call = (name: string) => ({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name, arguments: { text: canaries['body text'] } },
    })
    const accept = { accept: 'application/json, text/event-stream' }
    for (const name of ['hidden', 'known']) await ask('/mcp/tools', call(name), accept)
    engine.always('good')
    const previous = { model: 'm', input: 'hi', previous_response_id: canaries['body text'] }
    await ask('/v1/responses', previous)
    for (const method of ['GET', 'DELETE']) {
      const headers = { authorization: `Bearer ${key}` }
      const told = await fetch(`${bed.url}/v1/responses/${canaries['body text']}`, { method, headers })
      answers += inspect([...told.headers]) + (await told.text())
    }
    expect(bed.observed.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['guardrail_found', 'tool_refused']),
    )
    await expectNothing()
  })

  test('when the journal fails, and when a caller leaves', async () => {
    settle(bed, engine, 'p', 'openai', { credential: 'k' })
    bed.route('m', { tiers: [{ targets: [{ provider: 'p', model: 'x' }] }] })
    bed.journal.failing = true
    await chat()
    bed.journal.failing = false
    engine.always('silence')
    const leaving = new AbortController()
    const seen = engine.seen.length
    const answer = bed.chat(key, { model: 'm', messages }, { signal: leaving.signal })
    await expect.poll(() => engine.seen.length).toBe(seen + 1)
    leaving.abort()
    await expect(answer).rejects.toThrow(/abort/)
    await expect.poll(() => lines).toContain('client_gone')
    await expectNothing()
  })
})

describe('the access log', () => {
  const parsed = () =>
    lines
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as Record<string, unknown>) // pino writes objects
      .filter(({ msg }) => msg === 'request')

  test('has one line for each request, with ids, route, attempts, end, bytes, tokens and times', async () => {
    bed.endpoint('tiny', [engine.address])
    await (await bed.chat(key, { stream: true }, { headers: { 'x-request-id': 'mine-1' } })).text()
    await (await bed.chat('sk-wrong')).text()
    const [good, refused, ...more] = parsed()
    expect(more).toEqual([])
    expect(good).toMatchObject({
      level: 30,
      plane: 'gateway',
      callerId: 'mine-1',
      key: key.split('-')[2],
      workspace: 'default',
      dialect: 'openai',
      operation: 'chat.completions',
      route: 'tiny',
      upstream: 'tiny-1-0',
      attempts: 1,
      status: 200,
      end: 'done',
      stream: true,
      tokens: { 'tok.in.uncached': 7, 'tok.out.text': 3 },
    })
    for (const name of ['ms', 'overheadMs', 'firstMs', 'bytesIn', 'bytesOut'])
      expect(good?.[name], name).toBeTypeOf('number')
    expect(refused).toMatchObject({ status: 401, end: 'refused', reason: 'invalid_api_key', attempts: 0 })
  })

  test.each([
    ['off', 0, 0],
    ['sampled', 0, 1],
    ['sampled', 1, 2],
  ])('is quieter when it is %s, at a share of %d', async (mode, ratio, expected) => {
    const log = pino({ base: null }, { write: keep })
    const { telemetry: settings } = readSettings({
      SWITCHYARD_ACCESS_LOG: mode,
      SWITCHYARD_ACCESS_LOG_RATIO: String(ratio),
    })
    await using quiet = await observeGateway({
      settings,
      data: folder,
      log,
      clock: systemClock,
      random: systemRandom,
    })
    bed.hear = quiet.observe
    bed.follow = quiet.follow
    expect(quiet.follow).toBeUndefined()
    bed.endpoint('tiny', [engine.address])
    await (await bed.chat(key)).text()
    await (await bed.chat('sk-wrong')).text()
    expect(lines === '' ? [] : parsed()).toHaveLength(expected)
  })
})
