import type { About, Conversation, Delta } from '@switchyard/dialects'
import { ollama, openaiChat, openaiChatFor, openaiToolName, restoreNames } from '@switchyard/dialects'
import { Fault } from '@switchyard/kinds'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { joined } from '../src/pieces.ts'
import { answers, conversations, cut, meaning } from './generate.ts'
import { checkChat } from './orders.ts'

const line = {}
const options = { model: 'up', strict: false, maxOutput: 4096 }
const about: About = { id: 'chatcmpl-1', model: 'public', created: 1700000000, usage: true }
const read = (body: object) => openaiChat.readAsk(Buffer.from(JSON.stringify(body)), line)
const write = (ask: Conversation, more: object = {}) => openaiChat.writeAsk(ask, { ...options, ...more })
const written = (ask: Conversation) => JSON.parse(write(ask).value.body.toString()) as Record<string, unknown>
const hi = [{ role: 'user', content: 'hi' }]

function refusal(run: () => unknown): Fault {
  try {
    run()
  } catch (error) {
    if (error instanceof Fault) return error
    throw error
  }
  throw new Error('nothing was refused')
}

describe('a chat completions request', () => {
  test('says in a conversation what it says', () => {
    const ask = read({
      model: 'm',
      messages: [
        { role: 'developer', content: 'be kind' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'see' },
            { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA', detail: 'low' } },
          ],
        },
        {
          role: 'assistant',
          content: null,
          tool_calls: [{ id: 'c1', type: 'function', function: { name: 'f', arguments: '{"n":1.0}' } }],
        },
        { role: 'tool', tool_call_id: 'c1', content: 'done' },
      ],
      max_completion_tokens: 7,
      stop: 'x',
      tools: [{ type: 'function', function: { name: 'f', parameters: { type: 'object' }, strict: true } }],
      tool_choice: { type: 'function', function: { name: 'f' } },
      parallel_tool_calls: false,
      response_format: { type: 'json_schema', json_schema: { name: 'o', schema: { a: 1 }, strict: true } },
      reasoning_effort: 'low',
      stream: true,
      stream_options: { include_usage: true },
      logprobs: true,
      top_logprobs: 2,
      store: true,
    })
    expect(ask).toEqual({
      dialect: 'openai',
      model: 'm',
      turns: [
        { role: 'system', parts: [{ type: 'text', text: 'be kind' }] },
        {
          role: 'user',
          parts: [
            { type: 'text', text: 'see' },
            { type: 'image', source: { base64: 'AAAA', mime: 'image/png' }, detail: 'low' },
          ],
        },
        { role: 'assistant', parts: [{ type: 'toolCall', id: 'c1', name: 'f', args: '{"n":1.0}' }] },
        {
          role: 'tool',
          parts: [
            { type: 'toolResult', callId: 'c1', parts: [{ type: 'text', text: 'done' }], isError: false },
          ],
        },
      ],
      tools: [{ name: 'f', schema: '{"type":"object"}', strict: true }],
      toolChoice: { name: 'f' },
      parallelTools: false,
      output: { type: 'schema', name: 'o', schema: '{"a":1}', strict: true },
      maxOutput: 7,
      stop: ['x'],
      sampling: {},
      reasoning: { effort: 'low' },
      logprobs: 2,
      stream: { on: true, usage: true },
      rest: { store: 'true' },
    })
  })

  test('keeps its meaning when it is written and read again', () => {
    fc.assert(
      fc.property(conversations('openai'), ask => {
        const { value, dropped } = write(ask, { model: ask.model })
        expect(dropped).toEqual([])
        const { output, ...rest } = openaiChat.readAsk(joined(value.body), line)
        const expected = ask.output?.type === 'schema' ? { name: 'answer', ...ask.output } : ask.output
        expect({ output, ...rest }).toEqual({ ...ask, output: expected })
      }),
    )
  })

  test('invents nothing that was not sent, and sends nothing that says nothing', () => {
    const empty = { tools: [], tool_choice: 'auto', parallel_tool_calls: true, stop: null, temperature: null }
    for (const stop of [null, '', []])
      expect(
        written(read({ model: 'm', messages: [...hi, { role: 'user', content: '' }], ...empty, stop })),
      ).toEqual({
        model: 'up',
        messages: hi,
      })
  })

  test.each([
    ['no model', { messages: hi }, 'missing_field', 'model'],
    ['no messages', { model: 'm' }, 'missing_field', 'messages'],
    ['no content', { model: 'm', messages: [{ role: 'user', content: '' }] }, 'invalid_value', 'messages'],
    [
      'a role that is none',
      { model: 'm', messages: [{ role: 'x', content: '' }] },
      'invalid_value',
      'messages.0.role',
    ],
    ['messages that are none', { model: 'm', messages: [1] }, 'invalid_value', 'messages.0'],
    [
      'a tool that a provider runs',
      { model: 'm', messages: hi, tools: [{ type: 'web_search' }] },
      'unsupported_parameter',
      'tools.0.type',
    ],
    ['a limit that is text', { model: 'm', messages: hi, max_tokens: '5' }, 'invalid_value', 'max_tokens'],
    [
      'speech',
      { model: 'm', messages: hi, modalities: ['text', 'audio'] },
      'unsupported_parameter',
      'modalities.1',
    ],
    ['two models', '{"model":"a","m\\u006fdel":"b"}', 'duplicate_member', 'model'],
  ])('is refused by name with %s', (_, body, reason, path) => {
    const fault = refusal(() =>
      typeof body === 'string' ? openaiChat.readAsk(Buffer.from(body), line) : read(body),
    )
    expect([fault.code, fault.reason, fault.details[0]?.path]).toEqual(['invalid', reason, path])
  })

  test('names the call without a result, and the result without a call', () => {
    const call = {
      role: 'assistant',
      tool_calls: [{ id: 'c7', type: 'function', function: { name: 'f', arguments: '' } }],
    }
    expect(refusal(() => read({ model: 'm', messages: [call, ...hi] })).message).toContain("'c7'")
    expect(
      refusal(() => read({ model: 'm', messages: [{ role: 'tool', tool_call_id: 'c9', content: '' }] }))
        .message,
    ).toContain("'c9'")
  })

  test('joins calls and results of the old kind by name', () => {
    const ask = read({
      model: 'm',
      functions: [{ name: 'f' }],
      function_call: { name: 'f' },
      messages: [
        { role: 'assistant', content: null, function_call: { name: 'f', arguments: '{}' } },
        { role: 'function', name: 'f', content: '1' },
      ],
    })
    const [call, result] = ask.turns.map(({ parts }) => parts[0])
    expect(call?.type === 'toolCall' && result?.type === 'toolResult' && result.callId === call.id).toBe(true)
    expect([ask.tools, ask.toolChoice]).toEqual([[{ name: 'f' }], { name: 'f' }])
  })

  test('keeps to the tools that a choice allows', () => {
    const tools = ['f', 'g'].map(name => ({ type: 'function', function: { name } }))
    const ask = read({
      model: 'm',
      messages: hi,
      tools,
      tool_choice: { type: 'allowed_tools', allowed_tools: { mode: 'required', tools: [tools[1]] } },
    })
    expect([ask.tools, ask.toolChoice]).toEqual([[{ name: 'g' }], 'required'])
  })

  test('names what a dialect has no word for, and refuses it where the route is strict', () => {
    const ask: Conversation = {
      ...read({ model: 'm', messages: hi, top_k: 4 }),
      dialect: 'anthropic',
      rest: { container: '1' },
      logprobs: 1,
    }
    expect(write(ask).dropped).toEqual(['container'])
    expect(openaiChatFor({ extras: false }).writeAsk(ask, options).dropped).toContain('top_k')
    expect(refusal(() => write(ask, { strict: true })).reason).toBe('unsupported_parameter')
  })

  test('keeps to what an upstream takes, and names what it had to change', () => {
    const ask: Conversation = {
      ...read({ model: 'm', messages: hi, stop: ['a', 'b', 'c', 'd', 'e'], max_tokens: 5 }),
      sampling: { temperature: 5 },
      output: { type: 'schema', name: 'a b', schema: '{}' },
    }
    const { value, dropped, clamped } = openaiChatFor({
      maxStops: 4,
      maxTokens: 'max_completion_tokens',
    }).writeAsk(ask, options)
    expect([dropped, clamped]).toEqual([['stop'], ['temperature']])
    const body = JSON.parse(value.body.toString()) as { response_format: { json_schema: { name: string } } } // as it was asked
    expect(body).toMatchObject({ stop: ['a', 'b', 'c', 'd'], temperature: 2, max_completion_tokens: 5 })
    expect(body.response_format.json_schema.name).toMatch(/^a_b_[0-9a-f]{8}$/)
  })

  test('tells of failure in words, and shows images of results in the turn that follows', () => {
    const source = { base64: 'AAAA', mime: 'image/png' }
    const call = (id: string) => ({ type: 'toolCall' as const, id, name: 'f', args: '' })
    const ask: Conversation = {
      ...read({ model: 'm', messages: hi }),
      turns: [
        { role: 'assistant', parts: [call('a'), call('b')] },
        {
          role: 'tool',
          parts: [
            { type: 'toolResult', callId: 'a', parts: [{ type: 'text', text: 'no' }], isError: true },
            { type: 'toolResult', callId: 'b', parts: [{ type: 'image', source }], isError: false },
          ],
        },
        { role: 'user', parts: [{ type: 'text', text: 'so?' }] },
      ],
    }
    expect(written(ask).messages).toEqual([
      {
        role: 'assistant',
        content: null,
        tool_calls: ['a', 'b'].map(id => ({
          id,
          type: 'function',
          function: { name: 'f', arguments: '{}' },
        })),
      },
      { role: 'tool', tool_call_id: 'a', content: 'Error: no' },
      { role: 'tool', tool_call_id: 'b', content: 'The result is attached to the next message.' },
      {
        role: 'user',
        content: [
          { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
          { type: 'text', text: 'so?' },
        ],
      },
    ])
  })

  test('maps odd ids and names by a stable hash, call and result alike', () => {
    const id = 'ü'.repeat(50)
    const ask: Conversation = {
      ...read({ model: 'm', messages: hi }),
      tools: [{ name: 'a.b:c' }],
      turns: [
        { role: 'assistant', parts: [{ type: 'toolCall', id, name: 'a.b:c', args: '{}' }] },
        {
          role: 'tool',
          parts: [{ type: 'toolResult', callId: id, parts: [{ type: 'text', text: 'x' }], isError: false }],
        },
      ],
    }
    const again = openaiChat.readAsk(joined(write(ask).value.body), line)
    expect(again.turns[0]?.parts[0]).toMatchObject({ name: again.tools[0]?.name })
    expect(again.tools[0]?.name).toMatch(/^a_b_c_[0-9a-f]{8}$/)
  })

  test('gives renamed tools their names back in the answer', () => {
    const tools = [{ name: 'a.b:c' }, { name: 'plain' }]
    const restore = restoreNames(tools, openaiToolName)
    const open = (name: string): Delta => ({ choice: 0, type: 'open', block: 0, kind: 'tool', id: 'x', name })
    for (const { name } of tools) expect(restore(open(openaiToolName(name)))).toEqual(open(name))
    expect(restore(open('other'))).toEqual(open('other'))
  })

  test('gives signed reasoning back to whom it came from, and to nobody else', () => {
    const details = (format: string) => [
      { type: 'reasoning.text', text: 'hm', signature: 's', format },
      { type: 'reasoning.encrypted', data: 'd', format },
    ]
    const body = (format: string) => ({
      model: 'm',
      messages: [
        ...hi,
        { role: 'assistant', content: 'a', reasoning_content: 'hm', reasoning_details: details(format) },
        ...hi,
      ],
    })
    const assistant = (format: string) => (written(read(body(format))).messages as unknown[])[1] // messages are an array
    expect(read(body('openai')).turns[1]?.parts).toHaveLength(3)
    expect(assistant('openai')).toEqual({
      role: 'assistant',
      content: 'a',
      reasoning_content: 'hm',
      reasoning_details: details('openai'),
    })
    expect(assistant('anthropic')).toEqual({ role: 'assistant', content: 'a' })
    expect(
      openaiChatFor({ reasoning: false })
        .writeAsk(read(body('openai')), options)
        .value.body.toString(),
    ).not.toContain('reasoning')
  })

  test('never fails but by a fault, whatever is sent', () => {
    const hostile = fc.letrec(tie => ({
      value: fc.oneof(
        { depthSize: 'medium' },
        fc.constantFrom(null, true, 0, -1.5, '', 'user', 'text', 'function', 'x'),
        fc.array(tie('value'), { maxLength: 3 }),
        tie('object'),
      ),
      object: fc.dictionary(
        fc.constantFrom(
          'role',
          'content',
          'type',
          'text',
          'image_url',
          'url',
          'tool_calls',
          'id',
          'function',
          'name',
          'arguments',
          '__proto__',
          'constructor',
        ),
        tie('value'),
        { maxKeys: 5, noNullPrototype: true },
      ),
    }))
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.constantFrom(
            'messages',
            'tools',
            'stop',
            'tool_choice',
            'response_format',
            'stream',
            'stream_options',
            'functions',
            '__proto__',
            'n',
          ),
          hostile.value,
          { noNullPrototype: true },
        ),
        body => {
          try {
            write(read({ model: 'm', ...body }))
          } catch (error) {
            expect(error).toBeInstanceOf(Fault)
            expect((error as Fault).code).toBe('invalid') // checked on the line above
          }
        },
      ),
      { numRuns: 1000 },
    )
    const deep = `{"model":"m","messages":${'['.repeat(5000)}${']'.repeat(5000)}}`
    expect(refusal(() => openaiChat.readAsk(Buffer.from(deep), line)).reason).toBe('invalid_json')
    const many = `{"model":"m","messages":[${'0,'.repeat(100_000)}0]}`
    expect(refusal(() => openaiChat.readAsk(Buffer.from(many), line)).reason).toBe('invalid_value')
  })
})

