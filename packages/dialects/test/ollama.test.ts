import type { About, Conversation, Delta, Part } from '@switchyard/dialects'
import {
  ollama,
  ollamaGenerate,
  ollamaLoadBody,
  ollamaPsBody,
  ollamaShowBody,
  ollamaTagsBody,
  ollamaVersionBody,
  readOllamaLoad,
  readOllamaShow,
  sameOllamaModel,
} from '@switchyard/dialects'
import { Fault } from '@switchyard/kinds'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { joined } from '../src/pieces.ts'
import { answers, conversations, cut, meaning } from './generate.ts'
import { checkOllama } from './orders.ts'

const options = { model: 'up', strict: false, maxOutput: 4096 }
const about: About = { id: 'x', model: 'public', created: 1_700_000_000, usage: true }
const bytes = (body: object | string) => Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
const read = (body: object) => ollama.readAsk(bytes(body), {})
const generate = (body: object) => ollamaGenerate.readAsk(bytes(body), {})
const write = (ask: Conversation, more: object = {}) => ollama.writeAsk(ask, { ...options, ...more })
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

describe('a request to /api/chat', () => {
  test('says in a conversation what it says, and streams unless told otherwise', () => {
    const ask = read({
      model: 'm',
      messages: [
        { role: 'system', content: 'be kind' },
        { role: 'user', content: 'see', images: ['iVBORw0KGgo=', '/9j/4AAQ'] },
        {
          role: 'assistant',
          content: '',
          thinking: 'hm',
          tool_calls: [{ id: 'c1', function: { name: 'f', arguments: { n: 1 } } }],
        },
        { role: 'tool', content: 'done', tool_name: 'f' },
      ],
      tools: [
        { type: 'function', function: { name: 'f', description: 'd', parameters: { type: 'object' } } },
      ],
      format: { type: 'object' },
      options: { temperature: 0.5, num_predict: -1, num_ctx: 4096, stop: ['x'], top_k: 3 },
      think: 'high',
      keep_alive: '5m',
    })
    expect(ask).toEqual({
      dialect: 'ollama',
      model: 'm',
      turns: [
        { role: 'system', parts: [{ type: 'text', text: 'be kind' }] },
        {
          role: 'user',
          parts: [
            { type: 'text', text: 'see' },
            { type: 'image', source: { base64: 'iVBORw0KGgo=', mime: 'image/png' } },
            { type: 'image', source: { base64: '/9j/4AAQ', mime: 'image/jpeg' } },
          ],
        },
        {
          role: 'assistant',
          parts: [
            { type: 'reasoning', text: 'hm' },
            { type: 'toolCall', id: 'c1', name: 'f', args: '{"n":1}' },
          ],
        },
        {
          role: 'tool',
          parts: [
            {
              type: 'toolResult',
              callId: 'c1',
              name: 'f',
              parts: [{ type: 'text', text: 'done' }],
              isError: false,
            },
          ],
        },
      ],
      tools: [{ name: 'f', description: 'd', schema: '{"type":"object"}' }],
      output: { type: 'schema', schema: '{"type":"object"}' },
      stop: ['x'],
      sampling: { temperature: 0.5, topK: 3 },
      reasoning: { effort: 'high', show: true },
      stream: { on: true, usage: true },
      rest: { keep_alive: '"5m"', 'options.num_ctx': '4096' },
    })
    expect(written(ask)).toMatchObject({
      stream: true,
      think: 'high',
      keep_alive: '5m',
      options: { num_ctx: 4096 },
    })
  })

  test('keeps its meaning when it is written and read again', () => {
    fc.assert(
      fc.property(conversations('ollama'), ask => {
        const { value, dropped } = write(ask, { model: ask.model })
        expect(dropped).toEqual([])
        const again = ollama.readAsk(joined(value.body), {})
        const { output } = ask
        expect(again).toEqual({
          ...ask,
          stream: { ...ask.stream, usage: true },
          turns: ask.turns.map(({ role, parts }) => ({ role, parts: said(parts, ask) })),
          ...(output && { output }),
        })
      }),
    )
  })

  /** A message is one text and its images; a result names its tool. */
  function said(parts: readonly Part[], { turns }: Conversation): readonly Part[] {
    const text = parts.flatMap(part => (part.type === 'text' ? [part.text] : []))
    const names = new Map(
      turns.flatMap(turn =>
        turn.parts.flatMap(part => (part.type === 'toolCall' ? [[part.id, part.name] as const] : [])),
      ),
    )
    return [
      ...parts.filter(part => part.type === 'reasoning'),
      ...(text.length > 0 ? [{ type: 'text' as const, text: text.join('\n') }] : []),
      ...parts.filter(part => part.type === 'image' || part.type === 'toolCall'),
      ...parts.flatMap(part =>
        part.type === 'toolResult' ? [{ ...part, name: names.get(part.callId) ?? '' }] : [],
      ),
    ]
  }

  test('keeps the digits of arguments, both ways', () => {
    const args = '{"n":12345678901234567890,"x":1.0}'
    const body = `{"model":"m","messages":[{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":${args}}}]},{"role":"tool","content":"x"}]}`
    const ask = ollama.readAsk(Buffer.from(body), {})
    expect(ask.turns[0]?.parts[0]).toMatchObject({ args })
    expect(write(ask).value.body.toString()).toContain(`"arguments":${args}`)
  })

  test('wraps arguments that a model has spoilt', () => {
    const turns: Conversation['turns'] = [
      { role: 'assistant', parts: [{ type: 'toolCall', id: 'a', name: 'f', args: '{"n":' }] },
      { role: 'tool', parts: [{ type: 'toolResult', callId: 'a', parts: [], isError: true }] },
    ]
    expect(written({ ...read({ model: 'm', messages: hi }), turns }).messages).toEqual([
      {
        role: 'assistant',
        content: '',
        tool_calls: [{ id: 'a', function: { index: 0, name: 'f', arguments: { _invalid_json: '{"n":' } } }],
      },
      { role: 'tool', content: 'Error', tool_name: 'f', tool_call_id: 'a' },
    ])
  })

  test('joins results with calls by id, else by name, else by order', () => {
    const call = (name: string) => ({ function: { name, arguments: {} } })
    const ask = read({
      model: 'm',
      messages: [
        { role: 'assistant', tool_calls: [call('f'), call('g'), call('h')] },
        { role: 'tool', content: '1', tool_name: 'g' },
        { role: 'tool', content: '2' },
        { role: 'tool', content: '3', tool_name: 'unknown' },
      ],
    })
    const ids = ask.turns[0]?.parts.flatMap(part => (part.type === 'toolCall' ? [part.id] : []))
    const results = ask.turns[1]?.parts.flatMap(part => (part.type === 'toolResult' ? [part.callId] : []))
    expect(new Set(ids).size).toBe(3)
    expect(results).toEqual([ids?.[1], ids?.[0], ids?.[2]])
  })

  test('sends nothing that says nothing', () => {
    const ask = read({
      model: 'm',
      messages: hi,
      tools: [],
      format: '',
      options: { stop: [], num_predict: -2 },
      think: null,
    })
    expect(written(ask)).toEqual({ model: 'up', messages: hi, stream: true })
  })

  test.each([
    [{}, undefined],
    [{ effort: 'none' as const }, false],
    [{ effort: 'medium' as const }, true],
    [{ effort: 'max' as const }, 'max'],
    [{ budget: 2048 }, 'low'],
    [{ show: true }, true],
  ])('asks to think as %j says', (reasoning, think) => {
    expect(written({ ...read({ model: 'm', messages: hi }), reasoning }).think).toBe(think)
  })

  test('names what Ollama has no word for, and refuses what would mean something else', () => {
    const tools = [{ name: 'f' }, { name: 'g' }]
    const ask: Conversation = {
      ...read({ model: 'm', messages: hi }),
      dialect: 'openai',
      tools,
      toolChoice: { name: 'g' },
      parallelTools: false,
      user: 'u',
      logprobs: 2,
      rest: { store: 'true' },
    }
    expect(write(ask).dropped).toEqual(['tool_choice', 'parallel_tool_calls', 'user', 'store'])
    expect(written(ask).tools).toEqual([{ type: 'function', function: { name: 'g' } }])
    expect(written({ ...ask, toolChoice: 'none' }).tools).toBeUndefined()
    expect(refusal(() => write({ ...ask, n: 2 })).details[0]?.path).toBe('n')
    expect(refusal(() => write(ask, { strict: true })).reason).toBe('unsupported_parameter')
    const image = (url: string): Conversation => ({
      ...ask,
      turns: [{ role: 'user', parts: [{ type: 'image', source: { url } }] }],
    })
    expect(refusal(() => write(image('https://a.example/x.png'))).details[0]?.path).toBe('image')
    expect(written(image('data:image/png;base64,AAAA')).messages).toEqual([
      { role: 'user', content: '', images: ['AAAA'] },
    ])
  })

  test.each([
    ['no model', { messages: hi }, 'missing_field', 'model'],
    ['nothing said', { model: 'm', messages: [] }, 'invalid_value', 'messages'],
    [
      'images that are none',
      { model: 'm', messages: [{ role: 'user', images: [1] }] },
      'invalid_value',
      'messages.0.images.0',
    ],
    ['options that are none', { model: 'm', messages: hi, options: [] }, 'invalid_value', 'options'],
    [
      'an option of another kind',
      { model: 'm', messages: hi, options: { top_k: 'x' } },
      'invalid_value',
      'options.top_k',
    ],
    ['a level that is none', { model: 'm', messages: hi, think: 'hard' }, 'invalid_value', 'think'],
  ])('is refused by name with %s', (_, body, reason, path) => {
    const fault = refusal(() => read(body))
    expect([fault.code, fault.reason, fault.details[0]?.path]).toEqual(['invalid', reason, path])
  })

  test('never fails but by a fault, whatever is sent', () => {
    const { value } = fc.letrec(tie => ({
      value: fc.oneof(
        { depthSize: 'medium' },
        fc.constantFrom(null, true, 0, -1.5, '', 'user', 'tool', 'x'),
        fc.array(tie('value'), { maxLength: 3 }),
        tie('object'),
      ),
      object: fc.dictionary(
        fc.constantFrom(
          'role',
          'content',
          'images',
          'tool_calls',
          'function',
          'name',
          'arguments',
          '__proto__',
          'tool_name',
          'stop',
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
            'prompt',
            'images',
            'tools',
            'options',
            'format',
            'think',
            'stream',
            '__proto__',
          ),
          value,
          { noNullPrototype: true },
        ),
        body => {
          for (const port of [ollama, ollamaGenerate])
            try {
              write(port.readAsk(bytes({ model: 'm', ...body }), {}))
            } catch (error) {
              expect(error instanceof Fault && error.code).toBe('invalid')
            }
        },
      ),
      { numRuns: 500 },
    )
  })
})

describe('a request to /api/generate', () => {
  test('is a conversation of one prompt', () => {
    expect(
      generate({ model: 'm', system: 's', prompt: 'p', images: ['iVBORw0KGgo='], stream: false }),
    ).toMatchObject({
      turns: [
        { role: 'system', parts: [{ type: 'text', text: 's' }] },
        { role: 'user', parts: [{ type: 'text', text: 'p' }, { type: 'image' }] },
      ],
      stream: { on: false },
    })
  })

  test.each([
    [{ suffix: 'x' }, 'suffix'],
    [{ template: '{{ .Prompt }}' }, 'template'],
    [{ context: [1] }, 'context'],
    [{ raw: true }, 'raw'],
  ])('is refused where a conversation has no word for it: %j', (members, path) => {
    expect(refusal(() => generate({ model: 'm', prompt: 'p', ...members })).details[0]?.path).toBe(path)
    expect(generate({ model: 'm', prompt: 'p', suffix: '', context: [], raw: false }).turns).toHaveLength(1)
  })

  test('without a prompt loads a model, or unloads it', () => {
    expect(readOllamaLoad(bytes({ model: 'm' }), 'generate')).toEqual({ model: 'm', unload: false })
    expect(readOllamaLoad(bytes({ model: 'm', messages: [], keep_alive: 0 }), 'chat')).toEqual({
      model: 'm',
      unload: true,
    })
    expect(readOllamaLoad(bytes({ model: 'm', messages: hi }), 'chat')).toBeUndefined()
    expect(readOllamaLoad(bytes({ model: 'm', prompt: 'p' }), 'generate')).toBeUndefined()
    expect(JSON.parse(ollamaLoadBody({ model: 'm', unload: true }, 0, 'generate').toString())).toEqual({
      model: 'm',
      created_at: '1970-01-01T00:00:00.000Z',
      response: '',
      done: true,
      done_reason: 'unload',
    })
  })
})

const head = { model: 'up', created_at: '2023-11-14T22:13:20.5Z' }
const lines = [
  JSON.stringify({ ...head, message: { role: 'assistant', content: '', thinking: 'hm é' }, done: false }),
  JSON.stringify({ ...head, message: { role: 'assistant', content: 'a漢' }, done: false }),
  `{"message":{"role":"assistant","content":"","tool_calls":[{"function":{"name":"f","arguments":{"n":12345678901234567890,"x":1.0}}},{"function":{"name":"g","arguments":{}}}]},"done":false}`,
  JSON.stringify({
    ...head,
    message: { role: 'assistant', content: '' },
    done: true,
    done_reason: 'stop',
    total_duration: 9,
    load_duration: 1,
    prompt_eval_count: 3,
    prompt_eval_duration: 2,
    eval_count: 2,
    eval_duration: 5,
  }),
]
/** Ollama counts what goes in and what comes out, and no more. */
function counted({ usage, ...rest }: ReturnType<typeof meaning>) {
  const sum = (direction: string) =>
    Object.entries(usage ?? {}).reduce(
      (total, [unit, n]) => (unit.startsWith(direction) ? total + n : total),
      0n,
    )
  const sums = { 'tok.in.uncached': sum('tok.in.'), 'tok.out.text': sum('tok.out.') }
  return { ...rest, usage: usage && sums }
}
const decode = (stream: string | Buffer, cuts: readonly number[] = []) => {
  const decoder = ollama.decoder()
  return [...cut(Buffer.from(stream), cuts).flatMap(part => [...decoder.push(part)]), ...decoder.finish()]
}
const encode = (deltas: readonly Delta[], port = ollama) => {
  const encoder = port.encoder(about)
  return Buffer.concat(deltas.flatMap(delta => encoder.push([delta]) ?? []))
}

describe('a stream of lines', () => {
  const expected = decode(`${lines.join('\n')}\n`)

  test('is read as deltas, with the digits of arguments, counts and durations', () => {
    const found = meaning(expected)
    expect(found).toMatchObject({
      choices: [
        {
          said: [
            { kind: 'reasoning', text: 'hm é' },
            { kind: 'text', text: 'a漢' },
            { kind: 'tool', name: 'f', text: '{"n":12345678901234567890,"x":1.0}' },
            { kind: 'tool', name: 'g', text: '{}' },
          ],
          stop: 'tool',
        },
      ],
      usage: { 'tok.in.uncached': 3n, 'tok.out.text': 2n },
      ended: 'end',
    })
    expect(expected[0]).toEqual({ choice: 0, type: 'start', created: 1_700_000_000, model: 'up' })
    expect(expected.at(-1)).toEqual({
      choice: 0,
      type: 'end',
      took: { total: 9, load: 1, prompt: 2, output: 5 },
    })
  })

  test.each(['\n', '\r\n', '\n\n'])(
    'gives the same deltas however its bytes are cut, with line ends %j',
    end => {
      for (const last of [end, '']) {
        const stream = Buffer.from(lines.join(end) + last)
        for (let at = 0; at <= stream.length; at++) expect(decode(stream, [at])).toEqual(expected)
        fc.assert(
          fc.property(fc.array(fc.nat(), { maxLength: 12 }), cuts => {
            expect(decode(stream, cuts)).toEqual(expected)
          }),
        )
      }
    },
  )

  test('is a fault and no end when it is cut at any byte', () => {
    const stream = Buffer.from(lines.join('\n'))
    for (let at = 0; at < stream.length; at++) {
      const deltas = decode(stream.subarray(0, at))
      expect(deltas.at(-1)).toMatchObject({ type: 'fault', status: 502 })
      expect(deltas.some(({ type }) => type === 'end' || type === 'finish')).toBe(false)
    }
  })

  test('leaves uncounted what Ollama has not counted', () => {
    const last = JSON.stringify({ message: { content: 'a' }, done: true, eval_count: 2 })
    expect(decode(last).find(delta => delta.type === 'usage')).toMatchObject({
      usage: { quantities: { 'tok.out.text': 2n } },
    })
    expect(decode('{"message":{"content":"a"},"done":true}').some(({ type }) => type === 'usage')).toBe(false)
  })

  test.each([
    ['an error line', ['{"error":"out of memory"}'], { status: 502, message: 'out of memory' }],
    [
      'calls without end',
      [`{"message":{"tool_calls":[${'{},'.repeat(70_000)}{}]}}`],
      { status: 502, message: 'The model sent more calls than can be read.' },
    ],
    ['three lines that are not JSON', ['x', '{', '1'], { status: 502 }],
  ])('ends in a fault after %s', (_, first, fault) => {
    const deltas = decode([...first, ...lines].join('\n'))
    expect(deltas.at(-1)).toMatchObject({ type: 'fault', ...fault })
  })

  test('is written so that it is read as what was meant', () => {
    fc.assert(
      fc.property(
        answers({ stops: ['end', 'length'], logprobs: true }),
        fc.constantFrom(ollama, ollamaGenerate),
        (deltas, port) => {
          expect(meaning(decode(encode(deltas, port)))).toEqual(counted(meaning(deltas)))
        },
      ),
    )
  })

  test('obeys the order that clients rely on', () => {
    fc.assert(
      fc.property(answers(), deltas => {
        checkOllama(encode(deltas).toString(), about)
      }),
    )
  })

  test('shows no normal end after a fault, nor for an answer that was withheld', () => {
    fc.assert(
      fc.property(answers({ logprobs: true }), fc.nat(), (deltas, at) => {
        const encoder = ollama.encoder(about)
        encoder.push(deltas.slice(0, at % deltas.length))
        expect(encoder.fault(new Fault('unavailable', 'The model stopped.')).toString()).toBe(
          '{"error":"The model stopped."}\n',
        )
        expect(encoder.push([{ choice: 0, type: 'end' }])).toBeUndefined()
      }),
    )
    const filtered: Delta[] = [
      { choice: 0, type: 'finish', stop: 'filter' },
      { choice: 0, type: 'end' },
    ]
    expect(encode(filtered).toString()).toMatch(/^\{"error":"[^"]+"\}\n$/)
    expect(refusal(() => ollama.writeReply(filtered, about)).reason).toBe('content_filter')
  })
})

describe('a whole answer', () => {
  test('is written so that it is read as what was meant', () => {
    fc.assert(
      fc.property(answers(), fc.constantFrom(ollama, ollamaGenerate), (deltas, port) => {
        const again = meaning(ollama.readReply(port.writeReply(deltas, about)) ?? [])
        const text = (kind: string, { choices }: Pick<ReturnType<typeof meaning>, 'choices'>) =>
          choices[0]?.said.flatMap(block => (block.kind === kind ? [block.text] : [])) ?? []
        const whole = counted(meaning(deltas))
        for (const kind of ['text', 'reasoning'])
          expect(text(kind, again).join('')).toBe(text(kind, whole).join(''))
        expect(text('tool', again)).toEqual(text('tool', whole))
        expect([again.usage, again.ended, again.choices[0]?.stop]).toEqual([
          whole.usage,
          'end',
          whole.choices[0]?.stop,
        ])
      }),
    )
  })

  test('is none when it is an error, and none at all when it is not done', () => {
    expect(ollama.readReply(bytes('{"error":"no"}'))).toEqual([
      { choice: 0, type: 'fault', status: 502, message: 'no' },
    ])
    for (const text of ['', '{', '[]', 'null', '{"message":{"content":"a"},"done":false}', '<html>'])
      expect(ollama.readReply(bytes(text))).toBeUndefined()
  })
})

describe('lists of models', () => {
  const model = {
    name: 'm',
    created: 0,
    sizeBytes: 5,
    format: 'gguf',
    family: 'llama',
    contextLength: 2048,
    capabilities: ['completion', 'tools'],
  }

  test('have the members that Ollama has', () => {
    const details = {
      parent_model: '',
      format: 'gguf',
      family: 'llama',
      families: ['llama'],
      parameter_size: '',
      quantization_level: '',
    }
    const parsed = (body: Buffer) => JSON.parse(body.toString()) as { models: { digest: string }[] }
    const [listed] = parsed(ollamaTagsBody([model])).models
    expect(listed).toEqual({
      name: 'm',
      model: 'm',
      size: 5,
      digest: listed?.digest,
      details,
      modified_at: '1970-01-01T00:00:00.000Z',
    })
    expect(listed?.digest).toMatch(/^[0-9a-f]{64}$/)
    expect(parsed(ollamaPsBody([model], 60)).models[0]).toMatchObject({
      expires_at: '1970-01-01T00:01:00.000Z',
      size_vram: 5,
      context_length: 2048,
    })
    expect(parsed(ollamaShowBody(model))).toMatchObject({
      details,
      capabilities: ['completion', 'tools'],
      model_info: { 'llama.context_length': 2048 },
    })
    expect(parsed(ollamaVersionBody('0.30.0'))).toEqual({ version: '0.30.0' })
  })

  test('are asked for by either name, with or without :latest', () => {
    expect([readOllamaShow(bytes({ name: 'a' })), readOllamaShow(bytes({ model: 'b', name: '' }))]).toEqual([
      'a',
      'b',
    ])
    expect([
      sameOllamaModel('a', 'a:latest'),
      sameOllamaModel('a:latest', 'a'),
      sameOllamaModel('a', 'a:7b'),
    ]).toEqual([true, true, false])
  })
})

test('an error is a text, and its status says the rest', () => {
  expect(ollama.errorBody(new Fault('not_found', 'No such model.'), 'r').toString()).toBe(
    '{"error":"No such model."}',
  )
})
