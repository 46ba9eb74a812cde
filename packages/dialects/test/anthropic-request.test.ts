import {
  anthropic,
  anthropicCountBody,
  anthropicFor,
  type Conversation,
  estimatedTokens,
  openaiChat,
  type Part,
  type Turn,
} from '@switchyard/dialects'
import { Fault } from '@switchyard/kinds'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { joined } from '../src/pieces.ts'
import { conversations } from './generate.ts'

const options = { model: 'claude-up', strict: false, maxOutput: 4096 }
const hello = { role: 'user', content: 'Hi' }

const read = (body: object | string) =>
  anthropic.readAsk(Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)), {})
const ask = (members: Partial<Conversation>): Conversation => ({
  dialect: 'openai',
  model: 'public',
  turns: [{ role: 'user', parts: [{ type: 'text', text: 'Hi' }] }],
  tools: [],
  stop: [],
  sampling: {},
  stream: { on: false, usage: false },
  rest: {},
  ...members,
})
const text = (said: string): Part => ({ type: 'text', text: said })
const user = (...parts: Part[]): Turn => ({ role: 'user', parts })
const assistant = (...parts: Part[]): Turn => ({ role: 'assistant', parts })
const call = (id: string, args = '{}'): Part => ({ type: 'toolCall', id, name: 'look', args })
const result = (callId: string, ...parts: Part[]): Part => ({
  type: 'toolResult',
  callId,
  parts,
  isError: false,
})
const tool = (...parts: Part[]): Turn => ({ role: 'tool', parts })

function write(members: Partial<Conversation>, port = anthropic) {
  const { value, dropped, clamped } = port.writeAsk(ask(members), options)
  expect(value.path).toBe('/v1/messages')
  // Bodies written here are objects.
  const body = JSON.parse(value.body.toString()) as Readonly<Record<string, unknown>>
  return { body, dropped, clamped, raw: value.body.toString() }
}

function refusal(act: () => unknown): Fault {
  try {
    act()
  } catch (error) {
    if (error instanceof Fault) return error
    throw error
  }
  throw new Error('accepted')
}

