// What is told of an answer and what is left of a request, from each dialect to each other: read from the JSON that an
// upstream or a caller gets.
import {
  anthropicFor,
  type ChatDialect,
  type ChatPort,
  type Conversation,
  type Delta,
  type Effort,
  geminiFor,
} from '@switchyard/dialects'
import { Fault } from '@switchyard/kinds'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { joined } from '../src/pieces.ts'
import { ports } from './carriages.ts'

const options = { model: 'm', strict: false, maxOutput: 4096 }
const about = { id: 'id1', model: 'm', created: 1_700_000_000, usage: true }
const names = Object.keys(ports) as ChatDialect[]
const pairs = names.flatMap(caller => names.map(upstream => [caller, upstream] as const))
const bytes = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
const line = (dialect: ChatDialect) => (dialect === 'gemini' ? { model: 'm', stream: false } : {})

/** What stands at a path of JSON. */
function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>(
    (here, step) => (here as Record<string | number, unknown> | undefined)?.[step],
    value,
  )
}

function body(upstream: ChatPort, ask: Conversation) {
  const { value, ...named } = upstream.writeAsk(ask, options)
  return { body: JSON.parse(joined(value.body).toString()) as Record<string, unknown>, ...named }
}

function asked(dialect: ChatDialect, more: Partial<Conversation> = {}): Conversation {
  const turns = [{ role: 'user' as const, parts: [{ type: 'text' as const, text: 'hi' }] }]
  return {
    dialect,
    model: 'm',
    turns,
    tools: [],
    stop: [],
    sampling: {},
    stream: { on: false, usage: false },
    rest: {},
    ...more,
  }
}

/** The same deltas as such a caller's client hears them: of a reply, and of a stream. */
function told(caller: ChatPort, deltas: readonly Delta[]): readonly (readonly Delta[])[] {
  const encoder = caller.encoder(about)
  const decoder = caller.decoder()
  const stream = Buffer.concat(deltas.flatMap(delta => encoder.push([delta]) ?? []))
  return [
    caller.readReply(caller.writeReply(deltas, about)) ?? [],
    [...decoder.push(stream), ...decoder.finish()],
  ]
}

// ---- C5

/** Bodies in which everything that may be empty is. */
const empty: Readonly<Record<ChatDialect, object>> = {
  openai: {
    model: 'm',
    messages: [
      { role: 'system', content: '' },
      {
        role: 'user',
        content: [
          { type: 'text', text: '' },
          { type: 'text', text: 'hi' },
        ],
      },
      { role: 'assistant', content: null, tool_calls: [] },
      { role: 'user', content: '' },
    ],
    tools: [],
    tool_choice: 'auto',
    parallel_tool_calls: true,
    stop: null,
    max_tokens: null,
    temperature: null,
    response_format: null,
    logit_bias: null,
    stream_options: null,
    user: null,
  },
  responses: {
    model: 'm',
    instructions: null,
    input: [
      {
        role: 'user',
        content: [
          { type: 'input_text', text: '' },
          { type: 'input_text', text: 'hi' },
        ],
      },
      { role: 'user', content: '' },
    ],
    tools: [],
    tool_choice: 'auto',
    parallel_tool_calls: true,
    max_output_tokens: null,
    temperature: null,
    text: null,
    reasoning: null,
    include: [],
    metadata: null,
  },
  anthropic: {
    model: 'm',
    max_tokens: 4096,
    system: '',
    messages: [
      {
        role: 'user',
        content: [
          { type: 'text', text: '' },
          { type: 'text', text: 'hi' },
        ],
      },
      { role: 'assistant', content: '' },
    ],
    tools: [],
    tool_choice: { type: 'auto' },
    stop_sequences: [],
    metadata: {},
    temperature: null,
    thinking: null,
  },
  gemini: {
    systemInstruction: { parts: [{ text: '' }] },
    contents: [
      { role: 'user', parts: [{ text: '' }, { text: 'hi' }] },
      { role: 'model', parts: [] },
    ],
    tools: [],
    toolConfig: { functionCallingConfig: { mode: 'AUTO' } },
    generationConfig: { stopSequences: [], temperature: null, responseMimeType: '' },
  },
  ollama: {
    model: 'm',
    messages: [
      { role: 'system', content: '' },
      { role: 'user', content: 'hi', images: [] },
      { role: 'assistant', content: '', tool_calls: [] },
    ],
    tools: [],
    options: { stop: [], num_predict: -1 },
    format: '',
    think: null,
    stream: false,
  },
}

