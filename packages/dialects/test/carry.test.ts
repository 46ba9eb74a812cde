// What reaches an upstream of what a caller asks: the same bytes within a dialect, the same meaning elsewhere.

import {
  type CallerName,
  callers,
  carry,
  carryCount,
  carryOpenai,
  conversationOf,
  type Delta,
  estimateCount,
  type Line,
  listModelsBody,
  modelBody,
  type Operation,
  readRequest,
  type Speech,
} from '@switchyard/dialects'
import { Fault } from '@switchyard/kinds'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { engineRow } from '../src/openai/chat/row.ts'
import { joined } from '../src/pieces.ts'
import { carriageOf, decode, options, pairs, ports, speeches, streamed } from './carriages.ts'
import { answers, meaning } from './generate.ts'

const spoken = Object.fromEntries(speeches.map(to => [to.dialect, to])) as Record<Speech['dialect'], Speech> // all five

function refusal(run: () => unknown): Fault {
  try {
    run()
  } catch (error) {
    if (error instanceof Fault) return error
    throw error
  }
  throw new Error('accepted')
}

/** Texts by kind, and calls: two dialects have one place for each, whatever the order. */
function sums(deltas: readonly Delta[]) {
  const said = meaning(deltas).choices[0]?.said ?? []
  const texts = (kind: string) =>
    said.flatMap(block => (block.kind === kind ? [String(block.text)] : [])).join('')
  const calls = said.filter(({ kind }) => kind === 'tool').map(({ name, text }) => [name, text])
  return { text: texts('text'), reasoning: texts('reasoning'), calls }
}

const read = (name: CallerName, body: string | Buffer, line: Line = {}) =>
  readRequest(name, streamed[name].operation, Buffer.from(body), line)

/** Where each dialect is asked, streamed and not. */
const paths = {
  openai: ['/v1/chat/completions', '/v1/chat/completions'],
  responses: ['/v1/responses', '/v1/responses'],
  anthropic: ['/v1/messages', '/v1/messages'],
  gemini: ['/v1beta/models/up:streamGenerateContent?alt=sse', '/v1beta/models/up:generateContent'],
  ollama: ['/api/chat', '/api/chat'],
} as const

describe.each(pairs)('a request of $name to $upstream', ({ name, caller, to, upstream }) => {
  test('goes to the path of the upstream, and the answer is awaited in its form', () => {
    const carriage = carriageOf(name, to)
    expect(carriage.path).toBe(
      name === 'ollamaGenerate' && upstream === 'ollama' ? '/api/generate' : paths[upstream][0],
    )
    expect(carriage.streamType).toBe(upstream === 'ollama' ? 'application/x-ndjson' : 'text/event-stream')
    expect(carriage.same).toBe(caller.dialect === upstream)
    if (name === 'ollamaGenerate' && upstream === 'ollama') return
    const heard = ports[upstream].readAsk(joined(carriage.body), { model: 'up', stream: true })
    expect(heard.turns).toEqual([{ role: 'user', parts: [{ type: 'text', text: 'hi' }] }])
    expect(heard.model).toBe('up')
    expect(heard.stream.on).toBe(true)
  })

  test('is answered whole with what the upstream said', () => {
    fc.assert(
      fc.property(answers({ stops: ['end', 'length'], logprobs: true }), deltas => {
        const { operation, body, line } = streamed[name]
        const plain = body.replace(',"stream":true', '').replace(/,"stream_options":\{[^}]*\}/, '')
        const whole = caller.dialect === 'ollama' ? plain.replace(/\}$/, ',"stream":false}') : plain
        const ask = readRequest(name, operation, Buffer.from(whole), line ? { ...line, stream: false } : {})
        expect(ask.stream.on).toBe(false)
        const carriage = carry(ask, to, options)
        const sent = ports[upstream].writeReply(deltas, { id: 'up1', model: 'up', created: 1, usage: true })
        const reply = carriage.reply(sent)
        if (carriage.same) expect(reply?.bytes.toString()).toBe(sent.toString().replace('"up"', '"public"'))
        const heard = ports[caller.dialect].readReply(reply?.bytes ?? Buffer.alloc(0)) ?? []
        expect(sums(heard)).toEqual(sums(ports[upstream].readReply(sent) ?? []))
        expect(reply?.usage).toEqual(
          ports[upstream]
            .readReply(sent)
            ?.flatMap(each => (each.type === 'usage' ? [each.usage] : []))
            .at(-1),
        )
      }),
      { numRuns: 20 },
    )
  })

  test('is answered by nothing when the reply is cut', () => {
    const [deltas] = fc.sample(answers(), { numRuns: 1, seed: 7 })
    const sent = ports[upstream].writeReply(deltas ?? [], { id: 'up1', model: 'up', created: 1, usage: true })
    for (let end = 0; end < sent.length; end++)
      expect(carriageOf(name, to).reply(sent.subarray(0, end))).toBeUndefined()
  })

  test('that is refused says why, for the caller whose request is at fault', () => {
    const said = carriageOf(name, to).reply(
      Buffer.from(
        upstream === 'ollama' ? '{"error":"too long"}' : '{"error":{"message":"too long","code":400}}',
      ),
    )
    expect(said?.error).toBeDefined()
    if (upstream !== 'openai' || !carriageOf(name, to).same) expect(said?.error?.message).toBe('too long')
  })
})

