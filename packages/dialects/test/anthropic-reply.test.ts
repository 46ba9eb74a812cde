import { anthropic, type Delta, openaiChat, type Stop, stops, type Usage } from '@switchyard/dialects'
import { Fault } from '@switchyard/kinds'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { about, checkStream, decode, events, plainText } from './anthropic-grammar.ts'

const message = (members: object) => Buffer.from(JSON.stringify({ type: 'message', content: [], ...members }))
const usageOf = (usage: object): Usage | undefined =>
  anthropic
    .readReply(message({ usage, stop_reason: 'end_turn' }))
    ?.flatMap(delta => (delta.type === 'usage' ? [delta.usage] : []))[0]

describe('a reply', () => {
  test('of every block becomes deltas', () => {
    const body = `{"id":"msg_1","type":"message","role":"assistant","model":"claude-x","content":[
      {"type":"thinking","thinking":"Hm","signature":"EqQB"},
      {"type":"redacted_thinking","data":"Emw"},
      {"type":"web_search_tool_result","tool_use_id":"x","content":[]},
      {"type":"text","text":"Hi","citations":null},
      {"type":"tool_use","id":"toolu_1","name":"look","input":{"n":12345678901234567890, "x":1.0}}],
      "stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":5,"output_tokens":7}}`
    expect(anthropic.readReply(Buffer.from(body))).toEqual([
      { type: 'start', choice: 0, id: 'msg_1', model: 'claude-x' },
      { type: 'open', choice: 0, block: 0, kind: 'reasoning' },
      { type: 'reasoning', choice: 0, block: 0, text: 'Hm' },
      { type: 'signature', choice: 0, block: 0, signature: 'EqQB', origin: 'anthropic' },
      { type: 'close', choice: 0, block: 0 },
      { type: 'open', choice: 0, block: 1, kind: 'reasoning' },
      { type: 'signature', choice: 0, block: 1, opaque: 'Emw', origin: 'anthropic' },
      { type: 'close', choice: 0, block: 1 },
      { type: 'open', choice: 0, block: 2, kind: 'text' },
      { type: 'text', choice: 0, block: 2, text: 'Hi' },
      { type: 'close', choice: 0, block: 2 },
      { type: 'open', choice: 0, block: 3, kind: 'tool', id: 'toolu_1', name: 'look' },
      { type: 'args', choice: 0, block: 3, json: '{"n":12345678901234567890, "x":1.0}' },
      { type: 'close', choice: 0, block: 3 },
      { type: 'finish', choice: 0, stop: 'tool' },
      {
        type: 'usage',
        choice: 0,
        usage: { quantities: { 'tok.in.uncached': 5n, 'tok.out.text': 7n }, source: 'provider', flags: [] },
      },
      { type: 'end', choice: 0 },
    ])
  })

  test('that is an error is a fault with the status of its type', () => {
    const error = { type: 'overloaded_error', message: 'Overloaded' }
    expect(anthropic.readReply(Buffer.from(JSON.stringify({ type: 'error', error })))).toEqual([
      { type: 'fault', choice: 0, status: 529, kind: 'overloaded_error', message: 'Overloaded' },
    ])
  })

  test.each(['', '<html>', '[]', '{"content":', '{}', '{"content":"a"}', 'null'])('is none: %j', body => {
    expect(anthropic.readReply(Buffer.from(body))).toBeUndefined()
  })

  test('never throws, whatever the upstream sends', () => {
    const names = fc.constantFrom('type', 'content', 'text', 'usage', 'input', 'error', 'id', '__proto__')
    const odd = fc.dictionary(names, fc.jsonValue({ maxDepth: 3 }))
    fc.assert(
      fc.property(odd, fc.array(odd), (members, content) => {
        const deltas = anthropic.readReply(Buffer.from(JSON.stringify({ content, ...members })))
        if (deltas) expect(['end', 'fault']).toContain(deltas.at(-1)?.type)
      }),
    )
    const wide = Buffer.from(`{"content":[${'{},'.repeat(70_000)}{}]}`)
    expect(anthropic.readReply(wide)).toBeUndefined()
  })

  test('is never made of half an answer', () => {
    expect(() => anthropic.writeReply(plainText('a').slice(0, 4), about)).toThrow(Fault)
    const fault: Delta = { type: 'fault', choice: 0, status: 502 }
    expect(() => anthropic.writeReply([...plainText('a').slice(0, 3), fault], about)).toThrow(Fault)
  })

  test('for a caller has every member that Anthropic documents', () => {
    expect(anthropic.writeReply(plainText('Hi'), about).toString()).toBe(
      '{"id":"msg_1","type":"message","role":"assistant","model":"public","content":[{"type":"text","text":"Hi"}],' +
        '"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":0,"cache_creation_input_tokens":0,' +
        '"cache_read_input_tokens":0,"output_tokens":0}}',
    )
  })

  test('for a caller keeps arguments that a model spoilt, in an object', () => {
    const args = (json: string): readonly Delta[] => [
      { type: 'open', choice: 0, block: 0, kind: 'tool', id: 'a', name: 'n' },
      { type: 'args', choice: 0, block: 0, json },
      ...plainText('').slice(2),
    ]
    expect(anthropic.writeReply(args('{"a":'), about).toString()).toContain(
      '"input":{"_invalid_json":"{\\"a\\":"}',
    )
    expect(anthropic.writeReply(args('{"n":1e400}'), about).toString()).toContain('"input":{"n":1e400}')
  })
})