/** All that an upstream is then sent. */
const least: Readonly<Record<ChatDialect, object>> = {
  openai: { model: 'm', messages: [{ role: 'user', content: 'hi' }] },
  responses: { model: 'm', input: [{ role: 'user', content: 'hi' }], store: false },
  anthropic: { model: 'm', max_tokens: 4096, messages: [{ role: 'user', content: 'hi' }] },
  gemini: { contents: [{ role: 'user', parts: [{ text: 'hi' }] }] },
  ollama: { model: 'm', messages: [{ role: 'user', content: 'hi' }], stream: false },
}

test.each(pairs)('C5: what %s says with nothing in it is nothing for %s', (caller, upstream) => {
  const ask = ports[caller].readAsk(bytes(empty[caller]), line(caller))
  const { body: sent, dropped } = body(ports[upstream], ask)
  const { store: _store, ...own } = least[upstream] as Record<string, unknown> // the one that has it
  const limit = caller !== 'anthropic' ? {} : limits[upstream]
  expect(sent).toEqual({ ...(caller === upstream ? own : least[upstream]), ...limit })
  expect(dropped).toEqual([])
})

/** Anthropic's callers always give one. */
const limits: Readonly<Record<ChatDialect, object>> = {
  openai: { max_tokens: 4096 },
  responses: { max_output_tokens: 4096 },
  anthropic: {},
  gemini: { generationConfig: { maxOutputTokens: 4096 } },
  ollama: { options: { num_predict: 4096 } },
}

test.each(names)('C5: nothing at all is refused by %s', caller => {
  const nothing = {
    openai: { model: 'm', messages: [{ role: 'user', content: '' }] },
    responses: { model: 'm', input: [{ role: 'user', content: '' }] },
    anthropic: { model: 'm', max_tokens: 9, messages: [{ role: 'user', content: '' }] },
    gemini: { contents: [{ parts: [{ text: '' }] }] },
    ollama: { model: 'm', messages: [{ role: 'user', content: '' }] },
  }
  expect(() => ports[caller].readAsk(bytes(nothing[caller]), line(caller))).toThrow(
    expect.objectContaining({ code: 'invalid', reason: 'invalid_value' }),
  )
})

// ---- C7

const schema = '{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}'
const formAt: Readonly<Record<ChatDialect, readonly (string | number)[]>> = {
  openai: ['response_format', 'json_schema', 'schema'],
  responses: ['text', 'format', 'schema'],
  anthropic: ['output_config', 'format', 'schema'],
  gemini: ['generationConfig', 'responseJsonSchema'],
  ollama: ['format'],
}

test.each(pairs)('C7: a form that %s asks for stands in its place for %s', (caller, upstream) => {
  const native = body(ports[caller], asked(caller, { output: { type: 'schema', name: 'form', schema } })).body
  const ask = ports[caller].readAsk(bytes(native), line(caller))
  expect(at(body(ports[upstream], ask).body, ...formAt[upstream])).toEqual(JSON.parse(schema))
})

describe.each(names)('C7: where the upstream has no form, a caller of %s', caller => {
  const plain = anthropicFor({ schema: false })
  test.each([
    ['JSON', { type: 'json' as const }],
    ['a schema', { type: 'schema' as const, schema }],
  ])('that asks for %s gets the arguments of one forced tool as text, and an end', (_, output) => {
    const sent = body(plain, asked(caller, { output })).body
    expect(at(sent, 'tool_choice')).toEqual({
      type: 'tool',
      name: at(sent, 'tools', 0, 'name'),
      disable_parallel_tool_use: true,
    })
    const name = at(sent, 'tools', 0, 'name')
    const block = { type: 'tool_use', id: 'toolu_1', name, input: {} }
    const events = [
      { type: 'message_start', message: { content: [] } },
      { type: 'content_block_start', index: 0, content_block: block },
      { type: 'content_block_delta', index: 0, delta: { type: 'input_json_delta', partial_json: '{"a":' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'input_json_delta', partial_json: '"b"}' } },
      { type: 'content_block_stop', index: 0 },
      { type: 'message_delta', delta: { stop_reason: 'tool_use' }, usage: { output_tokens: 1 } },
      { type: 'message_stop' },
    ]
    const message = { type: 'message', content: [{ ...block, input: { a: 'b' } }], stop_reason: 'tool_use' }
    const whole = plain.readReply(bytes(message)) ?? []
    const stream = plain
      .decoder()
      .push(Buffer.from(events.map(event => `data: ${JSON.stringify(event)}\n\n`).join('')))
    for (const deltas of [whole, stream])
      for (const heard of told(ports[caller], deltas)) {
        expect(heard.flatMap(delta => (delta.type === 'text' ? [delta.text] : [])).join('')).toBe('{"a":"b"}')
        expect(heard.find(({ type }) => type === 'finish')).toMatchObject({ stop: 'end' })
        expect(heard.some(delta => delta.type === 'open' && delta.kind === 'tool')).toBe(false)
      }
  })
})

