import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { About, Conversation, Delta } from '@switchyard/dialects'
import { responses } from '@switchyard/dialects'
import { Fault } from '@switchyard/kinds'
import fc from 'fast-check'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { joined } from '../src/pieces.ts'
import { answers, conversations, cut, meaning } from './generate.ts'
import { checkDetails, checkResponses, responseEvents } from './orders.ts'

const line = {}
const options = { model: 'up', strict: false, maxOutput: 4096 }
const about: About = { id: 'resp_1', model: 'public', created: 1700000000, usage: true }
const read = (body: object) => responses.readAsk(Buffer.from(JSON.stringify(body)), line)
const write = (ask: Conversation, more: object = {}) => responses.writeAsk(ask, { ...options, ...more })
const written = (ask: Conversation) => JSON.parse(write(ask).value.body.toString()) as Record<string, unknown>

function refusal(run: () => unknown): Fault {
  try {
    run()
  } catch (error) {
    if (error instanceof Fault) return error
    throw error
  }
  throw new Error('nothing was refused')
}

describe('a request for a response', () => {
  test('says in a conversation what it says', () => {
    const body = {
      model: 'm',
      instructions: 'be kind',
      input: [
        {
          role: 'user',
          content: [
            { type: 'input_text', text: 'see' },
            { type: 'input_image', image_url: 'data:image/png;base64,AAAA', detail: 'low' },
            { type: 'input_file', file_url: 'https://x.example/a.pdf' },
          ],
        },
        {
          type: 'reasoning',
          id: 'rs_1',
          summary: [{ type: 'summary_text', text: 'hm' }],
          encrypted_content: 'blob',
        },
        {
          type: 'message',
          id: 'msg_1',
          status: 'completed',
          role: 'assistant',
          content: [{ type: 'output_text', text: 'ok', annotations: [] }],
        },
        {
          type: 'function_call',
          id: 'fc_1',
          call_id: 'c1',
          name: 'f',
          arguments: '{"n":12345678901234567890}',
        },
        { type: 'function_call', call_id: 'c2', name: 'f', arguments: '' },
        { type: 'function_call_output', call_id: 'c1', output: 'one' },
        {
          type: 'function_call_output',
          call_id: 'c2',
          output: [{ type: 'input_image', image_url: 'https://x.example/a.png' }],
        },
        { role: 'developer', content: 'shorter' },
      ],
      tools: [
        { type: 'function', name: 'f', description: 'd', parameters: { type: 'object' }, strict: true },
      ],
      tool_choice: { type: 'function', name: 'f' },
      parallel_tool_calls: false,
      text: { format: { type: 'json_schema', name: 'o', schema: { a: 1 }, strict: true }, verbosity: 'low' },
      reasoning: { effort: 'low', summary: 'auto' },
      include: ['reasoning.encrypted_content'],
      max_output_tokens: 70,
      temperature: 0.5,
      top_p: 0.9,
      stream: true,
      store: false,
      metadata: { k: 'v' },
      user: 'u',
      service_tier: 'auto',
    }
    const ask = read(body)
    expect(ask).toEqual({
      dialect: 'responses',
      model: 'm',
      turns: [
        { role: 'system', parts: [{ type: 'text', text: 'be kind' }] },
        {
          role: 'user',
          parts: [
            { type: 'text', text: 'see' },
            { type: 'image', source: { base64: 'AAAA', mime: 'image/png' }, detail: 'low' },
            { type: 'document', source: { url: 'https://x.example/a.pdf' } },
          ],
        },
        {
          role: 'assistant',
          parts: [
            { type: 'reasoning', text: 'hm', signature: 'rs_1', opaque: 'blob', origin: 'responses' },
            { type: 'text', text: 'ok' },
            { type: 'toolCall', id: 'c1', name: 'f', args: '{"n":12345678901234567890}' },
            { type: 'toolCall', id: 'c2', name: 'f', args: '{}' },
          ],
        },
        {
          role: 'tool',
          parts: [
            { type: 'toolResult', callId: 'c1', parts: [{ type: 'text', text: 'one' }], isError: false },
            {
              type: 'toolResult',
              callId: 'c2',
              parts: [{ type: 'image', source: { url: 'https://x.example/a.png' } }],
              isError: false,
            },
          ],
        },
        { role: 'system', parts: [{ type: 'text', text: 'shorter' }] },
      ],
      tools: [{ name: 'f', description: 'd', schema: '{"type":"object"}', strict: true }],
      toolChoice: { name: 'f' },
      parallelTools: false,
      output: { type: 'schema', name: 'o', schema: '{"a":1}', strict: true },
      maxOutput: 70,
      stop: [],
      sampling: { temperature: 0.5, topP: 0.9 },
      reasoning: { effort: 'low', show: true },
      stream: { on: true, usage: true },
      user: 'u',
      metadata: '{"k":"v"}',
      tier: 'auto',
      rest: { store: 'false', 'text.verbosity': '"low"' },
    })
    expect(read(written(ask))).toEqual({ ...ask, model: 'up' })
  })

  test('keeps its meaning when it is written and read again, and names what it has no word for', () => {
    fc.assert(
      fc.property(conversations('responses'), asked => {
        const { value, dropped } = write(asked, { model: asked.model })
        const { seed, ...sampling } = asked.sampling
        expect(dropped).toEqual([
          ...(asked.stop.length > 0 ? ['stop'] : []),
          ...(seed === undefined ? [] : ['seed']),
        ])
        const output = asked.output?.type === 'schema' ? { name: 'answer', ...asked.output } : asked.output
        const expected = { ...asked, stop: [], sampling, output }
        expect({ output: undefined, ...responses.readAsk(joined(value.body), line) }).toEqual(expected)
      }),
    )
  })

  test('keeps nothing upstream for callers of other dialects, and leaves out what others have sealed', () => {
    const ask: Conversation = {
      ...read({
        model: 'm',
        input: 'hi',
        reasoning: { effort: 'high' },
        tools: [{ type: 'function', name: 'a.b' }],
      }),
      dialect: 'anthropic',
      turns: [
        { role: 'user', parts: [{ type: 'text', text: 'hi' }] },
        {
          role: 'assistant',
          parts: [
            { type: 'reasoning', text: 'hm', signature: 's', origin: 'anthropic' },
            { type: 'toolCall', id: 'ü', name: 'a.b', args: '' },
          ],
        },
        {
          role: 'tool',
          parts: [{ type: 'toolResult', callId: 'ü', parts: [{ type: 'text', text: 'no' }], isError: true }],
        },
      ],
    }
    expect(write(ask).dropped).toEqual(['reasoning'])
    const body = written(ask)
    expect(body).toMatchObject({ store: false, include: ['reasoning.encrypted_content'] })
    expect(body.tools).toMatchObject([{ strict: false, parameters: null }])
    const [, call, result] = body.input as Record<string, unknown>[] // written just above
    expect(call).toMatchObject({ type: 'function_call', arguments: '{}' })
    expect(result).toEqual({ type: 'function_call_output', call_id: call?.call_id, output: 'Error: no' })
    expect(refusal(() => write({ ...ask, n: 2 })).details[0]?.path).toBe('n')
    expect(refusal(() => write({ ...ask, stop: ['x'] }, { strict: true })).reason).toBe(
      'unsupported_parameter',
    )
  })

  test.each([
    ['no model', { input: 'x' }, 'missing_field', 'model'],
    ['no input', { model: 'm' }, 'missing_field', 'input'],
    ['input that is none', { model: 'm', input: 4 }, 'invalid_value', 'input'],
    ['an item that is none', { model: 'm', input: [1] }, 'invalid_value', 'input.0'],
    [
      'an item that a provider made',
      { model: 'm', input: [{ type: 'web_search_call' }] },
      'unsupported_parameter',
      'input.0.type',
    ],
    [
      'an item of a name that objects have',
      { model: 'm', input: [{ type: 'constructor' }] },
      'unsupported_parameter',
      'input.0.type',
    ],
    [
      'a tool that a provider runs',
      { model: 'm', input: 'x', tools: [{ type: 'web_search' }] },
      'unsupported_parameter',
      'tools.0.type',
    ],
    [
      'a response before it',
      { model: 'm', input: 'x', previous_response_id: 'resp_0' },
      'unsupported_parameter',
      'previous_response_id',
    ],
    [
      'a call without its result',
      { model: 'm', input: [{ type: 'function_call', call_id: 'c', name: 'f', arguments: '' }] },
      'invalid_value',
      'messages',
    ],
  ])('is refused by name with %s', (_, body, reason, path) => {
    const fault = refusal(() => read(body))
    expect([fault.code, fault.reason, fault.details[0]?.path]).toEqual(['invalid', reason, path])
  })

  test.each(['"__proto__":{"model":"x"}', '"text":{"__proto__":{"format":1}}'])(
    'is not replaced by a prototype: %s',
    member => {
      const ask = responses.readAsk(Buffer.from(`{${member},"model":"m","input":"hi"}`), line)
      expect(written(ask)).toEqual({ model: 'up', input: [{ role: 'user', content: 'hi' }] })
    },
  )

  test('never fails but by a fault, whatever is sent', () => {
    const names = [
      'type',
      'role',
      'content',
      'text',
      'image_url',
      'summary',
      'encrypted_content',
      'call_id',
      'name',
      'arguments',
      'output',
      'format',
      'schema',
      'effort',
      'mode',
      'tools',
      '__proto__',
      'constructor',
    ]
    const words = [
      'message',
      'user',
      'function',
      'function_call',
      'function_call_output',
      'reasoning',
      'input_text',
      'input_image',
      'input_file',
      'json_schema',
      'allowed_tools',
      'x',
    ]
    const hostile = fc.letrec(tie => ({
      value: fc.oneof(
        { depthSize: 'medium' },
        fc.constantFrom(null, true, 0, -1.5, '', ...words),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(fc.constantFrom(...names), tie('value'), { maxKeys: 5, noNullPrototype: true }),
      ),
    }))
    const top = ['input', 'tools', 'tool_choice', 'text', 'reasoning', 'include', 'instructions', '__proto__']
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...top), hostile.value, { noNullPrototype: true }), body => {
        try {
          write(read({ model: 'm', input: 'x', ...body }))
        } catch (error) {
          expect(error).toBeInstanceOf(Fault)
          expect((error as Fault).code).toBe('invalid') // checked on the line above
        }
      }),
      { numRuns: 1000 },
    )
    const deep = `{"model":"m","input":${'['.repeat(5000)}${']'.repeat(5000)}}`
    expect(refusal(() => responses.readAsk(Buffer.from(deep), line)).reason).toBe('invalid_json')
    const many = `{"model":"m","input":[${'0,'.repeat(100_000)}0]}`
    expect(refusal(() => responses.readAsk(Buffer.from(many), line)).reason).toBe('invalid_value')
  })
})

