import { anthropic, type Delta } from '@switchyard/dialects'
import { Fault } from '@switchyard/kinds'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { about, answers, checkStream, decode, events, meaning, plainText } from './anthropic-grammar.ts'

const event = (type: string, members: object) =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...members })}\n\n`

const start = event('message_start', {
  message: {
    id: 'msg_01',
    type: 'message',
    role: 'assistant',
    model: 'claude-x',
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: {
      input_tokens: 25,
      cache_read_input_tokens: 7,
      cache_creation_input_tokens: 5,
      cache_creation: { ephemeral_5m_input_tokens: 2, ephemeral_1h_input_tokens: 3 },
      output_tokens: 1,
    },
  },
})

/** A recorded shape: thinking with a signature, redacted thinking, text, two calls, a ping between. */
const recorded = [
  start,
  event('content_block_start', {
    index: 0,
    content_block: { type: 'thinking', thinking: '', signature: '' },
  }),
  event('ping', {}),
  event('content_block_delta', { index: 0, delta: { type: 'thinking_delta', thinking: 'Ünter ' } }),
  event('content_block_delta', { index: 0, delta: { type: 'thinking_delta', thinking: '思考 🤔' } }),
  event('content_block_delta', { index: 0, delta: { type: 'signature_delta', signature: 'EqQBCgIYAhIM' } }),
  event('content_block_stop', { index: 0 }),
  event('content_block_start', { index: 1, content_block: { type: 'redacted_thinking', data: 'EmwKAhgB' } }),
  event('content_block_stop', { index: 1 }),
  event('content_block_start', { index: 2, content_block: { type: 'text', text: '' } }),
  event('content_block_delta', { index: 2, delta: { type: 'text_delta', text: 'Let me look.' } }),
  event('content_block_stop', { index: 2 }),
  event('content_block_start', {
    index: 3,
    content_block: { type: 'server_tool_use', id: 'srvtoolu_1', name: 'web_search', input: {} },
  }),
  event('content_block_delta', { index: 3, delta: { type: 'input_json_delta', partial_json: '{"q":1}' } }),
  event('content_block_stop', { index: 3 }),
  event('content_block_start', {
    index: 4,
    content_block: { type: 'tool_use', id: 'toolu_A', name: 'look', input: {} },
  }),
  event('content_block_delta', { index: 4, delta: { type: 'input_json_delta', partial_json: '' } }),
  event('content_block_delta', {
    index: 4,
    delta: { type: 'input_json_delta', partial_json: '{"n":1234567890123' },
  }),
  event('content_block_delta', {
    index: 4,
    delta: { type: 'input_json_delta', partial_json: '4567890,"x":1.0}' },
  }),
  event('content_block_stop', { index: 4 }),
  event('content_block_start', {
    index: 5,
    content_block: { type: 'tool_use', id: 'toolu_B', name: 'rest', input: {} },
  }),
  event('content_block_stop', { index: 5 }),
  event('message_delta', {
    delta: { stop_reason: 'tool_use', stop_sequence: null },
    usage: { input_tokens: null, output_tokens: 40, output_tokens_details: { thinking_tokens: 12 } },
  }),
  event('message_stop', {}),
]

const expected: readonly Delta[] = [
  { type: 'start', choice: 0, id: 'msg_01', model: 'claude-x' },
  {
    type: 'usage',
    choice: 0,
    usage: {
      quantities: {
        'tok.in.cache_read': 7n,
        'tok.in.cache_write_1h': 3n,
        'tok.in.cache_write_5m': 2n,
        'tok.in.uncached': 25n,
        'tok.out.text': 1n,
      },
      source: 'provider',
      flags: [],
    },
  },
  { type: 'open', choice: 0, block: 0, kind: 'reasoning' },
  { type: 'reasoning', choice: 0, block: 0, text: 'Ünter ' },
  { type: 'reasoning', choice: 0, block: 0, text: '思考 🤔' },
  { type: 'signature', choice: 0, block: 0, signature: 'EqQBCgIYAhIM', origin: 'anthropic' },
  { type: 'close', choice: 0, block: 0 },
  { type: 'open', choice: 0, block: 1, kind: 'reasoning' },
  { type: 'signature', choice: 0, block: 1, opaque: 'EmwKAhgB', origin: 'anthropic' },
  { type: 'close', choice: 0, block: 1 },
  { type: 'open', choice: 0, block: 2, kind: 'text' },
  { type: 'text', choice: 0, block: 2, text: 'Let me look.' },
  { type: 'close', choice: 0, block: 2 },
  { type: 'open', choice: 0, block: 3, kind: 'tool', id: 'toolu_A', name: 'look' },
  { type: 'args', choice: 0, block: 3, json: '{"n":1234567890123' },
  { type: 'args', choice: 0, block: 3, json: '4567890,"x":1.0}' },
  { type: 'close', choice: 0, block: 3 },
  { type: 'open', choice: 0, block: 4, kind: 'tool', id: 'toolu_B', name: 'rest' },
  { type: 'close', choice: 0, block: 4 },
  { type: 'finish', choice: 0, stop: 'tool' },
  {
    type: 'usage',
    choice: 0,
    usage: {
      quantities: {
        'tok.in.cache_read': 7n,
        'tok.in.cache_write_1h': 3n,
        'tok.in.cache_write_5m': 2n,
        'tok.in.uncached': 25n,
        'tok.out.reasoning': 12n,
        'tok.out.text': 28n,
      },
      source: 'provider',
      flags: [],
    },
  },
  { type: 'end', choice: 0 },
]

describe('an upstream stream', () => {
  test('becomes deltas, without the blocks that the provider ran itself', () => {
    expect(decode([recorded.join('')])).toEqual(expected)
  })

  test('reads the same wherever it is split, with LF, CR and CRLF', () => {
    for (const end of ['\n', '\r', '\r\n']) {
      const bytes = Buffer.from(recorded.join('').replaceAll('\n', end))
      for (let at = 0; at <= bytes.length; at++)
        expect(decode([bytes.subarray(0, at), bytes.subarray(at)])).toEqual(expected)
      expect(decode([...bytes].map(byte => Buffer.of(byte)))).toEqual(expected)
    }
  })

  test('reads without event names, with comments, and without the last blank line', () => {
    const bare = recorded
      .join(': keep-alive\n\n')
      .replaceAll(/event: .*\n/g, '')
      .trimEnd()
    expect(decode([bare])).toEqual(expected)
  })

  test('is a fault and no end when it is cut before the stop reason', () => {
    const lastContent = recorded.length - 2
    for (let kept = 0; kept < recorded.length; kept++) {
      const types = decode([recorded.slice(0, kept).join('')]).map(({ type }) => type)
      expect(types.at(-1)).toBe(kept <= lastContent ? 'fault' : 'end')
      expect(types.filter(type => type === 'end' || type === 'fault')).toHaveLength(1)
    }
  })

  test.each([
    ['overloaded_error', 529],
    ['rate_limit_error', 429],
    ['api_error', 500],
    ['timeout_error', 504],
    ['invalid_request_error', 400],
    ['something_new', 502],
  ])('that says %s in the middle is a fault of status %i', (type, status) => {
    const deltas = decode([
      start,
      event('error', { error: { type, message: 'Overloaded' } }),
      ...recorded.slice(-1),
    ])
    expect(deltas.at(-1)).toEqual({ type: 'fault', choice: 0, status, kind: type, message: 'Overloaded' })
  })

  test('loses an event that is no JSON, and is a fault after three in a row', () => {
    const odd = 'event: x\ndata: {"type":\n\n'
    const spoilt = recorded.flatMap(text => [text, odd, odd])
    expect(decode([spoilt.join('')])).toEqual(expected)
    expect(decode([start, odd, odd, odd, ...recorded.slice(1)]).at(-1)?.type).toBe('fault')
  })

  test('with arguments at the start of a call alone keeps them', () => {
    const call = [
      start,
      'data: {"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"a","name":"n","input":{"x":1.0}}}\n\n',
      event('content_block_stop', { index: 0 }),
      event('message_delta', { delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 3 } }),
      event('message_stop', {}),
    ]
    const deltas = decode(call)
    expect(deltas).toContainEqual({ type: 'args', choice: 0, block: 0, json: '{"x":1.0}' })
    expect(deltas).toContainEqual({ type: 'finish', choice: 0, stop: 'tool', raw: 'end_turn' })
  })

  test('never throws, whatever stands in it', () => {
    const json = fc.jsonValue({ maxDepth: 3 }).map(value => JSON.stringify(value))
    const odd = fc.tuple(
      fc.constantFrom(
        'message_start',
        'content_block_start',
        'content_block_delta',
        'message_delta',
        '__proto__',
      ),
      fc.constantFrom('message', 'content_block', 'delta', 'usage', 'index', 'error', '__proto__'),
      json,
    )
    fc.assert(
      fc.property(fc.array(odd), list => {
        const deltas = decode(
          list.map(([type, name, value]) => `data: {"type":"${type}","${name}":${value}}\n\n`),
        )
        expect(['end', 'fault']).toContain(deltas.at(-1)?.type)
      }),
    )
  })
})

describe('a stream for a caller', () => {
  test('has the order that Anthropic documents, whatever the deltas', () => {
    fc.assert(
      fc.property(answers, deltas => {
        const encoder = anthropic.encoder(about)
        checkStream(Buffer.concat(deltas.flatMap(delta => encoder.push([delta]) ?? [])))
      }),
      { numRuns: 300 },
    )
  })

  test('means what the deltas mean', () => {
    fc.assert(
      fc.property(answers, deltas => {
        const bytes = anthropic.encoder(about).push(deltas) ?? Buffer.alloc(0)
        expect(meaning(decode([bytes]))).toEqual(meaning(deltas))
      }),
      { numRuns: 300 },
    )
  })

  test('a whole reply means the same', () => {
    fc.assert(
      fc.property(answers, deltas => {
        const read = anthropic.readReply(anthropic.writeReply(deltas, about))
        expect(meaning(read ?? [])).toEqual(meaning(deltas))
      }),
      { numRuns: 300 },
    )
  })

  test('holds back its first event until the input tokens can be told', () => {
    const encoder = anthropic.encoder(about)
    const [opened, said] = plainText('Hi')
    expect(encoder.push([{ type: 'start', choice: 0 }])).toBeUndefined()
    const usage = { quantities: { 'tok.in.uncached': 9n }, source: 'provider', flags: [] } as const
    expect(encoder.push([{ type: 'usage', choice: 0, usage }])).toBeUndefined()
    const bytes = encoder.push([opened, said])
    expect(events(bytes ?? Buffer.alloc(0))[0]).toMatchObject({
      type: 'message_start',
      message: { id: 'msg_1', model: 'public', usage: { input_tokens: 9 } },
    })
  })

  test('writes each delta at once', () => {
    const encoder = anthropic.encoder(about)
    encoder.push(plainText('a').slice(0, 2))
    for (const text of ['b', 'c']) {
      const bytes = encoder.push([{ type: 'text', choice: 0, block: 0, text }])
      expect(events(bytes ?? Buffer.alloc(0))).toEqual([
        { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } },
      ])
    }
  })

  test('that failed ends in an error event and has no message_stop', () => {
    const encoder = anthropic.encoder(about)
    const begun = encoder.push(plainText('a').slice(0, 2))
    const fault = new Fault('unavailable', 'Send it again.', { reason: 'upstream_error', status: 502 })
    const text = Buffer.concat([
      begun ?? Buffer.alloc(0),
      encoder.fault(fault, 'overloaded_error'),
    ]).toString()
    expect(text).not.toContain('message_stop')
    expect(text).toMatch(
      /\n\nevent: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Send it again."}}\n\n$/,
    )
    expect(encoder.push([{ type: 'end', choice: 0 }])).toBeUndefined()
    expect(encoder.fault(fault, 'server_error').toString()).toContain('"type":"api_error"')
  })

  test('carries the signatures of other origins so that they find back', () => {
    const encoder = anthropic.encoder(about)
    const bytes = encoder.push([
      { type: 'open', choice: 0, block: 0, kind: 'reasoning' },
      { type: 'reasoning', choice: 0, block: 0, text: 'Hm' },
      { type: 'signature', choice: 0, block: 0, signature: 'gem.1', origin: 'gemini' },
      { type: 'close', choice: 0, block: 0 },
      { type: 'end', choice: 0 },
    ])
    const signature = events(bytes ?? Buffer.alloc(0)).find(({ delta }) => delta?.type === 'signature_delta')
      ?.delta?.signature
    expect(signature).toEqual(expect.stringMatching(/^[A-Za-z0-9+/=]{20,}$/))
    const body = {
      model: 'm',
      max_tokens: 10,
      messages: [
        { role: 'user', content: 'a' },
        { role: 'assistant', content: [{ type: 'thinking', thinking: 'Hm', signature }] },
      ],
    }
    const { turns } = anthropic.readAsk(Buffer.from(JSON.stringify(body)), {})
    expect(turns[1]?.parts).toEqual([{ type: 'reasoning', text: 'Hm', signature: 'gem.1', origin: 'gemini' }])
  })
})