// ---- C8

const thought: readonly Delta[] = [
  { choice: 0, type: 'open', block: 0, kind: 'reasoning' },
  { choice: 0, type: 'reasoning', block: 0, text: 'secret thought' },
  { choice: 0, type: 'close', block: 0 },
  { choice: 0, type: 'open', block: 1, kind: 'text' },
  { choice: 0, type: 'text', block: 1, text: 'hello' },
  { choice: 0, type: 'close', block: 1 },
  { choice: 0, type: 'finish', stop: 'end' },
  { choice: 0, type: 'end' },
]

/** Where a whole reply says what it has thought, and what it says. */
const thoughtAt: Readonly<
  Record<ChatDialect, readonly [thought: readonly (string | number)[], text: readonly (string | number)[]]>
> = {
  openai: [
    ['choices', 0, 'message', 'reasoning_content'],
    ['choices', 0, 'message', 'content'],
  ],
  responses: [
    ['output', 0, 'summary', 0, 'text'],
    ['output', 1, 'content', 0, 'text'],
  ],
  anthropic: [
    ['content', 0, 'thinking'],
    ['content', 1, 'text'],
  ],
  gemini: [
    ['candidates', 0, 'content', 'parts', 0, 'text'],
    ['candidates', 0, 'content', 'parts', 1, 'text'],
  ],
  ollama: [
    ['message', 'thinking'],
    ['message', 'content'],
  ],
}

test.each(pairs)(
  'C8: a caller of %s hears what an upstream of %s thought as thought, never as text',
  (caller, upstream) => {
    for (const heard of told(ports[upstream], thought)) {
      const reply: unknown = JSON.parse(ports[caller].writeReply(heard, about).toString())
      const [thoughts, text] = thoughtAt[caller]
      expect([at(reply, ...thoughts), at(reply, ...text)]).toEqual(['secret thought', 'hello'])
      if (caller === 'gemini') expect(at(reply, 'candidates', 0, 'content', 'parts', 0, 'thought')).toBe(true)
      for (const again of told(ports[caller], heard)) {
        const said = (type: 'text' | 'reasoning') =>
          again.flatMap(delta => (delta.type === type ? [delta.text] : [])).join('')
        expect([said('reasoning'), said('text')]).toEqual(['secret thought', 'hello'])
      }
    }
  },
)

/** What each effort is for an upstream, by the form of its row. */
const efforts: readonly (readonly [Effort, number, string, string | undefined, boolean | string])[] = [
  ['none', 0, 'disabled', 'MINIMAL', false],
  ['minimal', 1024, 'low', 'MINIMAL', 'low'],
  ['low', 2048, 'low', 'LOW', 'low'],
  ['medium', 8192, 'medium', 'MEDIUM', true],
  ['high', 16_384, 'high', 'HIGH', 'high'],
  ['xhigh', 32_768, 'xhigh', 'HIGH', 'high'],
  ['max', 59_999, 'max', 'HIGH', 'max'],
]