describe('a body of a caller', () => {
  test('of an agent with tools, thinking and marks is understood whole', () => {
    const body = `{
      "model": "claude-x", "max_tokens": 2000, "stream": true, "temperature": 1.0,
      "system": [{"type":"text","text":"You are kind.","cache_control":{"type":"ephemeral","ttl":"1h"}}],
      "thinking": {"type":"enabled","budget_tokens":1024},
      "stop_sequences": ["END"], "metadata": {"user_id": "u-1"}, "service_tier": "standard_only",
      "tools": [{"name":"look","description":"Looks","input_schema":{"type":"object","maximum":12345678901234567890},
        "cache_control":{"type":"ephemeral"}}],
      "tool_choice": {"type":"auto","disable_parallel_tool_use":true},
      "messages": [
        {"role":"user","content":[
          {"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBORw0KGgo="}},
          {"type":"image","source":{"type":"url","url":"https://example.com/a.png"}},
          {"type":"document","title":"T","source":{"type":"base64","media_type":"application/pdf","data":"JVBERi0="}},
          {"type":"text","text":"What is this?","cache_control":{"type":"ephemeral"}}]},
        {"role":"assistant","content":[
          {"type":"thinking","thinking":"Hm.","signature":"EqQB"},
          {"type":"redacted_thinking","data":"EmwK"},
          {"type":"tool_use","id":"toolu_1","name":"look","input":{"n":12345678901234567890,"x":1.0}},
          {"type":"tool_use","id":"toolu_2","name":"look","input":{}}]},
        {"role":"user","content":[
          {"type":"tool_result","tool_use_id":"toolu_1","content":[
            {"type":"text","text":"a cat"},
            {"type":"image","source":{"type":"base64","media_type":"image/jpeg","data":"/9j/4AA="}}]},
          {"type":"tool_result","tool_use_id":"toolu_2","content":"broken","is_error":true},
          {"type":"text","text":"Go on."}]}]
    }`
    const conversation = read(body)
    expect(conversation).toEqual({
      dialect: 'anthropic',
      model: 'claude-x',
      maxOutput: 2000,
      turns: [
        { role: 'system', parts: [{ ...text('You are kind.'), cache: { ttl: '1h' } }] },
        user(
          { type: 'image', source: { base64: 'iVBORw0KGgo=', mime: 'image/png' } },
          { type: 'image', source: { url: 'https://example.com/a.png' } },
          { type: 'document', name: 'T', source: { base64: 'JVBERi0=', mime: 'application/pdf' } },
          { ...text('What is this?'), cache: { ttl: '5m' } },
        ),
        assistant(
          { type: 'reasoning', text: 'Hm.', signature: 'EqQB', origin: 'anthropic' },
          { type: 'reasoning', opaque: 'EmwK', origin: 'anthropic' },
          call('toolu_1', '{"n":12345678901234567890,"x":1.0}'),
          call('toolu_2'),
        ),
        tool(
          result('toolu_1', text('a cat'), {
            type: 'image',
            source: { base64: '/9j/4AA=', mime: 'image/jpeg' },
          }),
          { type: 'toolResult', callId: 'toolu_2', parts: [text('broken')], isError: true },
        ),
        user(text('Go on.')),
      ],
      tools: [
        {
          name: 'look',
          description: 'Looks',
          schema: '{"type":"object","maximum":12345678901234567890}',
          cache: { ttl: '5m' },
        },
      ],
      toolChoice: 'auto',
      parallelTools: false,
      stop: ['END'],
      sampling: { temperature: 1 },
      reasoning: { budget: 1024 },
      stream: { on: true, usage: true },
      user: 'u-1',
      tier: 'default',
      rest: {},
    })
    // And it is written as it was: what thinking excludes, Anthropic itself would have refused.
    const again = anthropic.writeAsk({ ...conversation, sampling: {} }, { ...options, model: 'claude-x' })
    expect(again).toMatchObject({ dropped: [], clamped: [] })
    expect(again.value.body.toString()).toContain('{"n":12345678901234567890,"x":1.0}')
    expect(anthropic.readAsk(joined(again.value.body), {})).toEqual({ ...conversation, sampling: {} })
  })

  test.each([
    [
      { thinking: { type: 'enabled', budget_tokens: 2048, display: 'omitted' } },
      { budget: 2048, show: false },
    ],
    [{ thinking: { type: 'disabled' } }, { effort: 'none' }],
    [{ thinking: { type: 'adaptive', display: 'summarized' } }, { auto: true, show: true }],
    [
      { thinking: { type: 'adaptive' }, output_config: { effort: 'xhigh' } },
      { auto: true, effort: 'xhigh' },
    ],
    [{ output_config: { effort: 'low' } }, { effort: 'low' }],
    [{ thinking: null }, undefined],
  ])('that asks %j to think', (members, reasoning) => {
    expect(read({ model: 'm', max_tokens: 9, messages: [hello], ...members }).reasoning).toEqual(reasoning)
  })

  test.each([
    [{ type: 'auto' }, 'auto', undefined],
    [{ type: 'any', disable_parallel_tool_use: true }, 'required', false],
    [{ type: 'tool', name: 'look', disable_parallel_tool_use: false }, { name: 'look' }, true],
    [{ type: 'none' }, 'none', undefined],
  ])('with the choice %j', (tool_choice, toolChoice, parallelTools) => {
    const tools = [{ name: 'look', input_schema: { type: 'object' } }]
    const conversation = read({ model: 'm', messages: [hello], tools, tool_choice })
    expect(conversation.toolChoice).toEqual(toolChoice)
    expect(conversation.parallelTools).toBe(parallelTools)
  })

  test('keeps what it does not understand, by name', () => {
    const { rest } = read({
      model: 'm',
      messages: [
        { role: 'user', content: [{ type: 'text', text: 'a', later: 1 }] },
        { role: 'assistant', content: [{ type: 'text', text: 'b', citations: [{ x: 1.5 }] }] },
        hello,
      ],
      container: 'c_1',
      metadata: { user_id: 'u', other: true },
      tools: [{ name: 'a', input_schema: {}, defer_loading: true }],
      inference_geo: null,
    })
    expect(rest).toEqual({
      container: '"c_1"',
      'messages.content.later': '1',
      'messages.content.citations': '[{"x":1.5}]',
      'metadata.other': 'true',
      'tools.defer_loading': 'true',
    })
  })

  test('with documents of text and of blocks reads their text', () => {
    const parts = read({
      model: 'm',
      messages: [
        {
          role: 'user',
          content: [
            { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'Grüße' } },
            {
              type: 'document',
              source: {
                type: 'content',
                content: [
                  { type: 'text', text: 'a' },
                  { type: 'text', text: 'b' },
                ],
              },
            },
          ],
        },
      ],
    }).turns[0]?.parts
    const plain = (said: string) => ({
      type: 'document',
      source: { base64: Buffer.from(said).toString('base64'), mime: 'text/plain' },
    })
    expect(parts).toEqual([plain('Grüße'), plain('a\n\nb')])
  })

  test('marked as a whole is marked at its end', () => {
    const { turns } = read({ model: 'm', messages: [hello], cache_control: { type: 'ephemeral', ttl: '1h' } })
    expect(turns).toEqual([user({ ...text('Hi'), cache: { ttl: '1h' } })])
  })

  const block = (content: object) => ({ model: 'm', messages: [{ role: 'user', content: [content] }] })
  test.each<[string, object | string, string, string]>([
    ['no model', { messages: [hello] }, 'missing_field', 'model'],
    ['no messages', { model: 'm' }, 'missing_field', 'messages'],
    ['empty messages', { model: 'm', messages: [] }, 'invalid_value', 'messages'],
    [
      'blank messages alone',
      { model: 'm', messages: [{ role: 'user', content: '' }] },
      'invalid_value',
      'messages',
    ],
    [
      'an unknown role',
      { model: 'm', messages: [{ role: 'tool', content: 'a' }] },
      'invalid_value',
      'messages.0.role',
    ],
    [
      'a text that is a number',
      block({ type: 'text', text: 1 }),
      'invalid_value',
      'messages.0.content.0.text',
    ],
    ['a block without type', block({ text: 'a' }), 'missing_field', 'messages.0.content.0.type'],
    [
      'a block that the provider ran',
      block({ type: 'server_tool_use', id: 'a' }),
      'unsupported_parameter',
      'messages.0.content.0',
    ],
    [
      'a tool call by the user',
      block({ type: 'tool_use', id: 'a', name: 'b', input: {} }),
      'invalid_value',
      'messages.0.content',
    ],
    [
      'a tool of the provider',
      { model: 'm', messages: [hello], tools: [{ type: 'web_search_20250305', name: 'web_search' }] },
      'unsupported_parameter',
      'tools.0.type',
    ],
    [
      'a tool without schema',
      { model: 'm', messages: [hello], tools: [{ name: 'a' }] },
      'missing_field',
      'tools.0.input_schema',
    ],
    ['a negative limit', { model: 'm', messages: [hello], max_tokens: -1 }, 'invalid_value', 'max_tokens'],
    ['a limit in words', { model: 'm', messages: [hello], max_tokens: '9' }, 'invalid_value', 'max_tokens'],
    ['two models', '{"model":"a","model":"b","messages":[]}', 'duplicate_member', 'model'],
    ['a second model, escaped', '{"model":"a","mo\\u0064el":"b","messages":[]}', 'duplicate_member', 'model'],
  ])('with %s is refused', (_, body, reason, path) => {
    const fault = refusal(() => read(body))
    expect(fault.code).toBe('invalid')
    expect(fault.reason).toBe(reason)
    expect(fault.details[0]?.path).toBe(path)
  })

  test('with a call that nobody answered is refused by its id', () => {
    const fault = refusal(() =>
      read({
        model: 'm',
        messages: [
          hello,
          { role: 'assistant', content: [{ type: 'tool_use', id: 'toolu_9', name: 'a', input: {} }] },
          hello,
        ],
      }),
    )
    expect(fault.code).toBe('invalid')
    expect(fault.message).toContain('toolu_9')
  })

  test('that is hostile is invalid and nothing else', () => {
    const deep = `{"model":"m","messages":${'['.repeat(200)}${']'.repeat(200)}}`
    const wide = `{"model":"m","messages":[${'{"role":"user","content":"a"},'.repeat(70_000)}{}]}`
    const proto = '{"__proto__":{"model":"x"},"messages":[{"__proto__":{},"role":"user","content":"a"}]}'
    for (const body of [deep, wide, proto, '', 'null', '[]', '"a"', '{"model":"\ud800"}', '{'])
      expect(refusal(() => read(body)).code).toBe('invalid')
    const names = fc.constantFrom(
      'model',
      'messages',
      'system',
      'tools',
      'tool_choice',
      'thinking',
      'metadata',
      'output_config',
      'role',
      'content',
      'type',
      'source',
      'input',
      'cache_control',
      'stop_sequences',
      '__proto__',
    )
    const words = fc.constantFrom(
      'user',
      'assistant',
      'text',
      'image',
      'tool_use',
      'tool_result',
      'enabled',
      'base64',
    )
    const { value } = fc.letrec(tie => ({
      value: fc.oneof(
        { depthSize: 'medium' },
        fc.constant(null),
        fc.boolean(),
        fc.double(),
        words,
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(names, tie('value'), { maxKeys: 5 }),
      ),
    }))
    fc.assert(
      fc.property(fc.dictionary(names, value, { maxKeys: 8 }), members => {
        try {
          read({ model: 'm', messages: [hello], ...members })
        } catch (error) {
          expect(error).toBeInstanceOf(Fault)
          expect(error).toMatchObject({ code: 'invalid' })
        }
      }),
      { numRuns: 500 },
    )
  })
})