describe('why an answer stopped', () => {
  test.each<[string | null, Stop, string | undefined]>([
    ['end_turn', 'end', undefined],
    ['stop_sequence', 'sequence', undefined],
    ['max_tokens', 'length', undefined],
    ['model_context_window_exceeded', 'length', 'model_context_window_exceeded'],
    ['refusal', 'refusal', undefined],
    ['pause_turn', 'pause', undefined],
    ['brand_new', 'end', 'brand_new'],
    [null, 'end', undefined],
  ])('%s is %s', (stop_reason, stop, raw) => {
    const finish = anthropic
      .readReply(message({ stop_reason, stop_sequence: 'END' }))
      ?.find(({ type }) => type === 'finish')
    expect(finish).toEqual({
      type: 'finish',
      choice: 0,
      stop,
      ...(stop === 'sequence' && { sequence: 'END' }),
      ...(raw !== undefined && { raw }),
    })
  })

  test('is said for every stop', () => {
    const said = stops.map(stop => {
      const deltas: readonly Delta[] = [
        { type: 'finish', choice: 0, stop },
        { type: 'end', choice: 0 },
      ]
      const last = events(anthropic.encoder(about).push(deltas) ?? Buffer.alloc(0)).at(-2)
      expect(anthropic.writeReply(deltas, about).toString()).toContain(
        `"${String(last?.delta?.stop_reason)}"`,
      )
      return last?.delta?.stop_reason
    })
    expect(said).toEqual([
      'end_turn',
      'stop_sequence',
      'max_tokens',
      'tool_use',
      'refusal',
      'refusal',
      'pause_turn',
    ])
  })
})