const decode = (stream: string | Buffer, cuts: readonly number[] = []) => {
  const decoder = responses.decoder()
  return [...cut(Buffer.from(stream), cuts).flatMap(part => [...decoder.push(part)]), ...decoder.finish()]
}
const encode = (deltas: readonly Delta[]) => {
  const encoder = responses.encoder(about)
  return Buffer.concat(deltas.flatMap(delta => encoder.push([delta]) ?? []))
}

const usage = {
  input_tokens: 9,
  input_tokens_details: { cached_tokens: 4 },
  output_tokens: 5,
  output_tokens_details: { reasoning_tokens: 2 },
  total_tokens: 14,
}
const response = {
  id: 'resp_u',
  object: 'response',
  created_at: 1,
  model: 'up',
  output: [],
  status: 'in_progress',
}
const reasoning = { id: 'rs_1', type: 'reasoning', summary: [] }
const message = { id: 'msg_1', type: 'message', role: 'assistant', content: [] }
const call = (n: number, name: string) => ({
  id: `fc_${n}`,
  type: 'function_call',
  call_id: `c${n}`,
  name,
  arguments: '',
})
const whole: readonly Record<string, unknown>[] = [
  { type: 'response.created', response },
  { type: 'response.in_progress', response },
  { type: 'response.output_item.added', output_index: 0, item: reasoning },
  { type: 'response.reasoning_summary_part.added', output_index: 0, summary_index: 0 },
  { type: 'response.reasoning_summary_text.delta', output_index: 0, summary_index: 0, delta: 'hm é' },
  { type: 'response.reasoning_summary_part.added', output_index: 0, summary_index: 1 },
  { type: 'response.reasoning_summary_text.delta', output_index: 0, summary_index: 1, delta: 'so' },
  { type: 'response.output_item.done', output_index: 0, item: { ...reasoning, encrypted_content: 'blob' } },
  { type: 'response.output_item.added', output_index: 1, item: message },
  {
    type: 'response.content_part.added',
    output_index: 1,
    content_index: 0,
    part: { type: 'output_text', text: '' },
  },
  { type: 'response.output_text.delta', output_index: 1, content_index: 0, delta: 'a漢' },
  { type: 'response.output_text.done', output_index: 1, content_index: 0, text: 'a漢' },
  {
    type: 'response.output_item.done',
    output_index: 1,
    item: { ...message, content: [{ type: 'output_text', text: 'a漢' }] },
  },
  { type: 'response.output_item.added', output_index: 2, item: call(2, 'f') },
  { type: 'response.function_call_arguments.delta', output_index: 2, delta: '{"n":' },
  { type: 'response.function_call_arguments.delta', output_index: 2, delta: '1.0}' },
  { type: 'response.output_item.done', output_index: 2, item: { ...call(2, 'f'), arguments: '{"n":1.0}' } },
  { type: 'response.output_item.added', output_index: 3, item: call(3, 'g') },
  { type: 'response.output_item.done', output_index: 3, item: { ...call(3, 'g'), arguments: '{}' } },
  { type: 'response.completed', response: { ...response, status: 'completed', usage } },
]
const sse = (events: readonly Record<string, unknown>[]) =>
  events
    .map(
      (event, n) =>
        `event: ${String(event.type)}\ndata: ${JSON.stringify({ sequence_number: n, ...event })}\n\n`,
    )
    .join('')

