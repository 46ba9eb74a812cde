import { Fault } from '@switchyard/kinds'
import { describe, expect, test } from 'vitest'
import {
  type Ask,
  carryForm,
  carryInference,
  openaiEngineRow,
  RealtimeTap,
  readRequest,
} from '../src/index.ts'

const done = (usage: object) =>
  Buffer.from(JSON.stringify({ type: 'response.done', event_id: 'e', response: { id: 'r', usage } }))

const usage = {
  total_tokens: 253,
  input_tokens: 132,
  output_tokens: 121,
  input_token_details: {
    text_tokens: 119,
    audio_tokens: 13,
    image_tokens: 0,
    cached_tokens: 64,
    cached_tokens_details: { text_tokens: 54, audio_tokens: 10 },
  },
  output_token_details: { text_tokens: 30, audio_tokens: 91 },
}

describe('a realtime session', () => {
  test('adds up the disjoint classes of every response', () => {
    const tap = new RealtimeTap()
    const one = {
      'tok.in.audio': 3n,
      'tok.in.cache_read': 54n,
      'tok.in.cache_read_audio': 10n,
      'tok.in.uncached': 65n,
      'tok.out.audio': 91n,
      'tok.out.text': 30n,
    }
    expect(tap.push(done(usage))?.quantities).toEqual(one)
    tap.push(done(usage))
    expect(tap.usage).toEqual({
      quantities: Object.fromEntries(Object.entries(one).map(([unit, count]) => [unit, count * 2n])),
      source: 'provider',
      flags: [],
    })
  })

  test('flags a report whose parts are more than its sum, and keeps the sum', () => {
    const tap = new RealtimeTap()
    tap.push(done({ input_tokens: 5, output_tokens: 7, input_token_details: { audio_tokens: 9 } }))
    expect(tap.usage).toEqual({
      quantities: { 'tok.in.uncached': 5n, 'tok.out.text': 7n },
      source: 'provider',
      flags: ['partition_mismatch'],
    })
  })

  test.each([
    ['another event that quotes the word', '{"type":"response.text.delta","delta":"\\"response.done\\""}'],
    ['what is no JSON', '"response.done" {'],
    ['a response without usage', '{"type":"response.done","response":{"status":"cancelled"}}'],
    ['a negative count', '{"type":"response.done","response":{"usage":{"input_tokens":-1}}}'],
  ])('takes nothing from %s', (_, message) => {
    const tap = new RealtimeTap()
    expect(tap.push(Buffer.from(message))).toBeUndefined()
    expect(tap.usage).toBeUndefined()
  })

  test("ends with an error event of OpenAI's own shape", () => {
    expect(
      JSON.parse(RealtimeTap.error(new Fault('unavailable', 'Stopping.', { reason: 'draining' }), '1')),
    ).toEqual({
      type: 'error',
      event_id: 'event_1',
      error: { type: 'server_error', code: 'draining', message: 'Stopping.', param: null, event_id: null },
    })
  })
})

const blank: Ask = readRequest('openai', 'moderations', Buffer.from('{"model":"public"}'), {})
const options = { served: 'up', shown: 'public' }
const answers = (operation: Ask['operation'], contentType: string) =>
  carryForm({ ...blank, operation }, '/v1/x', { dialect: 'openai', row: openaiEngineRow }, options).answers?.(
    contentType,
  )

describe('an answer of media', () => {
  test.each([
    ['application/json', 'whole'],
    ['application/json; charset=utf-8', 'whole'],
    ['text/html', undefined],
  ])('%s is %s', (type, way) => {
    expect(answers('audio.transcriptions', type)).toBe(way)
  })

  test('of sound passes as bytes, and is cut without a word', () => {
    const tap = answers('audio.transcriptions', 'text/plain; charset=utf-8')
    if (typeof tap !== 'object') throw new Error('no tap')
    tap.push(Buffer.from('1\n00:00'))
    expect(tap.out?.toString()).toBe('1\n00:00')
    expect(tap.fail(new Fault('unavailable', 'cut')).length).toBe(0)
  })

  test('in events tells its usage and ends with an error event when it is cut', () => {
    const tap = answers('audio.transcriptions', 'text/event-stream')
    if (typeof tap !== 'object') throw new Error('no tap')
    tap.push(Buffer.from('data: {"type":"transcript.text.delta","delta":"a"}\n\ndata: {"type":"tran'))
    tap.push(
      Buffer.from(
        'script.text.done","text":"a","usage":{"type":"tokens","input_tokens":14,"output_tokens":2,"input_token_details":{"audio_tokens":10,"text_tokens":4}}}\n\n',
      ),
    )
    expect(tap.usage?.quantities).toEqual({ 'tok.in.audio': 10n, 'tok.in.uncached': 4n, 'tok.out.text': 2n })
    expect(tap.deltas).toBe(2)
    tap.finish()
    expect(tap.terminal?.length).toBe(0)
    expect(tap.fail(new Fault('unavailable', 'cut')).toString()).toMatch(/^data: \{"error":.*\n\n$/)
  })

  test('cut in the middle of an event is not whole', () => {
    const tap = answers('audio.transcriptions', 'text/event-stream')
    if (typeof tap !== 'object') throw new Error('no tap')
    tap.push(Buffer.from('data: {"a":1}\n\ndata: {"b'))
    tap.finish()
    expect(tap.terminal).toBeUndefined()
  })
})

describe('an inference', () => {
  const infer: Ask = { ...blank, caller: 'ollama', operation: 'oip.infer', bytes: Buffer.of(0, 255, 123) }

  test('is the same bytes at the path of the served model', () => {
    const carriage = carryInference(infer, '/v2/models/{model}/infer', '/versions/3', options)
    expect(carriage.path).toBe('/v2/models/up/versions/3/infer')
    expect(carriage.body).toBe(infer.bytes)
  })

  test('answered in JSON shows the public name', () => {
    const { reply } = carryInference(infer, '/v2/models/{model}/infer', '', options)
    expect(reply(Buffer.from('{"model_name" : "up", "outputs":[1e400]}'))?.bytes.toString()).toBe(
      '{"model_name" : "public", "outputs":[1e400]}',
    )
    expect(reply(Buffer.from('[1]'))).toBeUndefined()
  })
})
