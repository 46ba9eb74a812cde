// Calls of tools and their results, from each dialect to each other: read from the JSON that an upstream or a caller gets.
import type { ChatDialect, ChatPort, Conversation, Delta, Part, Turn } from '@switchyard/dialects'
import { Fault } from '@switchyard/kinds'
import { describe, expect, test } from 'vitest'
import { joined } from '../src/pieces.ts'
import { ports } from './carriages.ts'

const options = { model: 'm', strict: false, maxOutput: 4096 }
const about = { id: 'id1', model: 'm', created: 1_700_000_000, usage: true }
const names = Object.keys(ports) as ChatDialect[]
const pairs = names.flatMap(caller => names.map(upstream => [caller, upstream] as const))

type Json = Readonly<Record<string, unknown>>
const list = (value: unknown): readonly Json[] => (Array.isArray(value) ? (value as readonly Json[]) : []) // JSON that is looked into
const object = (value: unknown): Json => (value ?? {}) as Json // the same

interface Call {
  readonly id: unknown
  readonly name: unknown
  /** As a value; a text where the dialect has one. */
  readonly args: unknown
}
interface Result {
  readonly id: unknown
  readonly said: unknown
}
/** What stands in the messages of a body, in order: turns as their role, calls and results. */
interface Seen {
  readonly calls: readonly Call[]
  readonly results: readonly Result[]
  /** The roles of the messages that hold results, and what stands first in each. */
  readonly turns: readonly string[]
}

const wire: Readonly<Record<ChatDialect, (body: Json) => Seen>> = {
  openai: body => {
    const messages = list(body.messages)
    return {
      calls: messages.flatMap(({ tool_calls }) =>
        list(tool_calls).map(call => ({
          id: call.id,
          name: object(call.function).name,
          args: object(call.function).arguments,
        })),
      ),
      results: messages.flatMap(({ role, tool_call_id, content }) =>
        role === 'tool' ? [{ id: tool_call_id, said: content }] : [],
      ),
      turns: messages.map(({ role }) => String(role)),
    }
  },
  responses: body => {
    const items = list(body.input)
    return {
      calls: items.flatMap(item =>
        item.type === 'function_call' ? [{ id: item.call_id, name: item.name, args: item.arguments }] : [],
      ),
      results: items.flatMap(item =>
        item.type === 'function_call_output' ? [{ id: item.call_id, said: item.output }] : [],
      ),
      turns: items.map(({ type, role }) => String(role ?? type)),
    }
  },
  anthropic: body => {
    const messages = list(body.messages)
    const blocks = messages.flatMap(({ content }) => list(content))
    return {
      calls: blocks.flatMap(block =>
        block.type === 'tool_use' ? [{ id: block.id, name: block.name, args: block.input }] : [],
      ),
      results: blocks.flatMap(block =>
        block.type === 'tool_result' ? [{ id: block.tool_use_id, said: block.content }] : [],
      ),
      turns: messages.map(
        ({ role, content }) =>
          `${String(role)} ${list(content)
            .map(({ type }) => String(type))
            .join(' ')}`,
      ),
    }
  },
  gemini: body => {
    const contents = list(body.contents)
    const parts = contents.flatMap(content => list(content.parts))
    return {
      calls: parts.flatMap(({ functionCall }) =>
        functionCall ? [object(functionCall)] : [],
      ) as unknown as readonly Call[], // its own members
      results: parts.flatMap(({ functionResponse }) =>
        functionResponse
          ? [{ id: object(functionResponse).id, said: object(functionResponse).response }]
          : [],
      ),
      turns: contents.map(
        ({ role, parts: of }) =>
          `${String(role)} ${list(of)
            .map(part => Object.keys(part)[0])
            .join(' ')}`,
      ),
    }
  },
  ollama: body => {
    const messages = list(body.messages)
    return {
      calls: messages.flatMap(({ tool_calls }) =>
        list(tool_calls).map(call => ({
          id: call.id,
          name: object(call.function).name,
          args: object(call.function).arguments,
        })),
      ),
      results: messages.flatMap(({ role, tool_call_id, content }) =>
        role === 'tool' ? [{ id: tool_call_id, said: content }] : [],
      ),
      turns: messages.map(({ role }) => String(role)),
    }
  },
}