describe('a stream of events', () => {
  const expected = decode(sse(whole))

  test('is read as deltas: summaries as paragraphs, seals, calls, usage', () => {
    expect(meaning(expected)).toEqual({
      choices: [
        {
          choice: 0,
          said: [
            { kind: 'reasoning', text: 'hm é\n\nso', signature: 'rs_1' },
            { kind: 'text', text: 'a漢' },
            { kind: 'tool', id: 'c2', name: 'f', text: '{"n":1.0}' },
            { kind: 'tool', id: 'c3', name: 'g', text: '{}' },
          ],
          stop: 'tool',
        },
      ],
      usage: { 'tok.in.cache_read': 4n, 'tok.in.uncached': 5n, 'tok.out.reasoning': 2n, 'tok.out.text': 3n },
      ended: 'end',
    })
    expect(expected.find(delta => delta.type === 'signature')).toMatchObject({
      opaque: 'blob',
      origin: 'responses',
    })
  })

  test.each(['\n', '\r', '\r\n'])(
    'gives the same deltas however its bytes are cut, with line ends %j',
    end => {
      const bytes = Buffer.from(sse(whole).replaceAll('\n', end))
      for (let at = 0; at <= bytes.length; at++) expect(decode(bytes, [at])).toEqual(expected)
      fc.assert(
        fc.property(fc.array(fc.nat(), { maxLength: 12 }), cuts => {
          expect(decode(bytes, cuts)).toEqual(expected)
        }),
      )
    },
  )

  test('is a fault and no end when it is cut before its last event', () => {
    for (let events = 0; events < whole.length; events++)
      expect(meaning(decode(sse(whole.slice(0, events)))).ended).toBe('fault')
  })

  test.each([
    ['incomplete', 'max_output_tokens', 'length'],
    ['incomplete', 'content_filter', 'filter'],
    ['incomplete', 'something_new', 'end'],
    ['completed', undefined, 'end'],
  ])('that is %s by %s has the stop %s', (status, reason, stop) => {
    const ended = { ...response, status, incomplete_details: reason ? { reason } : null }
    const text = { type: 'response.output_text.delta', output_index: 0, delta: 'x' }
    const deltas = decode(sse([...whole.slice(0, 2), text, { type: `response.${status}`, response: ended }]))
    expect(deltas.find(delta => delta.type === 'finish')).toMatchObject({ stop, raw: reason ?? status })
  })

  test.each([
    [
      'a failed response',
      {
        type: 'response.failed',
        response: { ...response, status: 'failed', error: { code: 'rate_limit_exceeded', message: 'slow' } },
      },
    ],
    ['an error event', { type: 'error', code: 'rate_limit_exceeded', message: 'slow', param: null }],
    [
      'an error event that is nested',
      { type: 'error', error: { type: 'x', code: 'rate_limit_exceeded', message: 'slow' } },
    ],
    ['an error alone', { error: { code: 'rate_limit_exceeded', message: 'slow' } }],
  ])('tells of %s', (_, event) => {
    const fault = { choice: 0, type: 'fault', status: 429, kind: 'rate_limit_exceeded', message: 'slow' }
    for (const before of [0, 12])
      expect(decode(sse([...whole.slice(0, before), event])).at(-1)).toEqual(fault)
  })

  test('never throws, whatever the upstream sends', () => {
    const hostile = fc.letrec(tie => ({
      value: fc.oneof(
        { depthSize: 'medium' },
        fc.constantFrom(
          null,
          true,
          0,
          -1.5,
          1e300,
          '',
          'response',
          'completed',
          'incomplete',
          'message',
          'function_call',
          'reasoning',
          'error',
          'response.failed',
          'response.completed',
          'response.output_item.added',
          'response.output_item.done',
          'response.output_text.delta',
          'response.function_call_arguments.delta',
        ),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(
          fc.constantFrom(
            'type',
            'object',
            'status',
            'response',
            'output',
            'output_index',
            'item',
            'delta',
            'content',
            'summary',
            'text',
            'refusal',
            'call_id',
            'name',
            'arguments',
            'encrypted_content',
            'usage',
            'input_tokens',
            'error',
            'code',
            'message',
            '__proto__',
          ),
          tie('value'),
          { maxKeys: 6, noNullPrototype: true },
        ),
      ),
    }))
    const judge = (text: string) => {
      const deltas = responses.readReply(Buffer.from(text))
      if (deltas) expect(deltas.at(-1)?.type).toMatch(/^(end|fault)$/)
      for (const stream of [`data: ${text}\n\n`, text])
        expect(decode(stream).at(-1)?.type).toMatch(/^(end|fault)$/)
    }
    fc.assert(
      fc.property(hostile.value, value => {
        judge(JSON.stringify(value))
      }),
      { numRuns: 1000 },
    )
    judge(`{"error":${'['.repeat(50_000)}${']'.repeat(50_000)}}`)
    judge(`{"output":[${'0,'.repeat(100_000)}0]}`)
  })

  test('passes over events that are none and [DONE], three in a row end it', () => {
    const odd = 'data: {"x"\n\n'
    expect(meaning(decode(`${odd}${odd}${sse(whole)}data: [DONE]\n\n`))).toEqual(meaning(expected))
    expect(meaning(decode(`${odd}${odd}${odd}${sse(whole)}`)).ended).toBe('fault')
  })
})