describe('a body for an upstream', () => {
  test('has the limit that Anthropic demands, and nothing else that was not asked', () => {
    expect(write({}).body).toEqual({
      model: 'claude-up',
      max_tokens: 4096,
      messages: [{ role: 'user', content: 'Hi' }],
    })
    expect(write({ maxOutput: 7, toolChoice: 'auto', parallelTools: false }).body).toEqual({
      model: 'claude-up',
      max_tokens: 7,
      messages: [{ role: 'user', content: 'Hi' }],
    })
  })

  test('keeps what conversations mean when it is read again', () => {
    fc.assert(
      fc.property(conversations('anthropic'), conversation => {
        const first = anthropic.readAsk(
          joined(anthropic.writeAsk(conversation, { ...options, model: 'm' }).value.body),
          {},
        )
        const second = anthropic.readAsk(
          joined(anthropic.writeAsk(first, { ...options, model: 'm' }).value.body),
          {},
        )
        expect(second).toEqual(first)
        const words = (turns: readonly Turn[]) =>
          turns.flatMap(({ parts }) => parts.filter(({ type }) => type !== 'reasoning'))
        expect(words(first.turns)).toEqual(words(conversation.turns))
        expect(first.stop).toEqual(conversation.stop)
        expect(first.maxOutput).toBe(conversation.maxOutput ?? options.maxOutput)
        if (conversation.output?.type !== 'json')
          expect(first.tools.map(({ name }) => name)).toEqual(conversation.tools.map(({ name }) => name))
      }),
    )
  })

  test('is what an OpenAI caller meant, digits and all', () => {
    const body = `{"model":"public","max_completion_tokens":50,"stop":"END","user":"u","seed":7,"temperature":1.5,
      "parallel_tool_calls":false,"tool_choice":{"type":"function","function":{"name":"look"}},
      "tools":[{"type":"function","function":{"name":"look","parameters":{"properties":{"n":{"maximum":1e400}}}}}],
      "messages":[
        {"role":"system","content":"One."},{"role":"developer","content":"Two."},
        {"role":"user","content":[{"type":"text","text":""},{"type":"text","text":"Hi"},
          {"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw0KGgo="}}]},
        {"role":"assistant","content":null,"tool_calls":[
          {"id":"call:a","type":"function","function":{"name":"look","arguments":"{\\"n\\":12345678901234567890,\\"x\\":1.0}"}},
          {"id":"call_b","type":"function","function":{"name":"look","arguments":""}},
          {"id":"call_c","type":"function","function":{"name":"look","arguments":"{oops"}}]},
        {"role":"tool","tool_call_id":"call_c","content":"3"},
        {"role":"tool","tool_call_id":"call:a","content":"1"},
        {"role":"tool","tool_call_id":"call_b","content":"2"},
        {"role":"user","content":"Go on."}]}`
    const { value, dropped, clamped } = anthropic.writeAsk(openaiChat.readAsk(Buffer.from(body), {}), options)
    const id = /"tool_use","id":"(toolu_[0-9a-f]{24})"/.exec(value.body.toString())?.[1] ?? ''
    expect(id).not.toBe('')
    expect(value.body.toString()).toBe(
      '{"model":"claude-up","max_tokens":50,' +
        '"system":[{"type":"text","text":"One."},{"type":"text","text":"Two."}],"messages":[' +
        '{"role":"user","content":[{"type":"text","text":"Hi"},' +
        '{"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBORw0KGgo="}}]},' +
        `{"role":"assistant","content":[{"type":"tool_use","id":"${id}","name":"look","input":{"n":12345678901234567890,"x":1.0}},` +
        '{"type":"tool_use","id":"call_b","name":"look","input":{}},' +
        '{"type":"tool_use","id":"call_c","name":"look","input":{"_invalid_json":"{oops"}}]},' +
        `{"role":"user","content":[{"type":"tool_result","tool_use_id":"${id}","content":"1"},` +
        '{"type":"tool_result","tool_use_id":"call_b","content":"2"},' +
        '{"type":"tool_result","tool_use_id":"call_c","content":"3"},{"type":"text","text":"Go on."}]}],' +
        '"tools":[{"name":"look","input_schema":{"type":"object","properties":{"n":{"maximum":1e400}}}}],' +
        '"tool_choice":{"type":"tool","name":"look","disable_parallel_tool_use":true},' +
        '"stop_sequences":["END"],"temperature":1,"metadata":{"user_id":"u"}}',
    )
    expect(dropped).toEqual(['seed'])
    expect([...clamped].sort()).toEqual(['temperature', 'tool_calls.arguments'])
  })

  test('comes back to an OpenAI upstream as it was', () => {
    fc.assert(
      fc.property(conversations('openai'), conversation => {
        const here = anthropic.readAsk(joined(anthropic.writeAsk(conversation, options).value.body), {})
        const there = openaiChat.readAsk(joined(openaiChat.writeAsk(here, options).value.body), {})
        const calls = (turns: readonly Turn[]) =>
          turns.flatMap(({ parts }) => parts.filter(({ type }) => type === 'toolCall'))
        expect(calls(there.turns)).toEqual(calls(conversation.turns))
      }),
    )
  })

  test.each<[string, Partial<Conversation>, object, string[]]>([
    [
      'low effort',
      { reasoning: { effort: 'low' } },
      { thinking: { type: 'enabled', budget_tokens: 2048 } },
      [],
    ],
    [
      'the most',
      { reasoning: { effort: 'max' } },
      { thinking: { type: 'enabled', budget_tokens: 4095 } },
      [],
    ],
    [
      'none',
      { reasoning: { effort: 'none' }, sampling: { temperature: 0.5 } },
      { thinking: { type: 'disabled' }, temperature: 0.5 },
      [],
    ],
    ['more than the limit', { reasoning: { effort: 'high' } }, { thinking: undefined }, ['reasoning']],
    ['less than the least', { reasoning: { budget: 500 } }, { thinking: undefined }, ['reasoning']],
    [
      'with sampling and a forced tool',
      {
        reasoning: { effort: 'minimal' },
        sampling: { temperature: 0.1, topK: 4, topP: 0.5 },
        tools: [{ name: 'a' }],
        toolChoice: 'required',
      },
      {
        thinking: { type: 'enabled', budget_tokens: 1024 },
        tool_choice: { type: 'auto' },
        temperature: undefined,
        top_k: undefined,
        top_p: undefined,
      },
      ['temperature', 'top_p', 'top_k', 'tool_choice'],
    ],
    [
      'in the middle of calls that it did not think about',
      {
        reasoning: { effort: 'low' },
        turns: [user(text('a')), assistant(call('x')), tool(result('x', text('1')))],
      },
      { thinking: undefined },
      ['reasoning'],
    ],
    [
      'in the middle of calls that it did think about',
      {
        reasoning: { effort: 'low' },
        turns: [
          user(text('a')),
          assistant({ type: 'reasoning', text: 'Hm', signature: 's', origin: 'anthropic' }, call('x')),
          tool(result('x', text('1'))),
        ],
      },
      { thinking: { type: 'enabled', budget_tokens: 2048 } },
      [],
    ],
  ])('that should think: %s', (_, members, expected, names) => {
    const { body, dropped } = write(members)
    const { thinking, tool_choice, temperature, top_k, top_p } = body
    expect({ thinking, tool_choice, temperature, top_k, top_p }).toEqual(expected)
    expect([...dropped].sort()).toEqual([...names].sort())
  })

  test('asks an upstream that knows efforts for one', () => {
    const port = anthropicFor({ thinking: 'effort' })
    expect(write({ reasoning: { budget: 9000 } }, port).body).toMatchObject({
      thinking: { type: 'adaptive' },
      output_config: { effort: 'high' },
    })
  })

  test('has the schema in its native form, or as a tool whose call is read as the text', () => {
    const output = { type: 'schema' as const, name: 'n', schema: '{"type":"object","maximum":1.0}' }
    expect(write({ output }).raw).toContain(
      '"output_config":{"format":{"type":"json_schema","schema":{"type":"object","maximum":1.0}}}',
    )
    const port = anthropicFor({ schema: false })
    const { body } = write({ output }, port)
    expect(body).toMatchObject({
      tools: [{ name: 'switchyard_answer', input_schema: { type: 'object', maximum: 1 } }],
      tool_choice: { type: 'tool', name: 'switchyard_answer', disable_parallel_tool_use: true },
    })
    const reply =
      '{"type":"message","content":[{"type":"tool_use","id":"a","name":"switchyard_answer","input":{"x":1.0}}],"stop_reason":"tool_use"}'
    expect(port.readReply(Buffer.from(reply))).toEqual([
      { type: 'start', choice: 0 },
      { type: 'open', choice: 0, block: 0, kind: 'text' },
      { type: 'text', choice: 0, block: 0, text: '{"x":1.0}' },
      { type: 'close', choice: 0, block: 0 },
      { type: 'finish', choice: 0, stop: 'end', raw: 'tool_use' },
      { type: 'end', choice: 0 },
    ])
    const decoder = port.decoder()
    const events = [
      {
        type: 'content_block_start',
        index: 0,
        content_block: { type: 'tool_use', id: 'a', name: 'switchyard_answer', input: {} },
      },
      { type: 'content_block_delta', index: 0, delta: { type: 'input_json_delta', partial_json: '{"x":' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'input_json_delta', partial_json: '1.0}' } },
      { type: 'content_block_stop', index: 0 },
      { type: 'message_delta', delta: { stop_reason: 'tool_use' }, usage: { output_tokens: 4 } },
      { type: 'message_stop' },
    ]
    const deltas = events.flatMap(event => decoder.push(Buffer.from(`data: ${JSON.stringify(event)}\n\n`)))
    expect(deltas.flatMap(delta => (delta.type === 'text' ? [delta.text] : [])).join('')).toBe('{"x":1.0}')
    expect(deltas).toContainEqual({ type: 'finish', choice: 0, stop: 'end', raw: 'tool_use' })
  })

  test('has results first, all of them, whatever stands between', () => {
    const { body } = write({
      turns: [
        user(text('a')),
        assistant(call('x')),
        assistant(call('y')),
        { role: 'system', parts: [text('Be quick.')] },
        tool(result('y', text('2'))),
        tool(result('x', { type: 'image', source: { url: 'https://a.b/c.png' } })),
        user(text('b')),
      ],
    })
    expect(body.messages).toEqual([
      { role: 'user', content: 'a' },
      {
        role: 'assistant',
        content: ['x', 'y'].map(id => ({ type: 'tool_use', id, name: 'look', input: {} })),
      },
      {
        role: 'user',
        content: [
          {
            type: 'tool_result',
            tool_use_id: 'x',
            content: [{ type: 'image', source: { type: 'url', url: 'https://a.b/c.png' } }],
          },
          { type: 'tool_result', tool_use_id: 'y', content: '2' },
          { type: 'text', text: 'Be quick.' },
          { type: 'text', text: 'b' },
        ],
      },
    ])
  })

  test.each<[string, Partial<Conversation>, string]>([
    ['a missing result', { turns: [user(text('a')), assistant(call('x7')), user(text('b'))] }, 'x7'],
    [
      'one of two results missing',
      { turns: [user(text('a')), assistant(call('x'), call('y8')), tool(result('x')), assistant(text('b'))] },
      'y8',
    ],
    ['a result without a call', { turns: [user(text('a')), tool(result('z9', text('b')))] }, 'z9'],
    ['nothing but a system prompt', { turns: [{ role: 'system', parts: [text('a')] }] }, 'message'],
    ['nothing but blanks', { turns: [user(text(''))] }, 'message'],
    ['audio', { turns: [user({ type: 'audio', source: { base64: 'a', mime: 'audio/wav' } })] }, 'audio'],
    ['a file of another provider', { turns: [user({ type: 'image', source: { file: 'f' } })] }, 'base64'],
    ['two answers', { n: 2 }, "'n'"],
  ])('is refused for %s', (_, members, word) => {
    const fault = refusal(() => write(members))
    expect(fault.code).toBe('invalid')
    expect(fault.message).toContain(word)
  })

  test('names what it can not say, and is refused for it where the route is strict', () => {
    const members: Partial<Conversation> = {
      sampling: { seed: 1, minP: 0.1, logitBias: '{"1":2}', frequencyPenalty: 0.5, presencePenalty: 0 },
      logprobs: 2,
      metadata: '{"a":"b"}',
      tier: 'flex',
      stop: [' ', 'END'],
      rest: { prediction: '{}' },
      turns: [user(text('a')), assistant({ type: 'reasoning', text: 'Hm' }, text('b')), user(text('c'))],
    }
    const { body, dropped } = write(members)
    expect(body.stop_sequences).toEqual(['END'])
    expect([...dropped].sort()).toEqual(
      [
        'seed',
        'min_p',
        'logit_bias',
        'frequency_penalty',
        'logprobs',
        'metadata',
        'service_tier',
        'stop',
        'prediction',
        'reasoning_content',
      ].sort(),
    )
    const fault = refusal(() =>
      anthropic.writeAsk(ask({ sampling: { seed: 1 } }), { ...options, strict: true }),
    )
    expect(fault.reason).toBe('unsupported_parameter')
    expect(fault.details[0]?.path).toBe('seed')
  })

  test('keeps its own signatures and drops those of other origins', () => {
    const { body } = write({
      turns: [
        user(text('a')),
        assistant(
          { type: 'reasoning', text: 'A', signature: 's', origin: 'anthropic' },
          { type: 'reasoning', opaque: 'o', origin: 'anthropic' },
          { type: 'reasoning', text: 'G', signature: 'g', origin: 'gemini' },
          text('b'),
        ),
        user(text('c')),
      ],
    })
    expect(body.messages).toMatchObject([
      {},
      {
        content: [
          { type: 'thinking', thinking: 'A', signature: 's' },
          { type: 'redacted_thinking', data: 'o' },
          { type: 'text', text: 'b' },
        ],
      },
      {},
    ])
  })

  test('carries the last four marks', () => {
    const marked = (said: string): Part => ({ ...text(said), cache: { ttl: '5m' } })
    const { raw } = write({
      tools: [{ name: 't', cache: { ttl: '1h' } }],
      turns: [{ role: 'system', parts: [marked('s')] }, user(...['a', 'b', 'c', 'd'].map(marked))],
    })
    expect(raw.match(/cache_control/g)).toHaveLength(4)
    expect(raw).toContain('"system":[{"type":"text","text":"s"}]')
  })

  test('renames tools that Anthropic would not take, everywhere alike', () => {
    const { raw } = write({
      tools: [{ name: 'a.b' }],
      toolChoice: { name: 'a.b' },
      turns: [
        user(text('a')),
        assistant({ type: 'toolCall', id: '', name: 'a.b', args: '{}' }),
        tool({ type: 'toolResult', callId: '', name: 'a.b', parts: [], isError: true }),
      ],
    })
    const names = [...raw.matchAll(/"name":"([^"]+)"/g)].map(([, name]) => name)
    expect(names).toHaveLength(3)
    expect(new Set(names).size).toBe(1)
    expect(names[0]).toMatch(/^a_b_[0-9a-f]{8}$/)
    expect(raw).toContain('"content":"Error","is_error":true')
    const ids = [...raw.matchAll(/"(?:id|tool_use_id)":"(toolu_[0-9a-f]+)"/g)].map(([, id]) => id)
    expect(ids).toHaveLength(2)
    expect(new Set(ids).size).toBe(1)
  })
})

describe('tokens', () => {
  test('are estimated from the bytes of all text, three to a token, rounded up', () => {
    const conversation = ask({
      turns: [user(text('1234'), { type: 'image', source: { url: 'https://a.b/c' } }), assistant(text('é'))],
      tools: [{ name: 'ab', description: 'c', schema: '{}' }],
    })
    expect(estimatedTokens(conversation)).toBe(Math.ceil((4 + 2 + 2 + 1 + 2) / 3))
    expect(anthropicCountBody(4).toString()).toBe('{"input_tokens":4}')
  })
})