const asText: ReadonlySet<ChatDialect> = new Set(['openai', 'responses'])
const grammars: Readonly<Record<ChatDialect, RegExp>> = {
  openai: /^[\x21-\x7e]{1,40}$/,
  responses: /^[\x21-\x7e]{1,64}$/,
  anthropic: /^[a-zA-Z0-9_-]{1,64}$/,
  gemini: /./,
  ollama: /./,
}

const call = (id: string, args: string, name = 'look'): Part => ({ type: 'toolCall', id, name, args })
const result = (
  callId: string,
  text: string,
  more: Partial<{ isError: boolean; parts: readonly Part[] }> = {},
): Part => ({
  type: 'toolResult',
  callId,
  name: 'look',
  parts: [{ type: 'text', text }],
  isError: false,
  ...more,
})
const user = (text: string): Turn => ({ role: 'user', parts: [{ type: 'text', text }] })

function asked(dialect: ChatDialect, turns: readonly Turn[]): Conversation {
  const tools = [{ name: 'look', schema: '{"type":"object"}' }]
  return {
    dialect,
    model: 'm',
    turns,
    tools,
    stop: [],
    sampling: {},
    stream: { on: false, usage: false },
    rest: {},
  }
}

const line = (dialect: ChatDialect) => (dialect === 'gemini' ? { model: 'm', stream: false } : {})

/** What such a caller writes, as it is read of it. */
function said(caller: ChatDialect, turns: readonly Turn[]): Conversation {
  const { value } = ports[caller].writeAsk(asked(caller, turns), options)
  return ports[caller].readAsk(joined(value.body), line(caller))
}

function sent(caller: ChatDialect, upstream: ChatDialect, turns: readonly Turn[]) {
  const text = joined(ports[upstream].writeAsk(said(caller, turns), options).value.body).toString()
  return { text, ...wire[upstream](JSON.parse(text) as Json) }
}

function streamed(port: ChatPort, deltas: readonly Delta[]): string {
  const encoder = port.encoder(about)
  return Buffer.concat(deltas.flatMap(delta => encoder.push([delta]) ?? [])).toString()
}

