// The frame of a stream in each caller's dialect: its headers, what is sent while nothing comes, how it fails.
import type { CallerName } from '@switchyard/dialects'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Bed } from './bed.ts'
import { callerNames, callers, list } from './callers.ts'
import { settle } from './fleet.ts'
import { model } from './upstream/speaker.ts'
import { type Name, ScriptedUpstream } from './upstream.ts'

let bed: Bed
let engine: ScriptedUpstream
let key: string
beforeEach(async () => {
  bed = await Bed.start({ ping: 150, idle: 500 })
  engine = await ScriptedUpstream.start()
  key = bed.key()
})
afterEach(async () => {
  await bed[Symbol.asyncDispose]()
  await engine[Symbol.asyncDispose]()
})

const types: Readonly<Record<CallerName, string>> = {
  openai: 'text/event-stream; charset=utf-8',
  responses: 'text/event-stream; charset=utf-8',
  anthropic: 'text/event-stream; charset=utf-8',
  gemini: 'text/event-stream; charset=utf-8',
  geminiArray: 'application/json; charset=utf-8',
  ollama: 'application/x-ndjson',
  ollamaGenerate: 'application/x-ndjson',
}

/** What says that a stream lives; undefined where the dialect has nothing for it. */
const pings: Readonly<Record<CallerName, string | undefined>> = {
  openai: '\n\n: ping\n\n',
  responses: '\n\n: ping\n\n',
  anthropic: '\n\nevent: ping\ndata: {"type": "ping"}\n\n',
  gemini: '\n\n: ping\n\n',
  geminiArray: undefined,
  ollama: undefined,
  ollamaGenerate: undefined,
}

function ask(caller: CallerName, act: Name): Promise<Response> {
  settle(bed, engine, 'p', 'openai', { act })
  bed.route('m', { tiers: [{ targets: [{ provider: 'p', model }] }] })
  return bed.post(callers[caller].path('m', true), key, callers[caller].body('m', true))
}

describe.each(callerNames)('a stream for a caller of %s', caller => {
  test('is framed as its dialect is, and kept by nobody on its way', async () => {
    const answer = await ask(caller, 'good')
    await answer.text()
    expect(answer.headers.get('content-type')).toBe(types[caller])
    expect(answer.headers.get('cache-control')).toBe('no-cache')
    expect(answer.headers.get('x-accel-buffering')).toBe('no')
    expect(answer.headers.get('content-length')).toBeNull()
    expect(answer.headers.get('content-encoding')).toBeNull()
    expect(answer.headers.get('x-switchyard-cost')).toBeNull()
  })

  test('S3: has each of a hundred events before the upstream writes the next', async () => {
    engine.step()
    const answer = await ask(caller, 'a hundred one by one')
    let text = ''
    let heard = 0
    for await (const chunk of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += chunk
      // What is held back would be held back for ever: the upstream writes no more until this one is here.
      const words = Math.min(100, text.split('"one"').length - 1)
      if (heard < 100) expect(words - heard).toBeLessThanOrEqual(1)
      for (; heard < words; heard++) engine.step()
    }
    expect(heard).toBe(100)
    expect(callers[caller].stream(text)).toMatchObject({
      text: `${'one'.repeat(100)} two three`,
      whole: true,
    })
  })

  test('S6: says that it lives after silence where the dialect has a word for it', async () => {
    const text = await (await ask(caller, 'content then silence')).text()
    const ping = pings[caller]
    if (ping === undefined) expect(text).not.toContain('ping')
    else expect(text).toContain(ping)
    const { whole, error, text: heard } = callers[caller].stream(text)
    expect(whole).toBe(false)
    expect(error).toBeDefined()
    expect(heard).toBe('one')
  })

  test('S4: sends no status before the first content', async () => {
    for (const [act, status] of [
      ['cut after 1', 502],
      ['error as first event', caller === 'anthropic' ? 529 : 503],
    ] as const) {
      await using fresh = await Bed.start({ attempts: 1 })
      settle(fresh, engine, 'p', 'openai', { act })
      fresh.route('m', { retries: { attempts: 1 }, tiers: [{ targets: [{ provider: 'p', model }] }] })
      const row = callers[caller]
      const answer = await fresh.post(row.path('m', true), fresh.key(), row.body('m', true))
      expect(answer.status, act).toBe(status)
      expect(answer.headers.get('content-type'), act).toMatch(/^application\/json/)
      await answer.arrayBuffer()
    }
  })
})

test('S7: a failed stream of Gemini’s ends in the error as an event and bare, an array in valid JSON', async () => {
  const text = await (await ask('gemini', 'cut after 3')).text()
  const bare = text.slice(text.lastIndexOf('\n\n') + 2)
  expect(JSON.parse(bare)).toMatchObject({ error: { code: 502, status: 'UNAVAILABLE' } })
  expect(text.endsWith(`data: ${bare}\n\n${bare}`)).toBe(true)
  const row = callers.geminiArray
  const array: unknown = await (await bed.post(row.path('m', true), key, row.body('m', true))).json()
  expect(row.reply(array)).toMatchObject({ text: 'one two', whole: false })
  expect(list(array).at(-1)).toEqual({
    error: { code: 502, status: 'UNAVAILABLE', message: expect.any(String) as unknown, details: [] },
  })
})