const event = (value: object | string) =>
  `data: ${typeof value === 'string' ? value : JSON.stringify(value)}\n\n`
const chunk = (delta: object, more: object = {}) =>
  event({ id: 'c', created: 1, model: 'up', choices: [{ index: 0, delta, ...more }] })
const decode = (stream: string | Buffer, cuts: readonly number[] = []) => {
  const decoder = openaiChat.decoder()
  return [...cut(Buffer.from(stream), cuts).flatMap(part => [...decoder.push(part)]), ...decoder.finish()]
}
const encode = (deltas: readonly Delta[], asked = true) => {
  const encoder = openaiChat.encoder({ ...about, usage: asked })
  return Buffer.concat(deltas.flatMap(delta => encoder.push([delta]) ?? []))
}

describe('a stream of chunks', () => {
  const call = (index: number, made: object, id?: string) =>
    chunk({ tool_calls: [{ index, ...(id && { id, type: 'function' }), function: made }] })
  const whole = [
    chunk({ role: 'assistant', content: '' }),
    chunk({ reasoning_content: 'hm é' }),
    chunk({ content: 'a漢' }),
    ': ping\n\n',
    call(0, { name: 'f', arguments: '' }, 'x'),
    call(1, { name: 'g', arguments: '{"n":' }, 'y'),
    call(0, { arguments: '{}' }),
    call(1, { arguments: '12345678901234567890}' }),
    chunk({}, { finish_reason: 'tool_calls' }),
    event({ id: 'c', choices: [], usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 } }),
    event('[DONE]'),
  ]
  const expected = decode(whole.join(''))

  test('is read as deltas: reasoning apart from text, calls that interleave, usage', () => {
    expect(meaning(expected)).toEqual({
      choices: [
        {
          choice: 0,
          said: [
            { kind: 'reasoning', text: 'hm é' },
            { kind: 'text', text: 'a漢' },
            { kind: 'tool', id: 'x', name: 'f', text: '{}' },
            { kind: 'tool', id: 'y', name: 'g', text: '{"n":12345678901234567890}' },
          ],
          stop: 'tool',
        },
      ],
      usage: { 'tok.in.uncached': 3n, 'tok.out.text': 2n },
      ended: 'end',
    })
  })

  test.each(['\n', '\r', '\r\n'])(
    'gives the same deltas however its bytes are cut, with line ends %j',
    end => {
      const bytes = Buffer.from(whole.join('').replaceAll('\n', end))
      for (let at = 0; at <= bytes.length; at++) expect(decode(bytes, [at])).toEqual(expected)
      fc.assert(
        fc.property(fc.array(fc.nat(), { maxLength: 12 }), cuts => {
          expect(decode(bytes, cuts)).toEqual(expected)
        }),
      )
    },
  )

  test('is a fault and no end when it is cut before its finish reason, and complete when it is cut after it', () => {
    for (let events = 0; events < whole.length; events++) {
      const { ended } = meaning(decode(whole.slice(0, events).join('')))
      expect(ended).toBe(events > 8 ? 'end' : 'fault')
    }
  })

  test.each([
    [
      'calls that all have the index 0',
      [call(0, { name: 'f', arguments: '{}' }, 'a'), call(0, { name: 'g', arguments: '{}' }, 'b')],
    ],
    [
      'calls without an index',
      ['a', 'b'].map(id =>
        chunk({ tool_calls: [{ id, function: { name: id === 'a' ? 'f' : 'g', arguments: '{}' } }] }),
      ),
    ],
    [
      'an id that is said again',
      [
        call(0, { name: 'f', arguments: '{' }, 'a'),
        call(0, { name: 'f', arguments: '}' }, 'a'),
        call(1, { name: 'g', arguments: '{}' }, 'b'),
      ],
    ],
  ])('keeps apart %s', (_, events) => {
    const { choices } = meaning(decode([...events, chunk({}, { finish_reason: 'stop' })].join('')))
    expect(choices[0]?.said).toEqual([
      { kind: 'tool', id: 'a', name: 'f', text: '{}' },
      { kind: 'tool', id: 'b', name: 'g', text: '{}' },
    ])
    expect(choices[0]?.stop).toBe('tool')
  })

  test('gives calls without ids the same ids each time', () => {
    const stream = call(0, { name: 'f', arguments: '{}' }) + chunk({}, { finish_reason: 'stop' })
    const ids = [1, 2].map(() => decode(stream).find(delta => delta.type === 'open'))
    expect(ids[0]?.type === 'open' && ids[0].kind === 'tool' && ids[0].id).toMatch(/^call_[0-9a-f]{24}$/)
    expect(ids[0]).toEqual(ids[1])
  })

  test.each([
    [
      'an error event',
      [
        chunk({ content: 'a' }),
        event({ error: { message: 'out of memory', code: 503, type: 'server_error' } }),
      ],
      { status: 503, kind: 'server_error', message: 'out of memory' },
    ],
    [
      'an error of vLLM',
      [event({ object: 'error', message: 'too long', code: 400 })],
      { status: 400, message: 'too long' },
    ],
    ['three events that are not JSON', [event('x'), event('{'), event('1')], { status: 502 }],
    ['an engine that aborts', [chunk({ content: 'a' }, { finish_reason: 'abort' })], { status: 502 }],
    ['nothing but the marker', [event('[DONE]')], { status: 502 }],
  ])('ends in a fault after %s', (_, events, fault) => {
    const deltas = decode(events.join('') + event('[DONE]'))
    expect(deltas.at(-1)).toMatchObject({ type: 'fault', ...fault })
    expect(deltas.filter(delta => delta.type === 'end' || delta.type === 'finish')).toEqual([])
  })

  test('is written so that it is read as what was meant', () => {
    fc.assert(
      fc.property(
        fc
          .integer({ min: 1, max: 3 })
          .chain(choices => answers({ choices, signatures: true, logprobs: true })),
        deltas => {
          expect(meaning(decode(encode(deltas)))).toEqual(meaning(deltas))
        },
      ),
    )
  })

  test('obeys the order that clients rely on', () => {
    fc.assert(
      fc.property(answers({ choices: 2 }), fc.boolean(), (deltas, asked) =>
        checkChat(encode(deltas, asked).toString(), { ...about, usage: asked }),
      ),
    )
  })

  test('shows no normal end after a fault', () => {
    fc.assert(
      fc.property(answers({ logprobs: true }), fc.nat(), (deltas, at) => {
        const encoder = openaiChat.encoder(about)
        encoder.push(deltas.slice(0, at % deltas.length))
        const last = encoder
          .fault(new Fault('unavailable', 'The model stopped.', { reason: 'upstream_error' }))
          .toString()
        expect(last).toMatch(
          /^data: \{"error":\{"message":"The model stopped\.","type":"server_error","param":null,"code":"upstream_error"\}\}\n\n$/,
        )
        expect(encoder.push([{ choice: 0, type: 'end' }])).toBeUndefined()
      }),
    )
  })
})