const value = fc.constantFrom(
  '1e400',
  '12345678901234567890',
  '"\\ud800"',
  '{"model":"x","model":"y"}',
  '[ ]',
)
const member = fc.tuple(fc.stringMatching(/^x[a-z]{0,8}$/), value)

describe.each(['openai', 'responses', 'anthropic', 'ollama', 'ollamaGenerate'] as const)(
  'a body of %s to its own kind',
  name => {
    const to = spoken[callers[name].dialect]

    test('differs in the value of model alone', () => {
      fc.assert(
        fc.property(fc.array(member), fc.array(member), (before, after) => {
          const text = (model: string) =>
            `{${[...before.map(([k, v]) => `"${k}": ${v} `), `"model" :\t${model}`, ...after.map(([k, v]) => `"${k}":${v}`)].join(',')}}`
          const ask = read(name, text('"public\\u002dname"'))
          expect(ask.model).toBe('public-name')
          expect(carry({ ...ask, stream: { on: false, usage: false } }, to, options).body.toString()).toBe(
            text('"up"'),
          )
        }),
      )
    })

    test('is the very bytes when the names are the same', () => {
      const ask = read(name, '{ "model" : "up" ,"stream":false,"x":1e400}')
      expect(carry(ask, to, options).body).toBe(ask.bytes)
    })
  },
)

test('a body of Gemini passes as it is: the path names the model, and so does a model in the body', () => {
  const line = { model: 'public', stream: false }
  const ask = read('gemini', '{"contents" : [1e400]}', line)
  expect(carry(ask, spoken.gemini, options).body).toBe(ask.bytes)
  const named = read('gemini', '{ "model":"models/public","contents":[]}', line)
  expect(carry(named, spoken.gemini, options).body.toString()).toBe('{ "model":"models/up","contents":[]}')
})

test('usage is asked of an upstream that takes the ask, and of no other', () => {
  const ask = read('openai', '{"model":"public","stream":true}')
  const to = (streamUsage: boolean): Speech => ({ dialect: 'openai', row: { ...engineRow, streamUsage } })
  expect(carry(ask, to(true), options).body.toString()).toContain('include_usage')
  expect(carry(ask, to(false), options).body.toString()).toBe('{"model":"up","stream":true}')
})

test('a model that the path names is put into the body', () => {
  const ask = readRequest('openai', 'chat.completions', Buffer.from(' { "messages":[]}'), { model: 'public' })
  expect(ask.model).toBe('public')
  expect(carry(ask, spoken.openai, options).body.toString()).toBe(' {"model":"up", "messages":[]}')
  const empty = readRequest('openai', 'chat.completions', Buffer.from('{ }'), { model: 'public' })
  expect(carry(empty, spoken.openai, options).body.toString()).toBe('{"model":"up" }')
})