test.each(efforts)('C8: effort %s is a budget of %i, or a word', (effort, budget, word, level, think) => {
  const ask = asked('openai', { reasoning: { effort }, maxOutput: 60_000 })
  const thinking = (port: ChatPort) => body(port, ask).body
  expect(at(thinking(anthropicFor({})), 'thinking')).toEqual(
    budget === 0 ? { type: 'disabled' } : { type: 'enabled', budget_tokens: budget },
  )
  const adaptive = thinking(anthropicFor({ thinking: 'effort' }))
  if (budget > 0)
    expect([at(adaptive, 'thinking', 'type'), at(adaptive, 'output_config', 'effort')]).toEqual([
      'adaptive',
      word,
    ])
  const most = effort === 'max' ? 24_576 : Math.min(budget, 24_576)
  expect(at(thinking(geminiFor({})), 'generationConfig', 'thinkingConfig', 'thinkingBudget')).toBe(most)
  expect(
    at(thinking(geminiFor({ thinking: 'level' })), 'generationConfig', 'thinkingConfig', 'thinkingLevel'),
  ).toBe(level)
  expect(at(thinking(ports.ollama), 'think')).toBe(think)
  expect(at(thinking(ports.openai), 'reasoning_effort')).toBe(effort)
  expect(at(thinking(ports.responses), 'reasoning', 'effort')).toBe(effort)
  // A budget is the effort that covers it.
  if (effort !== 'max') {
    const budgeted = asked('anthropic', {
      reasoning: budget === 0 ? { effort } : { budget },
      maxOutput: 60_000,
    })
    expect(at(body(ports.openai, budgeted).body, 'reasoning_effort')).toBe(effort)
  }
})

test('C8: what cannot be combined with thinking is left out, and named', () => {
  const tools = [{ name: 'f', schema: '{"type":"object"}' }]
  const sampling = { temperature: 0.5, topK: 5, topP: 0.5 }
  const ask = asked('openai', {
    reasoning: { effort: 'high' },
    maxOutput: 30_000,
    tools,
    toolChoice: 'required',
    sampling,
  })
  const { body: sent, dropped } = body(ports.anthropic, ask)
  expect([...dropped].sort()).toEqual(['temperature', 'tool_choice', 'top_k', 'top_p'])
  for (const name of ['temperature', 'top_k', 'top_p']) expect(sent).not.toHaveProperty(name)
  expect(sent.tool_choice).toEqual({ type: 'auto' })
  const short = body(ports.anthropic, asked('openai', { reasoning: { effort: 'high' }, maxOutput: 2_000 }))
  expect([short.body.thinking, short.dropped]).toEqual([undefined, ['reasoning']])
})

// ---- C10

type Row = 'end' | 'sequence' | 'length' | 'tool' | 'filter' | 'refusal' | 'pause'
const words: Readonly<Record<ChatDialect, Readonly<Record<Row, unknown>>>> = {
  openai: {
    end: 'stop',
    sequence: 'stop',
    length: 'length',
    tool: 'tool_calls',
    filter: 'content_filter',
    refusal: 'content_filter',
    pause: 'stop',
  },
  responses: {
    end: ['completed', undefined],
    sequence: ['completed', undefined],
    length: ['incomplete', 'max_output_tokens'],
    tool: ['completed', undefined],
    filter: ['incomplete', 'content_filter'],
    refusal: ['incomplete', 'content_filter'],
    pause: ['completed', undefined],
  },
  anthropic: {
    end: ['end_turn', null],
    sequence: ['stop_sequence', 'END'],
    length: ['max_tokens', null],
    tool: ['tool_use', null],
    filter: ['refusal', null],
    refusal: ['refusal', null],
    pause: ['pause_turn', null],
  },
  gemini: {
    end: 'STOP',
    sequence: 'STOP',
    length: 'MAX_TOKENS',
    tool: 'STOP',
    filter: 'SAFETY',
    refusal: 'SAFETY',
    pause: 'STOP',
  },
  // It has no word for what is withheld: an error says so.
  ollama: {
    end: 'stop',
    sequence: 'stop',
    length: 'length',
    tool: 'stop',
    filter: undefined,
    refusal: undefined,
    pause: 'stop',
  },
}
const wordOf: Readonly<Record<ChatDialect, (reply: unknown) => unknown>> = {
  openai: reply => at(reply, 'choices', 0, 'finish_reason'),
  responses: reply => [at(reply, 'status'), at(reply, 'incomplete_details', 'reason')],
  anthropic: reply => [at(reply, 'stop_reason'), at(reply, 'stop_sequence')],
  gemini: reply => at(reply, 'candidates', 0, 'finishReason'),
  ollama: reply => at(reply, 'done_reason'),
}

