import { openai } from '@switchyard/dialects'
import { Fault } from '@switchyard/kinds'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const read = (text: string | Buffer) => openai.readRequest('chat.completions', Buffer.from(text))
function refusal(text: string | Buffer): Fault {
  try {
    read(text)
  } catch (error) {
    if (error instanceof Fault) return error
    throw error
  }
  throw new Error('accepted')
}

describe('a request body', () => {
  test('reaches an upstream of the same name as the very bytes', () => {
    const ask = read('{ "messages":[], "model" : "tiny" ,"x":1e400}')
    expect(openai.upstreamBody(ask, 'tiny')).toBe(ask.bytes)
  })

  test('differs in the value of model alone when the upstream has another name', () => {
    const value = fc.constantFrom(
      '1e400',
      '12345678901234567890',
      '"\\ud800"',
      '{"model":"x","model":"y"}',
      '[ ]',
    )
    const member = fc.tuple(fc.stringMatching(/^x[a-z]{0,8}$/), value)
    fc.assert(
      fc.property(fc.array(member), fc.array(member), (before, after) => {
        const text = (name: string) =>
          `{${[...before.map(([k, v]) => `"${k}": ${v} `), `"model" :\t${name}`, ...after.map(([k, v]) => `"${k}":${v}`)].join(',')}}`
        const ask = read(text('"public\\u002dname"'))
        expect(ask.model).toBe('public-name')
        expect(openai.upstreamBody(ask, 'up "1"').toString()).toBe(text('"up \\"1\\""'))
      }),
    )
  })

  test.each([
    ['{"model":"m","stream":true}', '{"stream_options":{"include_usage":true},"model":"m","stream":true}'],
    [
      '{"model":"m","stream":true,"stream_options":null}',
      '{"model":"m","stream":true,"stream_options":{"include_usage":true}}',
    ],
    [
      '{"model":"m","stream":true,"stream_options":{ }}',
      '{"model":"m","stream":true,"stream_options":{"include_usage":true }}',
    ],
    [
      '{"model":"m","stream":true,"stream_options":{"a":1}}',
      '{"model":"m","stream":true,"stream_options":{"include_usage":true,"a":1}}',
    ],
    [
      '{"model":"m","stream":true,"stream_options":{"include_usage": false}}',
      '{"model":"m","stream":true,"stream_options":{"include_usage": true}}',
    ],
    [
      '{"model":"m","stream":true,"stream_options":{"include_usage":true}}',
      '{"model":"m","stream":true,"stream_options":{"include_usage":true}}',
    ],
    [
      '{"model":"m","stream":false,"stream_options":null}',
      '{"model":"m","stream":false,"stream_options":null}',
    ],
  ])('asks the upstream for usage on streams: %s', (sent, received) => {
    expect(openai.upstreamBody(read(sent), 'm').toString()).toBe(received)
  })

  test.each([
    ['{"model":"a","model":"b"}', 'duplicate_member', 'model'],
    ['{"model":"a","mod\\u0065l":"b"}', 'duplicate_member', 'model'],
    ['{"mod\\u0065l":"b"}', 'duplicate_member', 'model'],
    ['{"model":"a","stream":true,"stream":false}', 'duplicate_member', 'stream'],
    [
      '{"model":"a","stream":true,"stream_options":{"include_usage":true,"include_usage":false}}',
      'duplicate_member',
      'stream_options.include_usage',
    ],
    ['{"messages":[]}', 'missing_field', 'model'],
    ['{"model":7}', 'invalid_value', 'model'],
    ['{"model":""}', 'invalid_value', 'model'],
    ['{"model":"a","stream":"yes"}', 'invalid_value', 'stream'],
    ['{"model":"a","stream":true,"stream_options":[]}', 'invalid_value', 'stream_options'],
  ])('%s is refused as %s', (text, reason, param) => {
    expect(refusal(text)).toMatchObject({ code: 'invalid', reason, details: [{ path: param }] })
  })

  test.each([
    ['[]', 0],
    ['"x"', 0],
    ['', 0],
    ['{"model":"a"', 12],
    ['{"model":"a"} x', 14],
    ['{"model":"a","b":tru}', 17],
    ['{"model":"a\u0001"}', 11],
  ])('%j is not JSON, and the offset is told but not the text', (text, offset) => {
    const fault = refusal(text)
    expect(fault.reason).toBe('invalid_json')
    expect(fault.message).toContain(`byte ${offset}`)
  })

  test('bytes that are not UTF-8 are refused', () => {
    const fault = refusal(
      Buffer.concat([Buffer.from('{"model":"a","x":"'), Buffer.of(0xff), Buffer.from('"}')]),
    )
    expect(fault.reason).toBe('invalid_json')
    expect(fault.message).toContain('byte 18.')
  })

  test('nested members of a governed name are left alone', () => {
    expect(read('{"x":{"model":1,"model":2,"stream":[]},"model":"a"}').model).toBe('a')
  })

  test('hostile nesting is refused, not a crash', () => {
    expect(refusal(`{"model":"a","x":${'['.repeat(100_000)}`).reason).toBe('invalid_json')
  })
})