describe('what governs', () => {
  test.each<[CallerName, string, Line, Partial<ReturnType<typeof read>>]>([
    [
      'openai',
      '{"model":"m","max_tokens":5,"max_completion_tokens":7,"n":2,"user":"u"}',
      {},
      { maxOutput: 7, n: 2, user: 'u' },
    ],
    [
      'openai',
      '{"model":"m","max_tokens":null,"n":0,"user":7}',
      {},
      { maxOutput: undefined, n: 1, user: undefined },
    ],
    [
      'responses',
      '{"model":"m","max_output_tokens":5,"stream":true}',
      {},
      { maxOutput: 5, stream: { on: true, usage: true } },
    ],
    ['anthropic', '{"model":"m","max_tokens":5}', {}, { maxOutput: 5, stream: { on: false, usage: false } }],
    [
      'gemini',
      '{"generationConfig":{"maxOutputTokens":5,"candidateCount":3}}',
      { model: 'm', stream: true },
      { model: 'm', maxOutput: 5, n: 3, stream: { on: true, usage: true } },
    ],
    [
      'ollama',
      '{"model":"m","options":{"num_predict":5}}',
      {},
      { maxOutput: 5, stream: { on: true, usage: true } },
    ],
    [
      'ollama',
      '{"model":"m","stream":false,"options":{"num_predict":-1}}',
      {},
      { maxOutput: undefined, stream: { on: false, usage: false } },
    ],
  ])('for %s is read from %s', (name, body, line, expected) => {
    expect(read(name, body, line)).toMatchObject(expected)
  })

  test.each<[CallerName, string, string]>([
    ['responses', '{"model":"a","model":"b"}', 'model'],
    ['anthropic', '{"mod\\u0065l":"b"}', 'model'],
    ['anthropic', '{"model":"a","max_tokens":1,"max_tokens":2}', 'max_tokens'],
    ['ollama', '{"model":"a","stream":true,"stream":false}', 'stream'],
    ['ollama', '{"model":"a","options":{"num_predict":1,"num_predict":2}}', 'options.num_predict'],
    ['gemini', '{"generationConfig":{},"generationConfig":{}}', 'generationConfig'],
    ['gemini', '{"generationConfig":{"maxOutputTok\\u0065ns":1}}', 'generationConfig.maxOutputTokens'],
  ])('for %s stands once and without escapes: %s', (name, body, path) => {
    expect(
      refusal(() => read(name, body, name === 'gemini' ? { model: 'm', stream: false } : {})),
    ).toMatchObject({
      code: 'invalid',
      reason: 'duplicate_member',
      details: [{ path }],
    })
  })

  test('is not there for hostile bodies: they are refused, and never a crash', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.keys(streamed)) as fc.Arbitrary<CallerName>,
        fc.json(),
        (name, body) => {
          for (const to of speeches)
            try {
              carry(read(name, body), to, options)
            } catch (error) {
              if (!(error instanceof Fault) || error.code !== 'invalid') throw error
            }
        },
      ),
    )
  })
})

test('a conversation is read once, however often it is sent', () => {
  const ask = read('anthropic', streamed.anthropic.body)
  expect(conversationOf(ask)).toBe(conversationOf(ask))
})

test('what the upstream can not say is named, or refused where nothing may be lost', () => {
  const ask = read(
    'openai',
    '{"model":"m","messages":[{"role":"user","content":"hi"}],"seed":7,"logit_bias":{"1":1},"temperature":2}',
  )
  expect(carry(ask, spoken.anthropic, options)).toMatchObject({
    dropped: ['seed', 'logit_bias'],
    clamped: ['temperature'],
  })
  expect(refusal(() => carry(ask, spoken.anthropic, { ...options, strict: true })).reason).toBe(
    'unsupported_parameter',
  )
})

test('an answer that the caller has no form for is a refusal, and what it used is told', () => {
  const sent = ports.openai.writeReply(
    [
      { choice: 0, type: 'start' },
      { choice: 0, type: 'finish', stop: 'filter' },
      {
        choice: 0,
        type: 'usage',
        usage: { quantities: { 'tok.in.uncached': 5n }, source: 'engine', flags: [] },
      },
      { choice: 0, type: 'end' },
    ],
    { id: 'i', model: 'up', created: 1, usage: true },
  )
  const reply = carriageOf('ollama', spoken.openai).reply(sent)
  expect(reply).toMatchObject({ refusal: { reason: 'content_filter' }, error: undefined })
  expect(reply?.usage?.quantities).toEqual({ 'tok.in.uncached': 5n })
})

test.each<[Operation, string]>([
  ['completions', '/v1/completions'],
  ['moderations', '/v1/moderations'],
  ['rerank', '/v2/rerank'],
  ['images.generations', '/v1/images/generations'],
])('%s passes to an upstream of OpenAI, and is refused elsewhere', (operation, path) => {
  const ask = readRequest('openai', operation, Buffer.from('{"model":"public","input":"x"}'), {})
  const carriage = carryOpenai(ask, path, spoken.openai, options)
  expect(carriage).toMatchObject({ path, same: true })
  expect(carriage.body.toString()).toBe('{"model":"up","input":"x"}')
  expect(carriage.reply(Buffer.from('{"model":"up"}'))?.bytes.toString()).toBe('{"model":"public"}')
  expect(refusal(() => carryOpenai(ask, path, spoken.anthropic, options)).reason).toBe('unsupported_by_model')
})

test('the tokens of images are read', () => {
  const ask = readRequest('openai', 'images.generations', Buffer.from('{"model":"public","prompt":"x"}'), {})
  const usage = {
    input_tokens: 12,
    output_tokens: 100,
    total_tokens: 112,
    input_tokens_details: { image_tokens: 2, text_tokens: 10 },
  }
  const body = Buffer.from(JSON.stringify({ data: [{ b64_json: 'AAAA' }], usage }))
  const reply = carryOpenai(ask, '/v1/images/generations', spoken.openai, options).reply(body)
  expect(reply?.bytes).toBe(body)
  expect(reply?.usage?.quantities).toEqual({
    'img.out.count': 1n,
    'tok.in.image': 2n,
    'tok.in.uncached': 10n,
    'tok.out.image': 100n,
  })
})

