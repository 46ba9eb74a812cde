// What a usage event says of whoever answered: which upstream by which name of the model, where, in which tier, and what
// attempts have cost whose answer nobody had.
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Bed } from './bed.ts'
import { ScriptedUpstream } from './upstream.ts'

/** Answers each request as the next of its script says. */
class Charging implements AsyncDisposable {
  #script: ((response: ServerResponse) => void)[] = []
  readonly #server = createServer((request, response) => {
    request.resume()
    request.on('end', () => this.#script.shift()?.(response))
  })

  static async start(): Promise<Charging> {
    const charging = new Charging()
    charging.#server.listen(0, '127.0.0.1')
    await once(charging.#server, 'listening')
    return charging
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}` // it listens on TCP
  }

  will(...answers: ((response: ServerResponse) => void)[]): void {
    this.#script = answers
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

const usage = { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 }
const chunk = (members: object) => `data: ${JSON.stringify({ id: 'c', model: 'up', ...members })}\n\n`
const word = chunk({ choices: [{ index: 0, delta: { content: 'one' }, finish_reason: null }] })
const finish = chunk({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })
const done = 'data: [DONE]\n\n'
const streamed =
  (...events: readonly string[]) =>
  (response: ServerResponse) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.end(events.join(''))
  }
const whole = (members: object) => (response: ServerResponse) => {
  response.writeHead(200, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ id: 'c', object: 'chat.completion', model: 'up', ...members }))
}
const said = [{ index: 0, message: { role: 'assistant', content: 'one' }, finish_reason: 'stop' }]
/** It says what it has used, and then fails: its provider charges for it. */
const charged = streamed(chunk({ choices: [], usage }), 'data: {"error":{"message":"no","code":503}}\n\n')

let bed: Bed
let east: Charging
let west: Charging
let key: string

beforeEach(async () => {
  bed = await Bed.start()
  east = await Charging.start()
  west = await Charging.start()
  const models = [{ name: 'smart', upstream: 'gpt-5-2026-01-01' }]
  bed.provider('east', { type: 'openai-compatible', baseUrl: `${east.url}/v1`, region: 'eu-west-1', models })
  bed.provider('west', { type: 'openai-compatible', baseUrl: `${west.url}/v1` })
  bed.route('tiny', {
    retries: { attempts: 2 },
    tiers: [
      { targets: [{ provider: 'east', model: 'smart' }] },
      { targets: [{ provider: 'west', model: 'other' }] },
    ],
  })
  key = bed.key()
})
afterEach(async () => {
  await bed[Symbol.asyncDispose]()
  await east[Symbol.asyncDispose]()
  await west[Symbol.asyncDispose]()
})

const eastern = { provider: 'default/east', upstreamModel: 'gpt-5-2026-01-01', region: 'eu-west-1' }

describe('an event names', () => {
  test('the provider that answered, its own name of the model, and its region', async () => {
    east.will(whole({ choices: said, usage }))
    await (await bed.chat(key)).text()
    expect(bed.journal.last).toMatchObject({ model: 'tiny', upstream: 'east', endpoint: '', ...eastern })
    expect(bed.journal.last.tier).toBeUndefined()
  })

  test('the endpoint that answered, behind a route too', async () => {
    const engine = await ScriptedUpstream.start()
    bed.endpoint('own', [engine.address])
    bed.route('named', { tiers: [{ targets: [{ endpoint: 'own' }] }] })
    await (await bed.chat(key, { model: 'named' })).text()
    expect(bed.journal.last).toMatchObject({ model: 'named', endpoint: 'own', upstreamModel: 'own' })
    expect(bed.journal.last.provider).toBeUndefined()
    await engine[Symbol.asyncDispose]()
  })

  test('the model that was asked for, where a target names none', async () => {
    bed.route('any-*', { tiers: [{ targets: [{ provider: 'east' }] }] })
    east.will(whole({ choices: said, usage }))
    await (await bed.chat(key, { model: 'any-thing' })).text()
    expect(bed.journal.last).toMatchObject({ provider: 'default/east', upstreamModel: 'any-thing' })
  })

  test.each([
    ['priority', 'priority'],
    ['default', undefined],
    ['flex', undefined],
  ])('the tier %s of a reply and of a stream as %s', async (service_tier, tier) => {
    east.will(
      whole({ choices: said, usage, service_tier }),
      streamed(word, finish, chunk({ choices: [], usage, service_tier }), done),
    )
    await (await bed.chat(key)).text()
    expect(bed.journal.last.tier).toBe(tier)
    await (await bed.chat(key, { stream: true })).text()
    expect(bed.journal.last).toMatchObject({ streamed: true, end: 'done' })
    expect(bed.journal.last.tier).toBe(tier)
  })

  test('the tier that Anthropic tells with its usage', async () => {
    bed.provider('claude', { type: 'anthropic', baseUrl: east.url })
    bed.route('claude', { tiers: [{ targets: [{ provider: 'claude', model: 'c' }] }] })
    east.will(response => {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(
        JSON.stringify({
          id: 'm',
          type: 'message',
          role: 'assistant',
          model: 'c',
          content: [{ type: 'text', text: 'one' }],
          stop_reason: 'end_turn',
          usage: { input_tokens: 7, output_tokens: 3, service_tier: 'priority' },
        }),
      )
    })
    await (await bed.chat(key, { model: 'claude', messages: [{ role: 'user', content: 'hi' }] })).text()
    expect(bed.journal.last).toMatchObject({ tier: 'priority', end: 'done' })
  })
})

const quantities = { 'tok.in.uncached': '7', 'tok.out.text': '3' }

test('MB1.13: a retry that both upstreams charge bills the caller once and books two costs', async () => {
  east.will(charged)
  west.will(streamed(word, finish, chunk({ choices: [], usage }), done))
  const response = await bed.chat(key, { stream: true })
  expect(await response.text()).toContain('one')
  const events = bed.journal.events.toSorted((one, other) => (one.id < other.id ? -1 : 1))
  const request = bed.journal.last.request
  expect(events.map(({ id }) => id)).toEqual([`${request}:1:spare`, `${request}:2:call`])
  expect(events.map(({ data }) => data)).toMatchObject([
    { billable: 'cost', ...eastern, quantities, end: 'upstream_error' },
    { billable: 'caller', provider: 'default/west', upstreamModel: 'other', quantities, end: 'done' },
  ])
})

test('a whole reply that is an error and was charged is a cost, and so is the last attempt of a call that failed', async () => {
  const failed = whole({ usage, error: { message: 'no', code: 503 } })
  east.will(failed)
  west.will(failed)
  const response = await bed.chat(key)
  expect(response.status).toBeGreaterThanOrEqual(500)
  await response.text()
  const events = bed.journal.events.toSorted((one, other) => (one.id < other.id ? -1 : 1))
  expect(
    events.map(({ id, data }) => [id.split(':').slice(1).join(':'), data.billable, data.provider]),
  ).toEqual([
    ['1:spare', 'cost', 'default/east'],
    ['2:call', 'cost', 'default/west'],
  ])
})

test('attempts that were told of no usage leave no event', async () => {
  east.will(response => void response.writeHead(503).end())
  west.will(whole({ choices: said, usage }))
  await (await bed.chat(key)).text()
  expect(bed.journal.events.map(({ id }) => id.split(':').slice(1).join(':'))).toEqual(['2:call'])
})

describe('the event of a call says when what happened', () => {
  const pause = 40

  test('the first token of a stream, and each attempt before and at it', async () => {
    east.will(response => void setTimeout(() => response.writeHead(503).end(), pause))
    west.will(response => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
      setTimeout(() => response.write(word), pause)
      setTimeout(() => response.end(finish + done), 3 * pause)
    })
    await (await bed.chat(key, { stream: true })).text()
    const { firstTokenMs = -1, attempts = [], streamed } = bed.journal.last
    expect(streamed).toBe(true)
    expect(attempts).toMatchObject([
      { upstream: 'east', outcome: 'status', status: 503 },
      { upstream: 'west', outcome: 'answered', status: 200 },
    ])
    const [failed, answered] = attempts
    if (!failed || !answered) throw new TypeError('there were two')
    expect(failed.contentMs).toBeUndefined()
    // A timer of Node may fire a millisecond early.
    expect(failed.endMs - failed.startMs).toBeGreaterThanOrEqual(pause - 2)
    expect(answered.startMs).toBeGreaterThanOrEqual(failed.endMs)
    expect(answered.contentMs).toBeGreaterThanOrEqual(answered.startMs + pause - 2)
    expect(firstTokenMs).toBeGreaterThanOrEqual(answered.contentMs ?? Number.NaN)
    expect(answered.endMs).toBeGreaterThanOrEqual(firstTokenMs + pause)
  })

  test('no first token of what was answered in one piece, nor of a stream of which nothing came', async () => {
    east.will(whole({ choices: said, usage }))
    await (await bed.chat(key)).text()
    expect(bed.journal.last.firstTokenMs).toBeUndefined()
    expect(bed.journal.last.attempts).toMatchObject([
      { outcome: 'answered', contentMs: expect.any(Number) as number },
    ])
    east.will(response => void response.writeHead(503).end())
    west.will(response => void response.writeHead(503).end())
    await (await bed.chat(key, { stream: true })).text()
    expect(bed.journal.last.firstTokenMs).toBeUndefined()
    expect(bed.journal.last.attempts).toMatchObject([{ outcome: 'status' }, { outcome: 'status' }])
  })

  test('of a caller that left, the attempt that was given up', async () => {
    east.will(response => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(word)
    })
    const leaving = new AbortController()
    const response = await bed.chat(key, { stream: true }, { signal: leaving.signal })
    await response.body?.getReader().read()
    leaving.abort()
    await expect.poll(() => bed.journal.events.length).toBe(1)
    expect(bed.journal.last).toMatchObject({
      end: 'client_gone',
      firstTokenMs: expect.any(Number) as number,
      attempts: [{ upstream: 'east', outcome: 'cancelled', status: 200 }],
    })
  })
})
