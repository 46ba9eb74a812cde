// Many callers at once, callers who leave, and nobody at all.
import { readFileSync } from 'node:fs'
import { platform } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Child, endless, endlessly, modelFile, start, until } from './child.ts'

const file = modelFile({ context: 8192 })
let engine: Child
beforeAll(async () => {
  engine = await start(
    `--model ${file.path} --alias tiny --ctx-size 16384 --parallel 4 --metrics --embeddings --grammars --queue 6`.split(
      ' ',
    ),
  )
})
afterAll(async () => {
  await engine[Symbol.asyncDispose]()
  file[Symbol.dispose]()
})

const hello = [{ role: 'user' as const, content: 'Hello' }]
const slotContext = 4096
const idle = () =>
  until(
    async () =>
      (await engine.metric('requests_processing')) + (await engine.metric('requests_deferred')) === 0,
  )

describe('many at once', () => {
  test('eight chats on four slots all end, four at a time', async () => {
    await idle()
    const before = await engine.metric('n_decode_total')
    const chats = Array.from({ length: 8 }, (_, n) =>
      engine.client.chat.completions.create({
        model: 'tiny',
        messages: [{ role: 'user', content: `chat ${n}` }],
        max_tokens: 150,
        ...endlessly,
      }),
    )
    const seen = { processing: 0, deferred: 0 }
    let done = false
    const all = Promise.all(chats).finally(() => {
      done = true
    })
    await until(async () => {
      seen.processing = Math.max(seen.processing, await engine.metric('requests_processing'))
      seen.deferred = Math.max(seen.deferred, await engine.metric('requests_deferred'))
      return done
    })
    const answers = await all
    expect(answers.map(({ usage }) => usage?.completion_tokens)).toEqual(Array(8).fill(150))
    expect(seen.processing).toBe(4)
    expect(seen.deferred).toBeGreaterThan(0)
    // Continuous batching: 1 200 tokens took far fewer decodes.
    expect((await engine.metric('n_decode_total')) - before).toBeLessThan(500)
  })

  test('embeddings and chats go on beside each other', async () => {
    const [chats, vectors] = await Promise.all([
      Promise.all(
        [1, 2, 3].map(n =>
          engine.client.chat.completions.create({
            model: 'tiny',
            messages: [{ role: 'user', content: `chat ${n}` }],
            max_tokens: 100,
            ...endlessly,
          }),
        ),
      ),
      Promise.all(
        [1, 2, 3, 4, 5].map(n =>
          engine.client.embeddings.create({ model: 'tiny', input: [`text ${n}`, 'same'] }),
        ),
      ),
    ])
    expect(chats.map(({ usage }) => usage?.completion_tokens)).toEqual([100, 100, 100])
    const same = vectors.map(({ data }) => data[1]?.embedding)
    expect(same).toEqual(Array(5).fill(same[0]))
  })

  test('beyond slots and queue a request is turned away at once, with a time to come back', async () => {
    await idle()
    const control = new AbortController()
    const body = { messages: hello, grammar: endless }
    const held = Array.from({ length: 10 }, () =>
      engine.post('/v1/chat/completions', body, control.signal).catch(() => undefined),
    )
    await until(async () => (await engine.metric('requests_deferred')) === 6)
    const response = await engine.post('/v1/chat/completions', body)
    expect(response.status).toBe(503)
    expect(response.headers.get('retry-after')).toBe('1')
    expect(await response.json()).toMatchObject({ error: { type: 'overloaded_error', code: 'overloaded' } })
    control.abort()
    await Promise.all(held)
    await idle()
  })
})

describe('a caller who leaves', () => {
  test.each([true, false])('frees its slot within a moment (stream: %s)', async stream => {
    await idle()
    const control = new AbortController()
    const request = engine.post(
      '/v1/chat/completions',
      { messages: hello, grammar: endless, stream },
      control.signal,
    )
    const gone = request.then(response => response.text()).catch(() => 'gone')
    await until(async () => (await engine.metric('requests_processing')) === 1)
    const left = performance.now()
    control.abort()
    await idle()
    expect(performance.now() - left).toBeLessThan(500)
    expect(await gone).toBe('gone')
  })

  test('frees its slot while its long prompt is still being read', async () => {
    await idle()
    const control = new AbortController()
    const content = 'word '.repeat(780)
    const gone = engine
      .post('/v1/chat/completions', { messages: [{ role: 'user', content }] }, control.signal)
      .catch(() => 'gone')
    await until(async () => (await engine.metric('requests_processing')) === 1)
    control.abort()
    await idle()
    expect(await gone).toBe('gone')
  })

  test('leaves the queue', async () => {
    await idle()
    const running = new AbortController()
    const waiting = new AbortController()
    const post = (signal: AbortSignal) =>
      engine
        .post('/v1/chat/completions', { messages: hello, grammar: endless }, signal)
        .catch(() => undefined)
    const held = [1, 2, 3, 4].map(() => post(running.signal))
    await until(async () => (await engine.metric('requests_processing')) === 4)
    const queued = post(waiting.signal)
    await until(async () => (await engine.metric('requests_deferred')) === 1)
    waiting.abort()
    await until(async () => (await engine.metric('requests_deferred')) === 0)
    expect(await engine.metric('requests_processing')).toBe(4)
    running.abort()
    await Promise.all([...held, queued])
    await idle()
  })
})

describe('what it says of itself', () => {
  test('models, properties and slots', async () => {
    const get = async (path: string): Promise<unknown> => (await fetch(engine.url + path)).json()
    expect((await engine.client.models.list()).data.map(({ id }) => id)).toEqual(['tiny'])
    expect(await get('/props')).toMatchObject({
      total_slots: 4,
      model_alias: 'tiny',
      default_generation_settings: { n_ctx: slotContext },
    })
    expect(await get('/slots')).toHaveLength(4)
    expect(await get('/health')).toEqual({ status: 'ok' })
  })

  test('metrics are counters that agree with what the callers were told', async () => {
    await idle()
    const read = async () => ({
      prompt: await engine.metric('prompt_tokens_total'),
      cached: await engine.metric('prompt_tokens_cached_total'),
      predicted: await engine.metric('tokens_predicted_total'),
    })
    const before = await read()
    const { usage } = await engine.client.chat.completions.create({
      model: 'tiny',
      messages: hello,
      max_tokens: 9,
      ...endlessly,
    })
    await idle()
    const after = await read()
    expect(after.predicted - before.predicted).toBe(usage?.completion_tokens)
    expect(after.prompt - before.prompt + after.cached - before.cached).toBe(usage?.prompt_tokens)
  })

  test.runIf(platform() === 'linux')('it uses no processor while there is nothing to do', async () => {
    await idle()
    const ticks = () => {
      const fields = readFileSync(`/proc/${engine.process.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
      return Number(fields[11]) + Number(fields[12])
    }
    const before = ticks()
    await delay(1500)
    expect(ticks() - before).toBeLessThanOrEqual(8) // of 150
  })
})