test('sound passes as it comes, and is whole when the upstream ends it', () => {
  const ask = readRequest('openai', 'audio.speech', Buffer.from('{"model":"public","input":"x"}'), {})
  const tap = carryOpenai(ask, '/v1/audio/speech', spoken.openai, options).tap()
  const chunk = Buffer.of(0xff, 0xfb)
  tap.push(chunk)
  expect(tap.out).toBe(chunk)
  expect(tap.terminal).toBeUndefined()
  tap.finish()
  expect(tap.terminal).toEqual(Buffer.alloc(0))
})

describe('a count of tokens', () => {
  const anthropicBody = '{"model":"public","messages":[{"role":"user","content":"hello you"}]}'
  const geminiBody =
    '{"generateContentRequest":{"model":"models/public","contents":[{"parts":[{"text":"hello you"}]}]}}'
  const ask = (name: CallerName, operation: Operation, body: string, line: Line = {}) =>
    readRequest(name, operation, Buffer.from(body), line)

  test('is asked of an upstream of the same dialect, in the same bytes', () => {
    const carried = carryCount(ask('anthropic', 'count_tokens', anthropicBody), spoken.anthropic, options)
    expect(carried?.path).toBe('/v1/messages/count_tokens')
    expect(carried?.body.toString()).toBe(anthropicBody.replace('public', 'up'))
    expect(carried?.reply(Buffer.from('{"input_tokens":3}'))?.bytes.toString()).toBe('{"input_tokens":3}')
    const gemini = carryCount(
      ask('gemini', 'countTokens', geminiBody, { model: 'public', stream: false }),
      spoken.gemini,
      options,
    )
    expect(gemini?.path).toBe('/v1beta/models/up:countTokens')
    expect(gemini?.body.toString()).toBe(geminiBody.replace('public', 'up'))
    expect(gemini?.reply(Buffer.from('{"totalTok'))).toBeUndefined()
  })

  test('is estimated elsewhere', () => {
    const count = ask('anthropic', 'count_tokens', anthropicBody)
    expect(carryCount(count, spoken.openai, options)).toBeUndefined()
    expect(estimateCount(count).toString()).toBe('{"input_tokens":3}')
    expect(
      estimateCount(ask('gemini', 'countTokens', geminiBody, { model: 'm', stream: false })).toString(),
    ).toBe('{"totalTokens":3}')
  })
})

test('a list of models has three shapes, and one model too', () => {
  const model = { name: 'a', created: 1_700_000_000, owner: 'demo', contextLength: 4096 }
  const parsed = (bytes: Buffer): unknown => JSON.parse(bytes.toString())
  expect(parsed(listModelsBody('openai', [model]))).toEqual({
    object: 'list',
    data: [{ id: 'a', object: 'model', created: 1_700_000_000, owned_by: 'demo' }],
  })
  expect(parsed(listModelsBody('anthropic', [model]))).toMatchObject({
    data: [{ type: 'model', id: 'a', display_name: 'a', created_at: '2023-11-14T22:13:20.000Z' }],
    has_more: false,
    first_id: 'a',
    last_id: 'a',
  })
  expect(parsed(listModelsBody('anthropic', []))).toEqual({
    data: [],
    has_more: false,
    first_id: null,
    last_id: null,
  })
  expect(parsed(listModelsBody('gemini', [model]))).toMatchObject({
    models: [{ name: 'models/a', inputTokenLimit: 4096 }],
  })
  expect(parsed(modelBody('openai', model))).toMatchObject({ id: 'a', object: 'model' })
})

test('each way of speaking has its own errors, status and ping', () => {
  const fault = new Fault('unavailable', 'later', { reason: 'overloaded' })
  const told = Object.values(callers).map(caller => [
    caller.name,
    caller.errorStatus(fault),
    caller.errorBody(fault, 'r1').toString().slice(0, 9),
    caller.ping?.slice(0, 6),
    caller.streams,
  ])
  expect(told).toEqual([
    ['openai', 503, '{"error":', ': ping', false],
    ['responses', 503, '{"error":', ': ping', false],
    ['anthropic', 529, '{"type":"', 'event:', false],
    ['gemini', 503, '{"error":', ': ping', false],
    ['geminiArray', 503, '[{"error"', undefined, false],
    ['ollama', 503, '{"error":', undefined, true],
    ['ollamaGenerate', 503, '{"error":', undefined, true],
  ])
  for (const { ping, dialect } of Object.values(callers))
    if (ping) expect(decode(dialect, Buffer.from(ping)).map(({ type }) => type)).toEqual(['fault'])
})
