import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '@switchyard/runtime'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Bed } from '../../../packages/gateway/test/bed.ts'
import { ScriptedUpstream } from '../../../packages/gateway/test/upstream.ts'
import { type Capture, type CaptureObservation, openCapture } from '../src/capture.ts'
import { readCaptured } from '../src/capture-text.ts'
import { readSettings } from '../src/settings.ts'

let bed: Bed
let engine: ScriptedUpstream
let capture: Capture
let folder: string
let key: string
let told: CaptureObservation[]
let written: Promise<void>[]
let now: () => number

const day = () => new Date(now()).toISOString().slice(0, 10)

async function begin(setting: object): Promise<void> {
  const { capture: settings } = readSettings({ SWITCHYARD_CAPTURE: JSON.stringify(setting) }).telemetry
  if (!settings) throw new Error('the setting was not read')
  capture = await openCapture({
    ...settings,
    folder,
    clock: { ...systemClock, now: () => now() },
    random: () => 0.5,
    observe: observation => void told.push(observation),
  })
  bed.follow = capture.follow
  bed.hear = observation => {
    if (observation.type === 'request_ended') written.push(capture.ended(observation))
  }
}

async function files(): Promise<readonly string[]> {
  await Promise.all(written)
  const all = await readdir(folder, { recursive: true })
  return all.filter(name => name.endsWith('.json')).map(name => join(folder, name))
}

async function only(): Promise<{ readonly text: string; readonly ask: unknown; readonly answer: unknown }> {
  const found = await files()
  expect(found).toHaveLength(1)
  const text = await readFile(found[0] ?? '', 'utf8')
  return { text, ...(JSON.parse(text) as { readonly ask: unknown; readonly answer: unknown }) } // as it is written
}

const say = (content: string) => ({ messages: [{ role: 'user', content }] })

beforeEach(async () => {
  told = []
  written = []
  now = Date.now
  folder = join(await mkdtemp(join(tmpdir(), 'switchyard-capture-')), 'captures')
  engine = await ScriptedUpstream.start()
  bed = await Bed.start()
  bed.endpoint('tiny', [engine.address])
  key = bed.key()
})
afterEach(async () => {
  await capture[Symbol.asyncDispose]()
  await bed[Symbol.asyncDispose]()
  await engine[Symbol.asyncDispose]()
  await rm(join(folder, '..'), { recursive: true, force: true })
})