describe('a whole reply', () => {
  test('is written so that it is read as what was meant', () => {
    fc.assert(
      fc.property(answers({ choices: 2 }), deltas => {
        const again = openaiChat.readReply(openaiChat.writeReply(deltas, about))
        expect(again && sorted(meaning(again))).toEqual(sorted(meaning(deltas)))
      }),
    )
  })

  /** A message has one place for reasoning, text and calls each. */
  function sorted({ choices, ...rest }: ReturnType<typeof meaning>) {
    const joined = choices.map(({ said, ...choice }) => {
      const blocks = said as readonly { readonly kind: string; readonly text: string }[] // meaning() makes them so
      const text = (kind: string) =>
        blocks.flatMap(block => (block.kind === kind ? [block.text] : [])).join('')
      return {
        ...choice,
        reasoning: text('reasoning'),
        text: text('text'),
        calls: blocks.filter(({ kind }) => kind === 'tool'),
      }
    })
    return { choices: joined, ...rest }
  }

  test('has null content beside calls alone, and no calls rather than none of them', () => {
    const deltas: Delta[] = [
      { choice: 0, type: 'open', block: 0, kind: 'tool', id: 'a', name: 'f' },
      { choice: 0, type: 'close', block: 0 },
      { choice: 0, type: 'finish', stop: 'tool' },
      { choice: 0, type: 'end' },
    ]
    expect(JSON.parse(openaiChat.writeReply(deltas, about).toString())).toEqual({
      id: 'chatcmpl-1',
      object: 'chat.completion',
      created: 1700000000,
      model: 'public',
      choices: [
        {
          index: 0,
          message: {
            role: 'assistant',
            content: null,
            refusal: null,
            tool_calls: [{ id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } }],
          },
          logprobs: null,
          finish_reason: 'tool_calls',
        },
      ],
    })
  })

  test.each([
    ['stop', 'end'],
    ['length', 'length'],
    ['tool_calls', 'tool'],
    ['function_call', 'tool'],
    ['content_filter', 'filter'],
    ['eos', 'end'],
    ['constructor', 'end'],
  ])('that ended for %s has ended for %s', (reason, stop) => {
    const body = Buffer.from(
      JSON.stringify({ choices: [{ message: { content: 'a' }, finish_reason: reason }] }),
    )
    expect(openaiChat.readReply(body)?.find(delta => delta.type === 'finish')).toMatchObject({
      stop,
      raw: reason,
    })
  })

  test('is none when it is an error, and none at all when it has no choices', () => {
    const error = Buffer.from('{"error":{"message":"no","code":429,"type":"rate_limit_error"}}')
    expect(openaiChat.readReply(error)).toEqual([
      { choice: 0, type: 'fault', status: 429, kind: 'rate_limit_error', message: 'no' },
    ])
    for (const text of ['', '{', '[]', '{"choices":1}', 'null', '<html>'])
      expect(openaiChat.readReply(Buffer.from(text))).toBeUndefined()
  })

  test('is never made of half an answer', () => {
    expect(refusal(() => openaiChat.writeReply([{ choice: 0, type: 'start' }], about)).status).toBe(502)
  })
})