describe.each(pairs)('tools of a caller of %s at an upstream of %s', (caller, upstream) => {
  test('C2: two calls, without arguments and with odd ids, stand with their results under one id each', () => {
    const ids = ['call_ä/1', `x${'y'.repeat(90)}`]
    const [one = '', two = ''] = ids
    const { calls, results } = sent(caller, upstream, [
      user('hi'),
      { role: 'assistant', parts: [call(one, ''), call(two, '{"a":1}')] },
      { role: 'tool', parts: [result(one, 'first'), result(two, 'second')] },
      user('so?'),
    ])
    const empty = asText.has(upstream) ? '{}' : {}
    expect(calls.map(({ name, args }) => [name, args])).toEqual([
      ['look', empty],
      ['look', asText.has(upstream) ? '{"a":1}' : { a: 1 }],
    ])
    expect(results.map(({ id }) => id)).toEqual(calls.map(({ id }) => id))
    expect(new Set(calls.map(({ id }) => id)).size).toBe(2)
    for (const { id } of calls) expect(id).toMatch(grammars[upstream])
    expect(JSON.stringify(results[0]?.said)).toContain('first')
    expect(JSON.stringify(results[1]?.said)).toContain('second')
  })

  test('C2: arguments that a model has broken stay what they were', () => {
    const { calls } = sent(caller, upstream, [
      user('hi'),
      { role: 'assistant', parts: [call('c1', '{"n":')] },
      { role: 'tool', parts: [result('c1', 'bad')] },
    ])
    expect(calls[0]?.args).toEqual(
      asText.has(upstream)
        ? asText.has(caller) || caller === 'anthropic'
          ? '{"n":'
          : '{"_invalid_json":"{\\"n\\":"}'
        : { _invalid_json: '{"n":' },
    )
  })

  test('C3: results of one turn come first, in the order of their calls, whatever theirs was', () => {
    const { results, turns } = sent(caller, upstream, [
      user('hi'),
      { role: 'assistant', parts: [call('c1', '{}'), call('c2', '{}')] },
      { role: 'tool', parts: [result('c2', 'second'), result('c1', 'first')] },
      user('so?'),
    ])
    expect(results).toHaveLength(2)
    const inOrder = results.map(({ said: of }) => JSON.stringify(of)).join()
    // Where each has its own message, the order is that of the caller's.
    if (upstream === 'anthropic' || upstream === 'gemini') {
      expect(inOrder).toMatch(/first.*second/)
      expect(turns.at(-1)).toMatch(
        upstream === 'anthropic'
          ? /^user tool_result tool_result text$/
          : /^user functionResponse functionResponse text$/,
      )
    } else {
      const places = turns.flatMap((role, at) =>
        role === 'tool' || role === 'function_call_output' ? [at] : [],
      )
      expect(places).toEqual([turns.length - 3, turns.length - 2])
    }
  })

  test('C3: a missing result is 400 and names the call', () => {
    const whole = [
      user('hi'),
      { role: 'assistant', parts: [call('c1', '{}'), call('c2', '{}', 'peek')] },
      { role: 'tool', parts: [result('c1', 'first'), { ...result('c2', 'second'), name: 'peek' }] },
      user('so?'),
    ] as const
    const { value } = ports[caller].writeAsk(asked(caller, whole), options)
    const body = JSON.parse(joined(value.body).toString()) as Json
    let fault: unknown
    try {
      const ask = ports[caller].readAsk(
        Buffer.from(JSON.stringify(withoutSecond[caller](body))),
        line(caller),
      )
      ports[upstream].writeAsk(ask, options)
    } catch (error) {
      fault = error
    }
    expect(fault).toBeInstanceOf(Fault)
    expect(fault).toMatchObject({
      code: 'invalid',
      message: expect.stringMatching(/c2|call_[0-9a-f]{24}/) as unknown,
    })
  })

  test('C3: a failure says so, and an image in a result arrives', () => {
    const png: Part = { type: 'image', source: { base64: 'iVBORw0KGgo=', mime: 'image/png' } }
    const { text } = sent(caller, upstream, [
      user('hi'),
      { role: 'assistant', parts: [call('c1', '{}'), call('c2', '{}')] },
      {
        role: 'tool',
        parts: [
          result('c1', 'no such city', { isError: true }),
          result('c2', '', { parts: [{ type: 'text', text: 'see' }, png] }),
        ],
      },
    ])
    expect(text).toContain('iVBORw0KGgo=')
    expect(text).toMatch(/"is_error":true|"error":"(Error: )?no such city"|Error: no such city/)
  })

  test('C4: digits of arguments stay, in what is asked and in what is answered, whole and streamed', () => {
    const digits = '{"n":12345678901234567890,"x":1.0,"e":1e400}'
    const found = (text: string) => text.replaceAll('\\"', '"').replace(/\s/g, '')
    const { text } = sent(caller, upstream, [
      user('hi'),
      { role: 'assistant', parts: [call('c1', digits)] },
      { role: 'tool', parts: [result('c1', 'x')] },
    ])
    expect(found(text)).toContain(digits)
    const deltas: readonly Delta[] = [
      { choice: 0, type: 'open', block: 0, kind: 'tool', id: 'c1', name: 'look' },
      { choice: 0, type: 'args', block: 0, json: digits },
      { choice: 0, type: 'close', block: 0 },
      { choice: 0, type: 'finish', stop: 'tool' },
      { choice: 0, type: 'end' },
    ]
    const from = ports[upstream]
    const whole = from.readReply(from.writeReply(deltas, about)) ?? []
    expect(found(ports[caller].writeReply(whole, about).toString())).toContain(digits)
    const decoder = from.decoder()
    const heard = [...decoder.push(Buffer.from(streamed(from, deltas))), ...decoder.finish()]
    expect(found(streamed(ports[caller], heard))).toContain(digits)
  })
})

/** The body without the result of its second call. */
const withoutSecond: Readonly<Record<ChatDialect, (body: Json) => Json>> = {
  openai: body => ({
    ...body,
    messages: list(body.messages).filter(({ tool_call_id }) => tool_call_id !== 'c2'),
  }),
  responses: body => ({
    ...body,
    input: list(body.input).filter(
      ({ type, call_id }) => type !== 'function_call_output' || call_id !== 'c2',
    ),
  }),
  anthropic: body => ({
    ...body,
    messages: list(body.messages).map(message => ({
      ...message,
      content: Array.isArray(message.content)
        ? list(message.content).filter(({ tool_use_id }) => tool_use_id !== 'c2')
        : message.content,
    })),
  }),
  gemini: body => ({
    ...body,
    contents: list(body.contents).map(content => ({
      ...content,
      parts: list(content.parts).filter(({ functionResponse }) => object(functionResponse).id !== 'c2'),
    })),
  }),
  ollama: body => ({
    ...body,
    messages: list(body.messages).filter(({ tool_call_id }) => tool_call_id !== 'c2'),
  }),
}