describe('an encoded stream', () => {
  const arbitrary = answers({ signatures: true, logprobs: true, stops: ['end', 'length', 'filter'] })

  test('S8: numbers its events without gaps, keeps the order of its dialect, and is read again with the same meaning', () => {
    fc.assert(
      fc.property(arbitrary, deltas => {
        const bytes = encode(deltas)
        checkResponses(responseEvents(bytes))
        expect(meaning(decode(bytes))).toEqual(meaning(deltas))
      }),
    )
  })

  test('S8: ends in the response that the whole reply is, with every detail of usage a whole number', () => {
    fc.assert(
      fc.property(arbitrary, deltas => {
        const reply = responses.writeReply(deltas, about)
        const last = responseEvents(encode(deltas)).at(-1)?.response
        expect(last).toEqual(JSON.parse(reply.toString()))
        expect(meaning(responses.readReply(reply) ?? [])).toEqual(meaning(deltas))
        checkDetails(last?.usage)
      }),
    )
  })

  test('that fails at any place ends in a failed response and in nothing else', () => {
    const fault = new Fault('unavailable', 'gone', { status: 502, reason: 'upstream_error' })
    const [deltas] = fc.sample(arbitrary, { numRuns: 1, seed: 7 })
    for (let at = 0; at < (deltas?.length ?? 0); at++) {
      const encoder = responses.encoder(about)
      const before = (deltas ?? []).slice(0, at).flatMap(delta => encoder.push([delta]) ?? [])
      const bytes = Buffer.concat([...before, encoder.fault(fault)])
      const events = responseEvents(bytes)
      checkResponses(events)
      expect(events.at(-1)?.response).toMatchObject({
        status: 'failed',
        error: { code: 'server_error', message: 'gone' },
      })
      expect(decode(bytes).at(-1)).toMatchObject({ type: 'fault', message: 'gone' })
      expect(meaning(decode(bytes)).ended).toBe('fault')
    }
  })

  test('wraps what another origin has sealed, and takes it back as it was', () => {
    const deltas: Delta[] = [
      { choice: 0, type: 'start' },
      { choice: 0, type: 'open', block: 0, kind: 'reasoning' },
      { choice: 0, type: 'signature', block: 0, signature: 'sig', origin: 'gemini' },
      { choice: 0, type: 'close', block: 0 },
      { choice: 0, type: 'finish', stop: 'end' },
      { choice: 0, type: 'end' },
    ]
    const output = responseEvents(encode(deltas)).at(-1)?.response?.output
    expect(read({ model: 'm', input: output }).turns[0]?.parts).toEqual([
      { type: 'reasoning', signature: 'sig', origin: 'gemini' },
    ])
  })

  test('shows a refusal as one', () => {
    const deltas: Delta[] = [
      { choice: 0, type: 'start' },
      { choice: 0, type: 'open', block: 0, kind: 'refusal' },
      { choice: 0, type: 'text', block: 0, text: 'no' },
      { choice: 0, type: 'close', block: 0 },
      { choice: 0, type: 'finish', stop: 'refusal' },
      { choice: 0, type: 'end' },
    ]
    const events = responseEvents(encode(deltas))
    checkResponses(events)
    expect(events.at(-1)?.response).toMatchObject({
      status: 'incomplete',
      incomplete_details: { reason: 'content_filter' },
    })
    expect(meaning(decode(encode(deltas)))).toEqual(meaning(deltas))
  })
})