describe('a capture', () => {
  test('holds what was asked and answered, for its owner alone', async () => {
    await begin({ routes: ['t*'] })
    await (await bed.chat(key, say('hello'))).text()
    expect(await only()).toMatchObject({
      key: key.split('-')[2],
      route: 'tiny',
      status: 200,
      end: 'done',
      ask: { body: { model: 'tiny', messages: [{ role: 'user', content: 'hello' }] } },
      answer: { body: { choices: [{ message: { content: 'one two three' } }] } },
    })
    const [file = ''] = await files()
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect((await stat(folder)).mode & 0o777).toBe(0o700)
  })

  test('of a stream holds its text whole', async () => {
    await begin({ routes: ['tiny'] })
    await (await bed.chat(key, { ...say('hello'), stream: true })).text()
    expect(await only()).toMatchObject({ answer: { body: { 'choices.0.delta.content': 'one two three' } } })
  })

  test('is without the words and the personal data that were named, escaped or not', async () => {
    await begin({ routes: ['tiny'], words: ['project nightingale'], pii: ['email'] })
    const content = 'Project Nightingale: write to ada@example.org'
    const body = JSON.stringify({ model: 'tiny', ...say(content) }).replaceAll('@', '\\u0040')
    await (await bed.post('/v1/chat/completions', key, body)).text()
    const { text } = await only()
    expect(text).not.toMatch(/nightingale|ada(@|\\u0040)example/i)
    expect(text).toContain('[REDACTED:keyword]')
    expect(text).toContain('[REDACTED:email]')
  })

  test('is made of no other route, of no refused request, and never without the setting', async () => {
    bed.endpoint('other', [engine.address])
    await begin({ routes: ['tiny'] })
    await (await bed.chat(key, { ...say('hello'), model: 'other' })).text()
    await (await bed.chat('sk-wrong', say('hello'))).text()
    expect(await files()).toEqual([])
    expect(readSettings({}).telemetry.capture).toBeUndefined()
  })

  test('is made of a share of the requests', async () => {
    await begin({ routes: ['*'], ratio: 0.4 })
    await (await bed.chat(key, say('hello'))).text()
    expect(await files()).toEqual([])
  })

  test('leaves out a body that is longer than its bound', async () => {
    await begin({ routes: ['*'], bytes: 1024 })
    await (await bed.chat(key, say('long '.repeat(1000)))).text()
    const { ask, text } = await only()
    expect(ask).toEqual({ bytes: expect.any(Number) as number, leftOut: 'longer than 1024 bytes' })
    expect(text).not.toContain('long long')
  })

  test('goes with its day, and the oldest day goes when there is no more room', async () => {
    for (const [name, bytes] of [
      ['2020-01-01', 10],
      ['notes', 10],
      [day(), 10],
    ] as const) {
      await mkdir(join(folder, name), { recursive: true })
      await writeFile(join(folder, name, 'x.json'), 'x'.repeat(bytes))
    }
    await begin({ routes: ['*'], days: 7 })
    expect((await readdir(folder)).toSorted()).toEqual([day(), 'notes'])
    expect(told).toEqual([{ type: 'captures_swept', days: ['2020-01-01'], bytes: 10 }])
    const yesterday = new Date(now() - 86_400_000).toISOString().slice(0, 10)
    await mkdir(join(folder, yesterday))
    await writeFile(join(folder, yesterday, 'x.json'), 'x'.repeat(1024 * 1024))
    await capture[Symbol.asyncDispose]()
    await begin({ routes: ['*'], megabytes: 1 })
    expect((await readdir(folder)).toSorted()).toEqual([day(), 'notes'])
  })

  test('that cannot be written is told of, and costs no answer', async () => {
    await begin({ routes: ['*'] })
    await rm(folder, { recursive: true })
    await writeFile(folder, 'in the way')
    expect((await bed.chat(key, say('hello'))).status).toBe(200)
    await expect.poll(() => told.map(({ type }) => type)).toEqual(['capture_failed'])
  })
})

describe('the setting', () => {
  test.each([
    ['{', 'must be JSON'],
    ['{"ratio":0.5}', 'routes'],
    ['{"routes":["*"],"ratio":2}', 'ratio'],
    ['{"routes":["*"],"pii":["shoe size"]}', 'pii'],
    ['{"routes":["*"],"what":1}', 'what'],
  ])('%s is refused, and it says why', (text, reason) => {
    expect(() => readSettings({ SWITCHYARD_CAPTURE: text })).toThrow(reason)
  })
})

describe('the text of a stream', () => {
  test.each([
    [
      'Anthropic',
      'event: x\ndata: {"index":0,"delta":{"text":"a"}}\n\nevent: x\ndata: {"index":0,"delta":{"text":"b"}}\n',
      { '#0.delta.text': 'ab', '#0.index': 0 },
    ],
    [
      'Ollama',
      '{"response":"a","done":false}\n{"response":"b","done":true}\n',
      { response: 'ab', done: true },
    ],
    [
      'Gemini',
      '[{"candidates":[{"index":0,"content":{"parts":[{"text":"a"}]}}]}\n,{"candidates":[{"index":0,"content":{"parts":[{"text":"b"}]}}]}',
      { 'candidates.0.content.parts.0.text': 'ab', 'candidates.0.index': 0 },
    ],
    [
      'two choices',
      'data: {"choices":[{"index":1,"delta":{"content":"a"}}]}\n\ndata: {"choices":[{"index":0,"delta":{"content":"b"}}]}\n\ndata: [DONE]\n',
      {
        'choices.1.delta.content': 'a',
        'choices.1.index': 1,
        'choices.0.delta.content': 'b',
        'choices.0.index': 0,
      },
    ],
  ])('of %s is joined by its place', (_, text, expected) => {
    expect(readCaptured(Buffer.from(text))).toMatchObject(expected)
  })

  test('is none where there is no JSON', () => {
    expect(readCaptured(Buffer.from('RIFF....WAVE'))).toBeUndefined()
  })
})