const chat = (finish_reason: string, calls = false) => ({
  choices: [
    {
      index: 0,
      finish_reason,
      message: {
        content: 'x',
        ...(calls && { tool_calls: [{ id: 'c', function: { name: 'f', arguments: '{}' } }] }),
      },
    },
  ],
})
const message = (stop_reason: string, more: object = {}, calls = false) => ({
  content: [
    { type: 'text', text: 'x' },
    ...(calls ? [{ type: 'tool_use', id: 'c', name: 'f', input: {} }] : []),
  ],
  stop_reason,
  ...more,
})
const candidate = (finishReason: string, calls = false) => ({
  candidates: [
    {
      finishReason,
      content: { parts: [{ text: 'x' }, ...(calls ? [{ functionCall: { name: 'f', args: {} } }] : [])] },
    },
  ],
})
const response = (status: string, reason?: string, calls = false) => ({
  object: 'response',
  status,
  incomplete_details: reason === undefined ? null : { reason },
  output: [
    { type: 'message', content: [{ type: 'output_text', text: 'x' }] },
    ...(calls ? [{ type: 'function_call', call_id: 'c', name: 'f', arguments: '{}' }] : []),
  ],
})
const done = (done_reason: string, calls = false) => ({
  done: true,
  done_reason,
  message: { content: 'x', ...(calls && { tool_calls: [{ function: { name: 'f', arguments: {} } }] }) },
})

const told10: readonly (readonly [ChatDialect, string, object, Row])[] = [
  ['openai', 'stop', chat('stop'), 'end'],
  ['openai', 'stop with calls', chat('stop', true), 'tool'],
  ['openai', 'length', chat('length'), 'length'],
  ['openai', 'tool_calls', chat('tool_calls', true), 'tool'],
  ['openai', 'function_call', chat('function_call', true), 'tool'],
  ['openai', 'content_filter', chat('content_filter'), 'filter'],
  ['openai', 'weird', chat('weird'), 'end'],
  ['openai', '__proto__', chat('__proto__'), 'end'],
  ['responses', 'completed', response('completed'), 'end'],
  ['responses', 'completed with calls', response('completed', undefined, true), 'tool'],
  ['responses', 'max_output_tokens', response('incomplete', 'max_output_tokens'), 'length'],
  ['responses', 'content_filter', response('incomplete', 'content_filter'), 'filter'],
  ['anthropic', 'end_turn', message('end_turn'), 'end'],
  ['anthropic', 'end_turn with calls', message('end_turn', {}, true), 'tool'],
  ['anthropic', 'stop_sequence', message('stop_sequence', { stop_sequence: 'END' }), 'sequence'],
  ['anthropic', 'max_tokens', message('max_tokens'), 'length'],
  ['anthropic', 'tool_use', message('tool_use', {}, true), 'tool'],
  ['anthropic', 'refusal', message('refusal'), 'refusal'],
  ['anthropic', 'pause_turn', message('pause_turn'), 'pause'],
  ['anthropic', 'weird', message('weird'), 'end'],
  ['gemini', 'STOP', candidate('STOP'), 'end'],
  ['gemini', 'STOP with calls', candidate('STOP', true), 'tool'],
  ['gemini', 'MAX_TOKENS', candidate('MAX_TOKENS'), 'length'],
  ...['SAFETY', 'BLOCKLIST', 'PROHIBITED_CONTENT', 'SPII', 'RECITATION', 'IMAGE_SAFETY'].map(
    word => ['gemini', word, candidate(word), 'filter'] as const,
  ),
  ['gemini', 'a prompt that is blocked', { promptFeedback: { blockReason: 'SAFETY' } }, 'filter'],
  ['gemini', 'WEIRD', candidate('WEIRD'), 'end'],
  ['ollama', 'stop', done('stop'), 'end'],
  ['ollama', 'stop with calls', done('stop', true), 'tool'],
  ['ollama', 'length', done('length'), 'length'],
  ['ollama', 'weird', done('weird'), 'end'],
]

describe.each(told10)('C10: of %s the reason %s', (upstream, word, reply, row) => {
  const deltas = ports[upstream].readReply(bytes(reply)) ?? []
  test.each(names)('is said by the word of %s, whole and streamed', caller => {
    const expected = words[caller][row]
    if (expected === undefined) {
      expect(() => ports[caller].writeReply(deltas, about)).toThrow(Fault)
      return
    }
    expect(wordOf[caller](JSON.parse(ports[caller].writeReply(deltas, about).toString()))).toEqual(expected)
    const [, heard = []] = told(ports[caller], deltas)
    const [again] = told(ports[caller], heard)
    expect(again?.find(({ type }) => type === 'finish')).toMatchObject({
      stop: (heard.find(({ type }) => type === 'finish') as { stop?: string } | undefined)?.stop, // of a finish
    })
    expect(wordOf[caller](JSON.parse(ports[caller].writeReply(heard, about).toString()))).toEqual(expected)
  })

  if (/weird|proto/i.test(word))
    test('is kept as it was said', () => {
      expect(deltas.find(({ type }) => type === 'finish')).toMatchObject({ stop: 'end', raw: word })
    })
})