describe('the official client', () => {
  let answer: { type: string; bytes: Buffer } = { type: '', bytes: Buffer.alloc(0) }
  const server = createServer((request, reply) => {
    request.resume().on('end', () => {
      reply.writeHead(200, { 'content-type': answer.type })
      reply.end(answer.bytes)
    })
  })
  let client: OpenAI
  beforeAll(async () => {
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo // it listens on TCP
    client = new OpenAI({ apiKey: 'k', baseURL: `http://127.0.0.1:${port}/v1`, maxRetries: 0 })
  })
  afterAll(() => server.close())

  test('accumulates converted streams to the reply that they end in', async () => {
    const arbitrary = answers({ signatures: true, stops: ['end', 'length'] })
    for (const deltas of fc.sample(arbitrary, { numRuns: 25, seed: 3 })) {
      answer = { type: 'text/event-stream; charset=utf-8', bytes: encode(deltas) }
      const stream = client.responses.stream({ model: 'm', input: 'hi' })
      let text = ''
      stream.on('response.output_text.delta', ({ delta }) => {
        text += delta
      })
      const final = await stream.finalResponse()
      const blocks = (meaning(deltas).choices[0]?.said ?? []) as { kind: string; text: string }[] // what meaning() makes
      expect(text).toBe(blocks.map(block => (block.kind === 'text' ? block.text : '')).join(''))
      expect(final.output_text).toBe(text)
      answer = { type: 'application/json', bytes: responses.writeReply(deltas, about) }
      const reply = await client.responses.create({ model: 'm', input: 'hi' })
      expect(reply.output_text).toBe(text)
      const plain = (items: unknown) =>
        JSON.stringify(items, (name, value: unknown) => (name.startsWith('parsed') ? undefined : value))
      expect(plain(final.output)).toBe(plain(reply.output))
    }
  })

  test('sees a fault in the middle of a stream as a failed response', async () => {
    const encoder = responses.encoder(about)
    const open: Delta[] = [
      { choice: 0, type: 'open', block: 0, kind: 'text' },
      { choice: 0, type: 'text', block: 0, text: 'x' },
    ]
    const fault = new Fault('unavailable', 'gone', { status: 502, reason: 'upstream_error' })
    answer = {
      type: 'text/event-stream',
      bytes: Buffer.concat([encoder.push(open) ?? Buffer.alloc(0), encoder.fault(fault)]),
    }
    const types: string[] = []
    for await (const event of await client.responses.create({ model: 'm', input: 'hi', stream: true }))
      types.push(event.type)
    expect(types.at(-1)).toBe('response.failed')
    expect(types).not.toContain('response.completed')
  })
})

describe('an error body', () => {
  test("has OpenAI's four members", () => {
    const fault = new Fault('exhausted', 'slow', { reason: 'rate_limit_exceeded' })
    expect(JSON.parse(responses.errorBody(fault, 'r').toString())).toEqual({
      error: { message: 'slow', type: 'rate_limit_error', param: null, code: 'rate_limit_exceeded' },
    })
    expect(responses.readReply(responses.errorBody(fault, 'r'))).toMatchObject([
      { type: 'fault', status: 429, message: 'slow' },
    ])
  })
})