/** Answers of upstreams that give their calls no ids. */
const withoutIds: readonly (readonly [ChatDialect, object])[] = [
  [
    'gemini',
    {
      candidates: [
        {
          content: {
            parts: [
              { functionCall: { name: 'look', args: {} } },
              { functionCall: { name: 'look', args: {} } },
            ],
          },
          finishReason: 'STOP',
        },
      ],
    },
  ],
  [
    'ollama',
    {
      message: {
        role: 'assistant',
        content: '',
        tool_calls: [
          { function: { name: 'look', arguments: {} } },
          { function: { name: 'look', arguments: {} } },
        ],
      },
      done: true,
      done_reason: 'stop',
    },
  ],
  [
    'openai',
    {
      choices: [
        {
          index: 0,
          message: {
            role: 'assistant',
            tool_calls: [
              { function: { name: 'look', arguments: '' } },
              { function: { name: 'look', arguments: '{}' } },
            ],
          },
          finish_reason: 'tool_calls',
        },
      ],
    },
  ],
]

describe.each(withoutIds)('calls without ids of %s', (upstream, reply) => {
  test.each(names)('C2: have one each for a caller of %s, and their results find back', caller => {
    const deltas = ports[upstream].readReply(Buffer.from(JSON.stringify(reply))) ?? []
    const ids = deltas.flatMap(delta => (delta.type === 'open' && delta.kind === 'tool' ? [delta.id] : []))
    expect(new Set(ids).size).toBe(2)
    for (const id of ids) expect(id).toMatch(/^call_/)
    const shown = ports[caller].readReply(ports[caller].writeReply(deltas, about)) ?? []
    const kept = shown.flatMap(delta => (delta.type === 'open' && delta.kind === 'tool' ? [delta.id] : []))
    expect(new Set(kept).size).toBe(2)
    const [one = '', two = ''] = kept
    const { calls, results } = sent(caller, upstream, [
      user('hi'),
      { role: 'assistant', parts: [call(one, '{}'), call(two, '{}')] },
      { role: 'tool', parts: [result(one, 'first'), result(two, 'second')] },
    ])
    expect(results.map(({ id }) => id)).toEqual(calls.map(({ id }) => id))
    expect(results.map(({ said: of }) => JSON.stringify(of)).join()).toMatch(/first.*second/)
  })
})

test('C2: results without ids are joined by name, then by order', () => {
  const contents = [
    { role: 'user', parts: [{ text: 'hi' }] },
    {
      role: 'model',
      parts: [
        { functionCall: { name: 'a' } },
        { functionCall: { name: 'b' } },
        { functionCall: { name: 'a' } },
      ],
    },
    {
      role: 'user',
      parts: ['b', 'a', 'a'].map((name, at) => ({
        functionResponse: { name, response: { output: `${name}${at}` } },
      })),
    },
  ]
  const ask = ports.gemini.readAsk(Buffer.from(JSON.stringify({ contents })), line('gemini'))
  const { calls, results } = wire.openai(
    JSON.parse(joined(ports.openai.writeAsk(ask, options).value.body).toString()) as Json,
  )
  const answers = new Map(results.map(({ id, said: of }) => [id, of]))
  expect(calls.map(({ name, id }) => [name, answers.get(id)])).toEqual([
    ['a', 'a1'],
    ['b', 'b0'],
    ['a', 'a2'],
  ])
})

test.each(names)(
  'C12: thirty thousand calls of %s do not hold up the others',
  caller => {
    const many = Array.from({ length: 30_000 }, (_, at) => `c${at}`)
    const turns: readonly Turn[] = [
      user('hi'),
      { role: 'assistant', parts: many.map(id => call(id, '{}')) },
      { role: 'tool', parts: many.toReversed().map(id => result(id, 'x')) },
    ]
    const native = joined(ports[caller].writeAsk(asked(caller, turns), options).value.body)
    const begun = performance.now()
    const ask = ports[caller].readAsk(native, line(caller))
    for (const port of Object.values(ports)) port.writeAsk(ask, options)
    // Each against each would be 900 million look-ups: many seconds.
    expect(performance.now() - begun).toBeLessThan(15_000)
  },
  120_000,
)