test.each<[ChatDialect, object]>([
  ['openai', chat('abort')],
  ['gemini', candidate('MALFORMED_FUNCTION_CALL')],
  ['gemini', candidate('UNEXPECTED_TOOL_CALL')],
])('C10: of %s a model that has failed is a fault: %o', (upstream, reply) => {
  expect(ports[upstream].readReply(bytes(reply))?.at(-1)).toMatchObject({ type: 'fault', status: 502 })
})

test('C10: a context that is full is a limit, by its own word within Anthropic', () => {
  const deltas = ports.anthropic.readReply(bytes(message('model_context_window_exceeded'))) ?? []
  const word = (caller: ChatDialect) =>
    wordOf[caller](JSON.parse(ports[caller].writeReply(deltas, about).toString()))
  expect(word('anthropic')).toEqual(['model_context_window_exceeded', null])
  expect(names.filter(name => name !== 'anthropic').map(word)).toEqual(
    names.filter(name => name !== 'anthropic').map(name => words[name].length),
  )
})

// ---- C11

/** Input, output and their sum, as each dialect's clients add them up; cached tokens of the input. */
const totals: Readonly<Record<ChatDialect, (reply: unknown) => readonly number[]>> = {
  openai: reply => {
    const of = (...path: string[]) => Number(at(reply, 'usage', ...path) ?? 0)
    return [
      of('prompt_tokens'),
      of('completion_tokens'),
      of('total_tokens'),
      of('prompt_tokens_details', 'cached_tokens'),
    ]
  },
  responses: reply => {
    const of = (...path: string[]) => Number(at(reply, 'usage', ...path) ?? 0)
    return [
      of('input_tokens'),
      of('output_tokens'),
      of('total_tokens'),
      of('input_tokens_details', 'cached_tokens'),
    ]
  },
  anthropic: reply => {
    const of = (name: string) => Number(at(reply, 'usage', name) ?? 0)
    const input = of('input_tokens') + of('cache_read_input_tokens') + of('cache_creation_input_tokens')
    return [input, of('output_tokens'), input + of('output_tokens'), of('cache_read_input_tokens')]
  },
  gemini: reply => {
    const of = (name: string) => Number(at(reply, 'usageMetadata', name) ?? 0)
    const output = of('candidatesTokenCount') + of('thoughtsTokenCount')
    return [of('promptTokenCount'), output, of('totalTokenCount'), of('cachedContentTokenCount')]
  },
  ollama: reply => {
    const [input, output] = [Number(at(reply, 'prompt_eval_count')), Number(at(reply, 'eval_count'))]
    return [input, output, input + output, Number.NaN]
  },
}

const count = fc.bigInt({ min: 0n, max: 1_000_000n })
test.each(pairs)(
  'C11: what a caller of %s is told that an upstream of %s has used adds up, cached tokens once',
  (caller, upstream) => {
    fc.assert(
      fc.property(count, count, count, count, count, (uncached, cached, written, text, reasoning) => {
        const deltas: readonly Delta[] = [
          ...thought.slice(0, -1),
          {
            choice: 0,
            type: 'usage',
            usage: {
              quantities: {
                'tok.in.uncached': uncached,
                'tok.in.cache_read': cached,
                'tok.in.cache_write_5m': written,
                'tok.out.text': text,
                'tok.out.reasoning': reasoning,
              },
              source: 'provider',
              flags: [],
            },
          },
          { choice: 0, type: 'end' },
        ]
        for (const heard of told(ports[upstream], deltas)) {
          const usage = heard.findLast(delta => delta.type === 'usage')
          expect(usage?.type === 'usage' && usage.usage.flags).toEqual([])
          for (const again of [heard, ...told(ports[caller], heard)]) {
            const [input, output, total, seen] = totals[caller](
              JSON.parse(ports[caller].writeReply(again, about).toString()),
            )
            expect([input, output, total]).toEqual(
              [
                uncached + cached + written,
                text + reasoning,
                uncached + cached + written + text + reasoning,
              ].map(Number),
            )
            if (upstream !== 'ollama' && caller !== 'ollama') expect(seen).toBe(Number(cached))
          }
        }
      }),
      { numRuns: 10 },
    )
  },
)