describe('usage', () => {
  test.each<[object, Usage['quantities'], number]>([
    [{ input_tokens: 3, output_tokens: 4 }, { 'tok.in.uncached': 3n, 'tok.out.text': 4n }, 7],
    [
      { input_tokens: 0, cache_read_input_tokens: 90, cache_creation_input_tokens: 10, output_tokens: 4 },
      { 'tok.in.uncached': 0n, 'tok.in.cache_read': 90n, 'tok.in.cache_write_5m': 10n, 'tok.out.text': 4n },
      104,
    ],
    [
      {
        input_tokens: 1,
        cache_creation_input_tokens: 10,
        cache_creation: { ephemeral_5m_input_tokens: 4, ephemeral_1h_input_tokens: 6 },
        output_tokens: 4,
        output_tokens_details: { thinking_tokens: 3 },
      },
      {
        'tok.in.uncached': 1n,
        'tok.in.cache_write_5m': 4n,
        'tok.in.cache_write_1h': 6n,
        'tok.out.reasoning': 3n,
        'tok.out.text': 1n,
      },
      15,
    ],
  ])('%j is disjoint and adds up', (report, quantities, total) => {
    const usage = usageOf(report)
    expect(usage).toEqual({ quantities, source: 'provider', flags: [] })
    expect(Object.values(usage?.quantities ?? {}).reduce((sum, value) => sum + value, 0n)).toBe(BigInt(total))
  })

  test('that contradicts itself is flagged', () => {
    const cache_creation = { ephemeral_5m_input_tokens: 4, ephemeral_1h_input_tokens: 7 }
    const usage = usageOf({
      input_tokens: 1,
      cache_creation_input_tokens: 10,
      cache_creation,
      output_tokens: 1,
    })
    expect(usage?.flags).toEqual(['partition_mismatch'])
    expect(usage?.quantities).toEqual({
      'tok.in.uncached': 1n,
      'tok.in.cache_write_5m': 10n,
      'tok.out.text': 1n,
    })
    expect(
      usageOf({ input_tokens: 1, output_tokens: 1, output_tokens_details: { thinking_tokens: 2 } })?.flags,
    ).toEqual(['partition_mismatch'])
  })

  test('that says nothing is none', () => {
    for (const odd of [{}, { input_tokens: '3' }, { input_tokens: -1 }, { output_tokens: 1.5 }])
      expect(usageOf(odd)).toBeUndefined()
  })
})

describe('a stream of OpenAI', () => {
  test('with interleaved calls becomes blocks one after the other', () => {
    const chunk = (delta: object, finish_reason: string | null = null) =>
      `data: ${JSON.stringify({ id: 'c', choices: [{ index: 0, delta, finish_reason }] })}\n\n`
    const part = (index: number, args: string, opened?: string) => ({
      tool_calls: [
        {
          index,
          ...(opened && { id: opened, type: 'function' }),
          function: { ...(opened && { name: `f${index}` }), arguments: args },
        },
      ],
    })
    const upstream = [
      chunk({ role: 'assistant', content: '' }),
      chunk({ reasoning_content: 'Hm' }),
      chunk({ content: 'Hi' }),
      chunk(part(0, '{"a"', 'call_a')),
      chunk(part(1, '{"b"', 'call_b')),
      chunk(part(0, ':1}')),
      chunk(part(1, ':2}')),
      chunk({}, 'tool_calls'),
      'data: {"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":5,"total_tokens":14}}\n\n',
      'data: [DONE]\n\n',
    ]
    const decoder = openaiChat.decoder()
    const encoder = anthropic.encoder(about)
    const bytes = Buffer.concat(
      [...upstream.map(text => decoder.push(Buffer.from(text))), decoder.finish()].flatMap(
        deltas => encoder.push(deltas) ?? [],
      ),
    )
    checkStream(bytes)
    const blocks = events(bytes).flatMap(({ content_block }) => (content_block ? [content_block] : []))
    expect(blocks).toEqual([
      { type: 'thinking', thinking: '', signature: '' },
      { type: 'text', text: '' },
      { type: 'tool_use', id: 'call_a', name: 'f0', input: {} },
      { type: 'tool_use', id: 'call_b', name: 'f1', input: {} },
    ])
    const deltas = decode([bytes])
    expect(deltas.flatMap(delta => (delta.type === 'args' ? [delta.json] : []))).toEqual([
      '{"a"',
      ':1}',
      '{"b":2}',
    ])
    expect(deltas).toContainEqual({ type: 'finish', choice: 0, stop: 'tool' })
    expect(deltas.at(-1)?.type).toBe('end')
    expect(events(bytes).at(-2)?.usage).toMatchObject({ input_tokens: 9, output_tokens: 5 })
  })
})