test('an upstream may send any JSON: it is an answer, a fault, or nothing', () => {
  const { value } = fc.letrec(tie => ({
    value: fc.oneof(
      { depthSize: 'medium' },
      fc.constantFrom(null, true, 0, 1, -1.5, 1e300, '', 'x', 'stop', 'abort', '2024-01-01T00:00:00Z'),
      fc.array(tie('value'), { maxLength: 3 }),
      tie('object'),
    ),
    object: fc.dictionary(
      fc.constantFrom(
        'choices',
        'delta',
        'message',
        'content',
        'tool_calls',
        'function',
        'name',
        'arguments',
        'index',
        'id',
        'finish_reason',
        'usage',
        'prompt_tokens',
        'error',
        'code',
        'done',
        'created_at',
        'eval_count',
        '__proto__',
        'reasoning_details',
        'thinking',
      ),
      tie('value'),
      { maxKeys: 6, noNullPrototype: true },
    ),
  }))
  fc.assert(
    fc.property(fc.array(value, { maxLength: 4 }), values => {
      for (const port of [openaiChat, ollama]) {
        const decoder = port.decoder()
        const lines = values.map(one =>
          port === ollama ? `${JSON.stringify(one)}\n` : event(JSON.stringify(one)),
        )
        const deltas = [...decoder.push(Buffer.from(lines.join(''))), ...decoder.finish()]
        const last = deltas.at(-1)?.type
        expect(last === 'end' || last === 'fault').toBe(true)
        expect(deltas.filter(({ type }) => type === 'end' || type === 'fault')).toHaveLength(1)
        port.encoder(about).push(deltas)
        for (const one of values) port.readReply(Buffer.from(JSON.stringify(one)))
      }
    }),
    { numRuns: 1000 },
  )
})
